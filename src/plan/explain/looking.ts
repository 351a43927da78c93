import type { WorkloadId } from '../../model/ids.ts';
import type { Plan, Step } from '../../model/plan.ts';
import { compile } from '../compile.ts';
import { type Context, openContext } from '../context.ts';
import type { PlanInputs } from '../inputs.ts';
import type { MatchedWorkload } from '../match.ts';
import { openNotes } from '../notes.ts';
import { createPlan } from '../plan.ts';
import { type PlannedWorld, worldWithout } from '../simulate/world.ts';
import { chooseTarget, type Target } from '../target.ts';

/** The world as it is, the plan for it, and a planner's context in which nothing is placed yet. */
export interface Looking {
  readonly inputs: PlanInputs;
  readonly plan: Plan;
  readonly world: PlannedWorld;
  readonly context: Context;
  readonly workloads: ReadonlyMap<WorkloadId, MatchedWorkload>;
}

export function look(inputs: PlanInputs): Looking {
  const compiled = compile(inputs);
  const plan = createPlan(inputs, compiled);
  const world = worldWithout(inputs, plan, compiled);
  return {
    inputs,
    plan,
    world,
    context: openContext(inputs, compiled),
    workloads: new Map(world.workloads.map((workload) => [workload.id, workload])),
  };
}

/** The revision that a workload is planned on; undefined when there is none that could be tried. */
export function targetOf({ context }: Looking, workload: MatchedWorkload): Target | undefined {
  const { definition } = workload;
  return definition && chooseTarget({ ...context, notes: openNotes() }, workload, definition);
}

/** What the plan says of a subject, refusals and warnings. */
export function saidOf({ plan }: Looking, subject: string): Pick<Plan, 'refusals' | 'warnings'> {
  const isAbout = (entry: { readonly subject?: string }): boolean => entry.subject === subject;
  return { refusals: plan.refusals.filter(isAbout), warnings: plan.warnings.filter(isAbout) };
}

/** What the plan does next, in short. */
export interface NextStep extends Pick<Step, 'kind' | 'instance' | 'node' | 'cause' | 'reason' | 'order' | 'wave'> {
  readonly from?: Step['from'];
  /** How many waves its unit has. */
  readonly of: number;
}

export function nextStepOf({ plan }: Looking, step: Step): NextStep {
  const { kind, instance, node, cause, reason, order, wave, from } = step;
  const of = plan.units.find(({ id }) => id === step.unit)?.waves.length ?? 1;
  return { kind, instance, node, cause, reason, order, wave, of, ...(from !== undefined && { from }) };
}

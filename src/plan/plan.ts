import type { DesiredWorkload } from '../model/desired.ts';
import type { InstanceId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import { noteApprovals } from './approvals.ts';
import { assemble, type Outline, outline } from './assemble.ts';
import { type Compiled, compile, isFor } from './compile.ts';
import { compileLifecycles } from './compile-nodes.ts';
import { type Context, openContext } from './context.ts';
import { decide, type Intent, isIdle } from './decide.ts';
import { afterOthers } from './follow.ts';
import { type HeldTransactions, heldAtFirst, isPending } from './held.ts';
import { heldBy } from './hold.ts';
import type { PlanInputs } from './inputs.ts';
import { type MatchedWorkload, match } from './match.ts';
import { placeAll } from './place/place.ts';
import { prune } from './prune.ts';
import { overQuota } from './quota-drain.ts';
import { noteCordons, noteFrozen, noteOrphans, noteUnseen, noteWorld, refuseUnreachableLeavers } from './remarks.ts';
import { chooseTarget } from './target.ts';
import { noteHeld } from './transactions.ts';
import { buildUnits, type UnitDraft } from './units.ts';

/**
 * The steps that take recorded + observed to desired, and what cannot be done. Pure: the same inputs give the same
 * bytes, and their order does not matter. What a user did wrong is a refusal or a warning in the plan; it never throws
 * for that. `compiled` may be given where several plans are made for one world; it changes nothing but the time it takes.
 */
export function createPlan(inputs: PlanInputs, compiled: Compiled = compile(inputs)): Plan {
  const { context, units, unchanged } = solve(inputs, compiled);
  return assemble(context, units, unchanged);
}

/** The same as far as steps, refusals and warnings go: questions to the planner need no more. */
export function outlinePlan(inputs: PlanInputs, compiled: Compiled): Outline {
  const { context, units } = solve(inputs, compiled);
  return outline(context, units);
}

interface Solved {
  readonly context: Context;
  readonly units: readonly UnitDraft[];
  /** Instances that are left as they are. */
  readonly unchanged: number;
}

/**
 * Once; and where a transaction cannot be brought whole to what git asks for, again with all of it on what was good last.
 * Each time more of them are held, so it ends.
 */
function solve(inputs: PlanInputs, compiled: Compiled): Solved {
  let held = heldAtFirst(inputs);
  let { more, ...solved } = solveHolding(inputs, compiled, held);
  while (more.size > 0) {
    held = new Map([...held, ...more]);
    // Of a workload that had nothing to do another revision may be wanted now.
    ({ more, ...solved } = solveHolding(inputs, { ...compiled, settled: new Map() }, held));
  }
  return solved;
}

function solveHolding(
  inputs: PlanInputs,
  compiled: Compiled,
  held: HeldTransactions,
): Solved & { readonly more: HeldTransactions } {
  const context = openContext(inputs, compiled, held);
  const settled = settledInstances(context);
  const matched = match(inputs, settled === 0 ? { ...compiled, settled: new Map() } : compiled);
  const { intents, idle } = decideAll(context, matched, overQuota(context, matched));
  const placed = placeAll(context, intents);
  const pruned = prune(
    context,
    matched.filter((workload) => workload.definition === undefined),
  );
  const planned = buildUnits(context, placed, pruned);
  const more = heldBy(context, planned);
  const { units } = planned;
  noteHeld(context);
  remark(context);
  noteApprovals(context, units);
  const unchanged = [...placed.values()].reduce((sum, { intent }) => sum + intent.unchanged, settled + idle);
  return { context, units, unchanged, more };
}

/** Plans one after the other: what only depends on the world is worked out again when that changes. */
export function openPlanner(): (inputs: PlanInputs) => Plan {
  let compiled: Compiled | undefined;
  return (inputs) => {
    if (compiled === undefined) compiled = compile(inputs);
    else if (!isFor(compiled, inputs)) compiled = compileLifecycles(compiled, inputs) ?? compile(inputs);
    return createPlan(inputs, compiled);
  };
}

interface Decided {
  readonly intents: readonly Intent[];
  /** Instances of workloads that have nothing to do. */
  readonly idle: number;
}

/**
 * Instances of workloads that an earlier plan on the same world found nothing to do for; none where all have to be looked
 * at: to make room for others, or because a quota was lowered.
 */
function settledInstances({ inputs, compiled, quotas }: Context): number {
  if (compiled.settled.size === 0 || inputs.recorded.overrides.length + inputs.recorded.inFlight.length > 0) return 0;
  if (mayPreempt(inputs) || quotas.rows.some((row) => row.before > row.limit)) return 0;
  let instances = 0;
  for (const definition of inputs.desired.workloads) instances += compiled.settled.get(definition) ?? 0;
  return instances;
}

const mayPreempt = ({ desired }: PlanInputs): boolean =>
  desired.workloads.some(({ preemption }) => preemption === 'lower');

/** Every workload that git wants, unless it is frozen or has no revision that could be tried. */
function decideAll(context: Context, matched: readonly MatchedWorkload[], over: ReadonlySet<InstanceId>): Decided {
  const intents: Intent[] = [];
  let idle = 0;
  // Whoever may have to make room for others is looked at, whether or not it has something to do itself.
  const needsAll = mayPreempt(context.inputs);
  for (const workload of matched) {
    const { definition, frozen } = workload;
    if (frozen !== undefined) noteFrozen(context, workload);
    if (definition === undefined || frozen !== undefined) continue;
    const decided = decideOne(context, workload, definition, over);
    if (decided === undefined) continue;
    const intent = afterOthers(context, decided);
    if (needsAll || !isIdle(intent)) intents.push(intent);
    else idle += intent.unchanged;
  }
  return { intents, idle };
}

function decideOne(
  context: Context,
  workload: MatchedWorkload,
  definition: DesiredWorkload,
  over: ReadonlySet<InstanceId>,
): Intent | undefined {
  const said = saidSoFar(context);
  const target = chooseTarget(context, workload, definition);
  if (target === undefined) return undefined;
  const intent = decide(context, workload, definition, { target, over });
  // What was said has to be said again next time: it is settled only when there was nothing to say, and nobody to be held back with.
  const isTied = definition.transaction !== undefined && isPending(context.inputs, definition);
  if (isIdle(intent) && !isTied && saidSoFar(context) === said)
    context.compiled.settled.set(definition, intent.unchanged);
  return intent;
}

const saidSoFar = ({ notes, unseenInstances, blocked }: Context): number =>
  notes.warnings.length + notes.refusals.length + unseenInstances.size + blocked.count;

function remark(context: Context): void {
  noteWorld(context);
  noteCordons(context);
  noteOrphans(context);
  noteUnseen(context);
  refuseUnreachableLeavers(context);
}

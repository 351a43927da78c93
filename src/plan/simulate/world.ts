import type { SpreadRule } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { Plan, PlanSummary } from '../../model/plan.ts';
import { worldAfter } from '../after.ts';
import type { Cluster } from '../cluster.ts';
import { type Compiled, compile } from '../compile.ts';
import type { PlanInputs } from '../inputs.ts';
import type { Instance } from '../instances.ts';
import { type MatchedWorkload, match } from '../match.ts';
import { spreadRulesOf } from '../place/spread.ts';
import { createPlan } from '../plan.ts';
import { pushTo } from '../push-to.ts';
import { openRequirements } from '../rules.ts';

/** The world that nodes are taken from: as the plan leaves it, looked at once for any number of losses. */
export interface PlannedWorld {
  readonly inputs: PlanInputs;
  /** What led here from the world as it is. */
  readonly plan: Plan;
  readonly compiled: Compiled;
  readonly cluster: Cluster;
  readonly workloads: readonly MatchedWorkload[];
  /** What is on each node that holds something which git wants, by workload id and ordinal. */
  readonly onNode: ReadonlyMap<NodeName, readonly Resident[]>;
  /** `code subject` of what is refused with no node lost. */
  readonly refused: ReadonlySet<string>;
  /** Its own spread rules and those that policies force upon it. */
  readonly spreadsOf: (workload: MatchedWorkload) => readonly SpreadRule[];
}

export interface Resident {
  readonly workload: MatchedWorkload;
  readonly instance: Instance;
}

/** The world as it will be once the plan of these inputs is applied. Nothing to do: as it is. */
export function plannedWorld(inputs: PlanInputs): PlannedWorld {
  const compiled = compile(inputs);
  const plan = createPlan(inputs, compiled);
  return plan.steps.length === 0 ? worldOf(inputs, plan, compiled) : worldWith(inputs, plan);
}

/** The same for a plan that was made already. */
export function worldWith(inputs: PlanInputs, plan: Plan): PlannedWorld {
  const after = plan.steps.length === 0 ? inputs : { ...inputs, ...worldAfter(inputs, plan) };
  return worldOf(after, plan, compile(after));
}

/** The world as it is, whatever is planned. `compiled` is of these inputs. */
export const worldWithout = (inputs: PlanInputs, plan: Plan, compiled: Compiled = compile(inputs)): PlannedWorld =>
  worldOf(inputs, plan, compiled);

function worldOf(inputs: PlanInputs, plan: Plan, compiled: Compiled): PlannedWorld {
  const { cluster } = compiled;
  // Those that have nothing to do are looked at as well.
  const workloads = match(inputs, { instances: compiled.instances, settled: new Map() });
  const onNode = new Map<NodeName, Resident[]>();
  for (const workload of workloads) {
    for (const instance of wantedOf(workload)) {
      if (isThere(instance)) pushTo(onNode, instance.node.name, { workload, instance });
    }
  }
  const refused = new Set(plan.refusals.map(({ code, subject }) => `${code} ${subject}`));
  const requirementsFor = openRequirements(inputs.desired.policies);
  const spreadsOf = ({ definition }: MatchedWorkload): readonly SpreadRule[] =>
    definition === undefined ? [] : spreadRulesOf(definition, requirementsFor(definition.namespace));
  return { inputs, plan, compiled, cluster, workloads, onNode, refused, spreadsOf };
}

/** Instances of a workload that git still wants. */
export function wantedOf({ definition, instances }: MatchedWorkload): readonly Instance[] {
  if (definition === undefined) return [];
  if (definition.type === 'daemon') return instances;
  return instances.filter(({ ordinal }) => ordinal < definition.replicas);
}

/** On its node, in whatever condition: what is held for a while, or lost already, is not. */
export const isThere = ({ status }: Instance): boolean => status !== 'held' && status !== 'lost';

/** Which world nodes are taken from. */
export interface SimulationBasis {
  /** `present`: the plan does nothing, so that the world stays what it is. */
  readonly kind: 'planned' | 'present';
  readonly summary: PlanSummary;
  /** What the plan refuses anyway, with no node lost. */
  readonly refused: number;
}

export const basisOf = ({ plan }: PlannedWorld): SimulationBasis => ({
  kind: plan.steps.length === 0 ? 'present' : 'planned',
  summary: plan.summary,
  refused: plan.refusals.length,
});

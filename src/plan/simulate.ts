import type { InstanceId, NodeName } from '../model/ids.ts';
import type { Refusal } from '../model/plan.ts';
import type { PlanInputs } from './inputs.ts';
import { type Hit, hitsOf } from './simulate/hit.ts';
import { loseNodes } from './simulate/lose.ts';
import { basisOf, type PlannedWorld, plannedWorld, type SimulationBasis } from './simulate/world.ts';

/** What becomes of a cluster that loses nodes. Plain data, the same for text and JSON. */
export interface Simulation {
  readonly cluster: string;
  readonly basis: SimulationBasis;
  /** The nodes that are lost, by name. */
  readonly lost: readonly NodeName[];
  /** Instances that were there. */
  readonly instances: number;
  /** Workloads that lose something, by id. */
  readonly workloads: readonly Hit[];
  /** Instances that make room for more urgent ones, by id. */
  readonly evicted: readonly InstanceId[];
  /** What is refused only because of the loss, of workloads that lost nothing. */
  readonly refusals: readonly Refusal[];
  /** Everything that may be made anew finds room again, and nothing else gives way for good. */
  readonly survives: boolean;
}

/**
 * What happens when nodes are lost for good, all at the same instant, on the cluster as the plan of these inputs leaves
 * it: planned once without them, by the same planner that would heal it. `lose` are names of nodes that the cluster has.
 */
export function simulate(inputs: PlanInputs, options: { readonly lose: readonly NodeName[] }): Simulation {
  return simulateOn(plannedWorld(inputs), options.lose);
}

/** The same for a world that was planned already: several losses of one world share it. */
export function simulateOn(world: PlannedWorld, lose: readonly NodeName[]): Simulation {
  const lost = [...new Set(lose)].sort();
  const loss = loseNodes(world, lost);
  return {
    cluster: world.inputs.desired.cluster.name,
    basis: basisOf(world),
    lost,
    instances: loss.displaced.reduce((sum, { instances }) => sum + instances.length, 0),
    workloads: hitsOf(world, loss),
    evicted: loss.evicted,
    refusals: loss.refusals,
    survives: loss.survives,
  };
}

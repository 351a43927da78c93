import type { WorkloadId } from '../../model/ids.ts';
import type { PlannedUnit } from '../../model/plan.ts';
import type { Allocation } from '../../model/recorded.ts';
import { allocationsOf, observedAt, type Verifier } from './base.ts';
import { type Item, openWork, type UnitWork, type World } from './world.ts';

/** Where the instances of a workload are once the plan is through: a node for each. */
export type Aftermath = (workload: WorkloadId) => readonly number[];

/** Counted for a workload when it is first asked for. */
export function createAftermath(world: World): Aftermath {
  const known = new Map<WorkloadId, readonly number[]>();
  let units: ReadonlyMap<string, PlannedUnit> | undefined;
  return (workload) => {
    let nodes = known.get(workload);
    if (nodes === undefined) {
      units ??= new Map(world.plan.units.map((unit) => [unit.id, unit]));
      const unit = units.get(workload);
      nodes =
        unit === undefined
          ? standing(world.base, allocationsOf(world.base, workload), new Set())
          : nodesAfter(world.base, openWork(world, unit));
      known.set(workload, nodes);
    }
    return nodes;
  };
}

export function nodesAfter(base: Verifier, { items, allocations }: UnitWork): readonly number[] {
  const ended = new Set<number>();
  const made: number[] = [];
  for (const { shape, oldIndex, node } of items) {
    if (shape.ends) ended.add(oldIndex);
    if (shape.makes) made.push(node);
  }
  return allocations.length === 0 ? made : [...made, ...standing(base, allocations, ended)];
}

/** What was stopped for good is no instance any more, and what is on a lost node is not counted on. */
export function standing(base: Verifier, allocations: Int32Array, ended: ReadonlySet<number>): readonly number[] {
  const nodes: number[] = [];
  for (const index of allocations) {
    const { state } = base.allocations[index] as Allocation;
    const home = base.homes[index] as number;
    if (ended.has(index) || (state !== 'live' && state !== 'reserved')) continue;
    if (observedAt(base, home)?.liveness !== 'lost') nodes.push(home);
  }
  return nodes;
}

/** Puts an instance on a node where it was not before. */
export const isNewcomer = ({ shape, step }: Item): boolean => shape.makes && step.replaces?.node !== step.node;

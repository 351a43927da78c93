import type { WorkloadId } from '../../model/ids.ts';
import type { Allocation } from '../../model/recorded.ts';
import { allocationsOf, observedAt, type Verifier } from './base.ts';
import type { Item, UnitWork } from './world.ts';

/** Where the instances of a workload are once the plan is through: a node for each. */
export type Aftermath = (workload: WorkloadId) => readonly number[];

/** `planned`: of the workloads that have a unit, `nodesAfter` it. Of others it is counted when it is first asked for. */
export function createAftermath(base: Verifier, planned: ReadonlyMap<WorkloadId, readonly number[]>): Aftermath {
  const known = new Map<WorkloadId, readonly number[]>();
  return (workload) => {
    let nodes = planned.get(workload) ?? known.get(workload);
    if (nodes === undefined) {
      nodes = standing(base, allocationsOf(base, workload), nobody);
      known.set(workload, nodes);
    }
    return nodes;
  };
}

const nobody: ReadonlySet<number> = new Set();

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

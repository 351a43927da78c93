import type { Desired, DesiredWorkload } from '../model/desired.ts';
import type { InstanceId, WorkloadId } from '../model/ids.ts';
import type { Step } from '../model/plan.ts';
import type { Allocation, Recorded } from '../model/recorded.ts';
import { type Cluster, compileCluster } from '../plan/cluster.ts';
import { whyMisplaced } from '../plan/place/feasible.ts';

/** Instances that a workload's disruption budget is counted over while `steps` are carried out, in ordinal order. */
export type CountedOf = (workload: DesiredWorkload, steps: readonly Step[]) => readonly InstanceId[];

/**
 * Counts as the planner does: what is recorded and still wanted. What was never born is not missed, nor what a quota or
 * its node's drain takes away for good; a static instance that is stopped for its node's maintenance is.
 */
export function openCounted(world: {
  readonly desired: Desired;
  readonly recorded: Recorded;
  readonly now: number;
}): CountedOf {
  const byWorkload = new Map<WorkloadId, Allocation[]>();
  for (const allocation of world.recorded.allocations) {
    const own = byWorkload.get(allocation.workload);
    if (own === undefined) byWorkload.set(allocation.workload, [allocation]);
    else own.push(allocation);
  }
  let compiled: Cluster | undefined;
  const cluster = (): Cluster => {
    compiled ??= compileCluster({ ...world, observed: { takenAt: world.now, nodes: new Map(), objects: [] } });
    return compiled;
  };
  return (workload, steps) => {
    const own = (byWorkload.get(workload.id) ?? []).filter((allocation) => isMissed(workload, allocation));
    if (workload.type === 'daemon') return daemonsOf(workload, own, cluster());
    const gone = new Set(steps.filter(({ kind, cause }) => kind === 'remove' && cause === 'quota').map(instanceOf));
    const wanted = own.filter(({ ordinal, instance }) => ordinal < workload.replicas && !gone.has(instance));
    return [...new Set(wanted.map(instanceOf))];
  };
}

const instanceOf = ({ instance }: Pick<Step, 'instance'>): InstanceId => instance;

const isMissed = ({ type }: DesiredWorkload, { state }: Allocation): boolean =>
  state !== 'reserved' && (state !== 'held' || type === 'static');

/** One for each node that it is for. */
function daemonsOf(
  { placement, revision }: DesiredWorkload,
  own: readonly Allocation[],
  { nodes, indexOf }: Cluster,
): readonly InstanceId[] {
  const served = new Map<number, InstanceId>();
  for (const allocation of own) {
    const node = nodes[indexOf.get(allocation.node) ?? -1];
    if (node === undefined || node.draining || served.has(node.index)) continue;
    if (whyMisplaced(node, placement, revision.engine) === undefined) served.set(node.index, allocation.instance);
  }
  return [...served.values()];
}

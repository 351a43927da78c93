import type { DesiredWorkload } from '../model/desired.ts';
import type { AllocationId, InstanceId, NodeName, WorkloadId } from '../model/ids.ts';
import { instanceId, workloadOfUnit } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { Allocation, RecordedWorkload } from '../model/recorded.ts';
import { type Cluster, type ClusterNode, isReachable } from './cluster.ts';
import { type PlanInputs, workloadsById } from './inputs.ts';

/**
 * What is known of a recorded instance:
 * - `running`: its object runs, and no check says otherwise
 * - `busy`: it is there, but is starting or being restarted by its engine: unavailable, and left alone
 * - `unhealthy`, `dead`, `gone`: runs and fails its check, does not run, has no object: to be healed
 * - `held`: stopped on purpose, kept for a while
 * - `lost`: its node is lost · `unknown`: nobody can see it, so nothing is concluded
 */
export type InstanceStatus = 'running' | 'busy' | 'unhealthy' | 'dead' | 'gone' | 'held' | 'lost' | 'unknown';

export interface Instance {
  readonly id: InstanceId;
  readonly ordinal: number;
  readonly status: InstanceStatus;
  /** Runs and is not known to be unhealthy. */
  readonly available: boolean;
  readonly allocation: Allocation;
  readonly node: ClusterNode;
  readonly object: ObservedObject | undefined;
  /** Older incarnations that are still recorded: left over, to be released. */
  readonly leftovers: readonly Allocation[];
}

export interface MatchedWorkload {
  readonly id: WorkloadId;
  /** Absent when it has left git. */
  readonly definition: DesiredWorkload | undefined;
  readonly record: RecordedWorkload | undefined;
  /** Recorded instances by ordinal. */
  readonly instances: readonly Instance[];
  /** A unit of it is under way, or an override freezes it: no steps. */
  readonly frozen: 'inFlight' | 'override' | undefined;
}

export interface Matched {
  /** Every workload that git or the records know, by id. */
  readonly workloads: readonly MatchedWorkload[];
  /** Our objects without an allocation. */
  readonly orphans: readonly ObservedObject[];
}

export function match(inputs: PlanInputs, cluster: Cluster): Matched {
  const definitions = workloadsById(inputs.desired);
  const objects = objectsByAllocation(inputs);
  const allocations = new Map<WorkloadId, Allocation[]>();
  for (const allocation of inputs.recorded.allocations) {
    const list = allocations.get(allocation.workload);
    if (list === undefined) allocations.set(allocation.workload, [allocation]);
    else list.push(allocation);
  }
  const frozen = frozenWorkloads(inputs);
  const ids = new Set([...definitions.keys(), ...inputs.recorded.workloads.keys(), ...allocations.keys()]);
  const workloads = [...ids].sort().map(
    (id): MatchedWorkload => ({
      id,
      definition: definitions.get(id),
      record: inputs.recorded.workloads.get(id),
      instances: matchInstances(id, allocations.get(id) ?? [], cluster, objects),
      frozen: frozen.get(id) ?? frozen.get('*'),
    }),
  );
  const recorded = new Set(inputs.recorded.allocations.map((allocation) => allocation.id));
  const orphans = inputs.observed.objects
    .filter((object) => !recorded.has(object.allocation))
    .sort((a, b) => (a.allocation < b.allocation ? -1 : a.allocation > b.allocation ? 1 : 0));
  return { workloads, orphans };
}

function frozenWorkloads(inputs: PlanInputs): ReadonlyMap<string, 'inFlight' | 'override'> {
  const frozen = new Map<string, 'inFlight' | 'override'>();
  for (const override of inputs.recorded.overrides) {
    if (override.kind === 'freeze' && override.until > inputs.now) frozen.set(override.target, 'override');
  }
  for (const { unit } of inputs.recorded.inFlight) frozen.set(workloadOfUnit(unit), 'inFlight');
  return frozen;
}

type ObjectKey = `${NodeName}:${AllocationId}`;

function objectsByAllocation(inputs: PlanInputs): ReadonlyMap<ObjectKey, ObservedObject> {
  return new Map(inputs.observed.objects.map((object) => [`${object.node}:${object.allocation}`, object]));
}

function matchInstances(
  workload: WorkloadId,
  allocations: readonly Allocation[],
  cluster: Cluster,
  objects: ReadonlyMap<ObjectKey, ObservedObject>,
): readonly Instance[] {
  const sorted = [...allocations].sort((a, b) => a.ordinal - b.ordinal || b.generation - a.generation);
  const instances: Instance[] = [];
  for (let first = 0; first < sorted.length; ) {
    const ordinal = sorted[first]?.ordinal ?? 0;
    let end = first + 1;
    while (sorted[end]?.ordinal === ordinal) end += 1;
    const same = sorted.slice(first, end);
    first = end;
    // The live one speaks for the instance; without one, the newest.
    const current = same.find((allocation) => allocation.state === 'live') ?? same[0];
    if (current === undefined) continue;
    const node = cluster.nodes[cluster.indexOf.get(current.node) ?? -1];
    if (node === undefined) continue;
    const object = objects.get(`${current.node}:${current.id}`);
    const status = statusOf(current, node, object);
    instances.push({
      id: instanceId(workload, ordinal),
      ordinal,
      status,
      available: status === 'running' && object?.health !== 'unknown',
      allocation: current,
      node,
      object,
      leftovers: same.filter((allocation) => allocation !== current),
    });
  }
  return instances;
}

function statusOf(allocation: Allocation, node: ClusterNode, object: ObservedObject | undefined): InstanceStatus {
  if (allocation.state === 'held') return 'held';
  if (allocation.state === 'lost' || node.liveness === 'lost') return 'lost';
  if (!isReachable(node, allocation.engine)) return 'unknown';
  if (object === undefined) return node.observed === undefined ? 'unknown' : 'gone';
  if (object.state === 'restarting') return 'busy';
  if (object.state !== 'running') return 'dead';
  if (object.health === 'unhealthy') return 'unhealthy';
  return object.health === 'starting' ? 'busy' : 'running';
}

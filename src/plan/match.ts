import type { DesiredWorkload } from '../model/desired.ts';
import type { InstanceId, WorkloadId } from '../model/ids.ts';
import { workloadOfUnit } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { Allocation, RecordedWorkload } from '../model/recorded.ts';
import { type Cluster, type ClusterNode, isReachable } from './cluster.ts';
import type { Compiled, ObjectIndex } from './compile.ts';
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

/** Every workload that git or the records know, by id. */
export function match(inputs: PlanInputs, instances: Compiled['instances']): readonly MatchedWorkload[] {
  const definitions = workloadsById(inputs.desired);
  const frozen = frozenWorkloads(inputs);
  const ids = new Set([...definitions.keys(), ...inputs.recorded.workloads.keys(), ...instances.keys()]);
  return sorted([...ids]).map(
    (id): MatchedWorkload => ({
      id,
      definition: definitions.get(id),
      record: inputs.recorded.workloads.get(id),
      instances: instances.get(id) ?? none,
      frozen: frozen.get(id) ?? frozen.get('*'),
    }),
  );
}

/** Mostly they are sorted already. */
function sorted(ids: WorkloadId[]): readonly WorkloadId[] {
  for (let i = 1; i < ids.length; i += 1) {
    if ((ids[i] as WorkloadId) < (ids[i - 1] as WorkloadId)) return ids.sort();
  }
  return ids;
}

function frozenWorkloads(inputs: PlanInputs): ReadonlyMap<string, 'inFlight' | 'override'> {
  const frozen = new Map<string, 'inFlight' | 'override'>();
  for (const override of inputs.recorded.overrides) {
    if (override.kind === 'freeze' && override.until > inputs.now) frozen.set(override.target, 'override');
  }
  for (const { unit } of inputs.recorded.inFlight) frozen.set(workloadOfUnit(unit), 'inFlight');
  return frozen;
}

/** The object on the allocation's own node; the last of several. */
function objectFor({ id, node }: Allocation, objects: ObjectIndex): ObservedObject | undefined {
  const found = objects.get(id);
  if (found === undefined) return undefined;
  if ('objectId' in found) return found.node === node ? found : undefined;
  return found.findLast((object) => object.node === node);
}

/** What is known of each recorded instance of one workload. */
export function matchInstances(
  allocations: readonly Allocation[],
  cluster: Cluster,
  objects: ObjectIndex,
): readonly Instance[] {
  const ordered = isAscending(allocations) ? allocations : [...allocations].sort(byOrdinalNewestFirst);
  const instances: Instance[] = [];
  for (let first = 0; first < ordered.length; ) {
    const ordinal = ordered[first]?.ordinal ?? 0;
    let end = first + 1;
    while (ordered[end]?.ordinal === ordinal) end += 1;
    const same = end - first === 1 ? noLeftovers : ordered.slice(first, end);
    // The live one speaks for the instance; without one, the newest.
    const current = same.find((allocation) => allocation.state === 'live') ?? ordered[first];
    first = end;
    if (current === undefined) continue;
    const node = cluster.nodes[cluster.indexOf.get(current.node) ?? -1];
    if (node === undefined) continue;
    const object = objectFor(current, objects);
    const status = statusOf(current, node, object);
    instances.push({
      id: current.instance,
      ordinal,
      status,
      available: status === 'running' && object?.health !== 'unknown',
      allocation: current,
      node,
      object,
      leftovers: same.length === 0 ? noLeftovers : same.filter((allocation) => allocation !== current),
    });
  }
  return instances;
}

const noLeftovers: readonly Allocation[] = [];
const none: readonly Instance[] = [];

const byOrdinalNewestFirst = (a: Allocation, b: Allocation): number =>
  a.ordinal - b.ordinal || b.generation - a.generation;

/** True when each ordinal is there once, and they are in order. */
function isAscending(allocations: readonly Allocation[]): boolean {
  for (let i = 1; i < allocations.length; i += 1) {
    if ((allocations[i] as Allocation).ordinal <= (allocations[i - 1] as Allocation).ordinal) return false;
  }
  return true;
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

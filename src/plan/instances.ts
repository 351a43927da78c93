import type { InstanceId } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { Allocation } from '../model/recorded.ts';
import { type Cluster, type ClusterNode, isReachable } from './cluster.ts';

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

/** Finds what is on the engines. */
export interface Objects {
  /** Its object on its own node: the recorded one, where it was started twice. */
  of(allocation: Allocation): ObservedObject | undefined;
  /** Those of no recorded allocation, sorted by what they say they are of. */
  orphans(allocations: readonly Allocation[]): readonly ObservedObject[];
}

/** What is known of each recorded instance of one workload. */
export function matchInstances(
  allocations: readonly Allocation[],
  cluster: Cluster,
  objects: Objects,
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
    const object = objects.of(current);
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

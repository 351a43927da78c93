import type { InstanceId } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { Allocation } from '../model/recorded.ts';
import { type Cluster, type ClusterNode, isReachable } from './cluster.ts';
import { pushTo } from './push-to.ts';

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

/** What instances are matched from. */
export interface Records {
  readonly allocations: readonly Allocation[];
  readonly cluster: Pick<Cluster, 'nodes' | 'homes'>;
  readonly objects: Objects;
}

/** What is known of each recorded instance of one workload, by ordinal. `own`: positions of its allocations. */
export function matchInstances(own: readonly number[], records: Records): readonly Instance[] {
  const { allocations } = records;
  const at = (index: number): Allocation => allocations[own[index] as number] as Allocation;
  const instances: Instance[] = [];
  let last = -1;
  for (let index = 0; index < own.length; index += 1) {
    const { ordinal } = at(index);
    if (ordinal <= last) return matchLeftovers(own, records);
    last = ordinal;
    instances.push(instanceAt(own[index] as number, noLeftovers, records));
  }
  return instances;
}

/** The same where several incarnations of an instance are recorded, or they are not in order. */
function matchLeftovers(own: readonly number[], records: Records): readonly Instance[] {
  const { allocations } = records;
  const at = (position: number): Allocation => allocations[position] as Allocation;
  const ordered = [...own].sort((a, b) => at(a).ordinal - at(b).ordinal || at(b).generation - at(a).generation);
  const byOrdinal = new Map<number, number[]>();
  for (const position of ordered) pushTo(byOrdinal, at(position).ordinal, position);
  return [...byOrdinal.values()].map((same) => {
    const current = spokesman(same, records);
    return instanceAt(current, same.filter((position) => position !== current).map(at), records);
  });
}

/**
 * Of several incarnations, the newest first, the one that speaks for the instance: a live one that serves, so that the
 * one that users have is not the one that goes; else a live one, else the newest.
 */
function spokesman(same: readonly number[], records: Records): number {
  const live = same.filter((position) => records.allocations[position]?.state === 'live');
  const serving = live.length < 2 ? undefined : live.find((at) => instanceAt(at, noLeftovers, records).available);
  return serving ?? live[0] ?? (same[0] as number);
}

function instanceAt(position: number, leftovers: readonly Allocation[], records: Records): Instance {
  const { cluster, objects } = records;
  const allocation = records.allocations[position] as Allocation;
  const node = cluster.nodes[cluster.homes[position] as number] as ClusterNode;
  const object = objects.of(allocation);
  const status = statusOf(allocation, node, object);
  return {
    id: allocation.instance,
    ordinal: allocation.ordinal,
    status,
    available: status === 'running' && object?.health !== 'unknown',
    allocation,
    node,
    object,
    leftovers,
  };
}

const noLeftovers: readonly Allocation[] = [];

/** It has to be made anew: also what an unfinished run has only reserved, unless it serves already. */
export const isDown = ({ status, allocation, available }: Instance): boolean =>
  status === 'dead' || status === 'gone' || status === 'unhealthy' || (allocation.state === 'reserved' && !available);

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

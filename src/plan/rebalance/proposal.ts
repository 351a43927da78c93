import type { Strategy } from '../../model/desired.ts';
import type { InstanceId, NodeName, PodName, WorkloadId } from '../../model/ids.ts';
import type { Instance } from '../instances.ts';
import type { MatchedWorkload } from '../match.ts';

/** An instance that should leave its node. Where it goes is the planner's choice. */
export interface Proposal {
  readonly instance: InstanceId;
  readonly workload: WorkloadId;
  readonly from: NodeName;
  /** Completes "moves, since …". */
  readonly reason: string;
}

/** Runs, and does not belong to its node: nothing that would lose data, or that nobody may touch. */
export function isMovable({ definition, frozen }: MatchedWorkload, instance: Instance): boolean {
  if (definition === undefined || frozen !== undefined || !instance.available) return false;
  if (definition.type === 'daemon' || definition.type === 'static') return false;
  return instance.allocation.state === 'live' && !hasLocalData(instance);
}

/** Volumes on devices of its node: it would start anew without what is in them. */
const hasLocalData = ({ allocation }: Instance): boolean => (allocation.holds.volumes ?? []).length > 0;

export interface EvenOptions {
  /** Workloads that may be on other pods as well are left alone. Absent: all. */
  readonly pods: readonly PodName[] | undefined;
  readonly isOpen: (instance: InstanceId) => boolean;
}

/** Its own, else that of its only pod; over several pods counts are evened out. */
export function strategyOf({ definition }: MatchedWorkload, strategies: ReadonlyMap<string, Strategy>): Strategy {
  const { strategy, pods = [] } = definition?.placement ?? {};
  return strategy ?? (pods.length === 1 ? strategies.get(pods[0] ?? '') : undefined) ?? 'auto';
}

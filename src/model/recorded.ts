import type {
  AllocationId,
  ClusterUid,
  EngineKind,
  InstanceId,
  NodeName,
  RevisionHash,
  RunId,
  UnitId,
  WorkloadId,
} from './ids.ts';
import type { Resources } from './resources.ts';
import type { Revision } from './revision.ts';

/** What Muster last committed to the store, read at one store revision. */
export interface Recorded {
  readonly storeRevision: number;
  /** Absent before the first apply. */
  readonly identity?: ClusterIdentity;
  readonly workloads: ReadonlyMap<WorkloadId, RecordedWorkload>;
  /** Sorted by workload, ordinal, generation. */
  readonly allocations: readonly Allocation[];
  readonly revisions: ReadonlyMap<RevisionHash, Revision>;
  readonly nodes: ReadonlyMap<NodeName, RecordedNode>;
  readonly overrides: readonly Override[];
  /** Units of runs that are not finished: their workloads are frozen, their holds stay charged. */
  readonly inFlight: readonly InFlightUnit[];
}

export interface ClusterIdentity {
  readonly formatVersion: string;
  readonly uid: ClusterUid;
  /** Raised by a restore, so that tokens of before are stale. */
  readonly epoch: number;
}

export interface RecordedWorkload {
  /** The revision that last passed its gates; what a rollback returns to. */
  readonly lastGood?: RevisionHash;
  /** Revisions that failed a health gate: not tried again until git changes or `muster retry`. */
  readonly failed: readonly FailedRevision[];
  /** Never reused, not even after a removal. */
  readonly nextGeneration: number;
  /** When the workload was first seen to have left git (Unix ms). */
  readonly missingSince?: number;
}

export interface FailedRevision {
  readonly revision: RevisionHash;
  readonly at: number;
  readonly reason: string;
}

/** `reserved → live → stopping → (held | lost) → gone`; `gone` is the record's deletion. */
export type AllocationState = 'reserved' | 'live' | 'stopping' | 'held' | 'lost';

export interface Allocation {
  readonly id: AllocationId;
  readonly instance: InstanceId;
  readonly workload: WorkloadId;
  readonly ordinal: number;
  readonly generation: number;
  readonly node: NodeName;
  readonly engine: EngineKind;
  readonly revision: RevisionHash;
  readonly state: AllocationState;
  /** The engine's own id; absent until created. */
  readonly objectId?: string;
  readonly holds: Holds;
  /** When it entered `held` (Unix ms): deletion waits from here. */
  readonly heldSince?: number;
}

/** What an allocation occupies on its node. The names are those of the plan's JSON. */
export interface Holds {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly bandwidthBits?: number;
  readonly extended?: Readonly<Record<string, number>>;
  /** Port name → published host port. */
  readonly ports?: Readonly<Record<string, number>>;
  readonly ip?: string;
}

/** The summable part of what is held. */
export function resourcesOf(holds: Holds): Resources {
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits, extended } = holds;
  return {
    ...(cpuMillis > 0 && { cpuMillis }),
    ...(memoryBytes > 0 && { memoryBytes }),
    ...(storageBytes > 0 && { storageBytes }),
    ...(bandwidthBits !== undefined && bandwidthBits > 0 && { bandwidthBits }),
    ...extended,
  };
}

export interface RecordedNode {
  readonly capacity: Resources;
  readonly liveness: { readonly state: Liveness; readonly since: number };
}

export type Liveness = 'alive' | 'suspect' | 'lost' | 'unknown';

/** A stored, visible, expiring deviation from git. */
export interface Override {
  readonly id: string;
  readonly kind: 'pin' | 'cordon' | 'freeze';
  readonly target: string;
  readonly revision?: RevisionHash;
  readonly actor: string;
  readonly reason: string;
  readonly until: number;
}

export interface InFlightUnit {
  readonly run: RunId;
  readonly unit: UnitId;
  readonly status: string;
}

import type {
  AllocationId,
  ClusterUid,
  EngineKind,
  InstanceId,
  NodeName,
  RevisionHash,
  RunId,
  TransactionId,
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
  /** Those that were `lastGood` before it, newest first, each once: what `muster rollback` goes back to. */
  readonly earlier?: readonly RevisionHash[];
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
  /** What leaders that died had asked its engine for; it may still do so for a while after the last of them (`reconcile/late-calls.ts`). */
  readonly lateCalls?: readonly LateCall[];
}

export type LateCall = 'create' | 'start' | 'update';

/** What an allocation occupies on its node. The names are those of the plan's JSON; what is not held is absent. */
export interface Holds {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  /** Its own disk space; volumes are charged on their devices. */
  readonly storageBytes: number;
  readonly bandwidthBits?: number;
  /** Cores that it is bound to, fragments included, as the kernel writes them: `0-1,4`. */
  readonly cpuset?: string;
  /** Of cores that it does not have whole: core → thousandths. */
  readonly cpuFragments?: Readonly<Record<string, number>>;
  /** The NUMA node that its cores and all of its memory are on; absent when they are on several or nobody asked. */
  readonly numaNode?: number;
  /** Sorted by name. */
  readonly volumes?: readonly HeldVolume[];
  /** Extended resources: kind → piece → thousandths of it. */
  readonly devices?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** Port name → published host port. */
  readonly ports?: Readonly<Record<string, number>>;
  /** Its address in the network that its revision names. */
  readonly ip?: string;
}

/** A volume on a device of the node. Rates are per second; absent: none reserved. */
export interface HeldVolume {
  readonly name: string;
  readonly device: string;
  /** What is charged on the device; of an exclusive volume its share of the whole device. */
  readonly bytes: number;
  readonly exclusive?: true;
  readonly readIops?: number;
  readonly writeIops?: number;
  readonly readBps?: number;
  readonly writeBps?: number;
}

/** The pieces of each kind that are held, in thousandths. */
export function extendedOf({ devices }: Pick<Holds, 'devices'>): Readonly<Record<string, number>> {
  if (devices === undefined) return nothingExtended;
  return Object.fromEntries(
    Object.entries(devices).map(([kind, pieces]) => [
      kind,
      Object.values(pieces).reduce((sum, milli) => sum + milli, 0),
    ]),
  );
}

const nothingExtended: Readonly<Record<string, number>> = Object.freeze({});

/** The summable part of what is held. */
export function resourcesOf(holds: Holds): Resources {
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits } = holds;
  return {
    ...(cpuMillis > 0 && { cpuMillis }),
    ...(memoryBytes > 0 && { memoryBytes }),
    ...(storageBytes > 0 && { storageBytes }),
    ...(bandwidthBits !== undefined && bandwidthBits > 0 && { bandwidthBits }),
    ...extendedOf(holds),
  };
}

export interface RecordedNode {
  readonly capacity: Resources;
  readonly liveness: { readonly state: Liveness; readonly since: number };
}

export type Liveness = 'alive' | 'suspect' | 'lost' | 'unknown';

/** What an override on workloads may name for it to hold for this one: the workload, its namespace, or all. */
export const coveringTargets = (id: WorkloadId): readonly [workload: string, namespace: string, all: string] => [
  id,
  id.slice(0, id.indexOf('/')),
  '*',
];

/** A stored, visible, expiring deviation from git. */
export interface Override {
  readonly id: string;
  /**
   * `pin`: a workload stays on another revision · `cordon`: a node accepts nothing new · `freeze`: workloads are left
   * alone · `port`: a node does not give out a port, since its engine refused it
   */
  readonly kind: 'pin' | 'cordon' | 'freeze' | 'port';
  /** A workload or a node; of a freeze also a namespace, or `*`; of a port `NODE:PORT`. */
  readonly target: string;
  readonly revision?: RevisionHash;
  readonly actor: string;
  readonly reason: string;
  /** Unix ms */
  readonly until: number;
}

export interface InFlightUnit {
  readonly run: RunId;
  readonly unit: UnitId;
  readonly status: string;
  /**
   * By wave, what it may still make and take back: to everybody else it occupies the most of that (its envelope). Steps
   * that are behind it are left out, since records say all of them. Absent: nothing was begun.
   */
  readonly waves?: readonly (readonly InFlightStep[])[];
  /** Hash of the workload's definition that it is to bring; git may have moved on. */
  readonly definition?: string;
  /** Others commit together with it: no newer commit takes over before the end of all. */
  readonly transaction?: TransactionId;
  /** It has passed its last gate, and waits for those. */
  readonly isReady?: true;
  /** It is not undone any more: only what is left of it after the last wave counts. */
  readonly committed?: true;
}

/** A step of a unit in flight, as far as what is held goes. */
export interface InFlightStep {
  /** `beside`: the old one goes on until the new one serves · `instead`: it is off before · `inPlace`: it is changed */
  readonly order: 'beside' | 'instead' | 'inPlace';
  /** What there is once it is done; absent when the step only ends something. */
  readonly after?: InFlightHolding;
  /** What there was before; absent when the step only makes something. */
  readonly before?: InFlightHolding;
  /** Nothing was left of the old one on its engine: its disk space is free at once. */
  readonly wasGone?: true;
}

export interface InFlightHolding {
  readonly allocation: AllocationId;
  readonly node: NodeName;
  readonly revision: RevisionHash;
  readonly holds: Holds;
}

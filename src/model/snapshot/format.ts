import type { Desired, Lifecycle } from '../desired.ts';
import type { EngineKind, InstanceId, NodeName, RevisionHash } from '../ids.ts';
import type { ForeignObject, Health, ObjectState, ObservedEngine, ObservedObject } from '../observed.ts';
import type {
  AllocationState,
  ClusterIdentity,
  Holds,
  InFlightUnit,
  Liveness,
  Override,
  RecordedNode,
  RecordedWorkload,
} from '../recorded.ts';
import type { Resources } from '../resources.ts';
import type { Revision } from '../revision.ts';

/**
 * Recorded + observed as one JSON document: what `muster snapshot` writes and `plan --state` reads, so that a plan needs
 * neither store nor engines. `schema/snapshot.schema.json` describes it. What other tools make may leave out everything
 * that is optional here.
 */
export const snapshotFormatVersion = '1.0';

export interface Snapshot {
  readonly formatVersion: string;
  readonly cluster: string;
  /** RFC 3339 */
  readonly takenAt: string;
  readonly storeRevision: number;
  readonly identity?: ClusterIdentity;
  readonly nodes: readonly SnapshotNode[];
  readonly instances?: readonly SnapshotInstance[];
  /** Bodies by hash; parts that are left out are empty. */
  readonly revisions?: Readonly<Record<string, Partial<Revision>>>;
  readonly workloads?: Readonly<Record<string, Partial<RecordedWorkload>>>;
  readonly overrides?: readonly Override[];
  readonly inFlight?: readonly InFlightUnit[];
  /** Our objects that belong to no instance of this snapshot. */
  readonly orphans?: readonly ObservedObject[];
}

export interface SnapshotNode {
  readonly name: NodeName;
  /** As it was declared then; planning goes by what is declared now. */
  readonly lifecycle?: Lifecycle;
  readonly liveness?: Liveness;
  /** What its engines or the store say that it has. Here, as in all that follows, extended resources are in pieces. */
  readonly capacity?: Resources;
  readonly foreign?: readonly ForeignObject[];
  /** What each engine answered; absent: every declared engine answers, with `capacity`. */
  readonly engines?: Readonly<Partial<Record<EngineKind, ObservedEngine>>>;
  readonly recorded?: RecordedNode;
  /** False where the node was recorded, but not looked at. */
  readonly observed?: boolean;
}

export interface SnapshotInstance {
  readonly id: InstanceId;
  readonly generation: number;
  readonly node: NodeName;
  /** Absent: the engine that the workload asks for. */
  readonly engine?: EngineKind;
  /** A hash, or `current`: whatever the workload's desired revision is. Absent: `current`. */
  readonly revision?: RevisionHash | 'current';
  /** Absent or empty: what the revision asks for. */
  readonly holds?: SnapshotHolds;
  /** Of the object on the engine; `missing` when there is none. Absent: `running`. */
  readonly state?: ObjectState | 'missing';
  /** Absent: `healthy` where there is a check, `none` where there is not. */
  readonly health?: Health;
  /** Of the record. Absent: `live`. */
  readonly allocation?: AllocationState;
  readonly objectId?: string;
  /** Unix ms */
  readonly heldSince?: number;
  /** Where the object differs from what the rest of the row lets expect. */
  readonly object?: Partial<Omit<ObservedObject, 'node' | 'engine' | 'allocation' | 'state' | 'health'>>;
}

/** `extended`: pieces, of which the snapshot does not say which they are; Muster itself writes `devices`. */
export type SnapshotHolds = Partial<Holds> & { readonly extended?: Readonly<Record<string, number>> };

/** A mistake in a snapshot, found where structure alone does not show it. */
export interface SnapshotProblem {
  /** JSON pointer into the document */
  readonly pointer: string;
  readonly message: string;
}

/** `desired` is what is planned; `base`, where it is known, is what was applied before. */
export interface SnapshotTrees {
  readonly desired: Desired;
  readonly base?: Desired;
}

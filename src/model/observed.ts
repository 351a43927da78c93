import type { AllocationId, ClusterUid, EngineKind, FencingToken, NodeName, RevisionHash } from './ids.ts';
import type { Holds, Liveness } from './recorded.ts';
import type { Resources } from './resources.ts';
import type { Revision } from './revision.ts';

/** What the engines report now. */
export interface Observed {
  /** Unix ms */
  readonly takenAt: number;
  readonly nodes: ReadonlyMap<NodeName, ObservedNode>;
  /** Objects that carry our cluster's uid, orphans and zombies included. */
  readonly objects: readonly ObservedObject[];
}

export interface ObservedNode {
  readonly liveness: Liveness;
  readonly engines: Readonly<Partial<Record<EngineKind, ObservedEngine>>>;
  readonly foreign: readonly ForeignObject[];
}

export type ObservedEngine =
  | {
      readonly kind: 'reachable';
      readonly version: string;
      readonly fingerprint: string;
      readonly capacity: Resources;
      readonly offers?: EngineOffers;
    }
  | { readonly kind: 'unreachable'; readonly reason: string };

/**
 * Of options that engines of one kind differ in: JSON pointer into a revision → values that this one has. An empty list:
 * none at all. What is not here is believed.
 */
export type EngineOffers = Readonly<Record<string, readonly string[]>>;

/** One of our objects on an engine. */
export interface ObservedObject {
  readonly node: NodeName;
  readonly engine: EngineKind;
  readonly objectId: string;
  readonly name: string;
  readonly cluster: ClusterUid;
  readonly allocation: AllocationId;
  readonly revision: RevisionHash;
  /** Of the leader that made it. Absent: the engine does not say. */
  readonly token?: FencingToken;
  readonly state: ObjectState;
  /** What Muster's own probe or the engine's said; `none` where there is no check. */
  readonly health: Health;
  readonly exitCode?: number;
  /** Unix ms */
  readonly startedAt?: number;
  /** How often the engine restarted it since it was created. */
  readonly restarts?: number;
  /** Port name → host port and address that a client reaches it by. */
  readonly ports: Readonly<Record<string, { readonly host: string; readonly port: number }>>;
  /** Settings as the engine has them, by JSON pointer into the revision, for drift of kind `changed`; `null`: not set. */
  readonly actual: Readonly<Record<string, unknown>>;
  /** What it holds as the engine has it, where somebody could have changed that. Absent: the engine does not say. */
  readonly held?: Pick<Holds, 'cpuset' | 'ip'>;
}

/** What an engine keeps with one of our objects beyond what it reports of it. Whoever reads it checks it: others can write there. */
export interface Origin {
  readonly revisionHash: RevisionHash;
  readonly revision?: Revision;
  readonly holds?: Holds;
}

export type ObjectState = 'created' | 'running' | 'paused' | 'restarting' | 'exited';
export type Health = 'healthy' | 'unhealthy' | 'starting' | 'none' | 'unknown';

/** On an engine, but not ours: never touched, but charged. */
export interface ForeignObject {
  readonly engine: EngineKind;
  readonly name: string;
  readonly resources: Resources;
  /** Host ports that it occupies. */
  readonly ports: readonly number[];
  /** Addresses that it has or asks for, by the engine's name of the network. Absent: none that the engine tells. */
  readonly addresses?: readonly { readonly network: string; readonly ip: string }[];
}

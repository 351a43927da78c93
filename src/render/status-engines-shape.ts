import type { Desired } from '../model/desired.ts';
import type { ClusterUid, EngineKind, InstanceId, NodeName, RevisionHash, WorkloadId } from '../model/ids.ts';
import type { Health, ObjectState } from '../model/observed.ts';
import type { PlanWarning } from '../model/plan.ts';

/** Git beside what the engines tell, without the store: plain data, the same for text and JSON. */
export interface EnginesView {
  readonly from: 'engines';
  readonly cluster: string;
  readonly commits: Desired['commits'];
  /** Unix ms at which the engines were asked. */
  readonly observedAt: number;
  readonly warnings: readonly PlanWarning[];
  /** Of the objects of this cluster's name, the most frequent first. Healthy clusters have one. */
  readonly uids: readonly UidCount[];
  readonly nodes: readonly EnginesNode[];
  readonly workloads: readonly EnginesWorkload[];
  /** As far as it can be seen: every engine answers, and all that git wants, and nothing else, runs as git declares it. */
  readonly asDeclared: boolean;
}

export interface UidCount {
  readonly uid: ClusterUid;
  readonly objects: number;
  readonly nodes: readonly NodeName[];
}

export interface EnginesNode {
  readonly name: NodeName;
  readonly pod: string;
  readonly lifecycle: string;
  readonly liveness: string;
  readonly engines: readonly EngineAnswer[];
  /** Objects of this cluster's name. */
  readonly instances: number;
  /** Objects of anybody else. */
  readonly foreign: number;
}

export type EngineAnswer =
  | { readonly kind: 'reachable'; readonly engine: EngineKind; readonly version: string }
  | { readonly kind: 'unreachable'; readonly engine: EngineKind; readonly reason: string };

export interface EnginesWorkload {
  readonly id: WorkloadId;
  /** Absent when git does not declare it, and for a daemon: one per node that it is for. */
  readonly desired?: number;
  readonly desiredRevision?: RevisionHash;
  /** Instances, however many incarnations of one run. */
  readonly running: number;
  readonly healthy: number;
  readonly instances: readonly EnginesInstance[];
}

export type EnginesInstance = FoundInstance | AbsentInstance;

/** One object on an engine: one incarnation of the instance. */
export interface FoundInstance {
  readonly kind: 'found';
  readonly id: InstanceId;
  readonly generation: number;
  readonly node: NodeName;
  readonly engine: EngineKind;
  readonly uid: ClusterUid;
  readonly revision: RevisionHash;
  readonly observed: ObjectState;
  readonly health: Health;
  readonly exitCode?: number;
  /** By the engine, since it was created. */
  readonly restarts: number;
  /** How long it has been running. */
  readonly ageMs?: number;
  readonly endpoints: readonly string[];
  /** What is wrong with it, whatever git says. */
  readonly problem?: string;
  /** What is not as git declares. */
  readonly change?: string;
}

/** Git wants it, and no engine shows it. `unknown`: an engine that it may be on does not answer. */
export interface AbsentInstance {
  readonly kind: 'absent';
  readonly id: InstanceId;
  readonly observed: 'missing' | 'unknown';
}

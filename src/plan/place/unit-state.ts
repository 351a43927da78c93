import type { InstanceId, PodName, WorkloadId } from '../../model/ids.ts';
import type { Account } from '../account.ts';
import type { Ask } from '../ask.ts';
import type { Budget } from '../budget.ts';
import type { Intent, Want } from '../decide.ts';
import type { Action, Charged, Draft } from '../draft.ts';
import type { Instance } from '../instances.ts';
import type { Spread } from './spread.ts';
import type { SavedWaves, Waves } from './waves.ts';

/** A workload's unit while it is placed. */
export interface UnitState {
  readonly intent: Intent;
  readonly budget: Budget;
  readonly ask: Ask;
  readonly account: Account;
  readonly waves: Waves;
  /** Instances that each node has, by index. */
  readonly counts: Map<number, number>;
  readonly spread: Spread;
  /** Workloads that make room for it: their units come first. */
  readonly after: Set<WorkloadId>;
  /** Room at the cost of others, where that is allowed and can be had. */
  readonly makeRoom: (want: Want) => Draft | undefined;
  /** Its own instances that have to make room for others. */
  readonly evictions: ReadonlyMap<InstanceId, Eviction>;
  /** Of its own instances those that do make room for others. */
  readonly evicted: Set<InstanceId>;
  /** What a new instance without pieces is charged, by pod of its node. */
  readonly charges: Map<PodName | undefined, Charged>;
  /** What is done with new instances, by cause and note: they share it. */
  readonly actions: Map<string, Action>;
  /** What is new at a new revision: after the rollout. */
  news: readonly Draft[];
  /** What git asks for cannot be done: nothing new of it, and nothing that waits for it. */
  refused: boolean;
  /** A part of the rollout has to wait for others to be available. */
  rolloutWaits: boolean;
  /** Those that have to leave their nodes, and found no room anywhere. */
  homeless: readonly Want[];
  /** The waves as they are without the rollout. */
  beforeRollout: SavedWaves | undefined;
}

export interface Eviction {
  readonly instance: Instance;
  readonly by: WorkloadId;
}

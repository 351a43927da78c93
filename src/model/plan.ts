import type {
  CommitSha,
  EngineKind,
  InstanceId,
  NodeName,
  PlanId,
  RevisionHash,
  StepId,
  TransactionId,
  UnitId,
  WorkloadId,
} from './ids.ts';
import type { Holds } from './recorded.ts';
import type { Dimension, Resources } from './resources.ts';

/**
 * A plan as data: what `plan --out` writes and `apply` reads back. `schema/plan.schema.json` describes it; additive
 * changes raise the minor format version, anything else the major.
 */
export const planFormatVersion = '1.0';

export interface Plan {
  readonly formatVersion: string;
  /** `sha256:…` over everything but timestamps and the store revision. */
  readonly id: PlanId;
  readonly cluster: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly basis: PlanBasis;
  readonly summary: PlanSummary;
  readonly steps: readonly Step[];
  readonly units: readonly PlannedUnit[];
  readonly goals: readonly Goal[];
  readonly refusals: readonly Refusal[];
  readonly availability: Readonly<Record<WorkloadId, { readonly lowest: number; readonly of: number }>>;
  readonly quota: readonly QuotaUse[];
  readonly capacity: readonly CapacityUse[];
  readonly warnings: readonly PlanWarning[];
}

export interface PlanBasis {
  readonly commits: Readonly<Record<string, CommitSha | 'worktree'>>;
  readonly storeRevision: number;
  /** `node/engine` → fingerprint */
  readonly engines: Readonly<Record<string, string>>;
  /** Touched workload → hash of its whole definition; a difference at apply time makes the plan stale. */
  readonly workloads: Readonly<Record<WorkloadId, string>>;
  /** Touched node → hash of its definition. */
  readonly nodes: Readonly<Record<NodeName, string>>;
}

export interface PlanSummary {
  readonly create: number;
  readonly update: number;
  readonly replace: number;
  readonly move: number;
  readonly stop: number;
  readonly remove: number;
  readonly forget: number;
  readonly unchanged: number;
}

export type StepKind = 'create' | 'update' | 'replace' | 'move' | 'stop' | 'remove' | 'forget';

/** How much a change disturbs what runs, least first. */
export type DisruptionClass = 'none' | 'live' | 'restart' | 'recreate' | 'dataLoss';

export type Undo = 'reversible' | 'compensable' | 'final';

/** Why a step is there. */
export type Cause =
  | 'new'
  | 'scale'
  | 'change'
  | 'heal'
  | 'drain'
  | 'lost'
  | 'prune'
  | 'rollback'
  | 'orphan'
  | 'preempt'
  | 'quota'
  | 'rebalance';

export interface Step {
  readonly id: StepId;
  readonly kind: StepKind;
  readonly instance: InstanceId;
  /** Of the allocation that the step makes; for update, stop, remove and forget of the one it works on. */
  readonly generation: number;
  readonly node: NodeName;
  readonly engine: EngineKind;
  /** The node that a move leaves. */
  readonly from?: NodeName;
  readonly unit: UnitId;
  readonly wave: number;
  readonly class: DisruptionClass;
  readonly undo: Undo;
  readonly order: 'create-first' | 'stop-first' | 'in-place';
  readonly cause: Cause;
  /** Its node's drain is forced: the disruption budget is not asked. */
  readonly forced?: true;
  /** Revision after the step (for stop, remove and forget: the one that it had). */
  readonly revision: RevisionHash;
  /** The allocation that a create, replace or move takes the place of. */
  readonly replaces?: Replaced;
  readonly changes: readonly FieldChange[];
  readonly reason: string;
  /** What the instance holds after the step; for stop and remove what it held. */
  readonly holds: Holds;
  /** For update: what it held before. */
  readonly heldBefore?: Holds;
  /** For update: the revision that it had before, which the undo returns to. */
  readonly revisionBefore?: RevisionHash;
}

export interface Replaced {
  readonly generation: number;
  readonly node: NodeName;
  readonly engine: EngineKind;
  readonly revision: RevisionHash;
  readonly holds: Holds;
  /** `gone`: no object is left on the engine, so there is nothing to stop; `dead`: there is one, but it does not run. */
  readonly object: 'running' | 'dead' | 'gone';
}

export interface FieldChange {
  /** JSON pointer into the revision */
  readonly path: string;
  readonly before?: unknown;
  readonly after?: unknown;
  readonly class: DisruptionClass;
}

export interface PlannedUnit {
  readonly id: UnitId;
  readonly after: readonly UnitId[];
  /** Units of the plan that name the same commit together, or all go back. Absent: it commits by itself. */
  readonly transaction?: TransactionId;
  readonly waves: readonly Wave[];
  readonly worstCaseMs: number;
  /** Most instances that may be unavailable at once: counted again on a fresh look before each stop. Absent: 1. */
  readonly maxUnavailable?: number;
}

export interface Wave {
  readonly steps: readonly StepId[];
  /** `healthy`: everything that the wave made must be healthy before the next; `none`: nothing to wait for. */
  readonly gate: 'healthy' | 'none';
  readonly observeMs: number;
  /** How long it takes when every stop uses up its grace and every start its deadline, the observation included. */
  readonly worstCaseMs?: number;
  /** Instances that serve at its worst moment, of those that `availability` counts. Absent where that counts none. */
  readonly available?: number;
}

export interface Goal {
  readonly kind: 'drain';
  readonly node: NodeName;
  readonly units: readonly UnitId[];
  /** How many waves it takes, one unit after the other where they have to, and how long when everything takes as long as it may. */
  readonly waves?: number;
  readonly worstCaseMs?: number;
  /** Instances that this plan cannot move off, and why. */
  readonly blocked: readonly { readonly instance: InstanceId; readonly reason: string }[];
}

export interface Refusal {
  readonly code: string;
  /** Workload, node or quota */
  readonly subject: string;
  readonly instances: number;
  readonly message: string;
  /** Nodes ruled out, by reason. */
  readonly byReason: Readonly<Record<string, number>>;
  /** Extended resources are in pieces here and in the rows below, as documents have them. */
  readonly nearest?: { readonly node: NodeName; readonly missing: Resources };
}

export interface QuotaUse {
  readonly name: string;
  readonly dimension: Dimension | 'instances';
  readonly before: number;
  readonly peak: number;
  readonly after: number;
  readonly limit: number;
}

export interface CapacityUse {
  readonly pod: string;
  readonly dimension: Dimension;
  readonly before: number;
  readonly peak: number;
  readonly after: number;
  readonly total: number;
}

export interface PlanWarning {
  readonly code: string;
  readonly message: string;
  readonly subject?: string;
}

/** True when applying would do nothing. */
export const isEmptyPlan = (plan: Plan): boolean => plan.steps.length === 0;

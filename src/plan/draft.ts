import type { EngineKind, RevisionHash } from '../model/ids.ts';
import type { Cause, DisruptionClass, FieldChange, Replaced, Step, StepKind } from '../model/plan.ts';
import type { Allocation, Holds } from '../model/recorded.ts';
import type { ClusterNode } from './cluster.ts';
import type { Instance } from './instances.ts';
import type { Vector } from './ledger.ts';
import type { QuotaCharge } from './quota.ts';

/** A step before it has an id, a generation and a wave. */
export interface Draft {
  readonly action: Action;
  readonly ordinal: number;
  readonly node: ClusterNode;
  readonly holds: Holds;
  /** What it was charged on its node and in quotas. Absent for what only ends. */
  readonly charged: Charged | undefined;
  /** What it takes the place of, updates or removes. */
  readonly old: Old | undefined;
}

/** What is done and why: steps of one workload mostly share it, and a plan may have hundreds of thousands of them. */
export interface Action {
  readonly kind: StepKind;
  readonly cause: Cause;
  readonly engine: EngineKind;
  readonly revision: RevisionHash;
  readonly order: Step['order'];
  readonly class: DisruptionClass;
  readonly changes: readonly FieldChange[];
  readonly reason: string;
  /** Takes an available instance away from its users before the new one serves. What is not wanted is not missed. */
  readonly disrupts: boolean;
  /** Its node is to be left whatever the budget says. */
  readonly forced: boolean;
}

export interface Old {
  readonly allocation: Allocation;
  readonly node: ClusterNode;
  readonly object: Replaced['object'];
}

/** Charged at once when a step is placed, and kept while the plan runs. */
export interface Charged {
  readonly amounts: Vector;
  readonly quota: readonly QuotaCharge[];
}

/** What is left of an instance on its engine. */
export function objectOf(instance: Instance): Replaced['object'] {
  switch (instance.status) {
    case 'gone':
    case 'lost':
    case 'unknown':
      return 'gone';
    case 'dead':
    case 'held':
      return 'dead';
    case 'running':
    case 'busy':
    case 'unhealthy':
      return 'running';
  }
}

/** Makes an allocation, rather than changing or ending one. */
export const makes = ({ action: { kind } }: Pick<Draft, 'action'>): boolean =>
  kind === 'create' || kind === 'replace' || kind === 'move';

/** Ends an allocation without putting another in its place. */
export const endingAction = (
  { engine, revision }: Allocation,
  what: Pick<Action, 'kind' | 'cause' | 'reason'>,
): Action => ({
  ...what,
  engine,
  revision,
  order: 'in-place',
  class: 'none',
  changes: [],
  disrupts: false,
  forced: false,
});

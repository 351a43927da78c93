import { assertNever } from '../model/assert.ts';
import type { StepId } from '../model/ids.ts';

/**
 * The life of one unit, as a total function over its journal. The journal is the only truth: a crashed unit's status is
 * what replaying its entries through `nextStatus` gives, and the executor goes on from there.
 *
 *   running ──committed or superseded──▶ settling ──ended──▶ done
 *      └─────failed─────▶ unwinding ──ended──▶ undone
 *                             └───────ended──▶ stuck ──retried──▶ unwinding or settling
 *
 * An operator may pause a unit that is on its way (it stays where it is until it is resumed, cancelled or abandoned) and
 * close any that is not at its end as it is (`abandoned`).
 */
export interface UnitStatus {
  readonly state: 'running' | 'settling' | 'unwinding' | 'done' | 'undone' | 'stuck' | 'abandoned';
  /** Waves whose gate has been passed. */
  readonly wavesDone: number;
  readonly failure?: UnitFailure;
  /** Why it is stuck, or what was left when it came to its end. */
  readonly stuckReason?: string;
  /** The commits that take over what it had not done. */
  readonly superseded?: string;
  /** Somebody paused it, and nobody has resumed it. */
  readonly paused?: Told;
}

export interface UnitFailure {
  /** `gate` and `cancelled` make a revision a failed one: it is not tried again by itself. `group`: another unit that it commits together with failed. */
  readonly kind: 'gate' | 'engine' | 'budget' | 'cancelled' | 'group';
  readonly reason: string;
}

/** Who told it, and why. */
export interface Told {
  /** `user@host` */
  readonly actor: string;
  readonly reason?: string;
}

/** One journal entry. The token and time that are stored with it are for people: the status does not depend on them. */
export type UnitEvent =
  | { readonly kind: 'effectStarted'; readonly effect: string }
  | { readonly kind: 'effectDone'; readonly effect: string }
  | { readonly kind: 'stepSettled'; readonly step: StepId }
  | { readonly kind: 'waveDone'; readonly wave: number }
  | { readonly kind: 'failed'; readonly failure: UnitFailure }
  | { readonly kind: 'committed' }
  | { readonly kind: 'retried' }
  /** What could not be undone or cleaned up of a step is left: its allocations stay recorded as they are. */
  | { readonly kind: 'stepLeft'; readonly step: StepId; readonly told: Told }
  | { readonly kind: 'paused'; readonly told: Told }
  | { readonly kind: 'resumed'; readonly told: Told }
  | { readonly kind: 'abandoned'; readonly told: Told }
  /** Git has changed the workload: it ends at the boundary of a wave, and what it did stays. `by`: the commits that take over. */
  | { readonly kind: 'superseded'; readonly by: string }
  | { readonly kind: 'ended'; readonly state: 'done' | 'undone' | 'stuck'; readonly reason?: string };

export const initialStatus: UnitStatus = { state: 'running', wavesDone: 0 };

/** The status after an event. Throws on an illegal transition: a journal never tells of one. */
export function nextStatus(status: UnitStatus, event: UnitEvent): UnitStatus {
  if (status.paused !== undefined && !mayFollowPause(event)) throw illegal(status, event);
  switch (event.kind) {
    case 'effectStarted':
    case 'effectDone':
      allow(status, event, ['running', 'settling', 'unwinding']);
      return status;
    case 'stepSettled':
      allow(status, event, ['running']);
      return status;
    case 'waveDone':
      allow(status, event, ['running']);
      if (event.wave !== status.wavesDone) throw illegal(status, event);
      return { ...status, wavesDone: event.wave + 1 };
    case 'failed':
      allow(status, event, ['running']);
      return { ...withoutPause(status), state: 'unwinding', failure: event.failure };
    case 'committed':
      allow(status, event, ['running']);
      return { ...status, state: 'settling' };
    case 'superseded':
      allow(status, event, ['running']);
      return { ...status, state: 'settling', superseded: event.by };
    case 'retried': {
      allow(status, event, ['stuck']);
      const { stuckReason: _, ...before } = status;
      return { ...before, state: status.failure === undefined ? 'settling' : 'unwinding' };
    }
    case 'stepLeft':
      allow(status, event, ['stuck']);
      return status;
    case 'paused':
      allow(status, event, ['running', 'settling', 'unwinding']);
      return { ...status, paused: event.told };
    case 'resumed':
      if (status.paused === undefined) throw illegal(status, event);
      return withoutPause(status);
    case 'abandoned':
      allow(status, event, ['running', 'settling', 'unwinding', 'stuck']);
      return { ...withoutPause(status), state: 'abandoned' };
    case 'ended':
      allow(status, event, endedFrom[event.state]);
      return { ...status, state: event.state, ...(event.reason !== undefined && { stuckReason: event.reason }) };
    default:
      return assertNever(event);
  }
}

/** What is paused only leaves that by a word of an operator; a cancellation is one. */
const mayFollowPause = (event: UnitEvent): boolean =>
  event.kind === 'resumed' ||
  event.kind === 'abandoned' ||
  (event.kind === 'failed' && event.failure.kind === 'cancelled');

const withoutPause = ({ paused: _, ...status }: UnitStatus): UnitStatus => status;

/**
 * A unit's status together with how far each effect got: an arena that is changed in place, because a unit of thousands
 * of instances has tens of thousands of entries.
 */
export interface Ledger {
  status: UnitStatus;
  /** What is `started` without `done` is done again after a crash: effects are idempotent. */
  readonly effects: Map<string, 'started' | 'done'>;
  /** Steps that committed by themselves (heals, moves): never undone. */
  readonly settled: Set<StepId>;
  /** Steps of a stuck unit that an operator left as they are: neither undone nor cleaned up any more. */
  readonly left: Set<StepId>;
}

export const emptyLedger = (): Ledger => ({
  status: initialStatus,
  effects: new Map(),
  settled: new Set(),
  left: new Set(),
});

/** Enters one event. Throws on an illegal transition, and then changes nothing. */
export function enter(ledger: Ledger, event: UnitEvent): void {
  if (event.kind === 'effectDone' && !ledger.effects.has(event.effect)) throw illegal(ledger.status, event);
  ledger.status = nextStatus(ledger.status, event);
  if (event.kind === 'effectStarted') ledger.effects.set(event.effect, 'started');
  if (event.kind === 'effectDone') ledger.effects.set(event.effect, 'done');
  if (event.kind === 'stepSettled') ledger.settled.add(event.step);
  if (event.kind === 'stepLeft') ledger.left.add(event.step);
}

/** The ledger that a journal tells of. */
export function replay(events: readonly UnitEvent[]): Ledger {
  const ledger = emptyLedger();
  for (const event of events) enter(ledger, event);
  return ledger;
}

const endedFrom = {
  done: ['settling'],
  undone: ['unwinding'],
  stuck: ['unwinding', 'settling'],
} as const satisfies Record<'done' | 'undone' | 'stuck', readonly UnitStatus['state'][]>;

function allow(status: UnitStatus, event: UnitEvent, states: readonly UnitStatus['state'][]): void {
  if (!states.includes(status.state)) throw illegal(status, event);
}

const illegal = (status: UnitStatus, event: UnitEvent): Error =>
  new Error(`illegal transition: ${event.kind} in state ${status.state} (${JSON.stringify(event)})`);

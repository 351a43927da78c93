import { assertNever } from '../model/assert.ts';
import type { StepId } from '../model/ids.ts';

/**
 * The life of one unit, as a total function over its journal. The journal is the only truth: a crashed unit's status is
 * what replaying its entries through `nextStatus` gives, and the executor goes on from there.
 *
 *   running ──committed──▶ settling ──ended──▶ done
 *      └─────failed─────▶ unwinding ──ended──▶ undone
 *                             └───────ended──▶ stuck ──retried──▶ unwinding or settling
 */
export interface UnitStatus {
  readonly state: 'running' | 'settling' | 'unwinding' | 'done' | 'undone' | 'stuck';
  /** Waves whose gate has been passed. */
  readonly wavesDone: number;
  /** Effect key → how far it got. What is `started` without `done` is probed and repeated: effects are idempotent. */
  readonly effects: ReadonlyMap<string, 'started' | 'done'>;
  /** Keys in the order in which they were started: undone in reverse. */
  readonly order: readonly string[];
  /** Steps that committed by themselves (heals, moves): never undone. */
  readonly settled: ReadonlySet<StepId>;
  readonly failure?: UnitFailure;
}

export interface UnitFailure {
  /** Only `gate` makes a revision a failed one. */
  readonly kind: 'gate' | 'engine' | 'budget';
  readonly reason: string;
}

/** One journal entry. `token` and `at` are for people and forensics; the status does not depend on them. */
export type UnitEvent =
  | { readonly kind: 'effectStarted'; readonly effect: string }
  | { readonly kind: 'effectDone'; readonly effect: string }
  | { readonly kind: 'stepSettled'; readonly step: StepId }
  | { readonly kind: 'waveDone'; readonly wave: number }
  | { readonly kind: 'failed'; readonly failure: UnitFailure }
  | { readonly kind: 'committed' }
  | { readonly kind: 'retried' }
  | { readonly kind: 'ended'; readonly state: 'done' | 'undone' | 'stuck'; readonly reason?: string };

export const initialStatus: UnitStatus = {
  state: 'running',
  wavesDone: 0,
  effects: new Map(),
  order: [],
  settled: new Set(),
};

export function nextStatus(status: UnitStatus, event: UnitEvent): UnitStatus {
  switch (event.kind) {
    case 'effectStarted': {
      allow(status, event, ['running', 'settling', 'unwinding']);
      const isNew = !status.effects.has(event.effect);
      return {
        ...status,
        effects: new Map(status.effects).set(event.effect, 'started'),
        order: isNew ? [...status.order, event.effect] : status.order,
      };
    }
    case 'effectDone':
      allow(status, event, ['running', 'settling', 'unwinding']);
      if (!status.effects.has(event.effect)) throw illegal(status, event);
      return { ...status, effects: new Map(status.effects).set(event.effect, 'done') };
    case 'stepSettled':
      allow(status, event, ['running']);
      return { ...status, settled: new Set(status.settled).add(event.step) };
    case 'waveDone':
      allow(status, event, ['running']);
      if (event.wave !== status.wavesDone) throw illegal(status, event);
      return { ...status, wavesDone: event.wave + 1 };
    case 'failed':
      allow(status, event, ['running']);
      return { ...status, state: 'unwinding', failure: event.failure };
    case 'committed':
      allow(status, event, ['running']);
      return { ...status, state: 'settling' };
    case 'retried':
      allow(status, event, ['stuck']);
      return { ...status, state: status.failure === undefined ? 'settling' : 'unwinding' };
    case 'ended':
      allow(status, event, endedFrom[event.state]);
      return { ...status, state: event.state };
    default:
      return assertNever(event);
  }
}

/** The status that a journal tells of. */
export function replay(events: readonly UnitEvent[]): UnitStatus {
  return events.reduce(nextStatus, initialStatus);
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

import type { RunId, StepId, UnitId } from '../model/ids.ts';
import { keys, parseUnitKey, prefixes } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { type Operation, type Store, StoreError } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { afterJournalRecord } from './failpoint.ts';
import { Halted } from './halt.ts';
import { enter, type Ledger, nextStatus, replay, type UnitEvent, type UnitStatus } from './saga.ts';
import type { UnitRecord } from './unit.ts';

/** Characters of a unit's record per store value, well below the store's limit even when every one needs three bytes. */
const chunkChars = 300_000;

/** How long a write is tried again while the lease holds and the store does not answer. */
const storeRetryMs = 500;

/** The write-ahead log of one unit. Every append is one transaction that also compares the fencing token. */
export interface UnitJournal {
  status(): UnitStatus;
  /** How far an effect got; undefined: not begun. */
  reached(effect: string): 'started' | 'done' | undefined;
  isSettled(step: StepId): boolean;
  /** Writes the events, and with them the operations; then they count. Throws `Halted` when the lease or store is gone. */
  append(events: readonly UnitEvent[], operations?: readonly Operation[]): Promise<void>;
}

export interface JournalContext {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly run: RunId;
}

/** Opens the journal of a unit: empty for a new one, with what was read back for one that goes on. */
export function openJournal(
  context: JournalContext,
  unit: UnitId,
  written: { readonly ledger: Ledger; readonly next: number },
): UnitJournal {
  const { ledger } = written;
  let { next } = written;
  return {
    status: () => ledger.status,
    reached: (effect) => ledger.effects.get(effect),
    isSettled: (step) => ledger.settled.has(step),
    append: async (events, operations = []) => {
      // Numbers are taken before the write: concurrent effects of a unit never get the same one. A number whose write
      // was lost leaves a gap, which replay passes over: its effect was never begun.
      const puts = events.map((event): Operation => {
        const key = keys.journal(context.run, unit, next);
        next += 1;
        const value = JSON.stringify({ ...event, at: context.clock.now(), token: context.leadership.token });
        return { kind: 'put', key, value };
      });
      const after = events.reduce(nextStatus, ledger.status);
      const stateChange: readonly Operation[] =
        after.state === ledger.status.state
          ? []
          : [{ kind: 'put', key: keys.unitStatus(context.run, unit), value: statusRecord(after, events) }];
      await commit(context, [...puts, ...stateChange, ...operations]);
      for (const event of events) {
        enter(ledger, event);
        afterJournalRecord();
      }
    },
  };
}

/** What `loadRecorded` and `unit list` see without reading the journal. */
function statusRecord(status: UnitStatus, events: readonly UnitEvent[]): string {
  const ended = events.find((event) => event.kind === 'ended');
  const reason = ended?.reason ?? status.failure?.reason;
  return JSON.stringify({ state: status.state, ...(reason !== undefined && { reason }) });
}

/** Writes under the fencing token, again and again while the store is away and the lease holds. All writes are absolute values, so repeating one is harmless. */
export async function commit(
  context: Pick<JournalContext, 'store' | 'leadership' | 'clock'>,
  operations: readonly Operation[],
): Promise<void> {
  const { store, leadership, clock } = context;
  // Bounded by the lease: without the store nothing renews it.
  for (;;) {
    if (!leadership.isAlive())
      throw new Halted('leaseLost', 'the leader lease was lost: another process may have taken over');
    try {
      const { succeeded } = await store.txn({ compares: [leadership.compare], operations });
      if (succeeded) return;
      throw new Halted('leaseLost', 'another process has become leader; this one writes nothing more');
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!error.retryable && error.code !== 'unknownOutcome') {
        throw new Halted('store', `${store.location}: ${error.message}`, { cause: error });
      }
      await clock.sleep(storeRetryMs);
    }
  }
}

/** Operations that make a unit known before its first effect. */
export function unitOperations(run: RunId, record: UnitRecord): readonly Operation[] {
  const text = JSON.stringify(record);
  const chunks: Operation[] = [];
  for (let offset = 0; offset < text.length; offset += chunkChars) {
    chunks.push({
      kind: 'put',
      key: keys.unitPlan(run, record.unit, chunks.length),
      value: text.slice(offset, offset + chunkChars),
    });
  }
  return [
    ...chunks,
    { kind: 'put', key: keys.unitStatus(run, record.unit), value: JSON.stringify({ state: 'running' }) },
  ];
}

/** A unit as a crashed or interrupted run left it. */
export interface FoundUnit {
  readonly run: RunId;
  readonly record: UnitRecord;
  readonly ledger: Ledger;
  /** Number of the next journal entry. */
  readonly next: number;
}

/**
 * Every unit that has not come to an end, of every run, with the status that its journal tells of. A unit without a
 * status record was never begun: its record was only half written.
 */
export async function readOpenUnits(store: Store): Promise<readonly FoundUnit[]> {
  const { entries } = await store.range(prefixes.runs);
  const units = new Map<string, { run: RunId; state: string; plan: string[]; events: UnitEvent[]; next: number }>();
  for (const { key, value } of entries) {
    const part = parseUnitKey(key);
    if (part === undefined) continue;
    const name = `${part.run} ${part.unit}`;
    const unit = units.get(name) ?? { run: part.run, state: 'unbegun', plan: [], events: [], next: 0 };
    units.set(name, unit);
    if (part.kind === 'status') unit.state = (JSON.parse(value) as { readonly state: string }).state;
    if (part.kind === 'plan') unit.plan.push(value);
    if (part.kind === 'journal') {
      unit.events.push(JSON.parse(value) as UnitEvent);
      unit.next = part.number + 1;
    }
  }
  return [...units.values()]
    .filter(({ state }) => !closedStates.has(state))
    .map(({ run, plan, events, next }) => ({
      run,
      record: JSON.parse(plan.join('')) as UnitRecord,
      ledger: replay(events),
      next,
    }));
}

const closedStates: ReadonlySet<string> = new Set(['unbegun', 'done', 'undone', 'skipped']);

import type { RunId, StepId, UnitId } from '../model/ids.ts';
import { keys, parseUnitKey, prefixes } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { newerRuns, runFormat } from '../store/run-format.ts';
import { type KeyValue, type Operation, type Store, StoreError } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { afterJournalRecord } from './failpoint.ts';
import { Halted } from './halt.ts';
import { enter, type Ledger, nextStatus, replay, type UnitEvent, type UnitStatus } from './saga.ts';
import type { UnitRecord } from './unit.ts';
import { openWriter, type Writer } from './writer.ts';

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
  /** An operator left it as it is. */
  isLeft(step: StepId): boolean;
  /** Writes the events, and with them the operations; then they count. Throws `Halted` when the lease or store is gone. */
  append(events: readonly UnitEvent[], operations?: readonly Operation[]): Promise<void>;
  /** The same for who writes it: of several units at once, for example. */
  draft(events: readonly UnitEvent[]): JournalDraft;
}

export interface JournalDraft {
  readonly operations: readonly Operation[];
  /** To be called once the operations are durable: then the events count. */
  enter(): void;
}

export interface JournalContext {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly clock: Clock;
  readonly run: RunId;
  /** Of all that the run writes side by side. */
  readonly writer?: Writer;
}

/** Opens the journal of a unit: empty for a new one, with what was read back for one that goes on. */
export function openJournal(
  context: JournalContext,
  unit: UnitId,
  written: { readonly ledger: Ledger; readonly next: number },
): UnitJournal {
  const { ledger } = written;
  const writer = context.writer ?? openWriter((operations) => commit(context, operations));
  let { next } = written;
  const draft: UnitJournal['draft'] = (events) => {
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
      after.state === ledger.status.state && after.paused === ledger.status.paused
        ? []
        : [{ kind: 'put', key: keys.unitStatus(context.run, unit), value: statusRecord(after, context.clock.now()) }];
    return {
      operations: [...puts, ...stateChange],
      enter: () => {
        for (const event of events) {
          enter(ledger, event);
          afterJournalRecord();
        }
      },
    };
  };
  return {
    draft,
    status: () => ledger.status,
    reached: (effect) => ledger.effects.get(effect),
    isSettled: (step) => ledger.settled.has(step),
    isLeft: (step) => ledger.left.has(step),
    append: async (events, operations = []) => {
      const drafted = draft(events);
      await writer.write([...drafted.operations, ...operations]);
      drafted.enter();
    },
  };
}

/** What `loadRecorded` sees without reading the journal. */
function statusRecord(status: UnitStatus, since: number): string {
  const state = status.paused === undefined ? status.state : 'paused';
  const reason = status.paused?.reason ?? status.stuckReason ?? status.failure?.reason;
  return JSON.stringify({ state, since, ...(reason !== undefined && { reason }) });
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

/** The record of a unit. */
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
  return chunks;
}

/** It has begun: from here on somebody goes on with it. */
export const begunUnit = (run: RunId, unit: UnitId): Operation => ({
  kind: 'put',
  key: keys.unitStatus(run, unit),
  value: JSON.stringify({ state: 'running' }),
});

/** A journal entry as it is stored: the event, when it was written (Unix ms) and under which token. */
export type JournalEntry = UnitEvent & { readonly at: number; readonly token: string };

/** A unit that has begun and has not come to its end. */
export interface FoundUnit {
  readonly run: RunId;
  readonly record: UnitRecord;
  readonly ledger: Ledger;
  readonly entries: readonly JournalEntry[];
  /** Number of the next journal entry. */
  readonly next: number;
}

/** What runs have left open, with the status that each journal tells of. */
export interface OpenUnits {
  readonly begun: readonly FoundUnit[];
  /** Units that a paused run had not begun: kept from being planned until the run is resumed or cancelled. */
  readonly waiting: readonly { readonly run: RunId; readonly unit: UnitId }[];
  /** Units that a newer version began: it is not known what their journals say. */
  readonly newer: readonly NewerUnit[];
  /** Units that have come to their end while others that commit together with them have not. */
  readonly ended: readonly FoundUnit[];
}

interface NewerUnit {
  readonly run: RunId;
  readonly unit: UnitId;
  readonly format: number;
}

/** Every unit that has not come to an end, of every run. One without a status record was never begun: its record was only half written. */
export async function readOpenUnits(store: Store): Promise<OpenUnits> {
  const { entries } = await store.range(prefixes.runs);
  const newer = newerRuns(entries);
  const all = [...gathered(entries).values()];
  const units = all.filter(({ run }) => !newer.has(run));
  const begun = units.filter(({ state }) => state !== waitingState && !isClosed(state)).map(found);
  const isAsked = new Set(
    begun.flatMap(({ run, record: { group } }) => group?.members.map((unit) => `${run} ${unit}`) ?? []),
  );
  return {
    newer: all.flatMap(({ run, unit, state }): readonly NewerUnit[] => {
      const format = newer.get(run);
      return format === undefined || isClosed(state) ? [] : [{ run, unit, format }];
    }),
    begun,
    waiting: units.filter(({ state }) => state === waitingState).map(({ run, unit }) => ({ run, unit })),
    ended: units.filter(({ run, unit, state }) => endedStates.has(state) && isAsked.has(`${run} ${unit}`)).map(found),
  };
}

const found = ({ run, plan, journal, next }: Gathered): FoundUnit => ({
  run,
  record: JSON.parse(plan.join('')) as UnitRecord,
  ledger: replay(journal),
  entries: journal,
  next,
});

export const newerText = ({ run, format }: Pick<NewerUnit, 'run' | 'format'>): string =>
  `run ${run} was begun by a newer muster (its journal has format ${format}, this one knows ${runFormat}): only that one, or a newer one, can go on with it`;

interface Gathered {
  readonly run: RunId;
  readonly unit: UnitId;
  state: string;
  readonly plan: string[];
  readonly journal: JournalEntry[];
  next: number;
}

function gathered(entries: readonly KeyValue[]): ReadonlyMap<string, Gathered> {
  const units = new Map<string, Gathered>();
  for (const { key, value } of entries) {
    const part = parseUnitKey(key);
    if (part === undefined) continue;
    const name = `${part.run} ${part.unit}`;
    const unit = units.get(name) ?? {
      run: part.run,
      unit: part.unit,
      state: 'unbegun',
      plan: [],
      journal: [],
      next: 0,
    };
    units.set(name, unit);
    if (part.kind === 'status') unit.state = stateOf(value);
    if (part.kind === 'plan') unit.plan.push(value);
    if (part.kind === 'journal') {
      unit.journal.push(JSON.parse(value) as JournalEntry);
      unit.next = part.number + 1;
    }
  }
  return units;
}

/** Of a unit that a paused run has not begun. */
const waitingState = 'waiting';

export const waitingUnit = (run: RunId, unit: UnitId, since: number): Operation => ({
  kind: 'put',
  key: keys.unitStatus(run, unit),
  value: JSON.stringify({ state: waitingState, since }),
});

export const stateOf = (status: string): string => (JSON.parse(status) as { readonly state: string }).state;

const endedStates: ReadonlySet<string> = new Set(['done', 'undone', 'abandoned']);
const closedStates: ReadonlySet<string> = new Set(['unbegun', 'skipped', ...endedStates]);

/** The state in a unit's status record is an end. */
export const isClosed = (state: string): boolean => closedStates.has(state);

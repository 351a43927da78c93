import { expandStep, undoOf } from '../model/effects.ts';
import type { RunId, StepId, TransactionId, UnitId } from '../model/ids.ts';
import { inFlightWaves, type UnitSteps } from '../model/in-flight.ts';
import type { Step } from '../model/plan.ts';
import type { InFlightUnit } from '../model/recorded.ts';
import { parseUnitKey } from './keys.ts';
import { newerRuns } from './run-format.ts';
import type { KeyValue } from './store.ts';

/** Decodes a record, or takes what was decoded of it before. */
export type Decode = <Value>(entry: KeyValue, decode: (entry: KeyValue) => Value) => Value;

/** What is read of the records of one unit. */
interface UnitRecords {
  readonly chunks: KeyValue[];
  readonly journal: KeyValue[];
}

/** Adds to units that have not ended what their plans and journals say that they may still hold. `entries`: all below `run/`. */
export function withWork(
  units: readonly InFlightUnit[],
  entries: readonly KeyValue[],
  decode: Decode,
): readonly InFlightUnit[] {
  if (units.length === 0) return units;
  const records = new Map<string, UnitRecords>(units.map((unit) => [nameOf(unit), { chunks: [], journal: [] }]));
  for (const entry of entries) {
    const part = parseUnitKey(entry.key);
    const own = part && records.get(nameOf(part));
    if (own === undefined) continue;
    if (part?.kind === 'plan') own.chunks.push(entry);
    else if (part?.kind === 'journal') own.journal.push(entry);
  }
  const newer = newerRuns(entries);
  return units.map((unit) => {
    const own = records.get(nameOf(unit));
    // How far it is cannot be told: it may do or undo all of it yet.
    const known = own !== undefined && newer.has(unit.run) ? { ...own, journal: [] } : own;
    return { ...unit, ...workOf(known, decode) };
  });
}

const nameOf = ({ run, unit }: { readonly run: RunId; readonly unit: UnitId }): string => `${run} ${unit}`;

/** Of the record that the executor writes. */
interface StoredUnit extends UnitSteps {
  readonly settings?: { readonly definition?: string };
  readonly group?: { readonly transaction: TransactionId };
}

function workOf(records: UnitRecords | undefined, decode: Decode): Partial<InFlightUnit> {
  const [first] = records?.chunks ?? [];
  if (records === undefined || first === undefined) return {};
  // Chunks are written together, once: whoever knows the first knows all.
  const stored = decode(first, () => JSON.parse(records.chunks.map(({ value }) => value).join('')) as StoredUnit);
  const progress = progressOf(records.journal.map((entry) => decode(entry, decodeEvent)));
  const waves = inFlightWaves(stored, (step) => !isBehind(step, progress));
  const definition = stored.settings?.definition;
  const transaction = stored.group?.transaction;
  return {
    waves,
    ...(progress.committed && { committed: true }),
    ...(definition !== undefined && { definition }),
    ...(transaction !== undefined && { transaction }),
    ...(transaction !== undefined && isReady(stored, progress) && { isReady: true }),
  };
}

const isReady = ({ planned }: StoredUnit, { failed, committed, wavesDone }: Progress): boolean =>
  !failed && !committed && wavesDone === planned.waves.length;

/** What of a journal entry tells how far a unit is. */
interface JournalEvent {
  readonly kind: string;
  readonly effect?: string;
  readonly step?: StepId;
}

const decodeEvent = ({ value }: KeyValue): JournalEvent => JSON.parse(value) as JournalEvent;

interface Progress {
  readonly begun: ReadonlySet<string>;
  readonly done: ReadonlySet<string>;
  /** Steps that committed by themselves, or that an operator left as they are. */
  readonly closed: ReadonlySet<StepId>;
  readonly wavesDone: number;
  readonly failed: boolean;
  readonly committed: boolean;
  /** It ended before its last wave: what it had not begun is never done. */
  readonly superseded: boolean;
}

function progressOf(events: readonly JournalEvent[]): Progress {
  const begun = new Set<string>();
  const done = new Set<string>();
  const closed = new Set<StepId>();
  for (const { kind, effect, step } of events) {
    if (kind === 'effectStarted' && effect !== undefined) begun.add(effect);
    else if (kind === 'effectDone' && effect !== undefined) done.add(effect);
    else if ((kind === 'stepSettled' || kind === 'stepLeft') && step !== undefined) closed.add(step);
  }
  const has = (kind: string): boolean => events.some((event) => event.kind === kind);
  const superseded = has('superseded');
  const wavesDone = events.filter(({ kind }) => kind === 'waveDone').length;
  return {
    begun,
    done,
    closed,
    wavesDone,
    failed: has('failed'),
    committed: superseded || has('committed'),
    superseded,
  };
}

/** Whatever becomes of the unit, nothing of the step is made or taken back any more. */
function isBehind(step: Step, { begun, done, closed, failed, committed, superseded }: Progress): boolean {
  if (closed.has(step.id)) return true;
  const effects = expandStep(step);
  if ((superseded || failed) && !effects.some(({ key }) => begun.has(key))) return true;
  if (committed) return effects.every(({ key, phase }) => phase === 'do' || done.has(key));
  if (!failed) return false;
  // What was done first is undone last.
  const [last] = effects.flatMap((effect) => undoOf(effect) ?? []);
  return last !== undefined && done.has(last.key);
}

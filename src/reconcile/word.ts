import type { RunId } from '../model/ids.ts';
import { keys } from '../store/keys.ts';
import type { Operation, Store } from '../store/store.ts';
import { toldText } from './control.ts';
import { type FoundUnit, type JournalContext, openJournal } from './journal.ts';
import type { Told, UnitEvent, UnitFailure } from './saga.ts';

/**
 * The last word of an operator on a whole run. It is in the store before anybody is told that it was heard: should the
 * leader die before the units have come to their step boundary, the next one still heeds it.
 */
export interface Word {
  readonly kind: 'pause' | 'cancel';
  readonly told: Told;
}

export const wordOperation = (run: RunId, word: Word): Operation => ({
  kind: 'put',
  key: keys.runWord(run),
  value: JSON.stringify(word),
});

export async function readWord(store: Store, run: RunId): Promise<Word | undefined> {
  const entry = await store.get(keys.runWord(run));
  return entry && (JSON.parse(entry.value) as Word);
}

type Dependencies = Omit<JournalContext, 'run'>;

/** A unit that nobody works on, after the word on its run: what still runs forward is paused or turned around. */
export async function heed(dependencies: Dependencies, found: FoundUnit, word: Word | undefined): Promise<FoundUnit> {
  const { state, paused } = found.ledger.status;
  if (word === undefined || state !== 'running' || paused !== undefined) return found;
  const { told } = word;
  return word.kind === 'pause'
    ? await tell(dependencies, found, [{ kind: 'paused', told }])
    : await tell(dependencies, found, [{ kind: 'failed', failure: cancellation(told) }]);
}

export const cancellation = (told: Told): UnitFailure => ({
  kind: 'cancelled',
  reason: `cancelled by ${toldText(told)}`,
});

/** Enters the word of an operator into a unit's journal; what comes back is the unit after it. */
export async function tell(
  dependencies: Dependencies,
  found: FoundUnit,
  events: readonly UnitEvent[],
  /** Written in the same step. */
  operations: readonly Operation[] = [],
): Promise<FoundUnit> {
  const { store, leadership, clock } = dependencies;
  const context = { store, leadership, clock, run: found.run };
  await openJournal(context, found.record.unit, found).append(events, operations);
  return { ...found, next: found.next + events.length };
}

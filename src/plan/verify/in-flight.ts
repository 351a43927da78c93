import { parseAllocationId, workloadOfUnit } from '../../model/ids.ts';
import type { InFlightHolding, InFlightStep, InFlightUnit } from '../../model/recorded.ts';
import { allocationsOf, factsOf } from './base.ts';
import {
  type Books,
  type Charge,
  type Holding,
  inherited,
  type Keep,
  readAddress,
  readNode,
  readQuotas,
  untilCommit,
  untilStop,
} from './charge.ts';
import { recordedHolding } from './charged.ts';
import { addAll, exchange, freeAll, openState, quotaRows, type RowsFor, type State } from './envelope.ts';
import { knownSlot, ofUnitUnderWay, openUnit, touchedSlots } from './slots.ts';
import { createRecordFinder, type World } from './world.ts';

/**
 * Turns what is recorded of units in flight into what they may come to hold: without what they have made so far, and with
 * the most that each has in any state between its beginning and its end, as for a unit of the plan. Looks at slots that
 * the plan asks for alone.
 */
export function addInFlight(world: World, books: Books, now: Float64Array): void {
  const state = openState(world, books);
  for (const unit of world.inputs.recorded.inFlight) {
    if (unit.waves !== undefined) addEnvelope(state, unit, now);
  }
  openUnit(books.slots);
}

function addEnvelope(state: State, unit: InFlightUnit, now: Float64Array): void {
  const { world, books } = state;
  const id = workloadOfUnit(unit.unit);
  const rowsFor = quotaRows(state, id);
  const records: Records = { find: createRecordFinder(world.base, allocationsOf(world.base, id)), rowsFor };
  openUnit(books.slots);
  for (const wave of unit.waves ?? []) {
    state.freed.size = 0;
    for (const step of wave) {
      takeBack(state, records, step, now);
      addStep(state, records, step);
    }
    freeAll(state);
  }
  for (const slot of touchedSlots(books.slots)) {
    const held = ofUnitUnderWay(books.slots, slot);
    if (held !== undefined) now[slot] = (now[slot] as number) + (unit.committed === true ? held.current : held.peak);
  }
}

interface Records {
  readonly find: ReturnType<typeof createRecordFinder>;
  readonly rowsFor: RowsFor;
}

/** What it has made is recorded as well, and what it changed is recorded as it is now. */
function takeBack(state: State, records: Records, { order, after, before }: InFlightStep, now: Float64Array): void {
  const index = after === undefined ? -1 : indexOf(records, after);
  if (index < 0) return;
  const { books, next } = state;
  const recorded = recordedHolding(books, index);
  read(state, next, recorded, records.rowsFor);
  addCharge(now, next, -1);
  if (order !== 'inPlace' || before === undefined) return;
  read(state, next, { ...recorded, holds: before.holds }, records.rowsFor);
  addCharge(now, next, 1);
}

function addCharge(now: Float64Array, { size, slots, amounts }: Charge, sign: 1 | -1): void {
  for (let i = 0; i < size; i++) {
    const slot = slots[i] as number;
    now[slot] = (now[slot] as number) + sign * (amounts[i] as number);
  }
}

function addStep(state: State, records: Records, { order, after, before, wasGone }: InFlightStep): void {
  const oldIndex = before === undefined ? -1 : indexOf(records, before);
  const takesOver = order !== 'beside';
  const storage = order === 'inPlace' ? inherited : wasGone === true ? untilStop : untilCommit;
  const old =
    oldIndex < 0 || before === undefined ? undefined : oldHolding(state, oldIndex, { order, before, storage });
  state.next.size = 0;
  if (after !== undefined) {
    const node = state.world.base.nodes.indexOf.get(after.node) ?? -1;
    const over = takesOver && old?.node === node ? old.holds : undefined;
    const facts = factsFor(state, after);
    read(
      state,
      state.next,
      { node, holds: after.holds, state: 'live', facts, storage: untilCommit, over },
      records.rowsFor,
    );
  }
  if (old === undefined) {
    addAll(state);
    return;
  }
  read(state, state.old, old, records.rowsFor);
  exchange(state, takesOver);
}

function oldHolding(
  { books }: State,
  index: number,
  of: { readonly order: InFlightStep['order']; readonly before: InFlightHolding; readonly storage: Keep },
): Holding {
  const recorded = recordedHolding(books, index, of.storage);
  return of.order === 'inPlace' ? { ...recorded, holds: of.before.holds } : recorded;
}

function factsFor({ world }: State, { revision }: InFlightHolding): Holding['facts'] {
  const body = world.inputs.recorded.revisions.get(revision);
  return body && factsOf(world.base, body);
}

function indexOf({ find }: Records, { allocation }: InFlightHolding): number {
  const { ordinal, generation } = parseAllocationId(allocation);
  return find(ordinal, generation);
}

/** Only slots that are there already: no more are made. */
function read({ books }: State, charge: Charge, holding: Holding, rowsFor: RowsFor): void {
  charge.size = 0;
  readNode(books, charge, holding, knownSlot);
  readAddress(books, charge, holding, knownSlot);
  readQuotas(books, charge, holding, rowsFor(holding.node));
}

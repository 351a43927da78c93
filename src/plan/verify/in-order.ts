import type { UnitId } from '../../model/ids.ts';
import { createBefore } from './before.ts';
import type { Books } from './charge.ts';
import { holdUnit, openState } from './envelope.ts';
import { ofUnitUnderWay, openUnit } from './slots.ts';
import { openWork, type World } from './world.ts';

/** What one unit does to one slot: the most that it adds, and what is left of that once it has committed. */
interface Part {
  readonly unit: UnitId;
  readonly peak: number;
  /** Below zero where it has given something back for good. */
  readonly net: number;
}

/** More sets of units than this to wait for are not told apart: then nobody is given what others leave. */
const mostSets = 10;

/**
 * Units that come after others may use what those have given back, which is how a preemptor gets the room of its
 * victims. So where all envelopes together do not fit, what counts is the most that any reachable set of committed and
 * running units holds. Returns that growth for each slot; only asked for where something does not fit otherwise.
 */
export function growthInOrder(world: World, books: Books, slots: readonly number[]): ReadonlyMap<number, number> {
  const parts = partsOf(world, books, slots);
  const before = createBefore(world);
  return new Map(slots.map((slot) => [slot, mostOf(parts.get(slot) ?? [], before)]));
}

function partsOf(world: World, books: Books, slots: readonly number[]): ReadonlyMap<number, readonly Part[]> {
  const state = openState(world, books);
  const parts = new Map<number, Part[]>(slots.map((slot) => [slot, []]));
  for (const planned of world.plan.units) {
    openUnit(books.slots);
    holdUnit(state, openWork(world, planned));
    for (const [slot, list] of parts) {
      const held = ofUnitUnderWay(books.slots, slot);
      if (held !== undefined) list.push({ unit: planned.id, peak: held.peak, net: held.current });
    }
  }
  return parts;
}

/** A unit that has started has all that it comes after behind it: they are committed, and hold what they leave. */
function mostOf(parts: readonly Part[], before: (unit: UnitId) => ReadonlySet<UnitId>): number {
  const givers = parts.filter(({ net }) => net < 0);
  const all = parts.reduce((sum, { peak }) => sum + peak, 0);
  const waits = parts.map(({ unit }) => new Set(givers.filter((giver) => before(unit).has(giver.unit))));
  const sets = distinct(waits.filter((set) => set.size > 0));
  if (sets.length === 0 || sets.length > mostSets) return all;
  let most = 0;
  // Every union of what some units wait for: the committed givers that let just those units start.
  for (let chosen = 0; chosen < 2 ** sets.length; chosen++) {
    const committed = new Set(sets.flatMap((set, bit) => (Math.floor(chosen / 2 ** bit) % 2 === 1 ? [...set] : [])));
    let held = 0;
    for (const [index, part] of parts.entries()) {
      if (committed.has(part)) held += part.net;
      else if ([...(waits[index] ?? [])].every((giver) => committed.has(giver))) held += part.peak;
    }
    most = Math.max(most, held);
  }
  return most;
}

function distinct(sets: readonly ReadonlySet<Part>[]): readonly ReadonlySet<Part>[] {
  const found: ReadonlySet<Part>[] = [];
  for (const set of sets) {
    if (!found.some((known) => known.size === set.size && [...set].every((part) => known.has(part)))) found.push(set);
  }
  return found;
}

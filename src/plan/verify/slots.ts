import { createNumberIndex, internNumber, type NumberIndex, numberOf } from './number-index.ts';

/**
 * Everything that can be held and has an end is a slot: memory of a node, a row of a quota, a core, a device's bytes, a
 * port, an address. A slot is a number; what is known of it is in columns. Slots of nodes and quotas are there from the
 * start, those of pieces once a plan asks for the piece. A plan has hundreds of thousands of them, and typed arrays of
 * many megabytes make V8 collect all garbage: so a slot has twelve bytes of its own, and what only the unit under way
 * asks about is by place in what that has touched.
 */
export interface Slots {
  /** How many there are from the start. */
  readonly fixed: number;
  readonly pieces: NumberIndex;
  /** The most that all units so far add to what is charged already, each in its own worst state. */
  growth: Float64Array;
  /** Where a slot is in `unit`, if it is there. */
  places: Int32Array;
  readonly unit: UnderWay;
}

/** What the unit under way has touched so far: the first `size` of each list. */
interface UnderWay {
  size: number;
  readonly slots: number[];
  /** What it holds on top of what is recorded. */
  readonly current: number[];
  /** The most that it has held. */
  readonly peak: number[];
  /** What the predecessor of the step under way leaves to its successor; 0 between steps. */
  readonly credit: number[];
}

/** `pieces` is how many may be expected; there can be more. */
export function createSlots({ fixed, pieces }: { readonly fixed: number; readonly pieces: number }): Slots {
  const places = fixed + pieces + 1024;
  return {
    fixed,
    pieces: createNumberIndex(pieces),
    growth: new Float64Array(places),
    places: new Int32Array(places),
    unit: { size: 0, slots: [], current: [], peak: [], credit: [] },
  };
}

/** How many there are. */
export const slotCount = ({ fixed, pieces }: Slots): number => fixed + pieces.size;

/** The most that the units so far add to a slot. */
export const growthOf = ({ growth }: Slots, slot: number): number => growth[slot] as number;

/** What the unit under way does to a slot; undefined when it has nothing to do with it. */
export function ofUnitUnderWay(
  { places, unit }: Slots,
  slot: number,
): { readonly peak: number; readonly current: number } | undefined {
  const place = places[slot] as number;
  if (place >= unit.size || unit.slots[place] !== slot) return undefined;
  return { peak: unit.peak[place] as number, current: unit.current[place] as number };
}

/** Kinds of pieces, in the order of their keys' last digit; a key is a kind and a number that says which. */
export const pieceKinds = ['core', 'numa', 'extended', 'device', 'volume', 'port', 'address'] as const;
export type PieceKind = (typeof pieceKinds)[number];

/** `which` is an integer below 2^50. */
export const coreKey = (which: number): number => which * 8;
export const numaKey = (which: number): number => which * 8 + 1;
export const extendedKey = (which: number): number => which * 8 + 2;
export const deviceKey = (which: number): number => which * 8 + 3;
export const volumeKey = (which: number): number => which * 8 + 4;
export const portKey = (which: number): number => which * 8 + 5;
export const addressKey = (which: number): number => which * 8 + 6;
export const kindOfKey = (key: number): PieceKind => pieceKinds[key % 8] as PieceKind;
export const whichOfKey = (key: number): number => Math.floor(key / 8);

/** The slot of a piece, made when it is new. */
export function slotOf(slots: Slots, key: number): number {
  const slot = slots.fixed + internNumber(slots.pieces, key);
  if (slot >= slots.growth.length) enlarge(slots);
  return slot;
}

/** The slot of a piece that the plan asked for; -1: it did not. */
export function knownSlot(slots: Slots, key: number): number {
  const number = numberOf(slots.pieces, key);
  return number < 0 ? -1 : slots.fixed + number;
}

/** The key of the piece that a slot stands for. */
export const pieceKeyOf = ({ fixed, pieces }: Slots, slot: number): number => pieces.keys[slot - fixed] ?? 0;

function enlarge(slots: Slots): void {
  const places = Math.ceil(slots.growth.length * 1.5);
  const { growth, places: before } = slots;
  slots.growth = new Float64Array(places);
  slots.growth.set(growth);
  slots.places = new Int32Array(places);
  slots.places.set(before);
}

/** The unit under way holds so much more of a slot, or less. */
export function addTo(slots: Slots, slot: number, amount: number): void {
  const { unit } = slots;
  const place = touch(slots, slot);
  const now = (unit.current[place] as number) + amount;
  unit.current[place] = now;
  if (now > (unit.peak[place] as number)) unit.peak[place] = now;
}

/** The place of a slot in what the unit under way has touched. */
function touch({ places, unit }: Slots, slot: number): number {
  const known = places[slot] as number;
  if (known < unit.size && unit.slots[known] === slot) return known;
  const place = unit.size++;
  places[slot] = place;
  unit.slots[place] = slot;
  unit.current[place] = 0;
  unit.peak[place] = 0;
  unit.credit[place] = 0;
  return place;
}

/** A predecessor leaves so much of a slot to its successor. */
export function leave(slots: Slots, slot: number, amount: number): void {
  const place = touch(slots, slot);
  slots.unit.credit[place] = (slots.unit.credit[place] as number) + amount;
}

/** Takes at most so much of what was left of a slot, and says how much that is. */
export function takeLeft(slots: Slots, slot: number, most: number): number {
  const place = touch(slots, slot);
  const left = slots.unit.credit[place] as number;
  const taken = Math.min(most, left);
  if (taken > 0) slots.unit.credit[place] = left - taken;
  return taken;
}

/** Ends the unit under way: to all others it occupies the most that it held, for as long as it runs. */
export function closeUnit(slots: Slots): void {
  const { growth, unit } = slots;
  for (let place = 0; place < unit.size; place++) {
    const slot = unit.slots[place] as number;
    growth[slot] = (growth[slot] as number) + (unit.peak[place] as number);
  }
  openUnit(slots);
}

export function openUnit({ unit }: Slots): void {
  unit.size = 0;
}

/** What the unit under way has touched. */
export const touchedSlots = ({ unit }: Slots): readonly number[] => unit.slots.slice(0, unit.size);

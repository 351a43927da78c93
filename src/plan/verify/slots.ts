import { createNumberIndex, internNumber, type NumberIndex, numberOf } from './number-index.ts';

/**
 * Everything that can be held and has an end is a slot: memory of a node, a row of a quota, a core, a device's bytes, a
 * port, an address. A slot is a number; what is known of it is in columns. Slots of nodes and quotas are there from the
 * start, those of pieces once a plan asks for the piece.
 */
export interface Slots {
  /** How many there are from the start. */
  readonly fixed: number;
  readonly pieces: NumberIndex;
  /** Key of each piece, by its slot less `fixed`. */
  readonly pieceKeys: number[];
  /** The most that the units so far add to what is charged already, each in its own worst state. */
  growth: Float64Array;
  /** Slots that grow, in the order in which they were found. */
  readonly grown: number[];
  /** What the predecessor of the step under way leaves to its successor; 0 between steps. */
  credit: Float64Array;
  readonly unit: UnitSlots;
}

/** What the unit under way holds of each slot, on top of what is recorded. */
interface UnitSlots {
  /** Counts up with every unit: a slot with another mark was not touched by this one. */
  mark: number;
  marks: Int32Array;
  current: Float64Array;
  peak: Float64Array;
  readonly touched: number[];
}

/** `pieces` is how many may be expected; there can be more. */
export function createSlots({ fixed, pieces }: { readonly fixed: number; readonly pieces: number }): Slots {
  const places = fixed + pieces + 1024;
  return {
    fixed,
    pieces: createNumberIndex(pieces),
    pieceKeys: [],
    growth: new Float64Array(places),
    grown: [],
    credit: new Float64Array(places),
    unit: {
      mark: 1,
      marks: new Int32Array(places),
      current: new Float64Array(places),
      peak: new Float64Array(places),
      touched: [],
    },
  };
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
  const number = internNumber(slots.pieces, key);
  if (number === slots.pieceKeys.length) {
    slots.pieceKeys.push(key);
    if (slots.fixed + number >= slots.growth.length) enlarge(slots);
  }
  return slots.fixed + number;
}

/** The slot of a piece that the plan asked for; -1: it did not. */
export function knownSlot(slots: Slots, key: number): number {
  const number = numberOf(slots.pieces, key);
  return number < 0 ? -1 : slots.fixed + number;
}

function enlarge(slots: Slots): void {
  const places = slots.growth.length * 2;
  const larger = (column: Float64Array): Float64Array => {
    const copy = new Float64Array(places);
    copy.set(column);
    return copy;
  };
  const { unit } = slots;
  slots.growth = larger(slots.growth);
  slots.credit = larger(slots.credit);
  unit.current = larger(unit.current);
  unit.peak = larger(unit.peak);
  const marks = new Int32Array(places);
  marks.set(unit.marks);
  unit.marks = marks;
}

/** The unit under way holds so much more of a slot, or less. */
export function addTo({ unit }: Slots, slot: number, amount: number): void {
  const { marks, current, peak } = unit;
  if (marks[slot] !== unit.mark) {
    marks[slot] = unit.mark;
    current[slot] = 0;
    peak[slot] = 0;
    unit.touched.push(slot);
  }
  const now = (current[slot] as number) + amount;
  current[slot] = now;
  if (now > (peak[slot] as number)) peak[slot] = now;
}

/** Ends the unit under way: to all others it occupies the most that it held, for as long as it runs. */
export function closeUnit(slots: Slots): void {
  const { unit, growth, grown } = slots;
  for (const slot of unit.touched) {
    const most = unit.peak[slot] as number;
    if (most <= 0) continue;
    if (growth[slot] === 0) grown.push(slot);
    growth[slot] = (growth[slot] as number) + most;
  }
  openUnit(slots);
}

export function openUnit({ unit }: Slots): void {
  unit.touched.length = 0;
  unit.mark += 1;
}

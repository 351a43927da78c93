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
  pieceKeys: Float64Array;
  /**
   * Four numbers of each slot, side by side since they are asked for together and a plan has a million of them: the unit
   * that touched it last, what that holds of it on top of what is recorded, the most that it has held, and the most that
   * all units so far add to what is charged already, each in its own worst state.
   */
  cells: Float64Array;
  /** Slots that grow, in the order in which they were found: the first `grownCount`. */
  grown: Int32Array;
  grownCount: number;
  /** What the predecessor of the step under way leaves to its successor; 0 between steps. */
  credit: Float64Array;
  /** Number of the unit under way. */
  unit: number;
  /** What it has touched. */
  readonly touched: number[];
}

const cellSize = 4;
const [ofUnit, ofCurrent, ofPeak, ofGrowth] = [0, 1, 2, 3];

/** `pieces` is how many may be expected; there can be more. */
export function createSlots({ fixed, pieces }: { readonly fixed: number; readonly pieces: number }): Slots {
  const places = fixed + pieces + 1024;
  return {
    fixed,
    pieces: createNumberIndex(pieces),
    pieceKeys: new Float64Array(places - fixed),
    cells: new Float64Array(places * cellSize),
    grown: new Int32Array(places),
    grownCount: 0,
    credit: new Float64Array(places),
    unit: 1,
    touched: [],
  };
}

/** How many there may be before more room is made. */
export const placesOf = ({ credit }: Slots): number => credit.length;

/** The most that the units so far add to a slot. */
export const growthOf = ({ cells }: Slots, slot: number): number => cells[slot * cellSize + ofGrowth] as number;

/** What the unit under way does to a slot; undefined when it has nothing to do with it. */
export function ofUnitUnderWay(
  { cells, unit }: Slots,
  slot: number,
): { readonly peak: number; readonly current: number } | undefined {
  const at = slot * cellSize;
  if (cells[at + ofUnit] !== unit) return undefined;
  return { peak: cells[at + ofPeak] as number, current: cells[at + ofCurrent] as number };
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
  if (slots.fixed + number >= placesOf(slots)) enlarge(slots);
  slots.pieceKeys[number] = key;
  return slots.fixed + number;
}

/** The slot of a piece that the plan asked for; -1: it did not. */
export function knownSlot(slots: Slots, key: number): number {
  const number = numberOf(slots.pieces, key);
  return number < 0 ? -1 : slots.fixed + number;
}

function enlarge(slots: Slots): void {
  const places = placesOf(slots) * 2;
  slots.cells = copied(slots.cells, new Float64Array(places * cellSize));
  slots.credit = copied(slots.credit, new Float64Array(places));
  slots.pieceKeys = copied(slots.pieceKeys, new Float64Array(places - slots.fixed));
  slots.grown = copied(slots.grown, new Int32Array(places));
}

function copied<Column extends Float64Array | Int32Array>(from: Column, to: Column): Column {
  to.set(from);
  return to;
}

/** The unit under way holds so much more of a slot, or less. */
export function addTo({ cells, unit, touched }: Slots, slot: number, amount: number): void {
  const at = slot * cellSize;
  let now = amount;
  let peak = 0;
  if (cells[at + ofUnit] === unit) {
    now += cells[at + ofCurrent] as number;
    peak = cells[at + ofPeak] as number;
  } else {
    cells[at + ofUnit] = unit;
    touched.push(slot);
  }
  cells[at + ofCurrent] = now;
  cells[at + ofPeak] = Math.max(now, peak);
}

/** Ends the unit under way: to all others it occupies the most that it held, for as long as it runs. */
export function closeUnit(slots: Slots): void {
  const { cells, touched } = slots;
  for (const slot of touched) {
    const at = slot * cellSize;
    const most = cells[at + ofPeak] as number;
    if (most <= 0) continue;
    const before = cells[at + ofGrowth] as number;
    if (before === 0) slots.grown[slots.grownCount++] = slot;
    cells[at + ofGrowth] = before + most;
  }
  openUnit(slots);
}

/** What the units so far add to. */
export const grownSlots = ({ grown, grownCount }: Slots): Int32Array => grown.subarray(0, grownCount);

export function openUnit(slots: Slots): void {
  slots.touched.length = 0;
  slots.unit += 1;
}

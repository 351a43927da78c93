import { milliPerPiece } from '../../model/resources.ts';
import { type Free, type Kept, mostIn, type Portion, type Span, timesWhole, wholesIn, wholesOf } from './portion.ts';

export interface Picked {
  /** Positions. */
  readonly whole: readonly number[];
  /** `nowhere` when no part was asked for. */
  readonly part: number;
}
export const nowhere = -1;

/** Pieces for a portion, none of them taken; undefined when there is no room. */
export function pickPortion(free: Free, span: Span, portion: Portion, kept: Kept): Picked | undefined {
  const spare = wholesIn(free, span) - portion.whole;
  if (spare < 0) return undefined;
  if (portion.part === 0) return { whole: pickWhole(free, span, { portion, besides: nowhere }, kept), part: nowhere };
  const part = pickPart(free, span, { portion, mayBreak: spare > 0 }, kept);
  return part === nowhere ? undefined : { whole: pickWhole(free, span, { portion, besides: part }, kept), part };
}

/** The piece for the part: one of the predecessor's, else the tightest remnant, else of what is whole the most begun. */
function pickPart(
  free: Free,
  span: Span,
  { portion: { whole, part }, mayBreak }: { readonly portion: Portion; readonly mayBreak: boolean },
  kept: Kept,
): number {
  const surplus = kept === undefined ? nowhere : surplusWhole(free, span, whole, kept);
  const most = mayBreak ? Number.POSITIVE_INFINITY : milliPerPiece - 1;
  let best = nowhere;
  let lowest = Number.POSITIVE_INFINITY;
  for (let piece = span.from; piece < span.to; piece += 1) {
    const amount = free[piece] as number;
    if (amount < part || amount > most) continue;
    const distance = kept === undefined || holdsPart(kept, piece) ? 0 : piece === surplus ? 1 : 2;
    const cost = distance * farther + costOfPart(amount, part);
    if (cost >= lowest) continue;
    lowest = cost;
    best = piece;
  }
  return best;
}

/** Of the whole pieces that a predecessor held, the first that its successor does not need whole. */
function surplusWhole(free: Free, { from, to }: Span, needed: number, kept: Int32Array): number {
  let found = 0;
  for (let piece = from; piece < to; piece += 1) {
    if (!holdsWhole(kept, piece) || (free[piece] as number) < milliPerPiece) continue;
    if (found === needed) return piece;
    found += 1;
  }
  return nowhere;
}

const holdsWhole = (kept: Int32Array, piece: number): boolean => (kept[piece] as number) >= milliPerPiece;
const holdsPart = (kept: Int32Array, piece: number): boolean => (kept[piece] as number) > 0 && !holdsWhole(kept, piece);

/** Orders pieces for a part: no whole piece lost before one lost; then the tightest remnant; then few wholes beside it. */
function costOfPart(amount: number, part: number): number {
  if (amount < milliPerPiece) return amount * mostWholes;
  const remnant = amount % milliPerPiece;
  const loses = remnant < part;
  const looseness = loses ? milliPerPiece + (milliPerPiece - remnant) : remnant;
  return looseness * mostWholes + Math.floor(amount / milliPerPiece);
}

/** More than a piece is ever sold for (`overcommit` goes to 100). */
const mostWholes = 1024;
const farther = 4 * milliPerPiece * mostWholes;

/** Whole pieces: the predecessor's first, then such that as many more portions as possible still fit, then in order. */
function pickWhole(
  free: Free,
  span: Span,
  { portion, besides }: { readonly portion: Portion; readonly besides: number },
  kept: Kept,
): readonly number[] {
  const picked: number[] = [];
  const { whole } = portion;
  if (whole === 0) return picked;
  const wholes = { free, span, besides };
  if (kept !== undefined) {
    addWhere(picked, whole, wholes, (piece) => holdsWhole(kept, piece));
    addWhere(picked, whole, wholes, (piece) => holdsPart(kept, piece));
  }
  if (picked.length === whole) return picked;
  if (mostIn(free, span) === 1) addWhere(picked, whole, wholes, anyPiece);
  else if (portion.part > 0) addEmptiest(picked, whole, wholes);
  else addFullest(picked, whole, wholes);
  return picked;
}

const anyPiece = (): boolean => true;

interface Wholes {
  readonly free: Free;
  readonly span: Span;
  /** The piece that the part is of. */
  readonly besides: number;
}

/** Adds whole pieces in order until there are `count`. */
function addWhere(
  picked: number[],
  count: number,
  { free, span, besides }: Wholes,
  allows: (piece: number) => boolean,
): void {
  const before = picked.length;
  for (let piece = span.from; piece < span.to && picked.length < count; piece += 1) {
    if ((free[piece] as number) < milliPerPiece || piece === besides || !allows(piece)) continue;
    if (before === 0 || !picked.includes(piece)) picked.push(piece);
  }
}

/**
 * Pieces that are sold several times: those with the most left, since an instance can have only one portion of each, and
 * those with little left will do for parts.
 */
function addEmptiest(picked: number[], count: number, wholes: Wholes): void {
  for (let level = mostIn(wholes.free, wholes.span); level > 0 && picked.length < count; level -= 1) {
    addWhere(picked, count, wholes, (piece) => wholesOf(wholes.free, piece) === level);
  }
}

/**
 * Pieces that are sold several times, no parts: the fullest first, as long as that costs no later portion. With k more
 * portions to come, a piece serves min(left, k) of them at the most. One with k or more left loses of that whether it is
 * picked or not; any other only if it is picked. So of the others as many may be picked as there is slack.
 */
function addFullest(picked: number[], count: number, wholes: Wholes): void {
  const { free, span } = wholes;
  const times = timesWhole(free, span, count);
  let slack = -count * times;
  let critical = 0;
  for (let piece = span.from; piece < span.to; piece += 1) {
    const left = wholesOf(free, piece);
    slack += Math.min(left, times);
    if (left >= times) critical += 1;
  }
  const others = count - Math.max(0, critical - slack);
  for (let level = 1; level < times; level += 1) {
    addWhere(picked, others, wholes, (piece) => wholesOf(free, piece) === level);
  }
  const most = mostIn(free, span);
  for (let level = times; level <= most; level += 1) {
    addWhere(picked, count, wholes, (piece) => wholesOf(free, piece) === level);
  }
  addWhere(picked, count, wholes, anyPiece);
}

export function subtract(free: Free, { whole, part }: Picked, portion: Portion): void {
  for (const piece of whole) free[piece] = (free[piece] as number) - milliPerPiece;
  if (part !== nowhere) free[part] = (free[part] as number) - portion.part;
}

import { milliPerPiece } from '../../model/resources.ts';

/**
 * So many whole pieces, and a part of one more, in thousandths: how cores and devices are given out. Parts are packed so
 * that whole pieces stay free. A piece that is sold several times over has more than 1000 thousandths: then a whole piece
 * is 1000 of them, and one instance never has two portions of the same piece.
 */
export interface Portion {
  readonly whole: number;
  readonly part: number;
}

/** Pieces from `from` up to, and without, `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Free thousandths of each piece; below zero where more is held than there is. */
export type Free = Int32Array;

/** Thousandths that a predecessor held of each piece: its pieces are preferred. */
export type Kept = Int32Array | undefined;

export const portionOf = (milli: number): Portion => ({
  whole: Math.floor(milli / milliPerPiece),
  part: milli % milliPerPiece,
});

/** `breaks`: it fits, but its part costs a whole piece that nobody has begun. */
export function fitOf(free: Free, { from, to }: Span, { whole, part }: Portion): 'no' | 'breaks' | 'fits' {
  let wholes = 0;
  let remnants = 0;
  let remnantsOfWholes = 0;
  for (let piece = from; piece < to; piece += 1) {
    const amount = free[piece] as number;
    if (amount < milliPerPiece) {
      if (amount >= part) remnants += 1;
    } else {
      wholes += 1;
      if (amount % milliPerPiece >= part) remnantsOfWholes += 1;
    }
  }
  if (wholes < whole) return 'no';
  if (part === 0 || remnants > 0) return 'fits';
  if (wholes === whole) return 'no';
  return remnantsOfWholes > 0 ? 'fits' : 'breaks';
}

export const wholesOf = (free: Free, piece: number): number =>
  Math.max(0, Math.floor((free[piece] as number) / milliPerPiece));

/** The most wholes that one piece has left. */
export function mostIn(free: Free, { from, to }: Span): number {
  let most = 0;
  for (let piece = from; piece < to; piece += 1) most = Math.max(most, free[piece] as number);
  return Math.floor(most / milliPerPiece);
}

/** Pieces that a whole one can be had of. */
export function wholesIn(free: Free, { from, to }: Span): number {
  let wholes = 0;
  for (let piece = from; piece < to; piece += 1) if ((free[piece] as number) >= milliPerPiece) wholes += 1;
  return wholes;
}

/** Pieces that the predecessor held. */
export function keptCount(kept: Kept, { from, to }: Span): number {
  let count = 0;
  if (kept === undefined) return count;
  for (let piece = from; piece < to; piece += 1) if ((kept[piece] as number) > 0) count += 1;
  return count;
}

/** How often a whole one can still be had, of all pieces together. */
export function wholesLeft(free: Free, { from, to }: Span): number {
  let left = 0;
  for (let piece = from; piece < to; piece += 1) left += wholesOf(free, piece);
  return left;
}

/** Parts that fit into pieces that are begun. */
export function slotsIn(free: Free, { from, to }: Span, part: number): number {
  let slots = 0;
  if (part === 0) return slots;
  for (let piece = from; piece < to; piece += 1) {
    const amount = free[piece] as number;
    if (amount >= part && amount < milliPerPiece) slots += Math.floor(amount / part);
  }
  return slots;
}

/** The largest k for which the pieces serve k each of `whole` portions: Σ min(left, k) ≥ whole × k. */
export function timesWhole(free: Free, { from, to }: Span, whole: number): number {
  let times = Number.POSITIVE_INFINITY;
  // Each round lowers the bound; the largest k is never passed. Bounded by the wholes that there are.
  for (;;) {
    let served = 0;
    for (let piece = from; piece < to; piece += 1) served += Math.min(wholesOf(free, piece), times);
    const next = Math.floor(served / whole);
    if (next >= times) return times;
    times = next;
  }
}

/** What the pieces lack for a portion: whole ones, and its part where nothing has room for it. */
export function missingMilli(free: Free, span: Span, { whole, part }: Portion): number {
  const wholes = wholesIn(free, span);
  const lacksPart = part > 0 && fitOf(free, span, { whole: Math.min(whole, wholes), part }) === 'no';
  return Math.max(0, whole - wholes) * milliPerPiece + (lacksPart ? part : 0);
}

import { milliPerPiece } from '../../model/resources.ts';
import { type Free, type Portion, type Span, slotsIn, timesWhole, wholesIn } from './portion.ts';
import { pickPortion, subtract } from './portion-pick.ts';

/** How often a portion fits, as `pickPortion` would do it one after the other; `atMost` at the most. */
export function timesIn(free: Free, span: Span, portion: Portion, atMost: number): number {
  if (portion.part === 0) return Math.min(atMost, timesWhole(free, span, portion.whole));
  if (portion.whole === 0) return Math.min(atMost, timesPart(free, span, portion.part));
  if (soldOnce(free, span)) {
    return Math.min(
      atMost,
      timesOf({ wholes: wholesIn(free, span), slots: slotsIn(free, span, portion.part) }, portion),
    );
  }
  return timesTried(free, span, portion, atMost);
}

/** True where no piece has more than one whole left. */
function soldOnce(free: Free, { from, to }: Span): boolean {
  for (let piece = from; piece < to; piece += 1) if ((free[piece] as number) > milliPerPiece) return false;
  return true;
}

function timesPart(free: Free, { from, to }: Span, part: number): number {
  let times = 0;
  for (let piece = from; piece < to; piece += 1) times += Math.max(0, Math.floor((free[piece] as number) / part));
  return times;
}

export interface Tally {
  /** Pieces that nobody has begun. */
  readonly wholes: number;
  /** Parts that fit into the others. */
  readonly slots: number;
}

/** How often a portion fits where no piece is sold twice: parts fill the slots, then break whole pieces. */
export function timesOf({ wholes, slots }: Tally, { whole, part }: Portion): number {
  if (part === 0) return Math.floor(wholes / whole);
  const perPiece = Math.floor(milliPerPiece / part);
  if (whole === 0) return slots + wholes * perPiece;
  if (Math.floor(wholes / whole) <= slots) return Math.floor(wholes / whole);
  // A broken piece serves `perPiece` portions; the last broken one may serve fewer.
  const left = wholes - whole * slots;
  const batch = whole * perPiece + 1;
  const rest = left % batch;
  return slots + Math.floor(left / batch) * perPiece + (rest > 0 ? Math.floor((rest - 1) / whole) : 0);
}

/** What is left after a portion was picked so often. */
export function tallyAfter({ wholes, slots }: Tally, { whole, part }: Portion, times: number): Tally {
  const perPiece = part === 0 ? 0 : Math.floor(milliPerPiece / part);
  const broken = part === 0 ? 0 : Math.ceil(Math.max(0, times - slots) / perPiece);
  return { wholes: wholes - whole * times - broken, slots: part === 0 ? 0 : slots + broken * perPiece - times };
}

function timesTried(free: Free, { from, to }: Span, portion: Portion, atMost: number): number {
  const left = free.slice(from, to);
  const span = { from: 0, to: left.length };
  let times = 0;
  for (; times < atMost; times += 1) {
    const picked = pickPortion(left, span, portion, undefined);
    if (picked === undefined) break;
    subtract(left, picked, portion);
  }
  return times;
}

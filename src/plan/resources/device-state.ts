import { type Dimension, isExtended, milliPerPiece } from '../../model/resources.ts';
import type { Free, Span } from './portion.ts';
import type { NodeFacts } from './resource.ts';

/** The pieces of a node, kind after kind, by name. */
export interface DeviceState {
  readonly kinds: readonly string[];
  /** The pieces of each kind, numbered from `from`. */
  readonly spans: readonly Span[];
  readonly free: Free;
}

/** Nothing of ours is held. What is reserved are the last pieces of a kind; what is foreign has the first. */
export function openDevices({ definition, usable, foreign }: NodeFacts): DeviceState {
  const kinds = definition === undefined ? [] : Object.keys(usable).filter(isExtended).sort();
  const amounts = kinds.map((kind) => usable[kind as Dimension] ?? 0);
  const spans = spansOf(amounts.map((amount) => Math.ceil(amount / milliPerPiece)));
  const free = new Int32Array(spans.at(-1)?.to ?? 0);
  for (const [index, span] of spans.entries()) {
    const theirs = foreign.reduce((sum, { resources }) => sum + (resources[kinds[index] as Dimension] ?? 0), 0);
    openPieces(free, span, { amount: amounts[index] as number, foreign: theirs });
  }
  return { kinds, spans, free };
}

function spansOf(counts: readonly number[]): readonly Span[] {
  let from = 0;
  return counts.map((count) => {
    const span = { from, to: from + count };
    from = span.to;
    return span;
  });
}

/** The last piece has what is left of the amount, where that is not whole. */
function openPieces(
  free: Free,
  { from, to }: Span,
  { amount, foreign }: { readonly amount: number; readonly foreign: number },
): void {
  let left = amount;
  let theirs = foreign;
  for (let piece = from; piece < to; piece += 1) {
    const size = Math.min(left, milliPerPiece);
    const occupied = Math.min(theirs, size);
    free[piece] = size - occupied;
    left -= size;
    theirs -= occupied;
  }
}

import type { Strategy } from '../../model/desired.ts';
import { baseDimensions } from '../../model/resources.ts';
import type { Ask } from '../ask.ts';
import type { ClusterNode } from '../cluster.ts';
import { type Ledger, timesThatFit } from '../ledger.ts';
import type { Pieces } from '../pieces.ts';

/** How many more instances a node has room for, counted dimensions and pieces together. */
export function roomOf(
  { ledger, pieces }: { readonly ledger: Ledger; readonly pieces: Pieces },
  node: ClusterNode,
  ask: Ask,
): number {
  const times = timesThatFit(ledger, node.index, ask.amounts);
  if (times === 0 || ask.pieces.length === 0) return times;
  return pieces.room(ask.pieces, node, Math.min(times, mostPieces));
}

/** Rooms beyond this are alike. */
const mostPieces = 4096;

/** How good a node is for one more instance; lower is better. */
export interface Score {
  /** Equal for workloads that may share what is remembered of it. */
  readonly key: string;
  readonly of: (node: number) => number;
  /** `touched`: it may get better as well as worse when the node is touched. Absent: it only gets worse while a plan grows. */
  readonly follows?: 'touched';
}

/**
 * - `auto`, `fill`, `each`: the most free capacity (which of them has instances already comes first, in queue.ts)
 * - `drained`: the least free capacity · `global`: the least utilised once the instance is there
 */
export function openScore(ledger: Ledger, strategy: Exclude<Strategy, 'pack'>, ask: Ask): Score {
  switch (strategy) {
    case 'auto':
    case 'fill':
    case 'each':
      return { key: 'free', of: (node) => -freeShare(ledger, node) };
    case 'drained':
      return { key: 'full', of: (node) => freeShare(ledger, node) };
    case 'global':
      return { key: `even ${ask.key}`, of: (node) => utilisation(ledger, node, ask.amounts) };
  }
}

/** What is free of a node, as a share of the largest node's capacity, in the dimension that has least. */
function freeShare({ width, used, capacity, largest }: Ledger, node: number): number {
  const start = node * width;
  let least = Number.POSITIVE_INFINITY;
  for (let d = 0; d < baseDimensions.length; d += 1) {
    const most = largest[d] as number;
    const of = capacity[start + d] as number;
    if (most === 0 || of === Number.POSITIVE_INFINITY) continue;
    const share = (of - (used[start + d] as number)) / most;
    if (share < least) least = share;
  }
  return least;
}

/** The share that is used of the dimension that is used most, with `more` on top; what nobody knows is not used. */
function utilisation({ width, used, capacity }: Ledger, node: number, more: Float64Array): number {
  const start = node * width;
  let most = 0;
  for (let d = 0; d < width; d += 1) {
    const of = capacity[start + d] as number;
    if (of === 0 || of === Number.POSITIVE_INFINITY) continue;
    const share = ((used[start + d] as number) + (more[d] as number)) / of;
    if (share > most) most = share;
  }
  return most;
}

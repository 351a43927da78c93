import type { Strategy } from '../../model/desired.ts';
import type { Ask } from '../ask.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import { type Ledger, timesThatFit } from '../ledger.ts';

/** How many more instances a node has room for, counted dimensions and pieces together. */
export function roomOf(context: Context, node: number, ask: Ask): number {
  const times = timesThatFit(context.ledger, node, ask.amounts);
  if (times === 0 || ask.pieces.length === 0) return times;
  return context.pieces.room(ask.pieces, context.cluster.nodes[node] as ClusterNode, Math.min(times, mostPieces));
}

/** Rooms beyond this are alike: nobody needs to know how many of a thousand cores would do. */
const mostPieces = 64;

/**
 * How good a node is for one more instance, as far as that does not depend on the workload; lower is better, infinite
 * means no room.
 * - `auto`, `fill`, `each`: the roomiest (which of them has instances already comes first, in queue.ts)
 * - `drained`: the least room, then the fullest · `global`: the least utilised once the instance is there
 */
export function openScore(context: Context, strategy: Exclude<Strategy, 'pack'>, ask: Ask): (node: number) => number {
  const { ledger } = context;
  switch (strategy) {
    case 'auto':
    case 'fill':
    case 'each':
      if (ask.pieces.length === 0) {
        return (node) => {
          const room = timesThatFit(ledger, node, ask.amounts);
          return room < 1 ? Number.POSITIVE_INFINITY : -room;
        };
      }
      return (node) => {
        const room = roomOf(context, node, ask);
        return room < 1 ? Number.POSITIVE_INFINITY : -room;
      };
    case 'drained':
      return (node) => {
        const room = roomOf(context, node, ask);
        if (room < 1) return Number.POSITIVE_INFINITY;
        const used = utilisation(ledger, node, undefined);
        return room + 1 - used / (1 + used);
      };
    case 'global':
      return (node) =>
        roomOf(context, node, ask) < 1 ? Number.POSITIVE_INFINITY : utilisation(ledger, node, ask.amounts);
  }
}

/** The share that is used of the dimension that is used most, with `more` on top; what nobody knows is not used. */
function utilisation({ width, used, capacity }: Ledger, node: number, more: Float64Array | undefined): number {
  const start = node * width;
  let most = 0;
  for (let d = 0; d < width; d += 1) {
    const of = capacity[start + d] as number;
    if (of === 0 || of === Number.POSITIVE_INFINITY) continue;
    const share = ((used[start + d] as number) + (more === undefined ? 0 : (more[d] as number))) / of;
    if (share > most) most = share;
  }
  return most;
}

import type { Strategy } from '../../model/desired.ts';
import type { Ask } from '../ask.ts';
import type { Context } from '../context.ts';
import { openScore } from './score.ts';
import { openShelf, type Shelf } from './shelf.ts';

/** Shelves by node list, ask and way of scoring; what nodes were set aside by the queue before is back on them. */
export interface Shelves {
  readonly of: (nodes: readonly number[], strategy: Strategy, ask: Ask) => Shelf;
  /** A queue is opened: what the one before it set aside is there again. */
  readonly reset: () => void;
}

/** Bounds what is remembered: entries of all shelves together, 12 bytes each. */
const mostEntries = 4_000_000;

export function openShelves(contextOf: () => Context): Shelves {
  let shelves = new Map<readonly number[], Map<string, Kept>>();
  let entries = 0;
  let lent: Shelf[] = [];
  return {
    reset() {
      for (const shelf of lent) shelf.restore();
      lent = [];
    },
    of(nodes, strategy, ask) {
      const context = contextOf();
      const scoring = strategy === 'fill' || strategy === 'each' ? 'auto' : strategy;
      const key = `${scoring} ${ask.key}`;
      const { rollbacks } = context.ledger;
      const kept = shelves.get(nodes)?.get(key);
      if (kept !== undefined && kept.rollbacks === rollbacks) {
        lent.push(kept.shelf);
        return kept.shelf;
      }
      if (kept === undefined) entries += nodes.length;
      if (entries > mostEntries) {
        shelves = new Map();
        entries = nodes.length;
      }
      const shelf = openShelf(nodes, scoreFor(context, scoring, { nodes, ask }));
      const byKey = shelves.get(nodes) ?? new Map<string, Kept>();
      shelves.set(nodes, byKey.set(key, { shelf, rollbacks }));
      lent.push(shelf);
      return shelf;
    },
  };
}

interface Kept {
  readonly shelf: Shelf;
  /** Of the ledger when it was filled. */
  readonly rollbacks: number;
}

function scoreFor(
  context: Context,
  strategy: Strategy,
  { ask }: { readonly nodes: readonly number[]; readonly ask: Ask },
): (node: number) => number {
  return openScore(context, strategy === 'pack' ? 'drained' : strategy, ask);
}

import type { Ledger } from '../ledger.ts';
import { openPackShelf } from './pack-shelf.ts';
import type { Score } from './score.ts';
import { openShelf, type Shelf } from './shelf.ts';

/** Shelves by node list and score; what was set aside for one queue is back for the next. */
export interface Shelves {
  readonly of: (nodes: readonly number[], score: Score) => Shelf;
  /** A queue is opened: what the one before it set aside is there again. */
  readonly reset: () => void;
}

/** Bounds what is remembered: entries of all shelves together, 12 bytes each. */
const mostEntries = 2_000_000;

export function openShelves(ledger: Ledger): Shelves {
  let shelves = new Map<readonly number[], Map<string, Kept>>();
  let entries = 0;
  let lent: Shelf[] = [];
  return {
    reset() {
      for (const shelf of lent) shelf.restore();
      lent = [];
    },
    of(nodes, score) {
      const { rollbacks } = ledger;
      let kept = shelves.get(nodes)?.get(score.key);
      const isStale = kept !== undefined && kept.rollbacks !== rollbacks && score.follows !== 'touched';
      if (kept === undefined || isStale) {
        if (kept === undefined) entries += nodes.length;
        if (entries > mostEntries) {
          shelves = new Map();
          entries = nodes.length;
        }
        kept = { shelf: shelfFor(ledger, nodes, score), rollbacks };
        const byKey = shelves.get(nodes) ?? new Map<string, Kept>();
        shelves.set(nodes, byKey.set(score.key, kept));
      }
      lent.push(kept.shelf);
      return kept.shelf;
    },
  };
}

interface Kept {
  readonly shelf: Shelf;
  /** Of the ledger when it was filled. */
  readonly rollbacks: number;
}

const shelfFor = ({ touched }: Ledger, nodes: readonly number[], score: Score): Shelf =>
  score.follows === 'touched' ? openPackShelf(nodes, { scoreOf: score.of, touched }) : openShelf(nodes, score.of);

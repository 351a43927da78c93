import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { NodeQueue, RankedQueue } from './queue.ts';
import type { Group, Spread } from './spread.ts';

/** The queue of one group of nodes. */
export interface Leaf {
  readonly group: Group;
  readonly queue: RankedQueue;
  /** The best node when somebody last asked; undefined: it has to be asked. */
  best: number | 'none' | undefined;
  rank: number;
  score: number;
}

export const leafOf = (group: Group, queue: RankedQueue): Leaf => ({
  group,
  queue,
  best: undefined,
  rank: 0,
  score: 0,
});

/**
 * The queues of several groups as one: the group whose domains have the fewest instances first. What a queue said holds
 * until one of its nodes is charged: with a hundred racks, ninety-nine need not be asked again.
 */
export function mergeBySpread(
  spread: Spread,
  leaves: readonly Leaf[],
  { cluster, ledger }: Pick<Context, 'cluster' | 'ledger'>,
): NodeQueue {
  const counts = spread.rules.filter(({ rule }) => rule.by !== 'node').map((rule) => rule.counts);
  const { touched } = ledger;
  let chosen: Leaf | undefined;
  /** How much of `touched` is known to every leaf but the chosen one. */
  let seen = touched.length;
  const dropUnallowed = (queue: RankedQueue): void => {
    for (let node = queue.best(); node !== undefined; node = queue.best()) {
      if (spread.allows(cluster.nodes[node] as ClusterNode)) return;
      queue.drop();
    }
  };
  const forget = (leaf: Leaf | undefined): void => {
    if (leaf !== undefined) leaf.best = undefined;
  };
  return {
    best() {
      // Something else than what came from here.
      if (touched.length !== seen) leaves.forEach(forget);
      seen = touched.length;
      for (chosen = leastOf(leaves, counts); chosen !== undefined; chosen = leastOf(leaves, counts)) {
        const node = chosen.best as number;
        if (spread.allows(cluster.nodes[node] as ClusterNode)) return node;
        dropUnallowed(chosen.queue);
        forget(chosen);
      }
      return undefined;
    },
    used() {
      chosen?.queue.used();
      forget(chosen);
      seen = touched.length;
    },
    drop() {
      chosen?.queue.drop();
      forget(chosen);
    },
  };
}

/** The leaf with the best node; undefined when no leaf has one. */
function leastOf(leaves: readonly Leaf[], counts: readonly Int32Array[]): Leaf | undefined {
  let least: Leaf | undefined;
  for (const leaf of leaves) {
    if (leaf.best === 'none') continue;
    const byDomain = least === undefined ? 0 : compareDomains(counts, leaf.group, least.group);
    if (byDomain > 0) continue;
    if ((leaf.best ?? ask(leaf)) === 'none') continue;
    if (least === undefined || byDomain < 0 || isBetter(leaf, least)) least = leaf;
  }
  return least;
}

function ask(leaf: Leaf): number | 'none' {
  const { queue } = leaf;
  const best = queue.best() ?? 'none';
  leaf.best = best;
  if (best !== 'none') {
    leaf.rank = queue.rank();
    leaf.score = queue.score();
  }
  return best;
}

function isBetter(a: Leaf, b: Leaf): boolean {
  if (a.rank !== b.rank) return a.rank < b.rank;
  return a.score !== b.score ? a.score < b.score : (a.best as number) < (b.best as number);
}

function compareDomains(counts: readonly Int32Array[], a: Group, b: Group): number {
  for (let i = 0; i < counts.length; i += 1) {
    const column = counts[i] as Int32Array;
    const difference = (column[a.domains[i] as number] ?? 0) - (column[b.domains[i] as number] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

import type { Strategy } from '../../model/desired.ts';
import type { Shelf } from './shelf.ts';

/**
 * Candidate nodes of one workload, best first.
 * - `auto`: fewest instances of the workload first, so that counts get even
 * - `fill`: most instances first, so that the fewest nodes are used
 * - `each`: like fill, but only nodes that can take the whole number
 * - others: by the score alone
 * Ties go to the node with the better score, then to the first by name.
 */
export interface NodeQueue {
  /** The best node that still has room, or undefined. */
  best(): number | undefined;
  /** The best node was used: one more instance on it. */
  used(): void;
  /** The best node will not do after all. */
  drop(): void;
}

/** A queue that knows how good its best node is, so that several can be merged. */
export interface RankedQueue extends NodeQueue {
  /** Instances of the workload on the best node, where they matter: lower is better. Only valid after `best`. */
  rank(): number;
  /** Of the best node. */
  score(): number;
}

export interface QueueOptions {
  readonly nodes: readonly number[];
  /** All of `nodes`, shared with other workloads. */
  readonly shelf: Shelf;
  readonly scoreOf: (node: number) => number;
  /** There is room for one more, as far as that can be said without choosing pieces. */
  readonly hasRoom: (node: number) => boolean;
  /** How many more fit on a node. */
  readonly roomOf: (node: number) => number;
  readonly strategy: Strategy;
  /** Instances of the workload that each node has. */
  readonly counts: ReadonlyMap<number, number>;
  readonly isMember: (node: number) => boolean;
  /** Most instances on one node. */
  readonly perNode: number;
}

export function openQueue(options: QueueOptions): RankedQueue {
  const { shelf, strategy, counts, perNode, scoreOf, hasRoom, roomOf } = options;
  const direction = strategy === 'auto' ? 1 : strategy === 'fill' || strategy === 'each' ? -1 : 0;
  // Nodes that have instances: a workload has few, and its own.
  const own: Own[] = [];
  const onShelf = (node: number): boolean => (counts.get(node) ?? 0) === 0 || (direction === 0 && !isFull(node));
  const isFull = (node: number): boolean => (counts.get(node) ?? 0) + (placedOn.get(node) ?? 0) >= perNode;
  const placedOn = new Map<number, number>();
  if (direction !== 0) {
    for (const [node, count] of counts) {
      if (count > 0 && options.isMember(node)) enter(own, { node, count, score: scoreOf(node) });
    }
  }
  let top: 'shelf' | 'own' | undefined;
  let last: number | undefined;

  /** The best on the shelf: without instances, or (where counts do not matter) not full. */
  const shelfBest = (): number | undefined => {
    for (let node = shelf.best(); node !== undefined; node = shelf.best()) {
      const whole = strategy !== 'each' || roomOf(node) >= perNode;
      if (whole && hasRoom(node) && onShelf(node) && (placedOn.get(node) ?? 0) < perNode) {
        last = node;
        return node;
      }
      shelf.setAside();
    }
    return undefined;
  };
  /** The best of those with instances; what lost its room or is full is taken out. */
  const ownBest = (): Own | undefined => {
    for (let first = own[0]; first !== undefined; first = own[0]) {
      const score = scoreOf(first.node);
      const room = hasRoom(first.node);
      const whole = strategy !== 'each' || roomOf(first.node) >= perNode - first.count;
      if (!room || first.count >= perNode || !whole) leave(own);
      else if (score === first.score) return first;
      else {
        leave(own);
        enter(own, { ...first, score });
      }
    }
    return undefined;
  };
  const best = (): number | undefined => {
    if (direction > 0) {
      const fresh = shelfBest();
      top = fresh === undefined ? 'own' : 'shelf';
      return fresh ?? ownBest()?.node;
    }
    const mine = direction < 0 ? ownBest() : undefined;
    top = mine === undefined ? 'shelf' : 'own';
    return mine?.node ?? shelfBest();
  };
  return {
    best,
    rank: () => (top === 'own' ? direction * (own[0]?.count ?? 0) : 0),
    score: () => (top === 'own' ? (own[0]?.score ?? 0) : shelf.score()),
    used() {
      if (top === 'own') {
        const [first] = own;
        if (first === undefined) return;
        leave(own);
        enter(own, { node: first.node, count: first.count + 1, score: scoreOf(first.node) });
        return;
      }
      // Still on top: nobody has asked since.
      if (last === undefined) return;
      if (direction === 0) {
        placedOn.set(last, (placedOn.get(last) ?? 0) + 1);
        return;
      }
      shelf.setAside();
      enter(own, { node: last, count: 1, score: scoreOf(last) });
    },
    drop() {
      if (top === 'own') leave(own);
      else shelf.setAside();
    },
  };

  function isBefore(a: Own, b: Own): boolean {
    const byCount = direction * (a.count - b.count);
    return byCount !== 0 ? byCount < 0 : a.score !== b.score ? a.score < b.score : a.node < b.node;
  }

  function enter(heap: Own[], item: Own): void {
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(item, heap[parent] as Own)) break;
      heap[at] = heap[parent] as Own;
      at = parent;
    }
    heap[at] = item;
  }

  function leave(heap: Own[]): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < heap.length && isBefore(heap[right] as Own, heap[child] as Own)) child = right;
      if (!isBefore(heap[child] as Own, last)) break;
      heap[at] = heap[child] as Own;
      at = child;
    }
    heap[at] = last;
  }
}

interface Own {
  readonly node: number;
  readonly count: number;
  readonly score: number;
}

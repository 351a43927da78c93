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

/** What the queues of one workload have in common. */
export interface QueueRules {
  readonly scoreOf: (node: number) => number;
  /** There is room for one more, as far as that can be said without choosing pieces. */
  readonly hasRoom: (node: number) => boolean;
  /** How many more fit on a node. */
  readonly roomOf: (node: number) => number;
  readonly strategy: Strategy;
  /** Instances of the workload that each node has, those that were placed since included. */
  readonly counts: ReadonlyMap<number, number>;
  /** Most instances on one node. */
  readonly perNode: number;
  /** Nodes of the list that are not for this queue. */
  readonly without?: ReadonlySet<number>;
}

/**
 * A queue over a node list and the shelf of it that workloads share. A class, since a plan opens a hundred thousand of
 * them: what an object of closures takes is a multiple of what it holds.
 */
export class ShelfQueue implements RankedQueue {
  private readonly nodes: readonly number[];
  private readonly shelf: Shelf;
  private readonly rules: QueueRules;
  /** 1: counts get even · -1: the fewest nodes are used · 0: counts do not matter */
  private readonly direction: 1 | -1 | 0;
  /** Nodes that have instances, as a heap: a workload has few, and its own. Made when they are first asked for. */
  private own: Own[] | undefined;
  private top: 'shelf' | 'own' | undefined;
  /** The best of the shelf, last time. */
  private last: number | undefined;

  /** `nodes`: ascending, all that `shelf` has. */
  constructor(nodes: readonly number[], shelf: Shelf, rules: QueueRules) {
    this.nodes = nodes;
    this.shelf = shelf;
    this.rules = rules;
    this.direction = directionOf(rules.strategy);
  }

  best(): number | undefined {
    if (this.direction > 0) {
      const fresh = this.shelfBest();
      this.top = fresh === undefined ? 'own' : 'shelf';
      return fresh ?? this.ownBest()?.node;
    }
    const mine = this.direction < 0 ? this.ownBest() : undefined;
    this.top = mine === undefined ? 'shelf' : 'own';
    return mine?.node ?? this.shelfBest();
  }

  rank(): number {
    return this.top === 'own' ? this.direction * (this.own?.[0]?.count ?? 0) : 0;
  }

  score(): number {
    return this.top === 'own' ? (this.own?.[0]?.score ?? 0) : this.shelf.score();
  }

  used(): void {
    if (this.top === 'own') {
      const heap = this.ownHeap();
      const [first] = heap;
      if (first === undefined) return;
      this.leave(heap);
      this.enter(heap, first.node, first.count + 1);
      return;
    }
    if (this.direction === 0 || this.last === undefined) return;
    // Still on top: nobody has asked since.
    this.shelf.setAside();
    // Otherwise the counts say it, once somebody asks.
    if (this.own !== undefined) this.enter(this.own, this.last, 1);
  }

  drop(): void {
    if (this.top === 'own') this.leave(this.ownHeap());
    else this.shelf.setAside();
  }

  /** The best on the shelf: without instances, or (where counts do not matter) not full. */
  private shelfBest(): number | undefined {
    const { shelf, rules } = this;
    for (let node = shelf.best(); node !== undefined; node = shelf.best()) {
      const whole = rules.strategy !== 'each' || rules.roomOf(node) >= rules.perNode;
      if (whole && rules.hasRoom(node) && this.isOnShelf(node)) {
        this.last = node;
        return node;
      }
      shelf.setAside();
    }
    return undefined;
  }

  private isOnShelf(node: number): boolean {
    if (this.rules.without?.has(node) === true) return false;
    const count = this.rules.counts.get(node) ?? 0;
    return count < this.rules.perNode && (this.direction === 0 || count === 0);
  }

  /** The best of those with instances; what lost its room or is full is taken out. */
  private ownBest(): Own | undefined {
    const { scoreOf, hasRoom, roomOf, strategy, perNode } = this.rules;
    const heap = this.ownHeap();
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      const score = scoreOf(first.node);
      const whole = strategy !== 'each' || roomOf(first.node) >= perNode - first.count;
      if (!hasRoom(first.node) || first.count >= perNode || !whole) this.leave(heap);
      else if (score === first.score) return first;
      else {
        this.leave(heap);
        this.enter(heap, first.node, first.count);
      }
    }
    return undefined;
  }

  private ownHeap(): Own[] {
    if (this.own !== undefined) return this.own;
    this.own = [];
    for (const [node, count] of this.rules.counts) {
      if (count > 0 && this.rules.without?.has(node) !== true && includes(this.nodes, node))
        this.enter(this.own, node, count);
    }
    return this.own;
  }

  private isBefore(a: Own, b: Own): boolean {
    const byCount = this.direction * (a.count - b.count);
    return byCount !== 0 ? byCount < 0 : a.score !== b.score ? a.score < b.score : a.node < b.node;
  }

  private enter(heap: Own[], node: number, count: number): void {
    const item = { node, count, score: this.rules.scoreOf(node) };
    let at = heap.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.isBefore(item, heap[parent] as Own)) break;
      heap[at] = heap[parent] as Own;
      at = parent;
    }
    heap[at] = item;
  }

  private leave(heap: Own[]): void {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      const right = child + 1;
      if (right < heap.length && this.isBefore(heap[right] as Own, heap[child] as Own)) child = right;
      if (!this.isBefore(heap[child] as Own, last)) break;
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

function directionOf(strategy: Strategy): 1 | -1 | 0 {
  if (strategy === 'auto') return 1;
  return strategy === 'fill' || strategy === 'each' ? -1 : 0;
}

/** Of ascending numbers. */
function includes(numbers: readonly number[], wanted: number): boolean {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted;
}

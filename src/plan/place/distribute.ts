import type { Strategy } from '../../model/desired.ts';
import { type Ledger, timesThatFit, type Vector } from '../ledger.ts';

/**
 * Candidate nodes of one workload, best first, as a binary heap: choosing a node costs log(nodes), not nodes.
 * - `auto`: fewest instances of the workload first, so that counts get even
 * - `fill`: most instances first, so that the fewest nodes are used
 * - `each`: like fill, but only nodes that can take the whole number
 * Ties go to the node with the most room, then to the first by name.
 */
export interface NodeQueue {
  /** The best node that still has room, or undefined. */
  best(): number | undefined;
  /** The best node was used: one more instance on it. */
  used(): void;
  /** The best node will not do after all. */
  drop(): void;
}

export function openQueue(
  ledger: Ledger,
  options: {
    readonly nodes: readonly number[];
    readonly strategy: Strategy;
    /** What one instance adds. */
    readonly amounts: Vector;
    /** Instances of the workload that each node has. */
    readonly counts: ReadonlyMap<number, number>;
    /** Most instances on one node. */
    readonly perNode: number;
  },
): NodeQueue {
  const { strategy, amounts, perNode } = options;
  const counts = new Map(options.counts);
  const rooms = new Map<number, number>();
  const heap: number[] = [];
  for (const node of options.nodes) {
    const count = counts.get(node) ?? 0;
    const room = timesThatFit(ledger, node, amounts);
    if (count >= perNode || room < (strategy === 'each' ? perNode - count : 1)) continue;
    rooms.set(node, room);
    heap.push(node);
  }
  const before = (a: number, b: number): boolean => {
    const byCount = (counts.get(a) ?? 0) - (counts.get(b) ?? 0);
    if (byCount !== 0) return strategy === 'auto' ? byCount < 0 : byCount > 0;
    const byRoom = (rooms.get(b) ?? 0) - (rooms.get(a) ?? 0);
    return byRoom !== 0 ? byRoom < 0 : a < b;
  };
  for (let i = (heap.length >> 1) - 1; i >= 0; i -= 1) siftDown(heap, i, before);
  const drop = (): void => {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    siftDown(heap, 0, before);
  };
  return {
    drop,
    best: () => {
      // Others may have taken the room since: look again, at most once for each node.
      while (heap.length > 0) {
        const node = heap[0] as number;
        const room = timesThatFit(ledger, node, amounts);
        if (room < 1 || (counts.get(node) ?? 0) >= perNode) drop();
        else if (room === rooms.get(node)) return node;
        else {
          rooms.set(node, room);
          siftDown(heap, 0, before);
        }
      }
      return undefined;
    },
    used: () => {
      const node = heap[0] as number;
      counts.set(node, (counts.get(node) ?? 0) + 1);
      rooms.set(node, timesThatFit(ledger, node, amounts));
      siftDown(heap, 0, before);
    },
  };
}

function siftDown(heap: number[], from: number, before: (a: number, b: number) => boolean): void {
  const item = heap[from] as number;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= heap.length) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, heap[child] as number)) child += 1;
    if (!before(heap[child] as number, item)) break;
    heap[at] = heap[child] as number;
    at = child;
  }
  heap[at] = item;
}

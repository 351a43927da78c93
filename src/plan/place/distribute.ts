import type { Strategy } from '../../model/desired.ts';
import { type Ledger, timesThatFit, type Vector } from '../ledger.ts';

/**
 * Candidate nodes of one workload, best first, as a binary heap: choosing a node costs log(nodes), not nodes.
 * - `auto`: fewest instances of the workload first, so that counts get even
 * - `fill`: most instances first, so that the fewest nodes are used
 * - `each`: like fill, but only nodes that can take the whole number
 * Ties go to the node with the most room, then to the first by name. One queue is in use at a time: opening one ends
 * the one before it.
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
  const { strategy, amounts, perNode, nodes } = options;
  const { counts, rooms } = ledger.scratch;
  for (const node of nodes) counts[node] = 0;
  for (const [node, count] of options.counts) counts[node] = count;
  const heap: number[] = [];
  for (const node of nodes) {
    const count = counts[node] as number;
    const room = timesThatFit(ledger, node, amounts);
    if (count >= perNode || room < (strategy === 'each' ? perNode - count : 1)) continue;
    rooms[node] = room;
    heap.push(node);
  }
  const before = (a: number, b: number): boolean => {
    const byCount = (counts[a] as number) - (counts[b] as number);
    if (byCount !== 0) return strategy === 'auto' ? byCount < 0 : byCount > 0;
    const byRoom = (rooms[b] as number) - (rooms[a] as number);
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
        if (room < 1 || (counts[node] as number) >= perNode) drop();
        else if (room === rooms[node]) return node;
        else {
          rooms[node] = room;
          siftDown(heap, 0, before);
        }
      }
      return undefined;
    },
    used: () => {
      const node = heap[0] as number;
      counts[node] = (counts[node] as number) + 1;
      rooms[node] = timesThatFit(ledger, node, amounts);
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

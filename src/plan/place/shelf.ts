/**
 * Nodes of one list, the best first: a binary heap whose scores are looked at again only when a node
 * comes to the top. Workloads share a shelf, so choosing costs log(nodes), and not nodes. That
 * works because a node only gets worse while a plan grows; a shelf from before a roll-back is not used again.
 */
export interface Shelf {
  /** The best node that is not set aside, or undefined. */
  best(): number | undefined;
  /** Of the best node: lower is better. Only valid after `best`. */
  score(): number;
  /** The best node is not to be had until `restore`. */
  setAside(): void;
  restore(): void;
}

/** `scoreOf` says how good a node is, lower being better. Ties go to the first of the list. */
export function openShelf(nodes: readonly number[], scoreOf: (node: number) => number): Shelf {
  const heap = new Int32Array(nodes.length);
  const scores = new Float64Array(nodes.length);
  const aside: number[] = [];
  let size = nodes.length;
  for (let at = 0; at < size; at += 1) {
    scores[at] = scoreOf(nodes[at] as number);
    heap[at] = at;
  }
  for (let at = (size >> 1) - 1; at >= 0; at -= 1) siftDown(heap, scores, size, at);
  const drop = (): void => {
    size -= 1;
    heap[0] = heap[size] as number;
    if (size > 1) siftDown(heap, scores, size, 0);
  };
  return {
    best() {
      // Every turn ends or sifts a node that got worse: bounded by what was placed since.
      while (size > 0) {
        const at = heap[0] as number;
        const score = scoreOf(nodes[at] as number);
        if (score === scores[at]) return nodes[at];
        scores[at] = score;
        siftDown(heap, scores, size, 0);
      }
      return undefined;
    },
    score: () => scores[heap[0] as number] as number,
    setAside() {
      aside.push(heap[0] as number);
      drop();
    },
    restore() {
      for (let at = aside.pop(); at !== undefined; at = aside.pop()) {
        scores[at] = scoreOf(nodes[at] as number);
        heap[size] = at;
        size += 1;
        siftUp(heap, scores, size - 1);
      }
    },
  };
}

function siftDown(heap: Int32Array, scores: Float64Array, size: number, from: number): void {
  const item = heap[from] as number;
  const score = scores[item] as number;
  let at = from;
  for (;;) {
    let child = 2 * at + 1;
    if (child >= size) break;
    let below = heap[child] as number;
    const right = child + 1;
    if (right < size && isBefore(scores, heap[right] as number, below)) {
      child = right;
      below = heap[right] as number;
    }
    const other = scores[below] as number;
    if (other > score || (other === score && below > item)) break;
    heap[at] = below;
    at = child;
  }
  heap[at] = item;
}

function siftUp(heap: Int32Array, scores: Float64Array, from: number): void {
  const item = heap[from] as number;
  let at = from;
  while (at > 0) {
    const parent = (at - 1) >> 1;
    if (!isBefore(scores, item, heap[parent] as number)) break;
    heap[at] = heap[parent] as number;
    at = parent;
  }
  heap[at] = item;
}

function isBefore(scores: Float64Array, a: number, b: number): boolean {
  const x = scores[a] as number;
  const y = scores[b] as number;
  return x < y || (x === y && a < b);
}

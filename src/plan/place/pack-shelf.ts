import type { Shelf } from './shelf.ts';

/**
 * A shelf for a score that can get better, too: a binary heap in which the place of every node is known, so that the
 * nodes that were touched since it was last asked are moved to where they belong now; all of them are looked at where that
 * is less work. Nodes with an infinite score are not to be had. Ties go to the first of the list.
 */
export function openPackShelf(
  nodes: readonly number[],
  of: { readonly scoreOf: (node: number) => number; readonly touched: readonly number[] },
): Shelf {
  const { scoreOf, touched } = of;
  const scores = Float64Array.from(nodes, scoreOf);
  const heap = Int32Array.from(nodes.keys());
  /** Where in the heap each of the list is; the heap is never smaller than the list but for what is set aside. */
  const places = Int32Array.from(nodes.keys());
  const aside: number[] = [];
  let size = nodes.length;
  let seen = touched.length;
  order();

  return {
    best() {
      catchUp();
      const at = heap[0];
      return size === 0 || at === undefined || scores[at] === Number.POSITIVE_INFINITY ? undefined : nodes[at];
    },
    score: () => scores[heap[0] as number] as number,
    setAside() {
      const at = heap[0] as number;
      aside.push(at);
      size -= 1;
      if (size > 0) put(heap[size] as number, 0);
      places[at] = nowhere;
      if (size > 1) sink(0);
    },
    restore() {
      catchUp();
      for (let at = aside.pop(); at !== undefined; at = aside.pop()) {
        size += 1;
        put(at, size - 1);
        settle(size - 1);
      }
    },
  };

  function catchUp(): void {
    if (touched.length - seen > nodes.length) {
      for (const [at, node] of nodes.entries()) scores[at] = scoreOf(node);
      seen = touched.length;
      order();
      return;
    }
    for (; seen < touched.length; seen += 1) {
      const node = touched[seen] as number;
      const at = indexIn(nodes, node);
      if (at === nowhere) continue;
      scores[at] = scoreOf(node);
      const place = places[at] as number;
      if (place !== nowhere) settle(place);
    }
  }

  function order(): void {
    for (let place = (size >> 1) - 1; place >= 0; place -= 1) sink(place);
  }

  /** Moves what is at a place to where its score belongs. */
  function settle(from: number): void {
    const item = heap[from] as number;
    let place = from;
    while (place > 0 && isBefore(item, heap[(place - 1) >> 1] as number)) {
      put(heap[(place - 1) >> 1] as number, place);
      place = (place - 1) >> 1;
    }
    put(item, place);
    if (place === from) sink(place);
  }

  function sink(from: number): void {
    const item = heap[from] as number;
    let place = from;
    for (let child = 2 * place + 1; child < size; child = 2 * place + 1) {
      if (child + 1 < size && isBefore(heap[child + 1] as number, heap[child] as number)) child += 1;
      if (!isBefore(heap[child] as number, item)) break;
      put(heap[child] as number, place);
      place = child;
    }
    put(item, place);
  }

  function put(at: number, place: number): void {
    heap[place] = at;
    places[at] = place;
  }

  function isBefore(a: number, b: number): boolean {
    const x = scores[a] as number;
    const y = scores[b] as number;
    return x < y || (x === y && a < b);
  }
}

const nowhere = -1;

/** Of ascending numbers. */
function indexIn(numbers: readonly number[], wanted: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((numbers[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return numbers[low] === wanted ? low : nowhere;
}

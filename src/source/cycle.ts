/**
 * The cycles of a graph, one for each set of nodes that wait for each other, starting at its smallest node. Depth first
 * with an explicit stack: a chain of any length is fine.
 */
export function findCycle(
  nodes: readonly string[],
  next: (node: string) => readonly string[],
): readonly (readonly string[])[] {
  const state = new Map<string, 'open' | 'done'>();
  const cycles: (readonly string[])[] = [];
  for (const root of nodes) {
    if (state.has(root) || next(root).length === 0) continue;
    const path: { readonly node: string; readonly rest: string[] }[] = [];
    const enter = (node: string) => {
      state.set(node, 'open');
      path.push({ node, rest: [...next(node)] });
    };
    enter(root);
    for (let top = path.at(-1); top !== undefined; top = path.at(-1)) {
      const child = top.rest.shift();
      if (child === undefined) {
        state.set(top.node, 'done');
        path.pop();
      } else if (state.get(child) === 'open') {
        cycles.push(rotated(path.slice(path.findIndex(({ node }) => node === child)).map(({ node }) => node)));
      } else if (!state.has(child)) enter(child);
    }
  }
  return cycles;
}

/** Starts at the smallest, so that the message does not depend on where the search began. */
function rotated(cycle: readonly string[]): readonly string[] {
  const smallest = cycle.reduce((best, node, index) => (node < (cycle[best] ?? node) ? index : best), 0);
  return [...cycle.slice(smallest), ...cycle.slice(0, smallest)];
}

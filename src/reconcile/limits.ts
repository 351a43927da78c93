import PQueue from 'p-queue';
import type { NodeName } from '../model/ids.ts';

/**
 * Bounds how many engine calls are under way, in all and on one node. Looks (health gates, the budget) have places of
 * their own: they are cheap and many, and must neither wait behind a slow start nor take its place.
 */
export interface Limits {
  change<T>(node: NodeName, call: () => Promise<T>): Promise<T>;
  look<T>(node: NodeName, call: () => Promise<T>): Promise<T>;
}

/** How many looks there may be for each change. */
const looksPerChange = 2;

export function createLimits(bounds: { readonly parallelism: number; readonly perNode: number }): Limits {
  return {
    change: bounded(bounds),
    look: bounded({ parallelism: bounds.parallelism * looksPerChange, perNode: bounds.perNode * looksPerChange }),
  };
}

function bounded({
  parallelism,
  perNode,
}: {
  readonly parallelism: number;
  readonly perNode: number;
}): Limits['change'] {
  const all = new PQueue({ concurrency: parallelism });
  const nodes = new Map<NodeName, PQueue>();
  const queueOf = (node: NodeName): PQueue => {
    const existing = nodes.get(node);
    if (existing !== undefined) return existing;
    const queue = new PQueue({ concurrency: perNode });
    nodes.set(node, queue);
    return queue;
  };
  // The node's queue is outside, so that a slow node holds no place of the common one while its calls wait.
  return (node, call) => queueOf(node).add(() => all.add(call));
}

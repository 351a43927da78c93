import PQueue from 'p-queue';
import type { NodeName } from '../model/ids.ts';

/** Bounds how many engine calls are under way, in all and on one node. Waiting for health does not count. */
export interface Limits {
  run<T>(node: NodeName, call: () => Promise<T>): Promise<T>;
}

export function createLimits(bounds: { readonly parallelism: number; readonly perNode: number }): Limits {
  const all = new PQueue({ concurrency: bounds.parallelism });
  const nodes = new Map<NodeName, PQueue>();
  const queueOf = (node: NodeName): PQueue => {
    const existing = nodes.get(node);
    if (existing !== undefined) return existing;
    const queue = new PQueue({ concurrency: bounds.perNode });
    nodes.set(node, queue);
    return queue;
  };
  // The node's queue is outside, so that a slow node holds no place of the common one while its calls wait.
  return { run: (node, call) => queueOf(node).add(() => all.add(call)) };
}

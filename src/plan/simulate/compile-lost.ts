import type { NodeName } from '../../model/ids.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Compiled } from '../compile.ts';
import { replaceNodes } from '../compile-nodes.ts';
import type { PlanInputs } from '../inputs.ts';
import type { Instance } from '../instances.ts';
import type { PlannedWorld } from './world.ts';

/** The compiled world without some of its nodes: what `compile` makes of the same inputs, for the price of what the nodes held. */
export function compileWithout({ compiled }: PlannedWorld, lost: ReadonlySet<NodeName>, inputs: PlanInputs): Compiled {
  const changed = compiled.cluster.nodes.filter(({ name }) => lost.has(name)).map(lostNode);
  const without = replaceNodes(compiled, inputs, { changed, after: lostInstance });
  return { ...without, orphans: compiled.orphans.filter(({ node }) => !lost.has(node)) };
}

const lostNode = (node: ClusterNode): ClusterNode => ({
  ...node,
  observed: { liveness: 'lost', engines: {}, foreign: node.observed?.foreign ?? [] },
  liveness: 'lost',
  accepts: false,
});

/** Held ones stay held: nobody misses them. */
const lostInstance = (instance: Instance, node: ClusterNode): Instance => ({
  ...instance,
  node,
  status: instance.status === 'held' ? 'held' : 'lost',
  available: false,
  object: undefined,
});

import { chargedHolds, usableCapacity } from '../../model/capacity.ts';
import { resourcesOf } from '../../model/recorded.ts';
import { type Dimension, dimensionsOf, type Resources } from '../../model/resources.ts';
import type { ClusterNode } from '../cluster.ts';
import type { PlannedWorld } from '../simulate/world.ts';

/** How much of each node is used, as shares of what allocations may use of it. */
export interface Use {
  readonly dimensions: readonly Dimension[];
  /** 0 where nobody knows how much there is. */
  share(node: ClusterNode, dimension: Dimension): number;
  /** What an amount is of the whole. */
  part(node: ClusterNode, dimension: Dimension, amount: number): number;
  /** The largest of its shares. */
  fullness(node: ClusterNode): number;
  add(node: ClusterNode, amounts: Resources, sign: 1 | -1): void;
}

export function openUse({ inputs, cluster }: Pick<PlannedWorld, 'inputs' | 'cluster'>): Use {
  const capacity = cluster.nodes.map(({ name, definition, observed }) =>
    usableCapacity({ definition, observed, recorded: inputs.recorded.nodes.get(name) }),
  );
  const dimensions = dimensionsOf(...new Set(capacity));
  const used = new Map(dimensions.map((dimension) => [dimension, new Float64Array(cluster.nodes.length)]));
  const add: Use['add'] = ({ index }, amounts, sign) => {
    for (const [dimension, amount] of Object.entries(amounts) as [Dimension, number][]) {
      const column = used.get(dimension);
      if (column !== undefined) column[index] = (column[index] as number) + sign * amount;
    }
  };
  for (const [index, allocation] of inputs.recorded.allocations.entries()) {
    const home = cluster.nodes[cluster.homes[index] as number];
    if (home !== undefined) add(home, resourcesOf(chargedHolds(allocation)), 1);
  }
  for (const node of cluster.nodes) for (const { resources } of node.observed?.foreign ?? []) add(node, resources, 1);
  const part: Use['part'] = ({ index }, dimension, amount) => {
    const total = capacity[index]?.[dimension] ?? 0;
    return total > 0 ? amount / total : 0;
  };
  const share: Use['share'] = (node, dimension) => part(node, dimension, used.get(dimension)?.[node.index] ?? 0);
  const fullness = (node: ClusterNode): number => Math.max(0, ...dimensions.map((dimension) => share(node, dimension)));
  return { dimensions, share, part, fullness, add };
}

import type { Strategy } from '../../model/desired.ts';
import type { InstanceId, PodName } from '../../model/ids.ts';
import { resourcesOf } from '../../model/recorded.ts';
import type { Dimension } from '../../model/resources.ts';
import type { ClusterNode } from '../cluster.ts';
import { pushTo } from '../push-to.ts';
import type { PlannedWorld, Resident } from '../simulate/world.ts';
import { type EvenOptions, isMovable, type Proposal, strategyOf } from './proposal.ts';
import { openUse, type Use } from './use.ts';

/** A node that is so much fuller than the nodes of its pod together is worth a move. */
const evenEnough = 0.1;

/**
 * What should leave the fullest nodes of each pod so that all are used alike: the largest instance that does not make the
 * node emptier than the others. Only of workloads whose strategy spreads: what is packed on purpose stays packed.
 */
export function proposeLevelling(world: PlannedWorld, { pods, isOpen }: EvenOptions): readonly Proposal[] {
  const use = openUse(world);
  const byPod = new Map<PodName, ClusterNode[]>();
  for (const node of world.cluster.nodes) {
    const pod = node.definition?.pod;
    if (pod !== undefined && node.accepts && (pods?.includes(pod) ?? true)) pushTo(byPod, pod, node);
  }
  const strategies = new Map<string, Strategy>(world.inputs.desired.pods.map(({ name, strategy }) => [name, strategy]));
  return [...byPod]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([, nodes]) => {
      const means = new Map(
        use.dimensions.map((dimension) => [dimension, mean(nodes.map((node) => use.share(node, dimension)))]),
      );
      return nodes
        .flatMap((node) => hotSpot(use, node, means))
        .sort((a, b) => b.excess - a.excess)
        .flatMap((spot) => {
          const fits = residentsOf(world, spot.node, strategies, isOpen);
          return largestWithin(use, spot, fits);
        });
    });
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

interface HotSpot {
  readonly node: ClusterNode;
  /** The one that is used most beyond the mean. */
  readonly dimension: Dimension;
  readonly excess: number;
  readonly share: number;
  readonly mean: number;
}

function hotSpot(use: Use, node: ClusterNode, means: ReadonlyMap<Dimension, number>): readonly HotSpot[] {
  const spots = [...means].map(([dimension, average]): HotSpot => {
    const share = use.share(node, dimension);
    return { node, dimension, share, mean: average, excess: share - average };
  });
  return spots
    .filter(({ excess }) => excess > evenEnough)
    .sort((a, b) => b.excess - a.excess)
    .slice(0, 1);
}

function residentsOf(
  { onNode }: PlannedWorld,
  node: ClusterNode,
  strategies: ReadonlyMap<string, Strategy>,
  isOpen: (instance: InstanceId) => boolean,
): readonly Resident[] {
  return (onNode.get(node.name) ?? []).filter(({ workload, instance }) => {
    const strategy = strategyOf(workload, strategies);
    return isMovable(workload, instance) && isOpen(instance.id) && (strategy === 'auto' || strategy === 'global');
  });
}

function largestWithin(
  use: Use,
  { node, dimension, excess, share, mean: average }: HotSpot,
  residents: readonly Resident[],
): readonly Proposal[] {
  const sized = residents
    .map((resident) => {
      const amount = resourcesOf(resident.instance.allocation.holds)[dimension] ?? 0;
      return { ...resident, part: use.part(node, dimension, amount) };
    })
    .filter(({ part }) => part > 0 && part <= excess)
    .sort((a, b) => b.part - a.part || (a.instance.id < b.instance.id ? -1 : 1));
  const name = dimension.replace(/(Millis|Bytes|Bits)$/, '');
  return sized.slice(0, 1).map(({ workload, instance }) => ({
    instance: instance.id,
    workload: workload.id,
    from: node.name,
    reason: `${node.name} uses ${percent(share)} of its ${name}, the nodes of its pod ${percent(average)}`,
  }));
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;

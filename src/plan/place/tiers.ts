import type { DesiredWorkload, Domain, Placement } from '../../model/desired.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Group } from './spread.ts';

/** Nodes that a workload likes alike, of one combination of failure domains. */
export interface TierList extends Group {
  /** Those of `nodes` that are in another list. */
  readonly without?: ReadonlySet<number>;
}

/**
 * Nodes by how much a workload likes them, the best first. Lists of nodes are shared with other workloads wherever that
 * is possible, since what is remembered of a list (which of its nodes is the best) is shared with it.
 */
export function tiersOf(
  context: Context,
  workload: DesiredWorkload,
  { nodes, by }: { readonly nodes: readonly number[]; readonly by: readonly Domain[] },
): readonly (readonly TierList[])[] {
  const { affinity, antiAffinity } = workload.placement;
  const wishes = [...(affinity ?? []), ...(antiAffinity ?? [])].filter(({ required }) => !required);
  const byLabels = context.preferencesOf(nodes, workload.placement.prefer ?? none);
  if (wishes.length === 0) {
    return byLabels.map((tier) => context.groupsOf(tier.nodes, by));
  }
  const tiers = new Map<number, TierList[]>();
  const put = (weight: number, list: TierList): void => {
    const tier = tiers.get(weight);
    if (tier === undefined) tiers.set(weight, [list]);
    else tier.push(list);
  };
  const wished = context.affinity.wishedNodes(workload);
  const kinds = [...by, ...wishes.map((wish) => wish.by).filter((kind) => kind !== 'node' && !by.includes(kind))];
  for (const tier of byLabels) {
    for (const group of context.groupsOf(tier.nodes, kinds)) {
      // What goes for one of its nodes goes for all of them.
      const first = context.cluster.nodes[group.nodes[0] as number] as ClusterNode;
      const weight = tier.weight + context.affinity.liking(workload, first, 'domains');
      if (wished.size === 0) put(weight, group);
      else for (const part of partsOf(context, workload, { group, wished })) put(weight + part.weight, part.list);
    }
  }
  return [...tiers].sort(([a], [b]) => b - a).map(([, lists]) => lists);
}

/** A group, less the nodes on which wishes of single nodes bear, and those by how much they are liked. */
function partsOf(
  context: Context,
  workload: DesiredWorkload,
  { group, wished }: { readonly group: Group; readonly wished: ReadonlySet<number> },
): readonly { readonly weight: number; readonly list: TierList }[] {
  const apart = group.nodes.filter((node) => wished.has(node));
  if (apart.length === 0) return [{ weight: 0, list: group }];
  const byWeight = new Map<number, number[]>();
  for (const index of apart) {
    const weight = context.affinity.liking(workload, context.cluster.nodes[index] as ClusterNode, 'nodes');
    const nodes = byWeight.get(weight);
    if (nodes === undefined) byWeight.set(weight, [index]);
    else nodes.push(index);
  }
  return [
    { weight: 0, list: { ...group, without: wished } },
    ...[...byWeight].map(([weight, nodes]) => ({ weight, list: { domains: group.domains, nodes } })),
  ];
}

const none: NonNullable<Placement['prefer']> = [];

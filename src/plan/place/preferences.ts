import type { Placement } from '../../model/desired.ts';
import type { Cluster } from '../cluster.ts';

/** Nodes that fulfil wishes of the same weight. */
export interface LabelTier {
  readonly weight: number;
  readonly nodes: readonly number[];
}

/** A list of nodes by the labels that are preferred, the best first. */
export type PreferencesOf = (
  nodes: readonly number[],
  prefer: NonNullable<Placement['prefer']>,
) => readonly LabelTier[];

/** Each list is cut once for the same preferences. */
export function openPreferences(cluster: Cluster): PreferencesOf {
  const known = new Map<readonly number[], Map<string, readonly LabelTier[]>>();
  return (nodes, prefer) => {
    const byText = known.get(nodes) ?? new Map<string, readonly LabelTier[]>();
    known.set(nodes, byText);
    const text = prefer.length === 0 ? '' : JSON.stringify(prefer);
    const tiers = byText.get(text) ?? (prefer.length === 0 ? [{ weight: 0, nodes }] : cut(cluster, nodes, prefer));
    byText.set(text, tiers);
    return tiers;
  };
}

function cut(
  cluster: Cluster,
  nodes: readonly number[],
  prefer: NonNullable<Placement['prefer']>,
): readonly LabelTier[] {
  const tiers = new Map<number, number[]>();
  for (const index of nodes) {
    const labels = cluster.nodes[index]?.definition?.labels ?? {};
    let weight = 0;
    for (const { labels: wanted, weight: more } of prefer) {
      if (Object.entries(wanted).every(([name, value]) => labels[name] === value)) weight += more;
    }
    const tier = tiers.get(weight);
    if (tier === undefined) tiers.set(weight, [index]);
    else tier.push(index);
  }
  return [...tiers].sort(([a], [b]) => b - a).map(([weight, tier]) => ({ weight, nodes: tier }));
}

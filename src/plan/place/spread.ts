import type { DesiredWorkload, Domain, SpreadRule } from '../../model/desired.ts';
import type { Cluster, ClusterNode } from '../cluster.ts';
import type { NodeQueue, RankedQueue } from './queue.ts';

/** The failure domain of a node; undefined when it has none of that kind. */
export function domainOf(node: ClusterNode, by: Domain): string | undefined {
  switch (by) {
    case 'node':
      return node.name;
    case 'rack':
      return node.definition?.rack;
    case 'zone':
      return node.definition?.zone;
  }
}

/** How many instances of one workload each failure domain has, and where one more may go. */
export interface Spread {
  readonly rules: readonly RuleState[];
  /** False where one more would leave too few instances to reach the least number of domains. */
  allows(node: ClusterNode): boolean;
  /** One instance more, or less, on a node. */
  add(node: ClusterNode, by: 1 | -1): void;
}

interface RuleState {
  readonly rule: SpreadRule;
  readonly counts: Map<string, number>;
}

export function openSpread(rules: readonly SpreadRule[], replicas: number): Spread {
  const states = rules.map((rule): RuleState => ({ rule, counts: new Map() }));
  let placed = 0;
  return {
    rules: states,
    allows(node) {
      return states.every(({ rule, counts }) => {
        const domain = domainOf(node, rule.by);
        if (domain === undefined) return false;
        if ((counts.get(domain) ?? 0) === 0) return true;
        const missing = Math.min(rule.minDomains, replicas) - counts.size;
        return missing <= 0 || replicas - placed - 1 >= missing;
      });
    },
    add(node, by) {
      placed += by;
      for (const { rule, counts } of states) {
        const domain = domainOf(node, rule.by);
        if (domain === undefined) continue;
        const count = (counts.get(domain) ?? 0) + by;
        if (count === 0) counts.delete(domain);
        else counts.set(domain, count);
      }
    },
  };
}

/** The workload's own rules and those of its namespace's policy; of two for one kind of domain the stricter. */
export function spreadRulesOf(
  { placement, replicas }: DesiredWorkload,
  required: readonly { readonly spread: SpreadRule; readonly replicasFrom: number }[],
): readonly SpreadRule[] {
  const own = placement.spread ?? noRules;
  const forced = required.filter(({ replicasFrom }) => replicas >= replicasFrom).map(({ spread }) => spread);
  if (forced.length === 0) return own;
  const strictest = new Map<Domain, SpreadRule>();
  for (const rule of [...own, ...forced]) {
    const known = strictest.get(rule.by);
    if (known === undefined || known.minDomains < rule.minDomains) strictest.set(rule.by, rule);
  }
  // The widest domain first: it is evened out first.
  return [...strictest.values()].sort((a, b) => widest.indexOf(a.by) - widest.indexOf(b.by));
}

const noRules: readonly SpreadRule[] = [];
const widest: readonly Domain[] = ['zone', 'rack', 'node'];

/** Nodes of one combination of domains. */
export interface Group {
  readonly domains: readonly string[];
  readonly nodes: readonly number[];
}

/** Node lists cut by the domains of some rules; each cut is made once. Single nodes are no groups: counts even those out. */
export function openGroups(cluster: Cluster): (nodes: readonly number[], rules: readonly SpreadRule[]) => readonly Group[] {
  const known = new Map<readonly number[], Map<string, readonly Group[]>>();
  return (nodes, rules) => {
    const kinds = rules.map(({ by }) => by).filter((by) => by !== 'node');
    const key = kinds.join();
    const byKind = known.get(nodes) ?? new Map<string, readonly Group[]>();
    known.set(nodes, byKind);
    const groups = byKind.get(key) ?? cut(cluster, nodes, kinds);
    byKind.set(key, groups);
    return groups;
  };
}

function cut(cluster: Cluster, nodes: readonly number[], kinds: readonly Domain[]): readonly Group[] {
  if (kinds.length === 0) return [{ domains: [], nodes }];
  const groups = new Map<string, { readonly domains: readonly string[]; readonly nodes: number[] }>();
  for (const index of nodes) {
    const node = cluster.nodes[index] as ClusterNode;
    const domains = kinds.map((by) => domainOf(node, by) ?? '');
    const key = domains.join('\n');
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { domains, nodes: [index] });
    else group.nodes.push(index);
  }
  return [...groups.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** The queues of several groups as one: the group whose domains have the fewest instances first. */
export function mergeBySpread(
  spread: Spread,
  leaves: readonly { readonly group: Group; readonly queue: RankedQueue }[],
  nodeAt: (index: number) => ClusterNode,
): NodeQueue {
  const counted = spread.rules.filter(({ rule }) => rule.by !== 'node');
  let chosen: RankedQueue | undefined;
  const allowedBest = (queue: RankedQueue): number | undefined => {
    for (let node = queue.best(); node !== undefined; node = queue.best()) {
      if (spread.allows(nodeAt(node))) return node;
      queue.drop();
    }
    return undefined;
  };
  return {
    best() {
      let best: { readonly node: number; readonly leaf: (typeof leaves)[number]; readonly key: readonly number[] } | undefined;
      for (const leaf of leaves) {
        const domains = leaf.group.domains.map((domain, i) => counted[i]?.counts.get(domain) ?? 0);
        if (best !== undefined && compare(domains, best.key) > 0) continue;
        const node = allowedBest(leaf.queue);
        if (node === undefined) continue;
        const key = [...domains, ...leaf.queue.rank(), node];
        if (best === undefined || compare(key, best.key) < 0) best = { node, leaf, key };
      }
      chosen = best?.leaf.queue;
      return best?.node;
    },
    used: () => chosen?.used(),
    drop: () => chosen?.drop(),
  };
}

/** By the first number that differs; of a list that ends earlier nothing more is compared. */
function compare(a: readonly number[], b: readonly number[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

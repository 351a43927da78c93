import type { DesiredWorkload, Domain, SpreadRule } from '../../model/desired.ts';
import type { Cluster, ClusterNode } from '../cluster.ts';

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

/** Its number among the domains of that kind; -1: it has none. */
export function domainNumber(node: ClusterNode, by: Domain): number {
  switch (by) {
    case 'node':
      return node.index;
    case 'rack':
      return node.rack;
    case 'zone':
      return node.zone;
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
  /** By domain number. */
  readonly counts: Int32Array;
  /** Domains that have one. */
  used: number;
}

const none: readonly RuleState[] = [];

export function openSpread(cluster: Cluster, rules: readonly SpreadRule[], replicas: number): Spread {
  const sizes: Readonly<Record<Domain, number>> = {
    node: cluster.nodes.length,
    rack: cluster.racks,
    zone: cluster.zones,
  };
  const states =
    rules.length === 0
      ? none
      : rules.map((rule): RuleState => ({ rule, counts: new Int32Array(sizes[rule.by]), used: 0 }));
  let placed = 0;
  return {
    rules: states,
    allows(node) {
      for (const { rule, counts, used } of states) {
        const domain = domainNumber(node, rule.by);
        if (domain < 0) return false;
        if (counts[domain] === 0) continue;
        const missing = Math.min(rule.minDomains, replicas) - used;
        if (missing > 0 && replicas - placed - 1 < missing) return false;
      }
      return true;
    },
    add(node, by) {
      placed += by;
      for (const state of states) {
        const domain = domainNumber(node, state.rule.by);
        if (domain < 0) continue;
        const count = (state.counts[domain] as number) + by;
        state.counts[domain] = count;
        if (by === 1 && count === 1) state.used += 1;
        if (by === -1 && count === 0) state.used -= 1;
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
  /** Numbers of its domains, in the order in which they were asked for. */
  readonly domains: readonly number[];
  readonly nodes: readonly number[];
}

export type GroupsOf = (nodes: readonly number[], by: readonly Domain[]) => readonly Group[];

/** Node lists cut by domains; each cut is made once. Single nodes are no groups: counts even those out. */
export function openGroups(cluster: Cluster): GroupsOf {
  const known = new Map<readonly number[], Map<string, readonly Group[]>>();
  return (nodes, by) => {
    const kinds = by.filter((kind) => kind !== 'node');
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
  const groups = new Map<string, { readonly domains: readonly number[]; readonly nodes: number[] }>();
  for (const index of nodes) {
    const node = cluster.nodes[index] as ClusterNode;
    const domains = kinds.map((by) => domainNumber(node, by));
    const key = domains.join();
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { domains, nodes: [index] });
    else group.nodes.push(index);
  }
  return [...groups.values()].sort((a, b) => compare(a.domains, b.domains));
}

function compare(a: readonly number[], b: readonly number[]): number {
  for (let i = 0; i < a.length; i += 1) {
    const difference = (a[i] as number) - (b[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

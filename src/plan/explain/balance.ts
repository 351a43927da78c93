import type { Domain, Strategy } from '../../model/desired.ts';
import type { MatchedWorkload } from '../match.ts';
import { strategyOf } from '../place/queue-for.ts';
import { domainOf } from '../place/spread.ts';
import { wantedOf } from '../simulate/world.ts';
import type { Target } from '../target.ts';
import type { Looking } from './looking.ts';

/** How the instances of a workload lie, and what the planner goes by when it places one. */
export interface Balance {
  readonly strategy: Strategy;
  /** Fewest and most instances on a node that may take one. */
  readonly perNode: { readonly fewest: number; readonly most: number; readonly nodes: number };
  readonly spread: readonly SpreadState[];
}

export interface SpreadState {
  readonly by: Domain;
  /** Absent: no rule asks for it. */
  readonly minDomains?: number;
  /** Instances in each domain that may take one or has one, by name. */
  readonly counts: readonly { readonly domain: string; readonly instances: number }[];
}

export function balanceOf({ context, world }: Looking, workload: MatchedWorkload, target: Target): Balance {
  const { definition } = workload;
  if (definition === undefined) return { strategy: 'auto', perNode: { fewest: 0, most: 0, nodes: 0 }, spread: [] };
  const nodes = context
    .candidatesOf(definition, target.revision)
    .nodes.flatMap((index) => context.cluster.nodes[index] ?? []);
  const instances = wantedOf(workload).filter(({ status }) => status !== 'held' && status !== 'lost');
  const countBy = (by: Domain): ReadonlyMap<string, number> => {
    const counts = new Map<string, number>();
    for (const node of nodes) counts.set(domainOf(node, by) ?? '', 0);
    for (const { node } of instances) {
      const domain = domainOf(node, by) ?? '';
      counts.set(domain, (counts.get(domain) ?? 0) + 1);
    }
    counts.delete('');
    return counts;
  };
  const onNodes = [...countBy('node').values()];
  const rules = world.spreadsOf(workload);
  return {
    strategy: strategyOf(context, { definition }),
    perNode: {
      fewest: Math.min(...onNodes, Number.MAX_SAFE_INTEGER),
      most: Math.max(0, ...onNodes),
      nodes: nodes.length,
    },
    spread: domains.flatMap((by): readonly SpreadState[] => {
      const rule = rules.find((candidate) => candidate.by === by);
      const counts = [...countBy(by)].sort(([a], [b]) => (a < b ? -1 : 1));
      if (rule === undefined && (by === 'node' || counts.length < 2)) return [];
      return [
        {
          by,
          ...(rule !== undefined && { minDomains: rule.minDomains }),
          counts: counts.map(([domain, count]) => ({ domain, instances: count })),
        },
      ];
    }),
  };
}

const domains: readonly Domain[] = ['zone', 'rack', 'node'];

import type { Strategy } from '../../model/desired.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Intent } from '../decide.ts';
import { fits } from '../ledger.ts';
import { leafOf, mergeBySpread } from './merge.ts';
import { packScore } from './pack-score.ts';
import { type NodeQueue, type QueueRules, type RankedQueue, ShelfQueue } from './queue.ts';
import { openScore, roomOf } from './score.ts';
import type { Group } from './spread.ts';
import type { UnitState } from './unit-state.ts';

/** The candidates of a workload, best first: the domain with the fewest instances, then what it likes, then the strategy. */
export function queueFor(context: Context, state: UnitState): NodeQueue {
  const { intent, spread } = state;
  const { definition, target } = intent;
  context.shelves.reset();
  const rules = spread.rules.map(({ rule }) => rule);
  const { nodes } = context.candidatesOf(definition, target.revision.engine);
  const tiers = tiersOf(context, intent, nodes);
  const queueOf = openQueues(context, state, nodes.length);
  const [only] = tiers;
  if (rules.length === 0 && tiers.length === 1 && only !== undefined) return queueOf(only);
  return inOrder(
    tiers.map((tier) => {
      const leaves = context.groupsOf(tier, rules).map((group) => leafOf(group, queueOf(group.nodes)));
      return mergeBySpread(spread, leaves, context);
    }),
  );
}

/** Queues one after the other. */
function inOrder(queues: readonly NodeQueue[]): NodeQueue {
  let at = 0;
  return {
    best() {
      for (; at < queues.length; at += 1) {
        const node = queues[at]?.best();
        if (node !== undefined) return node;
      }
      return undefined;
    },
    used: () => queues[at]?.used(),
    drop: () => queues[at]?.drop(),
  };
}

/** Nodes by how much the workload likes them, the best first; one list for those that like all the same. */
function tiersOf(context: Context, { definition }: Intent, nodes: readonly number[]): readonly (readonly number[])[] {
  const { prefer, affinity, antiAffinity } = definition.placement;
  const wishes = [...(affinity ?? []), ...(antiAffinity ?? [])].some(({ required }) => !required);
  if ((prefer === undefined || prefer.length === 0) && !wishes) return [nodes];
  const tiers = new Map<number, number[]>();
  for (const index of nodes) {
    const node = context.cluster.nodes[index] as ClusterNode;
    const labels = node.definition?.labels ?? {};
    let weight = wishes ? context.affinity.liking(definition, node) : 0;
    for (const { labels: wanted, weight: more } of prefer ?? []) {
      if (Object.entries(wanted).every(([name, value]) => labels[name] === value)) weight += more;
    }
    const tier = tiers.get(weight);
    if (tier === undefined) tiers.set(weight, [index]);
    else tier.push(index);
  }
  return [...tiers].sort(([a], [b]) => b - a).map(([, tier]) => tier);
}

function openQueues(context: Context, state: UnitState, candidates: number): (nodes: Group['nodes']) => RankedQueue {
  const { intent, ask, counts } = state;
  const { ledger } = context;
  const strategy = strategyOf(context, intent);
  const even = Math.max(1, Math.ceil(intent.replicas / Math.max(1, candidates)));
  const score = strategy === 'pack' ? packScore(context.pack(), ask) : openScore(ledger, strategy, ask);
  const rules: QueueRules = {
    scoreOf: score.of,
    hasRoom: (node) => fits(ledger, node, ask.amounts),
    roomOf: (node) => roomOf(context, context.cluster.nodes[node] as ClusterNode, ask),
    strategy,
    counts,
    perNode: intent.definition.placement.perNode ?? (strategy === 'each' ? even : Number.POSITIVE_INFINITY),
  };
  return (nodes) => new ShelfQueue(nodes, context.shelves.of(nodes, score), rules);
}

/** The workload's own, else that of its pod; over several pods it is `auto`. */
export function strategyOf(context: Context, { definition }: Pick<Intent, 'definition'>): Strategy {
  const { strategy, pods } = definition.placement;
  if (strategy !== undefined) return strategy;
  if (definition.type === 'daemon' || pods.length !== 1) return 'auto';
  return context.strategies.get(pods[0] as string) ?? 'auto';
}

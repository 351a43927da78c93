import type { Strategy } from '../../model/desired.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Intent } from '../decide.ts';
import { fits } from '../ledger.ts';
import { leafOf, mergeBySpread } from './merge.ts';
import { packScore } from './pack-score.ts';
import { type NodeQueue, type QueueRules, type RankedQueue, ShelfQueue } from './queue.ts';
import { openScore, roomOf } from './score.ts';
import { type TierList, tiersOf } from './tiers.ts';
import type { UnitState } from './unit-state.ts';

/** The candidates of a workload, best first: what it likes, then the domain with the fewest instances, then the strategy. */
export function queueFor(context: Context, state: UnitState): NodeQueue {
  const { intent, spread } = state;
  const { definition, target } = intent;
  context.shelves.reset();
  const by = spread.rules.map(({ rule }) => rule.by);
  const { nodes } = context.candidatesOf(definition, target.revision);
  const queueOf = openQueues(context, state, nodes.length);
  const tiers = tiersOf(context, definition, { nodes, by });
  const [only] = tiers[0] ?? [];
  if (by.length === 0 && tiers.length === 1 && tiers[0]?.length === 1 && only !== undefined) return queueOf(only);
  return inOrder(
    tiers.map((lists) =>
      mergeBySpread(
        spread,
        lists.map((list) => leafOf(list, queueOf(list))),
        context,
      ),
    ),
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

function openQueues(context: Context, state: UnitState, candidates: number): (list: TierList) => RankedQueue {
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
  return ({ nodes, without }) =>
    new ShelfQueue(nodes, context.shelves.of(nodes, score), without === undefined ? rules : { ...rules, without });
}

/** The workload's own, else that of its pod; over several pods it is `auto`. */
export function strategyOf(context: Context, { definition }: Pick<Intent, 'definition'>): Strategy {
  const { strategy, pods } = definition.placement;
  if (strategy !== undefined) return strategy;
  if (definition.type === 'daemon' || pods.length !== 1) return 'auto';
  return context.strategies.get(pods[0] as string) ?? 'auto';
}

import { chargedHolds } from '../../model/capacity.ts';
import type { DesiredWorkload } from '../../model/desired.ts';
import type { Dimension } from '../../model/resources.ts';
import { freedVector } from '../account.ts';
import type { Ask } from '../ask.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import { objectOf } from '../draft.ts';
import type { Instance } from '../instances.ts';
import { shortOf, type Vector } from '../ledger.ts';
import { type Asked, whyNotOffered } from './offers.ts';
import { domainOf, type Spread } from './spread.ts';

/** What one more instance of a workload needs, and where the others are. */
export interface Asking {
  readonly definition: DesiredWorkload;
  readonly ask: Ask;
  /** Instances that each node has, by index. */
  readonly counts: ReadonlyMap<number, number>;
  readonly spread: Spread;
}

/** Why one more instance does not go to a node. */
export interface Obstacle {
  /** Key in a refusal's `byReason`. */
  readonly key: string;
  /** Completes "12 of 40 nodes …". */
  readonly text: string;
  /** How much more there would have to be, where that is what is missing. */
  readonly short?: Vector;
}

/** The first thing that is in the way on a candidate node now; undefined: one more fits there. */
export function obstacleOn(context: Context, asking: Asking, node: ClusterNode): Obstacle | undefined {
  const { definition, ask, counts, spread } = asking;
  const short = shortOf(context.ledger, node.index, ask.amounts);
  const dimension = context.ledger.dimensions[short.findIndex((amount) => amount > 0)];
  if (dimension !== undefined)
    return { key: dimensionName(dimension), text: `lack ${dimensionName(dimension)}`, short };
  const piece = context.pieces.short(ask.pieces, node, undefined);
  if (piece !== undefined) return { key: piece.key, text: piece.text };
  const { perNode } = definition.placement;
  if (perNode !== undefined && (counts.get(node.index) ?? 0) >= perNode)
    return { key: 'perNode', text: `have ${perNode} already (perNode)` };
  const unliked = context.affinity.whyNot(definition, node);
  if (unliked !== undefined) return { key: 'affinity', text: unliked };
  return spread.allows(node) ? undefined : spreadObstacle(spread, node);
}

/** What is in the way of replacing an instance where it is, which frees what that gives back by stopping. */
export function obstacleInPlace(
  context: Context,
  { ask, asked }: { readonly ask: Ask; readonly asked: Asked },
  instance: Instance,
): Obstacle {
  const { allocation, node } = instance;
  const lacks = whyNotOffered(node, asked);
  if (lacks !== undefined) return lacks;
  const held = chargedHolds(allocation);
  const piece = context.pieces.short(ask.pieces, node, { holds: held, node });
  if (piece !== undefined) return { key: piece.key, text: piece.text };
  const freed = freedVector(context.ledger, held, objectOf(instance));
  const more = ask.amounts.map((amount, d) => Math.max(0, amount - (freed[d] ?? 0)));
  const short = shortOf(context.ledger, node.index, more);
  const dimension = context.ledger.dimensions[short.findIndex((amount) => amount > 0)];
  if (dimension === undefined) return { key: 'capacity', text: 'have no room' };
  return { key: dimensionName(dimension), text: `lack ${dimensionName(dimension)}`, short };
}

/** Why an instance does not go from one node to another although there is room for one more: its place is missed there. */
export function obstacleToMove(spread: Spread, from: ClusterNode, to: ClusterNode): Obstacle | undefined {
  spread.add(from, -1);
  const isAllowed = spread.allows(to);
  spread.add(from, 1);
  return isAllowed ? undefined : spreadObstacle(spread, to);
}

function spreadObstacle({ rules }: Spread, node: ClusterNode): Obstacle {
  const rule = rules.find(({ rule: { by } }) => by !== 'node')?.rule ?? rules[0]?.rule;
  if (rule === undefined) return { key: 'spread', text: 'would break the spread' };
  const { by, minDomains } = rule;
  const where = by === 'node' ? 'have one already' : `are in ${by} ${domainOf(node, by)}, which has its share`;
  return { key: 'spread', text: `${where} (spread needs ${minDomains} ${by}s)` };
}

/** How far from fitting: the dimension that is shortest, in parts of what is asked for. */
export const distanceOf = (short: Vector, { amounts }: Pick<Ask, 'amounts'>): number =>
  Math.max(...short.map((amount, d) => (amount > 0 ? amount / (amounts[d] ?? 1) : 0)));

/** As people say it. */
export function dimensionName(dimension: Dimension): string {
  switch (dimension) {
    case 'cpuMillis':
      return 'cpu';
    case 'memoryBytes':
      return 'memory';
    case 'storageBytes':
      return 'storage';
    case 'bandwidthBits':
      return 'bandwidth';
    default:
      return dimension;
  }
}

import type { NodeName } from '../../model/ids.ts';
import { piecesOf, type Resources } from '../../model/resources.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Instance } from '../instances.ts';
import { resourcesOfVector } from '../ledger.ts';
import type { MatchedWorkload } from '../match.ts';
import { whyRuledOut } from '../place/feasible.ts';
import { type Asking, distanceOf, type Obstacle, obstacleOn } from '../place/obstacle.ts';
import { openSpread, spreadRulesOf } from '../place/spread.ts';
import { wantedOf } from '../simulate/world.ts';
import type { Target } from '../target.ts';

/** Where one more instance could be now, of all nodes of the workload's pods, and why not on the others. */
export interface Elsewhere {
  /** How many nodes were looked at. */
  readonly considered: number;
  readonly fits: readonly NodeName[];
  /** The commonest first; every node is there once, for the first thing that is in the way. */
  readonly reasons: readonly Reason[];
  /** The node that lacks least, where something is lacking; amounts as documents have them. */
  readonly nearest?: { readonly node: NodeName; readonly missing: Resources };
}

export interface Reason {
  readonly key: string;
  /** Completes "12 nodes …". */
  readonly text: string;
  readonly nodes: readonly NodeName[];
}

/** `without`: an instance that would move; its node is not looked at, and it does not count where it is. */
export function elsewhereOf(
  context: Context,
  workload: MatchedWorkload,
  { target, without }: { readonly target: Target; readonly without?: Instance | undefined },
): Elsewhere {
  const { definition } = workload;
  if (definition === undefined) return { considered: 0, fits: [], reasons: [] };
  const asking = askingOf(context, workload, { definition, target, without });
  if (without !== undefined) context.affinity.add(workload.id, without.node, -1);
  const nodes = context.cluster.nodes.filter((node) => isCandidate(node, definition) && node !== without?.node);
  const found = nodes.map((node) => ({
    node,
    obstacle: whyRuledOut(node, definition.placement, target.revision) ?? obstacleOn(context, asking, node),
  }));
  if (without !== undefined) context.affinity.add(workload.id, without.node, 1);
  return {
    considered: nodes.length,
    fits: found.filter(({ obstacle }) => obstacle === undefined).map(({ node }) => node.name),
    reasons: groupByText(found),
    ...nearestOf(context, asking, found),
  };
}

type Definition = NonNullable<MatchedWorkload['definition']>;

const isCandidate = ({ definition }: ClusterNode, { placement }: Definition): boolean =>
  definition !== undefined && (placement.pods.length === 0 || placement.pods.includes(definition.pod));

function askingOf(
  context: Context,
  workload: MatchedWorkload,
  of: { readonly definition: Definition; readonly target: Target; readonly without: Instance | undefined },
): Asking {
  const { definition, target, without } = of;
  const counts = new Map<number, number>();
  const rules = spreadRulesOf(definition, context.requirementsFor(definition.namespace));
  const spread = openSpread(context.cluster, rules, definition.replicas);
  for (const instance of wantedOf(workload)) {
    if (instance === without || instance.status === 'held' || instance.status === 'lost') continue;
    counts.set(instance.node.index, (counts.get(instance.node.index) ?? 0) + 1);
    spread.add(instance.node, 1);
  }
  return { definition, ask: context.askOf(target.revision), counts, spread };
}

interface Found {
  readonly node: ClusterNode;
  readonly obstacle: Obstacle | undefined;
}

function groupByText(found: readonly Found[]): readonly Reason[] {
  const groups = new Map<string, { readonly key: string; readonly text: string; readonly nodes: NodeName[] }>();
  for (const { node, obstacle } of found) {
    if (obstacle === undefined) continue;
    const { key, text } = obstacle;
    const group = groups.get(text) ?? { key, text, nodes: [] };
    group.nodes.push(node.name);
    groups.set(text, group);
  }
  return [...groups.values()].sort((a, b) => b.nodes.length - a.nodes.length || (a.text < b.text ? -1 : 1));
}

function nearestOf(context: Context, { ask }: Asking, found: readonly Found[]): Pick<Elsewhere, 'nearest'> {
  let nearest: { readonly node: NodeName; readonly missing: Resources; readonly distance: number } | undefined;
  for (const { node, obstacle } of found) {
    if (obstacle?.short === undefined) continue;
    const distance = distanceOf(obstacle.short, ask);
    if (nearest !== undefined && distance >= nearest.distance) continue;
    nearest = { node: node.name, missing: piecesOf(resourcesOfVector(context.ledger, obstacle.short)), distance };
  }
  return nearest === undefined ? {} : { nearest: { node: nearest.node, missing: nearest.missing } };
}

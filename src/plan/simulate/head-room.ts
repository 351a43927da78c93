import type { NodeName, PodName, WorkloadId } from '../../model/ids.ts';
import type { Refusal } from '../../model/plan.ts';
import { resourcesOf } from '../../model/recorded.ts';
import type { Dimension } from '../../model/resources.ts';
import type { PlanInputs } from '../inputs.ts';
import { createPlan } from '../plan.ts';
import { type AtRisk, workloadsAtRisk } from './at-risk.ts';
import { type Loss, loseNodes, whyItWaits } from './lose.ts';
import { openMonotone } from './monotone.ts';
import { type Answer, type SearchResult, searchLosses } from './search.ts';
import { basisOf, type PlannedWorld, plannedWorld, type SimulationBasis } from './world.ts';

/** How many nodes a cluster can lose, whichever they are. */
export interface HeadRoom {
  readonly cluster: string;
  readonly basis: SimulationBasis;
  /** The question: any so many nodes of one pod, lost together. */
  readonly any: number;
  readonly pods: readonly PodHeadRoom[];
  /** Each zone lost whole; only where there are several. */
  readonly zones: readonly ZoneLoss[];
  /** Workloads that fall below their disruption budget when the nodes are lost that hold most of them. */
  readonly atRisk: readonly AtRisk[];
}

export interface PodHeadRoom {
  readonly pod: PodName;
  readonly nodes: number;
  /** `unknown`: nothing was found against it, but not everything could be tried. */
  readonly verdict: 'survives' | 'fails' | 'unknown';
  /** Any so many nodes may be lost: proved. `any` at the most. */
  readonly survives: number;
  /** Losses of `any` nodes that are too much: single nodes as far as they were found, of more the first one. */
  readonly failures: readonly LossSummary[];
  /** False when the search ended before every loss of `any` nodes was answered for: there may be more failures. */
  readonly complete: boolean;
  /** Instances that are on its nodes and are not made anew anywhere else: they would wait for their node. */
  readonly waiting: number;
  /** How many losses were planned to find out. */
  readonly plannings: number;
}

export interface ZoneLoss extends LossSummary {
  readonly zone: string;
}

/** A loss in short. */
export interface LossSummary {
  readonly nodes: readonly NodeName[];
  readonly instances: number;
  readonly survives: boolean;
  readonly short: readonly {
    readonly workload: WorkloadId;
    readonly instances: number;
    readonly refusals: readonly Refusal[];
  }[];
}

/**
 * Whether any `any` nodes of a pod may be lost: everything that may be made anew finds room on the rest of the cluster.
 * Exact, unless `complete` says that the search ended early: it is bounded by the size of the world.
 */
export function headRoom(
  inputs: PlanInputs,
  options: { readonly any: number; readonly pods?: readonly PodName[] },
): HeadRoom {
  return headRoomOf(plannedWorld(inputs), options);
}

export function headRoomOf(
  world: PlannedWorld,
  { any, pods }: { readonly any: number; readonly pods?: readonly PodName[] },
): HeadRoom {
  const all = [...nodesBy(world, (node) => node.pod).keys()].sort();
  return {
    cluster: world.inputs.desired.cluster.name,
    basis: basisOf(world),
    any,
    pods: podHeadRooms(world, { any, pods: pods ?? all, mostWork }),
    zones: zoneLosses(world),
    atRisk: workloadsAtRisk(world, any),
  };
}

export function podHeadRooms(
  world: PlannedWorld,
  options: { readonly any: number; readonly pods: readonly PodName[]; readonly mostWork: number },
): readonly PodHeadRoom[] {
  const { any, pods } = options;
  const nodes = nodesBy(world, (node) => node.pod);
  const most = mostPlannings(world, { pods: pods.length, mostWork: options.mostWork });
  // Whoever has nothing to do is known from now on: each loss looks only at those that it hits.
  createPlan(world.inputs, world.compiled);
  const ask = openAsk(world);
  return pods.map((pod) => podHeadRoom({ world, pod, nodes: nodes.get(pod) ?? [], any, most, ask }));
}

/** Amount of planning that a head-room may cost, in nodes and instances looked at: some seconds. */
const mostWork = 3_000_000;
const fewestPlannings = 8;
const mostPlanningsOfAPod = 2000;

function mostPlannings(
  world: PlannedWorld,
  { pods, mostWork: work }: { readonly pods: number; readonly mostWork: number },
): number {
  const share = Math.floor(work / sizeOf(world.inputs) / Math.max(1, pods));
  return Math.min(mostPlanningsOfAPod, Math.max(fewestPlannings, share));
}

/** Nodes, instances and workloads: what a planning looks at. */
export const sizeOf = ({ desired, recorded }: PlanInputs): number =>
  Math.max(1, desired.nodes.length + recorded.allocations.length + desired.workloads.length);

type Ask = (nodes: readonly NodeName[]) => Answer;

function openAsk(world: PlannedWorld): Ask {
  const isMonotone = openMonotone(world);
  return (nodes) => {
    const loss = loseNodes(world, nodes);
    if (!loss.survives) return 'fails';
    return isMonotone(loss) ? 'survives' : 'unclear';
  };
}

interface PodQuestion {
  readonly world: PlannedWorld;
  readonly pod: PodName;
  readonly nodes: readonly NodeName[];
  readonly any: number;
  readonly most: number;
  readonly ask: Ask;
}

/** First the number that is asked for; if that is too much, the most that is not. */
function podHeadRoom({ world, pod, nodes, any, most, ask }: PodQuestion): PodHeadRoom {
  // An empty node is missed only when others are lost with it.
  const heaviest = heaviestFirst(world, any === 1 ? nodes.filter((name) => world.onNode.has(name)) : nodes);
  const pick = Math.min(any, heaviest.length);
  const found = search(heaviest, { pick, most, ask });
  let asked = found.asked;
  let survives = found.complete && found.failures.length === 0 ? any : 0;
  // Bounded by the number that is asked for.
  for (let fewer = pick - 1; survives === 0 && fewer > 0; fewer -= 1) {
    const result = search(heaviest, { pick: fewer, most, ask });
    asked += result.asked;
    if (result.complete && result.failures.length === 0) survives = fewer;
  }
  return {
    pod,
    nodes: nodes.length,
    verdict: found.failures.length > 0 ? 'fails' : found.complete ? 'survives' : 'unknown',
    survives,
    failures: found.failures.map((names) => summaryOf(loseNodes(world, [...names].sort()))),
    complete: found.complete,
    waiting: nodes.reduce((sum, name) => sum + waitingOn(world, name), 0),
    plannings: asked,
  };
}

/** Daemons are not missed. */
const waitingOn = ({ onNode }: PlannedWorld, name: NodeName): number =>
  (onNode.get(name) ?? []).filter(
    ({ workload, instance }) => workload.definition?.type !== 'daemon' && whyItWaits(workload, instance) !== undefined,
  ).length;

/** Of single nodes those that are too much are listed; of more together one combination is enough of an answer. */
const mostFailures = 20;

function search(
  nodes: readonly NodeName[],
  { pick, most, ask }: { readonly pick: number; readonly most: number; readonly ask: Ask },
): SearchResult {
  if (pick === 0) return { failures: [], asked: 0, complete: true };
  return searchLosses({ nodes, pick, most, mostFailures: pick === 1 ? mostFailures : 1, ask });
}

/** By the largest share that a node holds of anything that the nodes hold together. */
function heaviestFirst({ onNode }: PlannedWorld, nodes: readonly NodeName[]): readonly NodeName[] {
  const totals = new Map<Dimension, number>();
  const held = new Map<NodeName, ReadonlyMap<Dimension, number>>();
  for (const name of nodes) {
    const sums = new Map<Dimension, number>();
    for (const { instance } of onNode.get(name) ?? []) {
      for (const [dimension, amount] of Object.entries(resourcesOf(instance.allocation.holds)) as [
        Dimension,
        number,
      ][]) {
        sums.set(dimension, (sums.get(dimension) ?? 0) + amount);
        totals.set(dimension, (totals.get(dimension) ?? 0) + amount);
      }
    }
    held.set(name, sums);
  }
  const weight = (name: NodeName): number =>
    Math.max(0, ...[...(held.get(name) ?? [])].map(([dimension, amount]) => amount / (totals.get(dimension) ?? 1)));
  const weights = new Map(nodes.map((name) => [name, weight(name)]));
  return [...nodes].sort((a, b) => (weights.get(b) ?? 0) - (weights.get(a) ?? 0) || (a < b ? -1 : 1));
}

function summaryOf(loss: Loss): LossSummary {
  return {
    nodes: [...loss.nodes],
    instances: loss.displaced.reduce((sum, { instances }) => sum + instances.length, 0),
    survives: loss.survives,
    short: [
      ...loss.displaced
        .filter(({ short }) => short.length > 0)
        .map(({ workload, short, refusals }) => ({ workload: workload.id, instances: short.length, refusals })),
      ...loss.refusals.map((refusal) => ({
        workload: refusal.subject as WorkloadId,
        instances: refusal.instances,
        refusals: [refusal],
      })),
    ],
  };
}

/** Most zones of which each is lost once. */
const mostZones = 32;

function zoneLosses(world: PlannedWorld): readonly ZoneLoss[] {
  const zones = nodesBy(world, (node) => node.zone);
  if (zones.size < 2) return [];
  return [...zones]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, mostZones)
    .map(([zone, nodes]) => ({ zone, ...summaryOf(loseNodes(world, nodes)) }));
}

/** Names of declared nodes that are not lost already, by something of theirs. */
function nodesBy<Key>(
  { inputs, cluster }: PlannedWorld,
  keyOf: (node: PlanInputs['desired']['nodes'][number]) => Key | undefined,
): ReadonlyMap<Key, readonly NodeName[]> {
  const groups = new Map<Key, NodeName[]>();
  for (const node of inputs.desired.nodes) {
    const key = keyOf(node);
    const index = cluster.indexOf.get(node.name);
    if (key === undefined || index === undefined || cluster.nodes[index]?.liveness === 'lost') continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [node.name]);
    else group.push(node.name);
  }
  return groups;
}

import type { DesiredNode, Lifecycle } from '../model/desired.ts';
import type { EngineKind, NodeName } from '../model/ids.ts';
import type { ObservedNode } from '../model/observed.ts';
import type { Allocation, Liveness } from '../model/recorded.ts';
import { countOf } from './count.ts';
import type { PlanInputs } from './inputs.ts';

/** Every node that git, the records or the engines know, by index in name order. */
export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly indexOf: ReadonlyMap<NodeName, number>;
  /** Index of the node of each recorded allocation, by position: several stages ask for it. */
  readonly homes: Int32Array;
  /** How many there are. */
  readonly zones: number;
  readonly racks: number;
}

export interface ClusterNode {
  readonly index: number;
  readonly name: NodeName;
  /** Absent when the node has left git. */
  readonly definition: DesiredNode | undefined;
  readonly observed: ObservedNode | undefined;
  readonly liveness: Liveness;
  /** May take something new, as far as life cycle, overrides and liveness go. */
  readonly accepts: boolean;
  /** What runs here has to leave. */
  readonly draining: boolean;
  /** It would, but enough others of its zone are being drained. */
  readonly waitsToDrain: boolean;
  readonly portDomain: string;
  /** Number of its zone and rack, from 0 in order of name; -1: none. */
  readonly zone: number;
  readonly rack: number;
}

/** What of the inputs it is made from. */
type ClusterInputs = Pick<PlanInputs, 'desired' | 'recorded' | 'observed' | 'now'>;

export function compileCluster(inputs: ClusterInputs): Cluster {
  const definitions = new Map(inputs.desired.nodes.map((node) => [node.name, node]));
  const { names, homes, indexOf } = findHomes([...definitions.keys()], inputs.recorded.allocations);
  const dutyOf = openDuties(inputs);
  const zones = numbered(inputs.desired.nodes.map(({ zone }) => zone));
  const racks = numbered(inputs.desired.nodes.map(({ rack }) => rack));
  const nodes = names.map((name, index): ClusterNode => {
    const definition = definitions.get(name);
    const observed = inputs.observed.nodes.get(name);
    // A declared node that nobody looked at is taken as it is declared: alive. One that left git is taken for nothing.
    const liveness = observed?.liveness ?? (definition === undefined ? 'unknown' : 'alive');
    const { accepts, draining, waitsToDrain } = dutyOf({ name, liveness }, definition?.lifecycle);
    return {
      index,
      name,
      definition,
      observed,
      liveness,
      accepts,
      draining,
      waitsToDrain,
      portDomain: definition?.portDomain ?? name,
      zone: zones.get(definition?.zone ?? '') ?? -1,
      rack: racks.get(definition?.rack ?? '') ?? -1,
    };
  });
  return { nodes, indexOf, homes, zones: zones.size, racks: racks.size };
}

/** What a node is there for, which changes more often than what it is. */
export type Duty = Pick<ClusterNode, 'accepts' | 'draining' | 'waitsToDrain'>;

/** By life cycle; undefined: the node left git. */
export function openDuties(
  inputs: ClusterInputs,
): (node: Pick<ClusterNode, 'name' | 'liveness'>, lifecycle: Lifecycle | undefined) => Duty {
  const cordoned = new Set(
    inputs.recorded.overrides
      .filter((override) => override.kind === 'cordon' && override.until > inputs.now)
      .map((override) => override.target),
  );
  const waiting = waitingDrains(inputs);
  return ({ name, liveness }, lifecycle) => ({
    accepts: lifecycle === 'online' && liveness === 'alive' && !cordoned.has(name),
    draining: isLeft(lifecycle) && !waiting.has(name),
    waitsToDrain: waiting.has(name),
  });
}

/** All names in order, and where each allocation is. */
interface Homes extends Pick<Cluster, 'homes' | 'indexOf'> {
  readonly names: readonly NodeName[];
}

/** Mostly allocations are where git has a node: one that left is rare. */
function findHomes(declared: readonly NodeName[], allocations: readonly Allocation[]): Homes {
  const names = [...declared].sort();
  const indexOf = new Map(names.map((name, index) => [name, index]));
  const homes = new Int32Array(allocations.length);
  const left = new Set<NodeName>();
  for (let index = 0; index < homes.length; index += 1) {
    const { node } = allocations[index] as Allocation;
    const home = indexOf.get(node);
    if (home === undefined) left.add(node);
    else homes[index] = home;
  }
  return left.size === 0 ? { names, homes, indexOf } : findHomes([...declared, ...left], allocations);
}

const isLeft = (lifecycle: Lifecycle | undefined): boolean =>
  lifecycle === undefined || lifecycle === 'maintenance' || lifecycle === 'offline';

/** Nodes that are to be drained, but whose zone drains enough of them at the moment: the first by name go first. */
function waitingDrains({ desired, recorded }: ClusterInputs): ReadonlySet<NodeName> {
  const waiting = new Set<NodeName>();
  const limit = desired.cluster.drain?.perZone;
  if (limit === undefined) return waiting;
  // What a stopped static instance keeps on its node does not hold up others.
  const occupied = new Set(recorded.allocations.filter(({ state }) => state !== 'held').map(({ node }) => node));
  const sizes = new Map<string, number>();
  for (const { zone = '' } of desired.nodes) sizes.set(zone, (sizes.get(zone) ?? 0) + 1);
  const draining = new Map<string, number>();
  const left = desired.nodes.filter(({ name, lifecycle }) => isLeft(lifecycle) && occupied.has(name));
  for (const { name, zone = '' } of [...left].sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const count = (draining.get(zone) ?? 0) + 1;
    if (count > Math.max(1, countOf(limit, sizes.get(zone) ?? 0))) waiting.add(name);
    else draining.set(zone, count);
  }
  return waiting;
}

/** The names that occur, numbered in their order. */
const numbered = (names: readonly (string | undefined)[]): ReadonlyMap<string, number> =>
  new Map(
    [...new Set(names)]
      .filter((name) => name !== undefined)
      .sort()
      .map((name, index) => [name, index]),
  );

/** False when the engine did not answer: nothing is concluded about what is on it, and nothing is put there. */
export function isReachable(node: ClusterNode, engine: EngineKind): boolean {
  return node.liveness === 'alive' && node.observed?.engines[engine]?.kind !== 'unreachable';
}

import type { DesiredNode } from '../model/desired.ts';
import type { EngineKind, NodeName } from '../model/ids.ts';
import type { ObservedNode } from '../model/observed.ts';
import type { Liveness } from '../model/recorded.ts';
import type { PlanInputs } from './inputs.ts';

/** Every node that git, the records or the engines know, by index in name order. */
export interface Cluster {
  readonly nodes: readonly ClusterNode[];
  readonly indexOf: ReadonlyMap<NodeName, number>;
  /** The node of each recorded allocation, by position: several stages ask for it. */
  readonly homes: readonly ClusterNode[];
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
  readonly portDomain: string;
  /** Number of its zone and rack, from 0 in order of name; -1: none. */
  readonly zone: number;
  readonly rack: number;
}

export function compileCluster(inputs: PlanInputs): Cluster {
  const definitions = new Map(inputs.desired.nodes.map((node) => [node.name, node]));
  const names = new Set<NodeName>(definitions.keys());
  const { allocations } = inputs.recorded;
  for (const { node } of allocations) names.add(node);
  const cordoned = new Set(
    inputs.recorded.overrides
      .filter((override) => override.kind === 'cordon' && override.until > inputs.now)
      .map((override) => override.target),
  );
  const zones = numbered(inputs.desired.nodes.map(({ zone }) => zone));
  const racks = numbered(inputs.desired.nodes.map(({ rack }) => rack));
  const nodes = [...names].sort().map((name, index): ClusterNode => {
    const definition = definitions.get(name);
    const observed = inputs.observed.nodes.get(name);
    const lifecycle = definition?.lifecycle;
    // A declared node that nobody looked at is taken as it is declared: alive. One that left git is taken for nothing.
    const liveness = observed?.liveness ?? (definition === undefined ? 'unknown' : 'alive');
    return {
      index,
      name,
      definition,
      observed,
      liveness,
      accepts: lifecycle === 'online' && liveness === 'alive' && !cordoned.has(name),
      draining: lifecycle === undefined || lifecycle === 'maintenance' || lifecycle === 'offline',
      portDomain: definition?.portDomain ?? name,
      zone: zones.get(definition?.zone ?? '') ?? -1,
      rack: racks.get(definition?.rack ?? '') ?? -1,
    };
  });
  const byName = new Map(nodes.map((node) => [node.name, node]));
  return {
    nodes,
    indexOf: new Map(nodes.map((node) => [node.name, node.index])),
    homes: allocations.map(({ node }) => byName.get(node) as ClusterNode),
    zones: zones.size,
    racks: racks.size,
  };
}

/** The names that occur, numbered in their order. */
const numbered = (names: readonly (string | undefined)[]): ReadonlyMap<string, number> =>
  new Map([...new Set(names)].filter((name) => name !== undefined).sort().map((name, index) => [name, index]));

/** False when the engine did not answer: nothing is concluded about what is on it, and nothing is put there. */
export function isReachable(node: ClusterNode, engine: EngineKind): boolean {
  return node.liveness === 'alive' && node.observed?.engines[engine]?.kind !== 'unreachable';
}

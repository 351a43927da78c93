import type { Placement } from '../../model/desired.ts';
import type { EngineKind } from '../../model/ids.ts';
import type { Cluster, ClusterNode } from '../cluster.ts';
import { whyMisplaced } from './feasible.ts';

/** True when what is on the node may stay there, as far as rules go: `whyMisplaced` has nothing to say. */
export type KeepsRules = (node: ClusterNode) => boolean;

export type KeepersOf = (placement: Placement, engine: EngineKind) => KeepsRules;

/** Each node is asked once for each kind of rules, however many instances are there. */
export function openKeepers({ nodes }: Pick<Cluster, 'nodes'>): KeepersOf {
  const known = new Map<string, KeepsRules>();
  return (placement, engine) => {
    const { pods, require } = placement;
    const key = JSON.stringify([engine, pods, Object.entries(require).sort()]);
    const keeps = known.get(key) ?? openKeeper(nodes.length, placement, engine);
    known.set(key, keeps);
    return keeps;
  };
}

function openKeeper(nodes: number, placement: Placement, engine: EngineKind): KeepsRules {
  const answers = new Int8Array(nodes);
  return (node) => {
    if (answers[node.index] === unknown)
      answers[node.index] = whyMisplaced(node, placement, engine) === undefined ? yes : no;
    return answers[node.index] === yes;
  };
}

const [unknown, yes, no] = [0, 1, 2];

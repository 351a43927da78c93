import type { DesiredWorkload, Placement } from '../../model/desired.ts';
import type { EngineKind } from '../../model/ids.ts';
import { type Cluster, type ClusterNode, isReachable } from '../cluster.ts';
import { type Asked, askedKey, whyNotOffered } from './offers.ts';
import { domainOf } from './spread.ts';

/** Nodes that may take a workload as far as rules go; whether there is room is another question. */
export interface Candidates {
  /** Indices, ascending. */
  readonly nodes: readonly number[];
  /** How many nodes were looked at: all of the workload's pods. */
  readonly considered: number;
  /** Nodes ruled out, by reason; every node counts once, for the first reason. */
  readonly ruledOut: readonly { readonly key: string; readonly text: string; readonly nodes: number }[];
}

export type CandidatesOf = (workload: DesiredWorkload, asked: Asked) => Candidates;

/** Workloads with the same rules share their answer. */
export function openCandidates(cluster: Cluster): CandidatesOf {
  const cache = new Map<string, Candidates>();
  return ({ placement }, asked) => {
    const { pods, require, tolerate, spread } = placement;
    const domains = spread?.map(({ by }) => by);
    const key = JSON.stringify([askedKey(asked), pods, Object.entries(require).sort(), tolerate, domains]);
    const known = cache.get(key) ?? findCandidates(cluster, placement, asked);
    cache.set(key, known);
    return known;
  };
}

function findCandidates(cluster: Cluster, placement: Placement, asked: Asked): Candidates {
  const nodes: number[] = [];
  const ruledOut = new Map<string, { key: string; text: string; nodes: number }>();
  let considered = 0;
  for (const node of cluster.nodes) {
    if (node.definition === undefined || !isInPods(node, placement)) continue;
    considered += 1;
    const reason = whyRuledOut(node, placement, asked);
    if (reason === undefined) {
      nodes.push(node.index);
      continue;
    }
    const entry = ruledOut.get(reason.text);
    if (entry === undefined) ruledOut.set(reason.text, { ...reason, nodes: 1 });
    else entry.nodes += 1;
  }
  return { nodes, considered, ruledOut: [...ruledOut.values()] };
}

interface Reason {
  /** Key in a refusal's `byReason`. */
  readonly key: string;
  /** Completes "12 of 40 nodes …". */
  readonly text: string;
}

/** Why nothing new of a workload goes to a node, as far as rules go. */
export function whyRuledOut(node: ClusterNode, placement: Placement, asked: Asked): Reason | undefined {
  const { engine } = asked;
  const lifecycle = node.definition?.lifecycle ?? 'gone';
  if (lifecycle !== 'online')
    return { key: 'lifecycle', text: lifecycle === 'maintenance' ? 'are in maintenance' : `are ${lifecycle}` };
  if (node.liveness !== 'alive') return { key: 'liveness', text: `are ${node.liveness}` };
  if (!node.accepts) return { key: 'lifecycle', text: 'are cordoned' };
  const mismatch = whyMisplaced(node, placement, engine) ?? whyTainted(node, placement);
  if (mismatch !== undefined) return mismatch;
  if (!isReachable(node, engine)) return { key: 'liveness', text: `have no reachable ${engine} engine` };
  const lacking = placement.spread?.find(({ by }) => domainOf(node, by) === undefined);
  return lacking ? { key: 'spread', text: `have no ${lacking.by}` } : whyNotOffered(node, asked);
}

/** Rules that an instance which is already there must keep, too. */
export function whyMisplaced(node: ClusterNode, placement: Placement, engine: EngineKind): Reason | undefined {
  const { definition } = node;
  if (definition === undefined) return { key: 'lifecycle', text: 'left git' };
  if (!isInPods(node, placement)) return { key: 'pod', text: `are in pod ${definition.pod}` };
  if (definition.engines[engine] === undefined) return { key: 'engine', text: `have no ${engine} engine` };
  for (const [label, value] of Object.entries(placement.require)) {
    if (definition.labels[label] !== value) return { key: 'label', text: `lack label ${label}=${value}` };
  }
  return undefined;
}

/** A taint keeps new instances away; what runs there stays. */
export function whyTainted(node: ClusterNode, placement: Placement): Reason | undefined {
  const taint = node.definition?.taints.find(
    ({ key, value }) => !placement.tolerate.some((t) => t.key === key && (t.value === undefined || t.value === value)),
  );
  return taint && { key: 'taint', text: `have taint ${taint.key}=${taint.value}` };
}

const isInPods = (node: ClusterNode, { pods }: Placement): boolean =>
  pods.length === 0 || (node.definition !== undefined && pods.includes(node.definition.pod));

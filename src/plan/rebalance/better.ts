import type { Domain } from '../../model/desired.ts';
import type { NodeName, PodName, WorkloadId } from '../../model/ids.ts';
import type { ClusterNode } from '../cluster.ts';
import { openCandidates } from '../place/feasible.ts';
import { domainOf } from '../place/spread.ts';
import { type PlannedWorld, wantedOf } from '../simulate/world.ts';
import { openUse } from './use.ts';

/** Something that moves make better: what it is, before and after. */
export type Better =
  /** Instances of a workload in the fullest and the emptiest domain of a kind that may take it. */
  | {
      readonly kind: 'spread';
      readonly workload: WorkloadId;
      readonly by: Domain;
      readonly before: Range;
      readonly after: Range;
    }
  /** How full the fullest and the emptiest node of a pod is, from 0 to 1. */
  | { readonly kind: 'use'; readonly pod: PodName; readonly before: Range; readonly after: Range }
  /** Nodes that hold nothing any more, daemons apart. */
  | { readonly kind: 'empty'; readonly nodes: readonly NodeName[] };

export interface Range {
  readonly most: number;
  readonly fewest: number;
}

/** What moves change for the better, by kind and name; nothing where nothing moved. */
export function whatIsBetter(
  before: PlannedWorld,
  after: PlannedWorld,
  pods: readonly PodName[] | undefined,
): readonly Better[] {
  if (before === after) return [];
  return [...spreads(before, after), ...uses(before, after, pods), ...emptied(before, after)];
}

function spreads(before: PlannedWorld, after: PlannedWorld): readonly Better[] {
  const moved = new Set(after.plan.steps.map(({ unit }) => unit as string));
  const candidatesOf = openCandidates(before.cluster);
  const later = new Map(after.workloads.map((workload) => [workload.id, workload]));
  return before.workloads.flatMap((workload): readonly Better[] => {
    const { definition, id } = workload;
    const then = later.get(id);
    if (definition === undefined || then === undefined || !moved.has(id)) return [];
    const nodes = candidatesOf(definition, definition.revision).nodes.flatMap(
      (index) => before.cluster.nodes[index] ?? [],
    );
    return domains.flatMap((by): readonly Better[] => {
      const [was, is] = [rangeOf(nodes, wantedOf(workload), by), rangeOf(nodes, wantedOf(then), by)];
      const gained = was.most - was.fewest - (is.most - is.fewest);
      return gained > 0 ? [{ kind: 'spread', workload: id, by, before: was, after: is }] : [];
    });
  });
}

const domains: readonly Domain[] = ['zone', 'rack', 'node'];

function rangeOf(
  nodes: readonly ClusterNode[],
  instances: readonly { readonly node: ClusterNode }[],
  by: Domain,
): Range {
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(domainOf(node, by) ?? '', 0);
  for (const { node } of instances) {
    const domain = domainOf(node, by) ?? '';
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return { most: Math.max(0, ...counts.values()), fewest: Math.min(...counts.values(), Number.MAX_SAFE_INTEGER) };
}

function uses(before: PlannedWorld, after: PlannedWorld, pods: readonly PodName[] | undefined): readonly Better[] {
  const [was, is] = [fullnessByPod(before), fullnessByPod(after)];
  return [...was].flatMap(([pod, range]): readonly Better[] => {
    const then = is.get(pod);
    if (then === undefined || !(pods?.includes(pod) ?? true)) return [];
    const gained = range.most - range.fewest - (then.most - then.fewest);
    return gained > leastShown ? [{ kind: 'use', pod, before: range, after: then }] : [];
  });
}

/** Half a percent: less is not seen in a table. */
const leastShown = 0.005;

function fullnessByPod(world: PlannedWorld): ReadonlyMap<PodName, Range> {
  const use = openUse(world);
  const ranges = new Map<PodName, Range>();
  for (const node of world.cluster.nodes) {
    const { definition } = node;
    if (definition === undefined || !node.accepts) continue;
    const share = use.fullness(node);
    const known = ranges.get(definition.pod) ?? { most: share, fewest: share };
    ranges.set(definition.pod, { most: Math.max(known.most, share), fewest: Math.min(known.fewest, share) });
  }
  return new Map([...ranges].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function emptied(before: PlannedWorld, after: PlannedWorld): readonly Better[] {
  const nodes = [...before.onNode.keys()]
    .filter((name) => guests(before, name) > 0 && guests(after, name) === 0)
    .sort();
  return nodes.length === 0 ? [] : [{ kind: 'empty', nodes }];
}

const guests = ({ onNode }: PlannedWorld, name: NodeName): number =>
  (onNode.get(name) ?? []).filter(({ workload }) => workload.definition?.type !== 'daemon').length;

import type { Domain, Strategy } from '../../model/desired.ts';
import type { InstanceId, PodName } from '../../model/ids.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Instance } from '../instances.ts';
import type { MatchedWorkload } from '../match.ts';
import { openCandidates } from '../place/feasible.ts';
import { domainOf } from '../place/spread.ts';
import { pushTo } from '../push-to.ts';
import { type PlannedWorld, wantedOf } from '../simulate/world.ts';
import { proposeLevelling } from './level.ts';
import { type EvenOptions, isMovable, type Proposal, strategyOf } from './proposal.ts';

/** What should leave its node so that counts, and then use, get even: the widest domains and the most uneven first. */
export function proposeEvening(world: PlannedWorld, options: EvenOptions): readonly Proposal[] {
  const candidatesOf = openCandidates(world.cluster);
  const strategies = new Map<string, Strategy>(world.inputs.desired.pods.map(({ name, strategy }) => [name, strategy]));
  const found = world.workloads.flatMap((workload): readonly Uneven[] => {
    const { definition } = workload;
    if (definition === undefined || !isWithin(workload, options.pods)) return [];
    const nodes = candidatesOf(definition, definition.revision).nodes.flatMap(
      (index) => world.cluster.nodes[index] ?? [],
    );
    return levelsOf(world, workload, strategies).flatMap((by) =>
      unevenBy({ workload, by, nodes, isOpen: options.isOpen }),
    );
  });
  const sorted = found.sort((a, b) => widest.indexOf(a.by) - widest.indexOf(b.by) || b.excess - a.excess);
  const proposed = new Set<InstanceId>();
  const counted = sorted.flatMap(({ proposal }) => {
    if (proposed.has(proposal.instance)) return [];
    proposed.add(proposal.instance);
    return [proposal];
  });
  // How full nodes are comes last: even counts change it.
  return counted.length > 0 ? counted : proposeLevelling(world, options);
}

const widest: readonly Domain[] = ['zone', 'rack', 'node'];

/** A workload of other pods, too, is not this pod's alone to move. */
function isWithin({ definition }: MatchedWorkload, pods: readonly PodName[] | undefined): boolean {
  if (pods === undefined || definition === undefined) return true;
  const own = definition.placement.pods;
  return own.length > 0 && own.every((pod) => pods.includes(pod));
}

/** The domains that a workload wants to be even over: by its rules, and single nodes where its strategy evens counts out. */
function levelsOf(
  world: PlannedWorld,
  workload: MatchedWorkload,
  strategies: ReadonlyMap<string, Strategy>,
): readonly Domain[] {
  const byRule = world.spreadsOf(workload).map(({ by }) => by);
  const strategy = strategyOf(workload, strategies);
  const all = strategy === 'auto' || strategy === 'each' ? [...byRule, 'node' as const] : byRule;
  return widest.filter((by) => all.includes(by));
}

interface Uneven {
  readonly by: Domain;
  /** How many more the fullest domain had than the emptiest. */
  readonly excess: number;
  readonly proposal: Proposal;
}

/** From the fullest domain to the emptiest, one at a time and on paper, until they differ by one at the most. */
function unevenBy(of: {
  readonly workload: MatchedWorkload;
  readonly by: Domain;
  readonly nodes: readonly ClusterNode[];
  readonly isOpen: (instance: InstanceId) => boolean;
}): readonly Uneven[] {
  const { workload, by, nodes, isOpen } = of;
  const counts = new Map<string, number>();
  for (const node of nodes) counts.set(domainOf(node, by) ?? '', 0);
  const movable = new Map<string, Instance[]>();
  for (const instance of wantedOf(workload)) {
    const domain = domainOf(instance.node, by) ?? '';
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
    if (isMovable(workload, instance) && isOpen(instance.id)) pushTo(movable, domain, instance);
  }
  const open = new Set(nodes.map((node) => domainOf(node, by) ?? ''));
  const found: Uneven[] = [];
  // Every turn takes an instance away from what can be moved.
  for (;;) {
    const full = highest([...counts].filter(([domain]) => (movable.get(domain)?.length ?? 0) > 0));
    const empty = lowest([...counts].filter(([domain]) => open.has(domain)));
    const instance = full && takeFromFullest(movable.get(full[0]) ?? []);
    if (full === undefined || empty === undefined || instance === undefined || full[1] - empty[1] < 2) return found;
    counts.set(full[0], full[1] - 1);
    counts.set(empty[0], empty[1] + 1);
    found.push({ by, excess: full[1] - empty[1], proposal: proposalOf(workload, instance, { by, full, empty }) });
  }
}

type Count = readonly [domain: string, count: number];

const highest = (counts: readonly Count[]): Count | undefined =>
  counts.reduce<Count | undefined>(
    (best, count) => (best === undefined || count[1] > best[1] ? count : best),
    undefined,
  );

const lowest = (counts: readonly Count[]): Count | undefined =>
  counts.reduce<Count | undefined>(
    (best, count) => (best === undefined || count[1] < best[1] ? count : best),
    undefined,
  );

/** The last ordinal of the node that has most of them. */
function takeFromFullest(instances: Instance[]): Instance | undefined {
  const onNode = new Map<string, number>();
  for (const { node } of instances) onNode.set(node.name, (onNode.get(node.name) ?? 0) + 1);
  const [node] = highest([...onNode]) ?? [];
  const index = instances.findLastIndex((instance) => instance.node.name === node);
  return index < 0 ? undefined : instances.splice(index, 1)[0];
}

function proposalOf(
  { id }: MatchedWorkload,
  { id: instance, node }: Instance,
  { by, full, empty }: { readonly by: Domain; readonly full: Count; readonly empty: Count },
): Proposal {
  const where = (domain: string): string => (by === 'node' ? domain : `${by} ${domain}`);
  const reason = `${where(full[0])} has ${full[1]} of ${id}, ${where(empty[0])} ${empty[1]}`;
  return { instance, workload: id, from: node.name, reason };
}

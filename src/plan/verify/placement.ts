import type { AffinityRule, DesiredWorkload, Domain } from '../../model/desired.ts';
import type { WorkloadId } from '../../model/ids.ts';
import type { Step } from '../../model/plan.ts';
import { type Aftermath, createAftermath, isNewcomer, nodesAfter } from './aftermath.ts';
import { nameOfNode } from './base.ts';
import { domainOf } from './nodes.ts';
import { type SpreadRules, spreadRulesFor } from './policies.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/**
 * Rules over where the instances of a workload are beside each other, counted on the world after the plan: most on one
 * node, fewest failure domains, near to and far from others. Only what the plan puts somewhere can break them: what is
 * there already stays.
 */
export function placementCheck(world: World, report: Report): Check {
  const { base } = world;
  const spreadOf = spreadRulesFor(world.inputs.desired.policies);
  const avoided = createAvoided(world);
  const named = namedByRules(world);
  const planned = new Map<WorkloadId, readonly number[]>();
  const related: Related[] = [];
  return {
    unit: (work) => {
      const { id, workload } = work;
      // Whom others are near to or far from is asked for by name when all units are through.
      if (named.has(id)) planned.set(id, nodesAfter(base, work));
      if (workload === undefined) return;
      checkPerNode(world, { work, workload }, report);
      checkSpread(world, { work, workload, rules: spreadOf(workload) }, report);
      const rules = affinityOf(workload, avoided);
      if (rules !== undefined) related.push({ id, rules, newcomers: newcomersOf(work) });
    },
    end: () => {
      const near = createNear(world, createAftermath(base, planned));
      const nearNow = createNear(world, createAftermath(base, new Map()));
      for (const entry of related) checkAffinity(world, { ...entry, planned, near, nearNow }, report);
    },
  };
}

interface Checked {
  readonly work: UnitWork;
  readonly workload: DesiredWorkload;
}

/** `perNode` bounds what is on one node; a daemon is there once. Only nodes that receive something are looked at. */
function checkPerNode({ base }: World, { work, workload }: Checked, report: Report): void {
  const limit = workload.type === 'daemon' ? 1 : workload.placement.perNode;
  if (limit === undefined) return;
  const counts = new Map<number, number>();
  for (const node of nodesAfter(base, work)) counts.set(node, (counts.get(node) ?? 0) + 1);
  for (const node of new Set(work.items.filter(isNewcomer).map((item) => item.node))) {
    const instances = counts.get(node) ?? 0;
    if (instances <= limit) continue;
    const rule = workload.type === 'daemon' ? 'a daemon is there once' : `perNode allows ${limit}`;
    report('eligible', work.id, `${instances} instances on ${nameOfNode(base, node)}, where ${rule}`);
  }
}

/**
 * What is placed leaves enough instances for as many domains as are asked for. Where too few are left already, since a
 * rule is new or what is unreachable has to stay, only what opens another domain may come: nothing joins others. A daemon
 * is where its nodes are.
 */
function checkSpread(
  { base }: World,
  { work, workload, rules }: Checked & { readonly rules: SpreadRules },
  report: Report,
): void {
  if (rules.length === 0 || workload.type === 'daemon' || !work.items.some(isNewcomer)) return;
  const nodes = nodesAfter(base, work);
  for (const { by, minDomains } of rules) {
    const counts = new Map<number, number>();
    for (const node of nodes) {
      const domain = domainOf(base.nodes, node, by);
      if (domain >= 0) counts.set(domain, (counts.get(domain) ?? 0) + 1);
    }
    const needed = Math.min(minDomains, workload.replicas);
    if (counts.size + Math.max(0, workload.replicas - nodes.length) >= needed) continue;
    const opens = ({ node }: Item): boolean => counts.get(domainOf(base.nodes, node, by)) === 1;
    if (work.items.every((item) => !isNewcomer(item) || opens(item))) continue;
    const places = `${nodes.length} of ${workload.replicas} instances are in ${counts.size} of the ${needed} ${by}s that they have to be in`;
    report('spread', work.id, places);
  }
}

/** By workload: those that keep away from it. */
type Avoided = ReadonlyMap<WorkloadId, readonly FarRule[]>;

type FarRule = Pick<AffinityRule, 'to' | 'by'>;

/** Both ends keep an anti-affinity, whichever of them says it. */
function createAvoided({ inputs }: World): Avoided {
  const avoided = new Map<WorkloadId, FarRule[]>();
  for (const { id, placement } of inputs.desired.workloads) {
    for (const { to, by, required } of placement.antiAffinity ?? noRules) {
      if (!required || to === id) continue;
      const list = avoided.get(to);
      if (list === undefined) avoided.set(to, [{ to: id, by }]);
      else list.push({ to: id, by });
    }
  }
  return avoided;
}

const noRules: readonly AffinityRule[] = [];

/** Whoever has such a rule, and whoever one names. */
function namedByRules({ inputs }: World): ReadonlySet<WorkloadId> {
  const named = new Set<WorkloadId>();
  for (const { id, placement } of inputs.desired.workloads) {
    const { affinity = noRules, antiAffinity = noRules } = placement;
    if (affinity.length + antiAffinity.length > 0) named.add(id);
    for (const { to } of affinity) named.add(to);
    for (const { to } of antiAffinity) named.add(to);
  }
  return named;
}

interface AffinityRules {
  readonly near: readonly AffinityRule[];
  readonly far: readonly FarRule[];
}

/** Undefined where there are none. */
function affinityOf({ id, placement }: DesiredWorkload, avoided: Avoided): AffinityRules | undefined {
  const near = (placement.affinity ?? noRules).filter(({ required }) => required);
  const own = (placement.antiAffinity ?? noRules).filter(({ required }) => required);
  const far = [...own, ...(avoided.get(id) ?? [])];
  return near.length + far.length === 0 ? undefined : { near, far };
}

/** What a unit puts somewhere, and the rules for that. */
interface Related {
  readonly id: WorkloadId;
  readonly rules: AffinityRules;
  readonly newcomers: readonly Newcomer[];
}

/** No more of an item than is asked for in the end: its unit is long gone by then. */
type Newcomer = Pick<Item, 'step' | 'node'>;

const newcomersOf = ({ items }: UnitWork): readonly Newcomer[] =>
  items.flatMap((item): Newcomer | [] => (isNewcomer(item) ? { step: item.step, node: item.node } : []));

function checkAffinity(
  world: World,
  of: Related & {
    readonly planned: ReadonlyMap<WorkloadId, readonly number[]>;
    readonly near: Near;
    readonly nearNow: Near;
  },
  report: Report,
): void {
  const { id, rules, newcomers, planned, near, nearNow } = of;
  for (const { step, node } of newcomers) {
    for (const { to, by } of rules.near) {
      // The first of those that want to be together has nobody to be near to.
      const alone = to === id && planned.get(id)?.length === 1;
      // Who it is near to may leave in the same plan: nobody is moved after it.
      if (alone || near(to, node, by) - own(to, id) > 0 || nearNow(to, node, by) > 0) continue;
      reportAffinity(world, { step, node, text: `has no ${to} in its ${by}` }, report);
    }
    for (const { to, by } of rules.far) {
      if (near(to, node, by) - own(to, id) <= 0) continue;
      reportAffinity(world, { step, node, text: `has ${to} in its ${by}, from which it keeps away` }, report);
    }
  }
}

/** An instance is not near to itself. */
const own = (to: WorkloadId, id: WorkloadId): number => (to === id ? 1 : 0);

/** How many instances of a workload are in the domain of a node. A node without a rack or zone is near to itself alone. */
type Near = (to: WorkloadId, node: number, by: Domain) => number;

function createNear({ base }: World, aftermath: Aftermath): Near {
  const known = {
    node: new Map<WorkloadId, ReadonlyMap<number, number>>(),
    rack: new Map<WorkloadId, ReadonlyMap<number, number>>(),
    zone: new Map<WorkloadId, ReadonlyMap<number, number>>(),
  };
  const place = (node: number, by: Domain): number => {
    const domain = domainOf(base.nodes, node, by);
    return domain < 0 ? -1 - node : domain;
  };
  return (to, node, by) => {
    let counts = known[by].get(to);
    if (counts === undefined) {
      counts = tally(aftermath(to).map((other) => place(other, by)));
      known[by].set(to, counts);
    }
    return counts.get(place(node, by)) ?? 0;
  };
}

function tally(values: readonly number[]): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

function reportAffinity(
  { base }: World,
  { step, node, text }: { readonly step: Step; readonly node: number; readonly text: string },
  report: Report,
): void {
  report('affinity', step.id, `${step.instance} on ${nameOfNode(base, node)} ${text}`);
}

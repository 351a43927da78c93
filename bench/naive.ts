import type { Desired, DesiredNode, DesiredWorkload, SpreadRule } from '../src/model/desired.ts';
import { type InstanceId, instanceId, type NodeName } from '../src/model/ids.ts';
import type { Holds } from '../src/model/recorded.ts';
import { type Dimension, dimensionsOf, type Resources } from '../src/model/resources.ts';

/**
 * What the planner's placement is compared with: the plain loop that everybody would write first. For each instance it
 * looks at every node, keeps the same rules (pod, engine, life cycle, labels, taints, capacity, spread, ports, quota)
 * and takes the best by the pod's strategy. It makes no plan: no comparison, waves, budgets, steps or refusals.
 */
export interface NaivePlacement {
  readonly instance: InstanceId;
  readonly node: NodeName;
  readonly holds: Holds;
}

export function placeNaively(desired: Desired): readonly NaivePlacement[] {
  const nodes = desired.nodes.map((definition): Node => ({ definition, free: freeOf(definition), ports: new Set() }));
  const quotas = desired.quotas.map((definition): Quota => ({ definition, used: new Map() }));
  const placed: NaivePlacement[] = [];
  const order = [...desired.workloads].sort((a, b) => b.priority - a.priority || (a.id < b.id ? -1 : 1));
  for (const workload of order) {
    const counts = new Map<Node, number>();
    const ask = askOf(workload);
    for (let ordinal = 0; ordinal < workload.replicas; ordinal++) {
      if (!hasQuota(quotas, workload, ask)) break;
      const node = bestNode(nodes, { desired, workload, ask, counts });
      if (node === undefined) break;
      placed.push({
        instance: instanceId(workload.id, ordinal),
        node: node.definition.name,
        holds: take(node, workload, ask),
      });
      counts.set(node, (counts.get(node) ?? 0) + 1);
      chargeQuota(quotas, workload, ask);
    }
  }
  return placed;
}

interface Node {
  readonly definition: DesiredNode;
  readonly free: Map<Dimension, number>;
  readonly ports: Set<number>;
}

interface Quota {
  readonly definition: Desired['quotas'][number];
  readonly used: Map<string, number>;
}

type Ask = readonly (readonly [Dimension, number])[];

function freeOf({ capacity, reserved, overcommitCpuMilli }: DesiredNode): Map<Dimension, number> {
  return new Map(
    dimensionsOf(capacity).map((dimension) => {
      const left = (capacity[dimension] ?? 0) - (reserved[dimension] ?? 0);
      return [dimension, dimension === 'cpuMillis' ? Math.floor((left * overcommitCpuMilli) / 1000) : left];
    }),
  );
}

function askOf({ revision }: DesiredWorkload): Ask {
  const { extended, ...base } = revision.resources;
  const amounts: Resources = { ...base, ...extended };
  return (Object.entries(amounts) as [Dimension, number][]).filter(([, amount]) => amount > 0);
}

interface Search {
  readonly desired: Desired;
  readonly workload: DesiredWorkload;
  readonly ask: Ask;
  readonly counts: ReadonlyMap<Node, number>;
}

function bestNode(nodes: readonly Node[], search: Search): Node | undefined {
  const { desired, workload, ask, counts } = search;
  const pod = desired.pods.find(({ name }) => name === workload.placement.pods[0]);
  const strategy = workload.placement.strategy ?? pod?.strategy ?? 'auto';
  let candidates: readonly Node[] = nodes.filter((node) => isAllowed(node, workload) && fits(node, ask));
  for (const rule of workload.placement.spread ?? []) candidates = leastUsedDomains(candidates, counts, rule);
  let best: Node | undefined;
  let bestCount = 0;
  for (const node of candidates) {
    const count = counts.get(node) ?? 0;
    const better = strategy === 'auto' ? count < bestCount : count > bestCount;
    if (best === undefined || better || (count === bestCount && roomier(node, best))) {
      best = node;
      bestCount = count;
    }
  }
  return best;
}

/** The candidates in the domains that have the fewest instances. */
function leastUsedDomains(
  candidates: readonly Node[],
  counts: ReadonlyMap<Node, number>,
  rule: SpreadRule,
): readonly Node[] {
  const domains = new Map<string, number>();
  for (const node of candidates) domains.set(domainOf(node, rule), 0);
  for (const [node, count] of counts) {
    const before = domains.get(domainOf(node, rule));
    if (before !== undefined) domains.set(domainOf(node, rule), before + count);
  }
  const least = Math.min(...domains.values());
  return candidates.filter((node) => domains.get(domainOf(node, rule)) === least);
}

const domainOf = ({ definition }: Node, { by }: SpreadRule): string =>
  (by === 'node' ? definition.name : definition[by]) ?? '';

function isAllowed({ definition }: Node, { placement, revision }: DesiredWorkload): boolean {
  if (placement.pods.length > 0 && !placement.pods.includes(definition.pod)) return false;
  if (definition.lifecycle !== 'online' || definition.engines[revision.engine] === undefined) return false;
  for (const label in placement.require) if (definition.labels[label] !== placement.require[label]) return false;
  return definition.taints.every((taint) =>
    placement.tolerate.some(({ key, value }) => key === taint.key && (value === undefined || value === taint.value)),
  );
}

const fits = ({ free }: Node, ask: Ask): boolean =>
  ask.every(([dimension, amount]) => (free.get(dimension) ?? 0) >= amount);

const roomier = (a: Node, b: Node): boolean => (a.free.get('memoryBytes') ?? 0) > (b.free.get('memoryBytes') ?? 0);

function take(node: Node, { revision }: DesiredWorkload, ask: Ask): Holds {
  for (const [dimension, amount] of ask) node.free.set(dimension, (node.free.get(dimension) ?? 0) - amount);
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits } = revision.resources;
  const ports: Record<string, number> = {};
  for (const { name, publish } of revision.ports) {
    if (publish === 'none') continue;
    let port = publish === 'auto' ? node.definition.portRange.first : publish;
    while (publish === 'auto' && node.ports.has(port)) port += 1;
    node.ports.add(port);
    ports[name] = port;
  }
  return { cpuMillis, memoryBytes, storageBytes, bandwidthBits, ports };
}

/** The quotas that a workload is charged to: its namespace's, and every one without a scope. */
const appliesTo = ({ definition }: Quota, { namespace }: DesiredWorkload): boolean =>
  definition.namespace === undefined || definition.namespace === namespace;

const demandOf = (ask: Ask): readonly (readonly [string, number])[] => [...ask, ['instances', 1]];

function hasQuota(quotas: readonly Quota[], workload: DesiredWorkload, ask: Ask): boolean {
  return quotas.every(
    (quota) =>
      !appliesTo(quota, workload) ||
      demandOf(ask).every(([dimension, amount]) => {
        const limit = (quota.definition.limits as Readonly<Record<string, number>>)[dimension];
        return limit === undefined || (quota.used.get(dimension) ?? 0) + amount <= limit;
      }),
  );
}

function chargeQuota(quotas: readonly Quota[], workload: DesiredWorkload, ask: Ask): void {
  for (const { definition, used } of quotas.filter((quota) => appliesTo(quota, workload)))
    for (const [dimension, amount] of demandOf(ask))
      if (dimension in definition.limits) used.set(dimension, (used.get(dimension) ?? 0) + amount);
}

import type { DesiredQuota } from '../../model/desired.ts';
import type { NodeName, PodName, WorkloadId } from '../../model/ids.ts';
import type { Allocation, Holds } from '../../model/recorded.ts';
import {
  amountOf,
  baseDimensions,
  type Dimension,
  dimensionsOf,
  maxResources,
  noResources,
  type Resources,
} from '../../model/resources.ts';
import {
  type Amounts,
  add,
  at,
  type Columns,
  createColumns,
  envelopeOf,
  instancesColumn,
  type Ledger,
  stoppedPart,
} from './envelope.ts';
import type { Report } from './violation.ts';
import type { NodeWorld, World } from './world.ts';

/** No node and no quota is exceeded in any state that the units can be in, whatever the interleaving. */
export function checkCapacity(world: World, report: Report): void {
  const columns = createColumns(extendedNames(world));
  const held = world.items.map(({ step }) => columns.of(step.holds));
  checkNodes({ world, columns, held }, report);
  checkQuotas({ world, columns, held }, report);
}

function extendedNames({ plan, inputs }: World): readonly string[] {
  const names = new Set<string>();
  const collect = ({ devices }: Holds): void => {
    if (devices !== undefined) for (const name of Object.keys(devices)) names.add(name);
  };
  for (const step of plan.steps) collect(step.holds);
  for (const allocation of inputs.recorded.allocations) collect(allocation.holds);
  return [...names].sort();
}

interface Charging {
  readonly world: World;
  readonly columns: Columns;
  /** What each step holds, by its position in the plan. */
  readonly held: readonly (readonly number[])[];
}

function checkNodes({ world, columns, held }: Charging, report: Report): void {
  const { width } = columns;
  const ownKey = new Map<NodeName, readonly NodeName[]>();
  for (const node of world.touchedNodes) ownKey.set(node, [node]);
  const ledger: Ledger<NodeName> = {
    keysOf: (_, node) => ownKey.get(node) ?? [node],
    added: ({ index }) => held[index] ?? [],
    freed: (old) => chargeOnNode(old, columns),
  };
  const growth = new Map<NodeName, Amounts>();
  for (const work of world.units) {
    for (const [node, amounts] of envelopeOf(work, ledger, width)) add(at(growth, node, width), amounts, 1);
  }
  const charged = new Map<NodeName, Amounts>();
  for (const allocation of world.inputs.recorded.allocations) {
    if (!growth.has(allocation.node)) continue;
    add(at(charged, allocation.node, width), chargeOnNode(allocation, columns), 1);
  }
  for (const [name, more] of growth) {
    const node = world.nodes.get(name);
    if (node === undefined) continue; // reported by the eligibility rules
    const usable = usableOf(node);
    const before = at(charged, name, width);
    for (const foreign of node.observed?.foreign ?? []) add(before, columns.resources(foreign.resources), 1);
    for (let column = instancesColumn + 1; column < width; column++) {
      const dimension = columns.names[column] as Dimension;
      const limit = usable[dimension] ?? (isBase(dimension) ? Number.POSITIVE_INFINITY : 0);
      const now = before[column] ?? 0;
      const peak = now + (more[column] ?? 0);
      // A node that is over its capacity already may keep what it has; the plan must not add to it.
      if (peak > now && peak > limit) report('capacity', name, `${dimension} reaches ${peak} of ${limit} (now ${now})`);
    }
  }
}

/** A base dimension that is neither declared nor probed is not limited; an extended one is not there. */
const isBase = (dimension: Dimension): boolean => (baseDimensions as readonly string[]).includes(dimension);

/** Everything that is recorded is charged; what was stopped and waits for its deletion keeps its disk alone. */
const chargeOnNode = (allocation: Allocation, columns: Columns): readonly number[] =>
  allocation.state === 'held' ? stoppedPart(columns.of(allocation.holds)) : columns.of(allocation.holds);

/** What instances may hold on a node: declared over probed over recorded, minus the reserve, cores oversold. */
function usableOf({ desired, observed, recorded }: NodeWorld): Resources {
  const engines = Object.values(observed?.engines ?? {});
  const probed = engines.reduce<Resources>(
    (sum, engine) => (engine.kind === 'reachable' ? maxResources(sum, engine.capacity) : sum),
    noResources,
  );
  const usable: Partial<Record<Dimension, number>> = {};
  for (const dimension of dimensionsOf(desired.capacity, probed, recorded?.capacity ?? noResources)) {
    const raw = desired.capacity[dimension] ?? probed[dimension] ?? recorded?.capacity[dimension] ?? 0;
    const free = Math.max(0, raw - amountOf(desired.reserved, dimension));
    usable[dimension] = dimension === 'cpuMillis' ? Math.floor((free * desired.overcommitCpuMilli) / 1000) : free;
  }
  return usable;
}

function checkQuotas({ world, columns, held }: Charging, report: Report): void {
  const { desired, recorded } = world.inputs;
  if (desired.quotas.length === 0 || world.plan.steps.length === 0) return;
  const { width } = columns;
  const quotasOf = createQuotaIndex(world);
  const ledger: Ledger<DesiredQuota> = {
    keysOf: quotasOf,
    added: ({ index }) => held[index] ?? [],
    freed: (old) => chargeOnQuota(old, columns),
  };
  const growth = new Map<DesiredQuota, Amounts>();
  for (const work of world.units) {
    for (const [quota, amounts] of envelopeOf(work, ledger, width)) add(at(growth, quota, width), amounts, 1);
  }
  const charged = new Map<DesiredQuota, Amounts>();
  for (const allocation of recorded.allocations) {
    for (const quota of quotasOf(allocation.workload, allocation.node)) {
      if (growth.has(quota)) add(at(charged, quota, width), chargeOnQuota(allocation, columns), 1);
    }
  }
  for (const [quota, more] of growth) {
    const before = at(charged, quota, width);
    for (const [column, name] of columns.names.entries()) {
      const limit = quota.limits[name as Dimension | 'instances'];
      const peak = (before[column] ?? 0) + (more[column] ?? 0);
      if (limit !== undefined && (more[column] ?? 0) > 0 && peak > limit) {
        report('quota', quota.name, `${name}: ${before[column] ?? 0} → ${peak} of ${limit}`);
      }
    }
  }
}

/** What is lost counts nowhere; what was stopped keeps its disk and is no instance any more. */
function chargeOnQuota(allocation: Allocation, columns: Columns): readonly number[] {
  const amounts = columns.of(allocation.holds);
  if (allocation.state === 'lost') return amounts.map(() => 0);
  return allocation.state === 'held' ? stoppedPart(amounts) : amounts;
}

/** Quotas that an allocation counts against: those whose scope it is in, and their parents. */
function createQuotaIndex({ inputs }: World): (workload: WorkloadId, node: NodeName) => readonly DesiredQuota[] {
  const { quotas, nodes } = inputs.desired;
  const byName = new Map(quotas.map((quota) => [quota.name, quota]));
  const podOf = new Map<NodeName, PodName>(nodes.map((node) => [node.name, node.pod]));
  const known = new Map<WorkloadId, Map<PodName | undefined, readonly DesiredQuota[]>>();
  return (workload, node) => {
    const pod = podOf.get(node);
    let byPod = known.get(workload);
    if (byPod === undefined) {
      byPod = new Map();
      known.set(workload, byPod);
    }
    let found = byPod.get(pod);
    if (found === undefined) {
      const namespace = workload.slice(0, workload.indexOf('/'));
      found = withParents(
        quotas.filter((quota) => (quota.namespace ?? namespace) === namespace && (quota.pod ?? pod) === pod),
        byName,
      );
      byPod.set(pod, found);
    }
    return found;
  };
}

function withParents(
  quotas: readonly DesiredQuota[],
  byName: ReadonlyMap<string, DesiredQuota>,
): readonly DesiredQuota[] {
  const found = new Set<DesiredQuota>();
  for (const quota of quotas) {
    // Bounded by the number of quotas: a cycle ends where it closes.
    for (let at: DesiredQuota | undefined = quota; at !== undefined && !found.has(at); ) {
      found.add(at);
      at = at.parent === undefined ? undefined : byName.get(at.parent);
    }
  }
  return [...found];
}

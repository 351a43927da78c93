import { chargedHolds } from '../model/capacity.ts';
import type { DesiredWorkload } from '../model/desired.ts';
import type { AllocationId, EngineKind, WorkloadId } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { Allocation } from '../model/recorded.ts';
import { type Cluster, type ClusterNode, compileCluster } from './cluster.ts';
import { chargeInFlight, type InFlight } from './in-flight.ts';
import type { PlanInputs } from './inputs.ts';
import { type Instance, matchInstances, type Objects } from './instances.ts';
import { addHolds, compileLedger, type LedgerBase } from './ledger.ts';
import { type CandidatesOf, openCandidates } from './place/feasible.ts';
import { type KeepersOf, openKeepers } from './place/keepers.ts';
import { type GroupsOf, openGroups } from './place/spread.ts';
import { openScopes, type ScopeUse } from './quota-use.ts';
import type { AnyResource, NodeFacts } from './resources/resource.ts';

/**
 * What planning works out from the nodes, the records and what was observed, and not from the workloads that git wants:
 * the same for every plan on the same world, so it is made once and kept (`isFor` says for how long).
 */
export interface Compiled {
  readonly from: PlanInputs;
  readonly cluster: Cluster;
  readonly ledger: LedgerBase;
  /** Recorded instances by workload, by ordinal. */
  readonly instances: ReadonlyMap<WorkloadId, readonly Instance[]>;
  /** Our objects without an allocation. */
  readonly orphans: readonly ObservedObject[];
  /** Allocations on a node, by index. */
  readonly residentsOf: (node: number) => readonly Allocation[];
  readonly factsOf: (node: ClusterNode) => NodeFacts;
  readonly poolsOf: PoolsOf;
  /** What is recorded, as quotas count it. */
  readonly scopes: readonly ScopeUse[];
  /** What is charged other than it is recorded. */
  readonly inFlight: InFlight;
  readonly candidatesOf: CandidatesOf;
  readonly keepersOf: KeepersOf;
  readonly groupsOf: GroupsOf;
  /** Workloads that were found to have nothing to do, and how many instances of theirs that leaves as they are. */
  readonly settled: Map<DesiredWorkload, number>;
}

export function compile(inputs: PlanInputs): Compiled {
  const cluster = compileCluster(inputs);
  const objects = openObjects(inputs.observed.objects);
  const { allocations } = inputs.recorded;
  const instances = new Map<WorkloadId, readonly Instance[]>();
  const records = { allocations, cluster, objects };
  for (const [id, own] of byWorkload(allocations)) instances.set(id, matchInstances(own, records));
  const ledger = compileLedger(inputs, cluster);
  const factsOf = openFacts(inputs, cluster, ledger.usable);
  return {
    from: inputs,
    cluster,
    ledger,
    factsOf,
    instances,
    orphans: objects.orphans(allocations),
    residentsOf: openResidents(allocations, cluster),
    candidatesOf: openCandidates(cluster),
    keepersOf: openKeepers(cluster),
    groupsOf: openGroups(cluster),
    settled: new Map(),
    ...chargeRecords(inputs.recorded, cluster, ledger),
    poolsOf: openPools(cluster, factsOf),
  };
}

/** True when a plan for these inputs may start from it: nothing that it was made from is another. */
export function isFor(compiled: Compiled, inputs: PlanInputs): boolean {
  return isOfSameRecords(compiled, inputs) && compiled.from.desired.nodes === inputs.desired.nodes;
}

/** The same, but that nodes may be others. */
export function isOfSameRecords({ from }: Compiled, inputs: PlanInputs): boolean {
  const sameWorld =
    from.recorded === inputs.recorded &&
    from.observed === inputs.observed &&
    from.desired.cluster === inputs.desired.cluster &&
    from.liveFields === inputs.liveFields;
  // Overrides and forced drains end with time; what is to be elsewhere is not settled.
  const timeless =
    from.now === inputs.now ||
    (inputs.recorded.overrides.length === 0 && inputs.desired.nodes.every(({ drain }) => drain === undefined));
  return sameWorld && timeless && from.relocate === inputs.relocate;
}

/** What is recorded, to its nodes and to what quotas count, in one pass: there are many. */
function chargeRecords(
  { allocations, inFlight: units }: PlanInputs['recorded'],
  cluster: Cluster,
  ledger: LedgerBase,
): Pick<Compiled, 'scopes' | 'inFlight'> {
  const scopes = openScopes(cluster, ledger);
  for (let index = 0; index < allocations.length; index += 1) {
    const allocation = allocations[index] as Allocation;
    const home = cluster.homes[index] as number;
    addHolds(ledger, ledger.used, home * ledger.width, chargedHolds(allocation), 1);
    scopes.add(allocation, home);
  }
  const inFlight = chargeInFlight(units, { cluster, ledger, scopes, allocations });
  return { scopes: scopes.all, inFlight };
}

/** Positions of the allocations of each workload. */
function byWorkload(allocations: readonly Allocation[]): ReadonlyMap<WorkloadId, readonly number[]> {
  const lists = new Map<WorkloadId, number[]>();
  // Mostly they come in the order of the records, so that neighbours belong together.
  let last: WorkloadId | undefined;
  let own: number[] = [];
  for (let position = 0; position < allocations.length; position += 1) {
    const { workload } = allocations[position] as Allocation;
    if (workload !== last) {
      own = lists.get(workload) ?? [];
      if (own.length === 0) lists.set(workload, own);
      last = workload;
    }
    own.push(position);
  }
  return lists;
}

/** Mostly objects come in the order of the allocations, one for each: then nothing has to be looked up. */
function openObjects(objects: readonly ObservedObject[]): Objects {
  let next = 0;
  let index: ReadonlyMap<AllocationId, readonly ObservedObject[]> | undefined;
  return {
    of(allocation) {
      const object = objects[next];
      if (object?.allocation === allocation.id) {
        next += 1;
        if (object.node === allocation.node && object.objectId === allocation.objectId) return object;
      }
      index ??= indexObjects(objects);
      return recordedOne(allocation, index.get(allocation.id) ?? []);
    },
    orphans(allocations) {
      if (index === undefined && next === objects.length) return [];
      const ids = new Set(allocations.map((allocation) => allocation.id));
      return objects
        .filter((object) => !ids.has(object.allocation))
        .sort((a, b) => compareText(a.allocation, b.allocation) || compareText(a.objectId, b.objectId));
    },
  };
}

function indexObjects(objects: readonly ObservedObject[]): ReadonlyMap<AllocationId, readonly ObservedObject[]> {
  const index = new Map<AllocationId, ObservedObject[]>();
  for (const object of objects) {
    const known = index.get(object.allocation);
    if (known === undefined) index.set(object.allocation, [object]);
    else known.push(object);
  }
  return index;
}

/** Of those on its node the one that is recorded, else one that runs. What else was started is drift. */
function recordedOne({ node, objectId }: Allocation, found: readonly ObservedObject[]): ObservedObject | undefined {
  const rank = (object: ObservedObject): number =>
    object.objectId === objectId ? 0 : object.state === 'running' ? 1 : 2;
  return found
    .filter((object) => object.node === node)
    .sort((a, b) => rank(a) - rank(b) || compareText(a.objectId, b.objectId))[0];
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Sorted into the nodes when somebody asks for one: positions in a row, and where those of each node begin. */
function openResidents(
  allocations: readonly Allocation[],
  { nodes, homes }: Cluster,
): (node: number) => readonly Allocation[] {
  let sorted: { readonly starts: Int32Array; readonly positions: Int32Array } | undefined;
  return (node) => {
    sorted ??= sortByNode(homes, nodes.length);
    const { starts, positions } = sorted;
    const [first, end] = [starts[node] ?? 0, starts[node + 1] ?? 0];
    const own = new Array<Allocation>(Math.max(0, end - first));
    for (let at = first; at < end; at += 1) own[at - first] = allocations[positions[at] as number] as Allocation;
    return own;
  };
}

/** A counting sort. */
function sortByNode(homes: Int32Array, nodes: number): { readonly starts: Int32Array; readonly positions: Int32Array } {
  const starts = new Int32Array(nodes + 1);
  for (let position = 0; position < homes.length; position += 1) {
    const after = (homes[position] as number) + 1;
    starts[after] = (starts[after] as number) + 1;
  }
  for (let node = 0; node < nodes; node += 1)
    starts[node + 1] = (starts[node + 1] as number) + (starts[node] as number);
  const next = starts.slice();
  const positions = new Int32Array(homes.length);
  for (let position = 0; position < homes.length; position += 1) {
    const home = homes[position] as number;
    positions[next[home] as number] = position;
    next[home] = (next[home] as number) + 1;
  }
  return { starts, positions };
}

/** What resources may know of each node, worked out when somebody asks. */
function openFacts(
  inputs: PlanInputs,
  cluster: Cluster,
  usable: LedgerBase['usable'],
): (node: ClusterNode) => NodeFacts {
  const known: (NodeFacts | undefined)[] = new Array(cluster.nodes.length);
  return (node) => {
    const facts = known[node.index] ?? factsOf(inputs, node, usable[node.index] ?? {});
    known[node.index] = facts;
    return facts;
  };
}

function factsOf(
  inputs: PlanInputs,
  { definition, observed, name }: ClusterNode,
  usable: NodeFacts['usable'],
): NodeFacts {
  let probedMillis = 0;
  for (const kind in observed?.engines) {
    const engine = observed.engines[kind as EngineKind];
    if (engine?.kind === 'reachable') probedMillis = Math.max(probedMillis, engine.capacity.cpuMillis ?? 0);
  }
  const recordedMillis = inputs.recorded.nodes.get(name)?.capacity.cpuMillis ?? 0;
  const millis = definition?.capacity.cpuMillis ?? (probedMillis > 0 ? probedMillis : recordedMillis);
  return { name, definition, usable, cores: Math.floor(millis / 1000), foreign: observed?.foreign ?? [] };
}

/** The nodes of each pool of a resource. */
export type PoolsOf = (resource: AnyResource) => ReadonlyMap<string, readonly NodeFacts[]>;

function openPools(cluster: Cluster, factsOf: Compiled['factsOf']): PoolsOf {
  const known = new Map<string, { readonly resource: AnyResource; readonly pools: Map<string, NodeFacts[]> }>();
  return (resource) => {
    const found = known.get(resource.key);
    if (found !== undefined && found.resource === resource) return found.pools;
    const pools = new Map<string, NodeFacts[]>();
    for (const node of cluster.nodes) {
      const facts = factsOf(node);
      const name = resource.poolOf(facts);
      const pool = pools.get(name);
      if (pool === undefined) pools.set(name, [facts]);
      else pool.push(facts);
    }
    known.set(resource.key, { resource, pools });
    return pools;
  };
}

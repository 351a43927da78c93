import { chargedHolds, usableCapacity } from '../model/capacity.ts';
import type { DesiredNode } from '../model/desired.ts';
import { extendedOf, type Holds } from '../model/recorded.ts';
import { baseDimensions, type Dimension, dimensionsOf, type Resources } from '../model/resources.ts';
import type { Revision } from '../model/revision.ts';
import type { Cluster, ClusterNode } from './cluster.ts';
import type { PlanInputs } from './inputs.ts';

/** An amount for each dimension of the ledger. */
export type Vector = Float64Array;

/**
 * What is charged where, as typed arrays of nodes × dimensions. Charging is conservative: what exists keeps its charge
 * while the plan runs, what comes is charged at once, nothing is ever given back. So every interleaving of the steps
 * fits, and so does every undo. Integers below 2^53 are exact in a double.
 */
export interface Ledger {
  readonly dimensions: readonly Dimension[];
  readonly width: number;
  /** How many nodes there are. */
  readonly nodes: number;
  /** Infinity where nobody knows the capacity. */
  readonly capacity: Float64Array;
  readonly used: Float64Array;
  /** Charges before the plan. */
  readonly before: Float64Array;
  /** Charges once the plan is done. */
  readonly after: Float64Array;
  /** Host ports that are taken, by port domain, and how often: what is double already may not be inherited. */
  readonly ports: ReadonlyMap<string, Map<number, number>>;
  /** Columns that choosing a node works in, by node: made once, since a plan chooses for thousands of workloads. */
  readonly scratch: { readonly counts: Int32Array; readonly rooms: Float64Array };
  /** What was charged since the start, so that a refused unit can be taken back. */
  readonly log: LogEntry[];
}

type LogEntry =
  | { readonly kind: 'amounts'; readonly node: number; readonly amounts: Vector }
  | { readonly kind: 'port'; readonly domain: string; readonly port: number };

export function openLedger(inputs: PlanInputs, cluster: Cluster): Ledger {
  const capacities = cluster.nodes.map((node) =>
    usableCapacity({
      definition: node.definition,
      observed: node.observed,
      recorded: inputs.recorded.nodes.get(node.name),
    }),
  );
  const dimensions = ledgerDimensions(inputs, capacities);
  const width = dimensions.length;
  const ledger: Ledger = {
    dimensions,
    width,
    nodes: cluster.nodes.length,
    capacity: new Float64Array(cluster.nodes.length * width),
    used: new Float64Array(cluster.nodes.length * width),
    before: new Float64Array(cluster.nodes.length * width),
    after: new Float64Array(cluster.nodes.length * width),
    ports: new Map(cluster.nodes.map((node) => [node.portDomain, new Map<number, number>()])),
    scratch: { counts: new Int32Array(cluster.nodes.length), rooms: new Float64Array(cluster.nodes.length) },
    log: [],
  };
  capacities.forEach((capacity, node) => {
    dimensions.forEach((dimension, d) => {
      ledger.capacity[node * width + d] = capacity[dimension] ?? (isBase(dimension) ? Number.POSITIVE_INFINITY : 0);
    });
  });
  for (const [index, allocation] of inputs.recorded.allocations.entries()) {
    const node = cluster.homes[index] as ClusterNode;
    addHolds(ledger, ledger.used, node.index * width, chargedHolds(allocation), 1);
    if (allocation.state !== 'held') countPorts(ledger, node, allocation.holds.ports);
  }
  chargeForeign(ledger, cluster);
  ledger.before.set(ledger.used);
  ledger.after.set(ledger.used);
  return ledger;
}

function ledgerDimensions(inputs: PlanInputs, capacities: readonly Resources[]): readonly Dimension[] {
  const wanted = inputs.desired.workloads.map((workload) => workload.revision.resources.extended as Resources);
  const all = new Set([...capacities, ...wanted].flatMap((resources) => Object.keys(resources)));
  for (const { holds } of inputs.recorded.allocations) {
    if (holds.devices !== undefined) for (const name of Object.keys(holds.devices)) all.add(name);
  }
  const named = Object.fromEntries([...all, ...baseDimensions].map((name) => [name, 1])) as Resources;
  return dimensionsOf(named);
}

const isBase = (dimension: Dimension): boolean => (baseDimensions as readonly string[]).includes(dimension);

function chargeForeign(ledger: Ledger, cluster: Cluster): void {
  for (const node of cluster.nodes) {
    for (const foreign of node.observed?.foreign ?? []) {
      addTo(ledger.used, node.index * ledger.width, vectorOf(ledger, foreign.resources));
      for (const port of foreign.ports) countPort(ledger, node.portDomain, port, 1);
    }
  }
}

const vectorOf = (ledger: Ledger, resources: Resources): Vector =>
  Float64Array.from(ledger.dimensions, (dimension) => resources[dimension] ?? 0);

export function resourcesOfVector(ledger: Ledger, vector: Vector): Resources {
  const entries = ledger.dimensions.map((dimension, d) => [dimension, vector[d] ?? 0] as const);
  return Object.fromEntries(entries.filter(([, amount]) => amount !== 0)) as Resources;
}

/** What a new instance holds, ports aside. */
export function holdsOf(revision: Revision): Holds {
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits } = revision.resources;
  return {
    cpuMillis,
    memoryBytes,
    storageBytes,
    ...(bandwidthBits > 0 && { bandwidthBits }),
  };
}

export function holdsVector(ledger: Ledger, holds: Holds): Vector {
  const vector = new Float64Array(ledger.width);
  addHolds(ledger, vector, 0, holds, 1);
  return vector;
}

/** Adds (or takes away) what is held to the row of a column that begins at `start`. The base dimensions come first in every row. */
export function addHolds(ledger: Ledger, column: Float64Array, start: number, holds: Holds, sign: 1 | -1): void {
  column[start] = (column[start] as number) + sign * holds.cpuMillis;
  column[start + 1] = (column[start + 1] as number) + sign * holds.memoryBytes;
  column[start + 2] = (column[start + 2] as number) + sign * holds.storageBytes;
  column[start + 3] = (column[start + 3] as number) + sign * (holds.bandwidthBits ?? 0);
  if (holds.devices === undefined) return;
  const extended = extendedOf(holds);
  for (let d = baseDimensions.length; d < ledger.width; d += 1) {
    const amount = extended[ledger.dimensions[d] as Dimension] ?? 0;
    column[start + d] = (column[start + d] as number) + sign * amount;
  }
}

/** How much of one dimension is held. */
export function heldOf(holds: Holds, dimension: Dimension): number {
  switch (dimension) {
    case 'cpuMillis':
    case 'memoryBytes':
    case 'storageBytes':
      return holds[dimension];
    case 'bandwidthBits':
      return holds.bandwidthBits ?? 0;
    default:
      return holds.devices === undefined ? 0 : (extendedOf(holds)[dimension] ?? 0);
  }
}

/** How much more `next` needs than `held`, never less than nothing: what an in-place replacement adds to its node. */
export function growth(ledger: Ledger, next: Holds, held: Holds): Vector {
  const more = holdsVector(ledger, next);
  for (let d = 0; d < ledger.width; d += 1) {
    more[d] = Math.max(0, (more[d] as number) - heldOf(held, ledger.dimensions[d] as Dimension));
  }
  return more;
}

/** How many times the amounts fit into what is free on a node. A dimension that is not asked for cannot be short. */
export function timesThatFit(ledger: Ledger, node: number, amounts: Vector): number {
  const start = node * ledger.width;
  let times = mostPerNode;
  for (let d = 0; d < ledger.width; d += 1) {
    const amount = amounts[d] as number;
    if (amount <= 0) continue;
    const free = (ledger.capacity[start + d] as number) - (ledger.used[start + d] as number);
    const here = Math.floor(free / amount);
    if (here < times) times = here;
    if (times <= 0) return 0;
  }
  return times;
}

/** Stands for "as many as you like" where an instance asks for nothing. */
const mostPerNode = 1_000_000;

/** What is short on a node, by dimension; empty when the amounts fit. */
export function shortOf(ledger: Ledger, node: number, amounts: Vector): Vector {
  const start = node * ledger.width;
  return amounts.map((amount, d) => {
    const free = (ledger.capacity[start + d] as number) - (ledger.used[start + d] as number);
    return amount > 0 && amount > free ? amount - Math.max(free, 0) : 0;
  });
}

export function charge(ledger: Ledger, node: number, amounts: Vector): void {
  addTo(ledger.used, node * ledger.width, amounts);
  ledger.log.push({ kind: 'amounts', node, amounts });
}

export function addTo(target: Float64Array, start: number, amounts: Vector): void {
  for (let d = 0; d < amounts.length; d += 1)
    target[start + d] = (target[start + d] as number) + (amounts[d] as number);
}

/**
 * Host ports for one more instance on a node, none of them taken yet: those it `keeps`, fixed ones, and the lowest free
 * of the node's range for the others. Undefined when one is not to be had.
 */
export function findPorts(
  ledger: Ledger,
  node: ClusterNode,
  revision: Revision,
  keeps: Readonly<Record<string, number>> = noPorts,
): Readonly<Record<string, number>> | undefined {
  const taken = ledger.ports.get(node.portDomain) ?? nothingTaken;
  let found: Record<string, number> | undefined;
  for (const { name, publish } of revision.ports) {
    if (publish === 'none') continue;
    const inherited = keeps[name] !== undefined && taken.get(keeps[name]) === 1 ? keeps[name] : undefined;
    const port = publish === 'auto' ? (inherited ?? lowestFree(node.definition, taken, found)) : publish;
    if (port === undefined) return undefined;
    if (publish !== 'auto' && taken.has(port) && !isKept(taken, keeps, port)) return undefined;
    found ??= {};
    found[name] = port;
  }
  return found ?? noPorts;
}

export const noPorts: Readonly<Record<string, number>> = {};
const nothingTaken: ReadonlyMap<number, number> = new Map();

/** True for a port that the predecessor has, and nobody else. */
const isKept = (taken: ReadonlyMap<number, number>, keeps: Readonly<Record<string, number>>, port: number): boolean =>
  taken.get(port) === 1 && Object.values(keeps).includes(port);

function lowestFree(
  node: DesiredNode | undefined,
  taken: ReadonlyMap<number, number>,
  own: Readonly<Record<string, number>> | undefined,
): number | undefined {
  const { first, last } = node?.portRange ?? { first: 1, last: 0 };
  for (let port = first; port <= last; port += 1) {
    if (!taken.has(port) && (own === undefined || !Object.values(own).includes(port))) return port;
  }
  return undefined;
}

/** Takes ports until they are taken back. */
export function takePorts(ledger: Ledger, node: ClusterNode, ports: Readonly<Record<string, number>>): void {
  for (const port of countPorts(ledger, node, ports)) {
    ledger.log.push({ kind: 'port', domain: node.portDomain, port });
  }
}

/** Counts ports as taken, and says which: two names for one (tcp and udp) take it once. */
function countPorts(
  ledger: Ledger,
  node: ClusterNode,
  ports: Readonly<Record<string, number>> | undefined,
): readonly number[] {
  if (ports === undefined || ports === noPorts) return noNumbers;
  const numbers = Object.values(ports);
  const distinct = numbers.length > 1 ? [...new Set(numbers)] : numbers;
  for (const port of distinct) countPort(ledger, node.portDomain, port, 1);
  return distinct;
}

const noNumbers: readonly number[] = [];

/** False when somebody else has one of the ports, too: the node was given another port domain, for example. */
export const ownsPorts = (ledger: Ledger, node: ClusterNode, ports: Readonly<Record<string, number>> = {}): boolean =>
  Object.values(ports).every((port) => ledger.ports.get(node.portDomain)?.get(port) === 1);

function countPort(ledger: Ledger, domain: string, port: number, by: 1 | -1): void {
  const taken = ledger.ports.get(domain);
  const count = (taken?.get(port) ?? 0) + by;
  if (count === 0) taken?.delete(port);
  else taken?.set(port, count);
}

/** Takes back everything that was charged after `mark`, a former length of the log. */
export function rollbackLedger(ledger: Ledger, mark: number): void {
  while (ledger.log.length > mark) {
    const entry = ledger.log.pop();
    if (entry?.kind === 'port') countPort(ledger, entry.domain, entry.port, -1);
    if (entry?.kind === 'amounts') {
      addTo(
        ledger.used,
        entry.node * ledger.width,
        entry.amounts.map((amount) => -amount),
      );
    }
  }
}

import { usableCapacity } from '../model/capacity.ts';
import { extendedOf, type Holds } from '../model/recorded.ts';
import { baseDimensions, type Dimension, dimensionsOf, type Resources } from '../model/resources.ts';
import type { Cluster } from './cluster.ts';
import type { PlanInputs } from './inputs.ts';
import { openUndo, type UndoLog } from './undo.ts';

/** An amount for each dimension of the ledger. */
export type Vector = Float64Array;

/**
 * What is charged where in the dimensions that are only counted, as typed arrays of nodes × dimensions. What exists keeps
 * its charge while the plan runs and what comes is charged at once; what a unit frees goes to its account (account.ts),
 * not back to everybody. So every interleaving of the units fits, and so does every undo. Integers below 2^53 are exact
 * in a double.
 */
export interface Ledger {
  readonly dimensions: readonly Dimension[];
  readonly width: number;
  /** How many nodes there are. */
  readonly nodes: number;
  /** What allocations may use of each node, by index. */
  readonly usable: readonly Resources[];
  /** Infinity where nobody knows the capacity. */
  readonly capacity: Float64Array;
  /** The most that one node has of each base dimension, as far as anybody knows. */
  readonly largest: Float64Array;
  readonly used: Float64Array;
  /** Charges before the plan. */
  readonly before: Float64Array;
  /** Charges once the plan is done. */
  readonly after: Float64Array;
  readonly undo: UndoLog;
  /** Nodes that were charged, or had a charge taken back, in order: what is remembered of them may be stale. */
  readonly touched: number[];
  /** Counts up whenever a charge is taken back: what was remembered of rooms may be too little then. */
  rollbacks: number;
}

/** The ledger before anything is planned. */
export type LedgerBase = Pick<Ledger, 'dimensions' | 'width' | 'nodes' | 'usable' | 'capacity' | 'largest' | 'used'>;

/** Field by field: of objects that are spread V8 forgets the shape between plans, and compiles what charges anew. */
export const openLedger = (base: LedgerBase): Ledger => ({
  dimensions: base.dimensions,
  width: base.width,
  nodes: base.nodes,
  usable: base.usable,
  capacity: base.capacity,
  largest: base.largest,
  used: base.used.slice(),
  before: base.used,
  after: base.used.slice(),
  undo: openUndo(),
  touched: [],
  rollbacks: 0,
});

/** What there is, and what is not ours; `compile` charges what is recorded. */
export function compileLedger(inputs: PlanInputs, cluster: Cluster): LedgerBase {
  const usable = cluster.nodes.map((node) =>
    usableCapacity({
      definition: node.definition,
      observed: node.observed,
      recorded: inputs.recorded.nodes.get(node.name),
    }),
  );
  const dimensions = ledgerDimensions(inputs, usable);
  const width = dimensions.length;
  const ledger: LedgerBase = {
    dimensions,
    width,
    nodes: cluster.nodes.length,
    usable,
    capacity: new Float64Array(cluster.nodes.length * width),
    largest: new Float64Array(baseDimensions.length),
    used: new Float64Array(cluster.nodes.length * width),
  };
  usable.forEach((resources, node) => {
    dimensions.forEach((dimension, d) => {
      const amount = resources[dimension];
      ledger.capacity[node * width + d] = amount ?? (isBase(dimension) ? Number.POSITIVE_INFINITY : 0);
      if (amount !== undefined && amount > (ledger.largest[d] ?? amount)) ledger.largest[d] = amount;
    });
  });
  for (const node of cluster.nodes) {
    for (const foreign of node.observed?.foreign ?? []) {
      addTo(ledger.used, node.index * width, vectorOf(ledger, foreign.resources));
    }
  }
  return ledger;
}

function ledgerDimensions(inputs: PlanInputs, usable: readonly Resources[]): readonly Dimension[] {
  const all = new Set<string>(baseDimensions);
  let last: Resources | undefined;
  for (const resources of usable) {
    if (resources === last) continue;
    last = resources;
    for (const name in resources) all.add(name);
  }
  for (const { holds } of inputs.recorded.allocations) {
    if (holds.devices !== undefined) for (const name in holds.devices) all.add(name);
  }
  return dimensionsOf(Object.fromEntries([...all].map((name) => [name, 1])) as Resources);
}

/** `gpu/*` or `gpu/a100|v100`: which model it will be is not known before it is placed. */
export const isOpenKind = (name: string): boolean => name.includes('*') || name.includes('|');

const isBase = (dimension: Dimension): boolean => (baseDimensions as readonly string[]).includes(dimension);

const vectorOf = (ledger: LedgerBase, resources: Resources): Vector =>
  Float64Array.from(ledger.dimensions, (dimension) => resources[dimension] ?? 0);

export function resourcesOfVector(ledger: Ledger, vector: Vector): Resources {
  const entries = ledger.dimensions.map((dimension, d) => [dimension, vector[d] ?? 0] as const);
  return Object.fromEntries(entries.filter(([, amount]) => amount !== 0)) as Resources;
}

export function holdsVector(ledger: LedgerBase, holds: Holds): Vector {
  const vector = new Float64Array(ledger.width);
  addHolds(ledger, vector, 0, holds, 1);
  return vector;
}

/** Adds (or takes away) what is held to the row of a column that begins at `start`. The base dimensions come first in every row. */
export function addHolds(ledger: LedgerBase, column: Float64Array, start: number, holds: Holds, sign: 1 | -1): void {
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

/** Where storage is in every row: what is stopped still occupies it. */
export const storageColumn = 2;

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

/** Stands for "as many as you like" where an instance asks for nothing. */
export const mostPerNode = 1_000_000;

/** How many times the amounts fit into what is free on a node. A dimension that is not asked for cannot be short. */
export function timesThatFit(ledger: Ledger, node: number, amounts: Vector): number {
  const { width, capacity, used } = ledger;
  const start = node * width;
  let times = mostPerNode;
  for (let d = 0; d < width; d += 1) {
    const amount = amounts[d] as number;
    if (amount <= 0) continue;
    const here = ((capacity[start + d] as number) - (used[start + d] as number)) / amount;
    if (here < times) {
      if (here < 1) return 0;
      times = here;
    }
  }
  return Math.floor(times);
}

/** True when the amounts fit into what is free on a node. What is not asked for cannot be short. */
export function fits({ width, capacity, used }: Ledger, node: number, amounts: Vector): boolean {
  const start = node * width;
  for (let d = 0; d < width; d += 1) {
    const amount = amounts[d] as number;
    if (amount > 0 && (used[start + d] as number) + amount > (capacity[start + d] as number)) return false;
  }
  return true;
}

/** What is short on a node, by dimension; empty when the amounts fit. */
export function shortOf(ledger: Ledger, node: number, amounts: Vector): Vector {
  const start = node * ledger.width;
  return amounts.map((amount, d) => {
    const free = (ledger.capacity[start + d] as number) - (ledger.used[start + d] as number);
    return amount > 0 && amount > free ? amount - Math.max(free, 0) : 0;
  });
}

export function charge(ledger: Ledger, node: number, amounts: Vector): void {
  const start = node * ledger.width;
  addTo(ledger.used, start, amounts);
  ledger.touched.push(node);
  if (!ledger.undo.isOn) return;
  ledger.undo.entries.push(() => {
    subtractFrom(ledger.used, start, amounts);
    ledger.touched.push(node);
    ledger.rollbacks += 1;
  });
}

export function addTo(target: Float64Array, start: number, amounts: Vector): void {
  for (let d = 0; d < amounts.length; d += 1)
    target[start + d] = (target[start + d] as number) + (amounts[d] as number);
}

function subtractFrom(target: Float64Array, start: number, amounts: Vector): void {
  for (let d = 0; d < amounts.length; d += 1)
    target[start + d] = (target[start + d] as number) - (amounts[d] as number);
}

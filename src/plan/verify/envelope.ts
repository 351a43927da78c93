import type { NodeName, WorkloadId } from '../../model/ids.ts';
import { type Allocation, extendedOf, type Holds } from '../../model/recorded.ts';
import { type Dimension, dimensionsOf, type Resources } from '../../model/resources.ts';
import type { Item, UnitWork } from './world.ts';

/** An amount for each dimension of a ledger; `instances` counts as one. */
export type Amounts = number[];

/** Names the columns of every `Amounts` of one verification. */
export interface Columns {
  readonly names: readonly string[];
  readonly width: number;
  of(holds: Holds): readonly number[];
  resources(resources: Resources): Amounts;
}

const base = ['instances', 'cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;
export const instancesColumn = 0;
const storageColumn = 3;

/** `extended` are the names of all extended resources that occur. */
export function createColumns(extended: readonly string[]): Columns {
  const names: readonly string[] = [...base, ...extended];
  const position = new Map(names.map((name, index) => [name, index]));
  let last: { readonly holds: Holds; readonly amounts: readonly number[] } | undefined;
  return {
    names,
    width: names.length,
    of: (holds) => {
      // Neighbours hold mostly the same: nobody changes the amounts, so they are shared.
      if (last !== undefined && isSame(last.holds, holds)) return last.amounts;
      const { cpuMillis, memoryBytes, storageBytes, bandwidthBits = 0 } = holds;
      const counts = extendedOf(holds);
      const amounts = [1, cpuMillis, memoryBytes, storageBytes, bandwidthBits];
      for (let column = base.length; column < names.length; column++) amounts.push(counts[names[column] ?? ''] ?? 0);
      last = { holds, amounts };
      return amounts;
    },
    resources(resources) {
      const amounts = new Array<number>(names.length).fill(0);
      for (const dimension of dimensionsOf(resources)) {
        const column = position.get(dimension);
        if (column !== undefined) amounts[column] = resources[dimension as Dimension] ?? 0;
      }
      return amounts;
    },
  };
}

const isSame = (a: Holds, b: Holds): boolean =>
  a === b ||
  (a.cpuMillis === b.cpuMillis &&
    a.memoryBytes === b.memoryBytes &&
    a.storageBytes === b.storageBytes &&
    a.bandwidthBits === b.bandwidthBits &&
    a.devices === b.devices);

/** What only a stopped object still occupies: its disk. */
export function stoppedPart(amounts: readonly number[]): readonly number[] {
  return amounts.map((amount, column) => (column === storageColumn ? amount : 0));
}

/** What is charged, and to what: nodes for capacity, quotas for quota. */
export interface Ledger<Key> {
  /** Where something of a workload on a node is charged. No key comes twice in one answer. */
  keysOf(workload: WorkloadId, node: NodeName): readonly Key[];
  /** What the new allocation of a step is charged. */
  added(item: Item): readonly number[];
  /** What a recorded allocation is charged now. */
  freed(old: Allocation): readonly number[];
}

/**
 * The most that a unit can hold on top of what is charged already, per key and dimension, over all states it can be in.
 * A wave's steps run side by side, so its additions come before what it frees, except within a step that stops first;
 * what is freed serves only later waves of the same unit, since undoing the unit takes it back in reverse.
 */
export function envelopeOf<Key>(work: UnitWork, ledger: Ledger<Key>, width: number): ReadonlyMap<Key, Amounts> {
  const peaks = new Map<Key, Amounts>();
  const current = new Map<Key, Amounts>();
  for (const { items } of work.waves) {
    const freedLater = new Map<Key, Amounts>();
    for (const item of items) addItem(item, { ledger, width, current, freedLater });
    // Additions and nothing else: this is the peak, and nothing comes after it.
    if (work.waves.length === 1) return current;
    for (const [key, amounts] of current) raise(at(peaks, key, width), amounts);
    for (const [key, amounts] of freedLater) add(at(current, key, width), amounts, -1);
  }
  return peaks;
}

function addItem<Key>(
  item: Item,
  state: {
    readonly ledger: Ledger<Key>;
    readonly width: number;
    readonly current: Map<Key, Amounts>;
    readonly freedLater: Map<Key, Amounts>;
  },
): void {
  const { step, shape, old, workloadId } = item;
  const { ledger, width, current, freedLater } = state;
  const adds = shape.makes || shape.updates;
  const added = adds ? ledger.added(item) : undefined;
  const addedTo = adds ? ledger.keysOf(workloadId, step.node) : [];
  const ended = shape.ends || shape.updates ? old : undefined;
  const freed = ended && ledger.freed(ended);
  const freedFrom = ended === undefined ? [] : ledger.keysOf(ended.workload, ended.node);
  const chained = shape.chained || shape.updates;
  if (added !== undefined) {
    for (const key of addedTo)
      addOver(at(current, key, width), added, chained && freedFrom.includes(key) ? freed : undefined);
  }
  if (freed !== undefined) {
    for (const key of freedFrom)
      addOver(at(freedLater, key, width), freed, chained && addedTo.includes(key) ? added : undefined);
  }
}

/** Adds what `amounts` has over `other`: that much is not covered by the one that takes the other's place. */
function addOver(to: Amounts, amounts: readonly number[], other: readonly number[] | undefined): void {
  for (let column = 0; column < to.length; column++) {
    const over = (amounts[column] as number) - (other === undefined ? 0 : (other[column] as number));
    if (over > 0) to[column] = (to[column] as number) + over;
  }
}

export function at<Key>(map: Map<Key, Amounts>, key: Key, width: number): Amounts {
  const found = map.get(key);
  if (found !== undefined) return found;
  const amounts = new Array<number>(width).fill(0);
  map.set(key, amounts);
  return amounts;
}

export function add(to: Amounts, amounts: readonly number[], factor: 1 | -1): void {
  for (let column = 0; column < to.length; column++)
    to[column] = (to[column] as number) + factor * (amounts[column] as number);
}

function raise(to: Amounts, amounts: Amounts): void {
  for (let column = 0; column < to.length; column++) to[column] = Math.max(to[column] ?? 0, amounts[column] ?? 0);
}

import type { Allocation, Holds } from '../../model/recorded.ts';
import { type Dimension, dimensionsOf, type Resources } from '../../model/resources.ts';
import type { Item, UnitWork } from './world.ts';

/** An amount for each dimension of a ledger; `instances` counts as one. */
export type Amounts = number[];

/** Names the columns of every `Amounts` of one verification. */
export interface Columns {
  readonly names: readonly string[];
  readonly width: number;
  of(holds: Holds): Amounts;
  resources(resources: Resources): Amounts;
}

const base = ['instances', 'cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;
export const instancesColumn = 0;
const storageColumn = 3;

/** `extended` are the names of all extended resources that occur. */
export function createColumns(extended: readonly string[]): Columns {
  const names: readonly string[] = [...base, ...extended];
  const position = new Map(names.map((name, index) => [name, index]));
  return {
    names,
    width: names.length,
    of({ cpuMillis, memoryBytes, storageBytes, bandwidthBits = 0, extended: counts }) {
      const amounts: Amounts = [1, cpuMillis, memoryBytes, storageBytes, bandwidthBits];
      for (let column = base.length; column < names.length; column++) amounts.push(counts?.[names[column] ?? ''] ?? 0);
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

/** What only a stopped object still occupies: its disk. */
export function stoppedPart(amounts: Amounts): Amounts {
  return amounts.map((amount, column) => (column === storageColumn ? amount : 0));
}

export type Charge<Key> = readonly [key: Key, amounts: Amounts];

/** Where a step adds and frees: nodes for capacity, quotas for quota. No key comes twice in one answer. */
export interface Ledger<Key> {
  /** What the new allocation of a step is charged to. */
  added(item: Item): readonly Charge<Key>[];
  /** What a recorded allocation is charged to now. */
  freed(old: Allocation): readonly Charge<Key>[];
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
  const { shape, old } = item;
  const { ledger, width, current, freedLater } = state;
  const added = shape.makes || shape.updates ? ledger.added(item) : [];
  const freed = old !== undefined && (shape.ends || shape.updates) ? ledger.freed(old) : [];
  const chained = shape.chained || shape.updates;
  for (const [key, amounts] of added)
    addOver(at(current, key, width), amounts, chained ? under(freed, key) : undefined);
  for (const [key, amounts] of freed)
    addOver(at(freedLater, key, width), amounts, chained ? under(added, key) : undefined);
}

const under = <Key>(charges: readonly Charge<Key>[], key: Key): Amounts | undefined =>
  charges.find(([candidate]) => candidate === key)?.[1];

/** Adds what `amounts` has over `other`: that much is not covered by the one that takes the other's place. */
function addOver(to: Amounts, amounts: Amounts, other: Amounts | undefined): void {
  for (let column = 0; column < to.length; column++) {
    const over = (amounts[column] ?? 0) - (other?.[column] ?? 0);
    if (over > 0) to[column] = (to[column] ?? 0) + over;
  }
}

export function at<Key>(map: Map<Key, Amounts>, key: Key, width: number): Amounts {
  const found = map.get(key);
  if (found !== undefined) return found;
  const amounts = new Array<number>(width).fill(0);
  map.set(key, amounts);
  return amounts;
}

export function add(to: Amounts, amounts: Amounts, factor: 1 | -1): void {
  for (let column = 0; column < to.length; column++) to[column] = (to[column] ?? 0) + factor * (amounts[column] ?? 0);
}

function raise(to: Amounts, amounts: Amounts): void {
  for (let column = 0; column < to.length; column++) to[column] = Math.max(to[column] ?? 0, amounts[column] ?? 0);
}

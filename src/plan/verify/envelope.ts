import type { Step } from '../../model/plan.ts';
import type { Holds } from '../../model/recorded.ts';
import { type Dimension, dimensionsOf, type Resources } from '../../model/resources.ts';
import { predecessorOf, type UnitWork, type World } from './world.ts';

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

/** `extended` are the names of all extended resources that occur. Amounts of the same holds are computed once. */
export function createColumns(extended: readonly string[]): Columns {
  const names: readonly string[] = [...base, ...extended];
  const position = new Map(names.map((name, index) => [name, index]));
  const known = new WeakMap<Holds, Amounts>();
  return {
    names,
    width: names.length,
    of(holds) {
      const cached = known.get(holds);
      if (cached !== undefined) return cached;
      const amounts = new Array<number>(names.length).fill(0);
      amounts[0] = 1;
      amounts[1] = holds.cpuMillis;
      amounts[2] = holds.memoryBytes;
      amounts[3] = holds.storageBytes;
      amounts[4] = holds.bandwidthBits ?? 0;
      for (const name in holds.extended) amounts[position.get(name) ?? 0] = holds.extended[name] ?? 0;
      known.set(holds, amounts);
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

/** Where a step adds and frees: nodes for capacity, quotas for quota. The same key twice is an error. */
export interface Ledger<Key> {
  /** Keys and amounts that a new allocation of this step is charged to. */
  added(step: Step): Iterable<readonly [Key, Amounts]>;
  /** Keys and amounts that its predecessor, as recorded, is charged to now. */
  freed(step: Step): Iterable<readonly [Key, Amounts]>;
}

/**
 * The most that a unit can hold on top of what is charged already, per key and dimension, over all states it can be in.
 * A wave's steps run side by side, so its additions come before what it frees, except within a step that stops first;
 * what is freed serves only later waves of the same unit, since undoing the unit takes it back in reverse.
 */
export function envelopeOf<Key>(
  world: World,
  work: UnitWork,
  ledger: Ledger<Key>,
  width: number,
): ReadonlyMap<Key, Amounts> {
  const peaks = new Map<Key, Amounts>();
  const current = new Map<Key, Amounts>();
  for (const { steps } of work.waves) {
    const freedLater = new Map<Key, Amounts>();
    for (const step of steps) addStep(world, { step, ledger, width, current, freedLater });
    for (const [key, amounts] of current) raise(at(peaks, key, width), amounts);
    for (const [key, amounts] of freedLater) add(at(current, key, width), amounts, -1);
  }
  return peaks;
}

function addStep<Key>(
  world: World,
  state: {
    readonly step: Step;
    readonly ledger: Ledger<Key>;
    readonly width: number;
    readonly current: Map<Key, Amounts>;
    readonly freedLater: Map<Key, Amounts>;
  },
): void {
  const { step, ledger, width, current, freedLater } = state;
  const shape = world.shapeOf(step);
  const added = new Map(shape.makes || shape.updates ? ledger.added(step) : []);
  const freed = new Map(
    (shape.ends || shape.updates) && predecessorOf(world, step) !== undefined ? ledger.freed(step) : [],
  );
  const chained = shape.chained || shape.updates;
  for (const [key, amounts] of added) {
    const gives = chained ? freed.get(key) : undefined;
    const now = at(current, key, width);
    for (let column = 0; column < width; column++) {
      now[column] = (now[column] ?? 0) + Math.max(0, (amounts[column] ?? 0) - (gives?.[column] ?? 0));
    }
  }
  for (const [key, amounts] of freed) {
    const takes = chained ? added.get(key) : undefined;
    const later = at(freedLater, key, width);
    for (let column = 0; column < width; column++) {
      later[column] = (later[column] ?? 0) + Math.max(0, (amounts[column] ?? 0) - (takes?.[column] ?? 0));
    }
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

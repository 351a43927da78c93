import type { WorkloadId } from '../../model/ids.ts';
import {
  type Books,
  type Charge,
  createCharge,
  type Holding,
  inherited,
  type Keep,
  readAddress,
  readNode,
  readQuotas,
  untilCommit,
  untilStop,
} from './charge.ts';
import { recordedHolding } from './charged.ts';
import { namespaceOf } from './quota-table.ts';
import type { Shape } from './shape.ts';
import { addTo, leave, slotOf, takeLeft } from './slots.ts';
import type { Item, UnitWork, World } from './world.ts';

export interface State {
  readonly world: World;
  readonly books: Books;
  /** What the step under way makes or changes an allocation to, and what it ends. */
  readonly next: Charge;
  readonly old: Charge;
  /** What the wave under way frees. */
  readonly freed: Charge;
}

export const openState = (world: World, books: Books): State => ({
  world,
  books,
  next: createCharge(),
  old: createCharge(),
  freed: createCharge(),
});

/**
 * Adds up the most that a unit can hold on top of what is charged already, over all states it can be in; `closeUnit` adds
 * that to what the others hold. The steps of a wave run side by side, so what they add comes before what they free. What
 * a wave's stops free is there for later waves of the same unit; a step that stops its predecessor first may have at once
 * what that frees. Undoing retraces the same states in reverse, so it fits where doing fits.
 */
export function holdUnit(state: State, work: UnitWork): void {
  const rowsFor = quotaRows(state, work.id);
  for (const { items } of work.waves) {
    state.freed.size = 0;
    for (const item of items) addItem(state, item, rowsFor);
    freeAll(state);
  }
}

/** The wave is through: what it freed may be used. */
export function freeAll({ books, freed: { size, slots, amounts } }: State): void {
  for (let i = 0; i < size; i++) addTo(books.slots, slots[i] as number, -(amounts[i] as number));
}

export type RowsFor = (node: number) => readonly number[];

export function quotaRows({ world, books }: State, id: WorkloadId): RowsFor {
  const { podOf } = world.base.nodes;
  const namespace = namespaceOf(id);
  return (node) => books.quotas.rowsFor(namespace, podOf[node] ?? -1);
}

function addItem(state: State, item: Item, rowsFor: RowsFor): void {
  const { shape, old } = item;
  state.next.size = 0;
  readNext(state, item, rowsFor);
  if (old === undefined || !(shape.ends || shape.updates)) {
    addAll(state);
    return;
  }
  state.old.size = 0;
  readOld(state, item, rowsFor);
  exchange(state, shape.chained || shape.updates);
}

function readNext({ books, next }: State, item: Item, rowsFor: RowsFor): void {
  const holding = nextHolding(item);
  if (holding === undefined) return;
  readNode(books, next, holding, slotOf);
  readAddress(books, next, holding, slotOf);
  readQuotas(books, next, holding, rowsFor(holding.node));
}

/** What a step makes or changes an allocation to; undefined when it only ends one. */
export function nextHolding({ step, shape, node, facts, old, home }: Item): Holding | undefined {
  if (!shape.makes && !shape.updates) return undefined;
  const takesOver = old !== undefined && home === node && (shape.chained || shape.updates);
  const over = takesOver ? old.holds : undefined;
  return { node, holds: step.holds, state: 'live', facts, storage: untilCommit, over };
}

function readOld({ books, old: charge }: State, { shape, home, oldIndex }: Item, rowsFor: RowsFor): void {
  const holding = recordedHolding(books, oldIndex, storageOf(shape));
  readNode(books, charge, holding, slotOf);
  readAddress(books, charge, holding, slotOf);
  readQuotas(books, charge, holding, rowsFor(home));
}

/** An object that is stopped keeps its disk until it is deleted, after the commit; one that is changed in place goes on using it. */
function storageOf({ updates, endsNothing }: Shape): Keep {
  if (updates) return inherited;
  return endsNothing ? untilStop : untilCommit;
}

export function addAll({ books, next }: Pick<State, 'books' | 'next'>): void {
  for (let i = 0; i < next.size; i++) addTo(books.slots, next.slots[i] as number, next.amounts[i] as number);
}

/** One allocation takes the place of another, or ends it. */
export function exchange({ books: { slots }, next, old, freed }: State, takesOver: boolean): void {
  for (let i = 0; i < old.size; i++) {
    if (old.keeps[i] !== untilCommit) leave(slots, old.slots[i] as number, old.amounts[i] as number);
  }
  for (let i = 0; i < next.size; i++) {
    const slot = next.slots[i] as number;
    const amount = next.amounts[i] as number;
    const given = takesOver ? takeLeft(slots, slot, amount) : 0;
    if (amount > given) addTo(slots, slot, amount - given);
  }
  for (let i = 0; i < old.size; i++) {
    const slot = old.slots[i] as number;
    const left = takeLeft(slots, slot, Number.POSITIVE_INFINITY);
    if (old.keeps[i] !== untilStop || left === 0) continue;
    freed.slots[freed.size] = slot;
    freed.amounts[freed.size] = left;
    freed.size += 1;
  }
}

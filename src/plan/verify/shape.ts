import { type Effect, expandStep, isDisruptive, undoOf } from '../../model/effects.ts';
import type { Step, StepKind, Undo } from '../../model/plan.ts';

/**
 * What the effects of a step mean for the allocations that it makes and ends. Depends on a step's kind, order and
 * predecessor alone, so a plan of any size has a handful of shapes.
 */
export interface Shape {
  /** Makes a new allocation, which is charged from its first effect on. */
  readonly makes: boolean;
  /** Changes an allocation in place. */
  readonly updates: boolean;
  /** Ends an allocation that was there: what stopping it frees is free once the step is through. */
  readonly ends: boolean;
  /** Nothing is left of the old one on its engine: its disk space is free as well. */
  readonly endsNothing: boolean;
  /** The old one is off before the new one is made: the two never run together. */
  readonly chained: boolean;
  /** Users lose the old one before the new one serves. */
  readonly disrupts: boolean;
  /** The least that undoing it takes. */
  readonly undo: Undo;
}

/** Finds the shape of a step; steps that are alike share it. */
export function createShapes(): (step: Step) => Shape {
  const shapes: (Shape | undefined)[] = [];
  let last: { readonly step: Step; readonly shape: Shape } | undefined;
  return (step) => {
    // Neighbours are mostly alike.
    if (last !== undefined && isAlike(last.step, step)) return last.shape;
    const key = keyOf(step);
    const shape = shapes[key] ?? shapeOf(step);
    shapes[key] = shape;
    last = { step, shape };
    return shape;
  };
}

const isAlike = (a: Step, b: Step): boolean =>
  a.kind === b.kind && a.order === b.order && a.class === b.class && a.replaces?.object === b.replaces?.object;

const keyOf = (step: Step): number =>
  ((kinds.indexOf(step.kind) * orders.length + orders.indexOf(step.order)) * objects.length +
    objects.indexOf(step.replaces?.object)) *
    2 +
  Number(isQuiet(step));

const kinds: readonly StepKind[] = ['create', 'update', 'replace', 'move', 'stop', 'remove', 'forget'];
const orders: readonly Step['order'][] = ['create-first', 'stop-first', 'in-place'];
const objects: readonly (NonNullable<Step['replaces']>['object'] | undefined)[] = [
  undefined,
  'running',
  'dead',
  'gone',
];

function shapeOf(step: Step): Shape {
  const effects = expandStep(step);
  const doing = effects.filter((effect) => effect.phase === 'do');
  const createAt = doing.findIndex((effect) => effect.kind === 'create');
  const updateAt = doing.findIndex((effect) => effect.kind === 'update');
  const stopAt = doing.findIndex(isDisruptive);
  const readyAt = doing.findIndex((effect) => effect.kind === 'await');
  const makes = createAt >= 0;
  const ends = stopAt >= 0 || effects.some((effect) => effect.kind === 'release');
  return {
    makes,
    updates: updateAt >= 0,
    ends,
    endsNothing: ends && stopAt < 0,
    chained: makes && (stopAt < 0 || stopAt < createAt),
    disrupts: updateAt >= 0 ? !isQuiet(step) : stopAt >= 0 && (readyAt < 0 || stopAt < readyAt),
    undo: undoNeeded(step, doing),
  };
}

/** An update that its users do not notice. */
const isQuiet = (step: Step): boolean => step.kind === 'update' && (step.class === 'none' || step.class === 'live');

function undoNeeded(step: Step, doing: readonly Effect[]): Undo {
  if (doing.length === 0) return 'final';
  const inverses = doing.map(undoOf).filter((effect) => effect !== undefined);
  if (inverses.some((effect) => effect.kind === 'start')) return 'compensable';
  return inverses.some((effect) => effect.kind === 'update') && !isQuiet(step) ? 'compensable' : 'reversible';
}

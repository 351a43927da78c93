import { type Effect, expandStep, isDisruptive, undoOf } from '../../model/effects.ts';
import type { Step, Undo } from '../../model/plan.ts';

/**
 * What the effects of a step mean for the allocations that it makes and ends. Depends on a step's kind, order and
 * predecessor alone, so a plan of any size has a handful of shapes.
 */
export interface Shape {
  /** Makes a new allocation, which is charged from its first effect on. */
  readonly makes: boolean;
  /** Changes an allocation in place. */
  readonly updates: boolean;
  /** Ends an allocation that was there: its charge goes once the step is through. */
  readonly ends: boolean;
  /** The old one is off before the new one is made: the two are never charged together. */
  readonly chained: boolean;
  /** Users lose the old one before the new one serves. */
  readonly disrupts: boolean;
  /** The least that undoing it takes. */
  readonly undo: Undo;
}

export function createShapes(): (step: Step) => Shape {
  const shapes = new Map<string, Shape>();
  // Neighbours are mostly alike.
  let last: (Pick<Step, 'kind' | 'order'> & { object: string | undefined; quiet: boolean; shape: Shape }) | undefined;
  return (step) => {
    const object = step.replaces?.object;
    const quiet = isQuiet(step);
    if (last !== undefined && last.kind === step.kind && last.order === step.order) {
      if (last.object === object && last.quiet === quiet) return last.shape;
    }
    const key = `${step.kind} ${step.order} ${object ?? ''} ${quiet}`;
    const shape = shapes.get(key) ?? shapeOf(step);
    shapes.set(key, shape);
    last = { kind: step.kind, order: step.order, object, quiet, shape };
    return shape;
  };
}

function shapeOf(step: Step): Shape {
  const effects = expandStep(step);
  const doing = effects.filter((effect) => effect.phase === 'do');
  const createAt = doing.findIndex((effect) => effect.kind === 'create');
  const updateAt = doing.findIndex((effect) => effect.kind === 'update');
  const stopAt = doing.findIndex(isDisruptive);
  const readyAt = doing.findIndex((effect) => effect.kind === 'await');
  const makes = createAt >= 0;
  return {
    makes,
    updates: updateAt >= 0,
    ends: stopAt >= 0 || effects.some((effect) => effect.kind === 'release'),
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

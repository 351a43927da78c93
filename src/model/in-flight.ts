import { assertNever } from './assert.ts';
import { allocationId } from './ids.ts';
import type { PlannedUnit, Step } from './plan.ts';
import type { InFlightHolding, InFlightStep } from './recorded.ts';

/** A unit as it was planned. */
export interface UnitSteps {
  readonly planned: Pick<PlannedUnit, 'waves'>;
  readonly steps: readonly Step[];
}

/** By wave, what the steps of a unit that count may hold (`InFlightUnit.waves`). */
export function inFlightWaves(
  { planned, steps }: UnitSteps,
  counts: (step: Step) => boolean = () => true,
): readonly (readonly InFlightStep[])[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  return planned.waves.map((wave) =>
    wave.steps.flatMap((id): readonly InFlightStep[] => {
      const step = byId.get(id);
      return step === undefined || !counts(step) ? [] : [asInFlight(step)];
    }),
  );
}

function asInFlight(step: Step): InFlightStep {
  const { instance, generation, node, kind, order, holds, revision, heldBefore, revisionBefore, replaces } = step;
  const own: InFlightHolding = { allocation: allocationId(instance, generation), node, revision, holds };
  switch (kind) {
    case 'update':
      return {
        order: 'inPlace',
        after: own,
        before: { ...own, revision: revisionBefore ?? revision, holds: heldBefore ?? holds },
      };
    case 'create':
    case 'replace':
    case 'move':
      if (replaces === undefined) return { order: 'beside', after: own };
      return {
        order: order === 'stop-first' || replaces.object === 'gone' ? 'instead' : 'beside',
        after: own,
        before: {
          allocation: allocationId(instance, replaces.generation),
          node: replaces.node,
          revision: replaces.revision,
          holds: replaces.holds,
        },
        ...(replaces.object === 'gone' && { wasGone: true }),
      };
    case 'stop':
    case 'remove':
      return { order: 'beside', before: own };
    case 'forget':
      return { order: 'beside', before: own, wasGone: true };
    default:
      return assertNever(kind);
  }
}

import type { Effect } from '../model/effects.ts';
import { undoOf } from '../model/effects.ts';
import type { Step } from '../model/plan.ts';
import type { FoundUnit } from './journal.ts';
import { effectsOf } from './unit.ts';

/** An effect of a unit that was begun and did not come to its end. */
export interface OpenEffect {
  readonly step: Step;
  readonly effect: Effect;
  /** It is what takes another effect back. */
  readonly undo: boolean;
}

/**
 * What stands in the way of a stuck unit: of each step the effects that were to undo it or to clean up after it, begun
 * and not done. Steps that were left already are not in the way any more.
 */
export function failingSteps({ record, ledger }: Pick<FoundUnit, 'record' | 'ledger'>): readonly OpenEffect[] {
  const { steps, bySteps } = effectsOf(record);
  return [...steps.values()].flatMap((step) =>
    ledger.left.has(step.id)
      ? []
      : (bySteps.get(step.id) ?? []).flatMap((effect): readonly OpenEffect[] => {
          const undo = undoOf(effect);
          if (undo !== undefined && ledger.effects.get(undo.key) === 'started')
            return [{ step, effect: undo, undo: true }];
          const isOpen = effect.phase === 'settle' && ledger.effects.get(effect.key) === 'started';
          return isOpen ? [{ step, effect, undo: false }] : [];
        }),
  );
}

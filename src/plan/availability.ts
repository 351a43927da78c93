import { isMissable } from './budget.ts';
import type { Intent } from './decide.ts';
import { makes } from './draft.ts';
import type { WaveDraft } from './place/waves.ts';

/** Of how many instances, and how many of them serve at the worst moment of each wave. */
export interface Availability {
  readonly of: number;
  readonly during: readonly number[];
}

/**
 * How many of the instances that are recorded and wanted serve while each wave is under way, one wave after the other.
 * Undefined where nobody could miss any: nothing has been there before.
 */
export function availabilityOf(
  { definition, wanted }: Pick<Intent, 'definition' | 'wanted'>,
  waves: readonly WaveDraft[],
): Availability | undefined {
  const counted = wanted.filter((instance) => isMissable(definition, instance));
  if (counted.length === 0) return undefined;
  const down = new Set(counted.filter(({ available }) => !available).map(({ ordinal }) => ordinal));
  const during = waves.map(({ drafts }) => {
    const taken = drafts.filter(({ action, ordinal }) => action.disrupts && !down.has(ordinal));
    const lowest = counted.length - down.size - taken.length;
    for (const draft of drafts) {
      if (makes(draft)) down.delete(draft.ordinal);
      else if (draft.action.disrupts) down.add(draft.ordinal);
    }
    return lowest;
  });
  return { of: counted.length, during };
}

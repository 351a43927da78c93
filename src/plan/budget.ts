import type { DesiredWorkload, DisruptionRule } from '../model/desired.ts';
import type { Allocation } from '../model/recorded.ts';
import { countOf } from './count.ts';
import type { Intent } from './decide.ts';
import type { Instance } from './instances.ts';
import type { RulesFor } from './rules.ts';

/** How many instances of a workload may be unavailable, and how many are. */
export interface Budget {
  /** Instances that are recorded and still wanted: what was never born, or has to go, is not missed. */
  readonly base: number;
  readonly maxUnavailable: number;
  /** How many of them are available. */
  readonly available: number;
}

export function budgetOf(rulesFor: RulesFor, intent: Pick<Intent, 'definition' | 'wanted'>): Budget {
  let base = 0;
  let available = 0;
  for (const instance of intent.wanted) {
    if (!isMissable(intent.definition, instance)) continue;
    base += 1;
    if (instance.available) available += 1;
  }
  return { base, maxUnavailable: maxUnavailable(rulesFor, intent.definition, base), available };
}

/**
 * Counts in the budget: it serves or was there, and is still wanted. An unfinished run may have left a successor that was
 * never recorded as made, beside what it had stopped already.
 */
export const isMissable = ({ type }: DesiredWorkload, { allocation, leftovers, available }: Instance): boolean =>
  available || wasThere(type, allocation) || leftovers.some((left) => wasThere(type, left));

/** A static one that is stopped for its node's sake is missed. */
const wasThere = (type: DesiredWorkload['type'], { state }: Allocation): boolean =>
  state === 'held' ? type === 'static' : state !== 'reserved';

function maxUnavailable(rulesFor: RulesFor, workload: DesiredWorkload, base: number): number {
  const wish = workload.maxUnavailable;
  switch (wish.kind) {
    case 'policy':
      return byRules(rulesFor(workload.namespace), base);
    case 'quorum':
      return Math.max(1, Math.floor((base - 1) / 2) - 1);
    case 'count':
    case 'percent':
      return countOf(wish, base);
  }
}

function byRules(rules: readonly DisruptionRule[], base: number): number {
  const rule = rules.find(
    ({ below, upTo }) => (below === undefined || base < below) && (upTo === undefined || base <= upTo),
  );
  return rule === undefined ? 1 : countOf(rule.max, base);
}

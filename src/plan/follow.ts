import { type UnitId, unitOf } from '../model/ids.ts';
import type { Context } from './context.ts';
import { type Intent, newCount } from './decide.ts';

/** A unit in one of these does not go on by itself: nobody waits for an operator but its own workload. */
const resting: ReadonlySet<string> = new Set(['stuck', 'paused', 'waiting']);

/**
 * What git changed waits while the unit of a workload that it comes after is on its way: with both in one plan it would
 * have been the second. Repairs and moves of what it did not change do not wait.
 */
export function afterOthers({ inputs, notes }: Context, intent: Intent): Intent {
  const { inFlight } = inputs.recorded;
  const { id, after } = intent.definition;
  const changes = intent.rollout.length + newCount(intent);
  if (inFlight.length === 0 || after.length === 0 || changes === 0) return intent;
  const going = new Set<UnitId>(inFlight.filter(({ status }) => !resting.has(status)).map(({ unit }) => unit));
  const first = after.find((leader) => going.has(unitOf(leader)));
  if (first === undefined) return intent;
  notes.warn(
    'MUS5010',
    id,
    `${id} waits: it comes after ${first}, whose unit is under way (muster unit show ${first})`,
  );
  return { ...intent, rollout: [], news: [], missing: { ...intent.missing, ordinals: [], nodes: [] } };
}

import { type UnitId, unitOf, type WorkloadId } from '../model/ids.ts';
import type { Context } from './context.ts';
import { type Intent, newCount } from './decide.ts';
import { workloadsById } from './inputs.ts';
import { isHeld } from './transactions.ts';

/** A unit in one of these does not go on by itself: nobody waits for an operator but its own workload. */
const resting: ReadonlySet<string> = new Set(['stuck', 'paused', 'waiting']);

/**
 * What git changed waits while the unit of a workload that it comes after is on its way: with both in one plan it would
 * have been the second. Repairs and moves of what it did not change do not wait.
 */
export function afterOthers(context: Context, intent: Intent): Intent {
  const { inputs, held, notes, waiting } = context;
  const { inFlight } = inputs.recorded;
  const { id, after } = intent.definition;
  const changes = intent.rollout.length + newCount(intent);
  if (inFlight.length + held.size === 0 || after.length === 0 || changes === 0) return intent;
  const going = new Set<UnitId>(inFlight.filter(({ status }) => !resting.has(status)).map(({ unit }) => unit));
  const first = after.find((leader) => going.has(unitOf(leader)) || waitsForMembers(context, leader));
  if (first === undefined) return intent;
  const why = going.has(unitOf(first))
    ? `whose unit is under way (muster unit show ${first})`
    : 'which waits for others of its transaction';
  notes.warn('MUS5010', id, `${id} waits: it comes after ${first}, ${why}`);
  waiting.set(id, first);
  return { ...intent, rollout: [], news: [], missing: { ...intent.missing, ordinals: [], nodes: [] } };
}

function waitsForMembers(context: Context, leader: WorkloadId): boolean {
  const definition = workloadsById(context.inputs.desired).get(leader);
  const transaction = definition?.transaction;
  if (definition === undefined || transaction === undefined) return false;
  return context.held.get(transaction)?.kind === 'waits' && isHeld(context, definition);
}

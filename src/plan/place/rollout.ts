import type { Context } from '../context.ts';
import type { Intent, Want } from '../decide.ts';
import type { Draft } from '../draft.ts';
import { markOf, undoTo } from '../undo.ts';
import { type Order, ordersOf, surgeOf, whyStopFirst } from './order.ts';
import { type InWaves, placeInWaves } from './placing.ts';
import { report, reportWaiting } from './report.ts';
import type { UnitState } from './unit-state.ts';
import { endWave, restoreWaves, saveWaves } from './waves.ts';

/** All or nothing, with each order that may be used. */
export function placeRollout(context: Context, state: UnitState): void {
  const { rollout, workload } = state.intent;
  if (rollout.length === 0) return;
  state.beforeRollout = saveWaves(state.waves);
  const attempts = ordersOf(state, rollout);
  for (const attempt of attempts) {
    const mark = markOf(context.ledger.undo);
    const saved = saveWaves(state.waves);
    const result = rollGroups(context, state, attempt);
    const { failures } = result;
    const stuck = cannotProceed(state, result.placed);
    if (failures.length === 0 && stuck === undefined) {
      reportWaiting(context, state, result.waiting);
      state.rolloutWaits = result.waiting.length > 0;
      return;
    }
    // Told while those that found room have it: one more alone would fit once they are taken back.
    if (failures.length > 0 && attempt === attempts.at(-1)) report(context, state, failures, rollout.length);
    undoTo(context.ledger.undo, mark);
    restoreWaves(state.waves, saved);
    if (stuck !== undefined && failures.length === 0) {
      state.refused = true;
      context.notes.refuse({
        code: 'MUS4007',
        subject: workload.id,
        instances: rollout.length,
        message: `${workload.id}: cannot be changed: ${stuck}`,
        byReason: {},
      });
      return;
    }
  }
  state.refused = true;
}

/** Group by group, until one cannot go on; what cannot go on waits. */
function rollGroups(context: Context, state: UnitState, attempt: Order): InWaves {
  const { observeMs } = state.intent.definition.update;
  const placed: Draft[] = [];
  const groups = rolloutGroups(state.intent);
  for (const [index, group] of groups.entries()) {
    const result = placeInWaves(context, state, group, attempt);
    placed.push(...result.placed);
    if (result.failures.length > 0) return { ...result, placed };
    if (result.waiting.length > 0) {
      endWave(context, state, 0);
      return { placed, failures: [], waiting: [...result.waiting, ...groups.slice(index + 1).flat()] };
    }
    endWave(context, state, observeMs);
  }
  return { placed, failures: [], waiting: [] };
}

/** The rollout cut at its cumulative groups; what has the revision already counts as rolled out. */
function rolloutGroups({ definition, replicas, rollout, wanted, target }: Intent): readonly (readonly Want[])[] {
  const wants = freeFirst(rollout);
  // An instance that waits with another revision is not rolled out: a first group is not passed over for it.
  const done = wanted.filter(
    ({ allocation, status }) =>
      allocation.revision === target.hash && status !== 'held' && allocation.state !== 'reserved',
  ).length;
  const groups: Want[][] = [];
  let at = 0;
  const bounds = definition.update.groups.map((group) =>
    group.kind === 'count' ? group.count : Math.ceil((replicas * group.percent) / 100),
  );
  for (const bound of [...bounds, Number.POSITIVE_INFINITY]) {
    const end = Math.min(wants.length, Math.max(at, bound - done));
    if (end > at) groups.push(wants.slice(at, end));
    at = end;
  }
  return groups;
}

/** What is down already comes first: it costs nothing, and gives the budget back. */
export const freeFirst = (wants: readonly Want[]): readonly Want[] =>
  [...wants].sort((a, b) => Number(isUp(a)) - Number(isUp(b)) || a.ordinal - b.ordinal);

const isUp = ({ current }: Want): boolean => current?.available === true;

/** Set when the rules leave no way to change what runs, whatever the room. */
function cannotProceed({ intent, budget }: UnitState, drafts: readonly Draft[]): string | undefined {
  const { definition } = intent;
  const stops = drafts.some((draft) => draft.action.disrupts);
  const isRunning = intent.rollout.some(isUp);
  if (definition.update.order === 'create-first') {
    const why = whyStopFirst(intent);
    if (why !== undefined && (stops || (isRunning && budget.maxUnavailable === 0)))
      return `update.order is create-first, but ${why}: use order stop-first or auto`;
    if (surgeOf(definition, budget) === 0)
      return 'update.order is create-first, but maxSurge is 0: allow a surge, or use order stop-first or auto';
  }
  const mustStop = stops || (drafts.length === 0 && isRunning);
  return mustStop && budget.maxUnavailable === 0
    ? 'maxUnavailable is 0 and the new instances cannot be created first: allow one, or make room for both'
    : undefined;
}

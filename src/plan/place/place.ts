import { instanceId, type WorkloadId } from '../../model/ids.ts';
import { openAccount } from '../account.ts';
import { budgetOf } from '../budget.ts';
import type { Context } from '../context.ts';
import { type Intent, mayLeaveLostNode, newCount, newWant, type Want } from '../decide.ts';
import { type Draft, endingAction, objectOf } from '../draft.ts';
import type { Instance } from '../instances.ts';
import { markOf, undoTo } from '../undo.ts';
import { isPresent } from './affinity.ts';
import { noteCycles } from './cycles.ts';
import { firstOrder, ordersOf, surgeOf } from './order.ts';
import { placeEach, placeInWaves } from './placing.ts';
import { type Evictions, openEvictions } from './preempt.ts';
import { type Failed, report, reportWaiting } from './report.ts';
import { freeFirst, placeRollout } from './rollout.ts';
import { openSpread, spreadRulesOf } from './spread.ts';
import type { UnitState } from './unit-state.ts';
import { addRepairs, admits, endWave, openWaves } from './waves.ts';

/**
 * Places everything, the most urgent first, since what comes late may find no room: by priority, then heals before
 * changes before what is new, then by name. What a unit does is cut into waves as it is placed, since what one wave
 * frees the next may use.
 */
export function placeAll(context: Context, intents: readonly Intent[]): ReadonlyMap<WorkloadId, UnitState> {
  const placed = new Map<WorkloadId, UnitState>();
  const evictions = openEvictions(context, intents);
  for (const intent of intents) noteLeavers(context, intent);
  const sorted = [...intents].sort(
    (a, b) => b.definition.priority - a.definition.priority || (a.workload.id < b.workload.id ? -1 : 1),
  );
  for (let first = 0; first < sorted.length; ) {
    const priority = sorted[first]?.definition.priority;
    let end = first;
    while (sorted[end]?.definition.priority === priority && end < sorted.length) end += 1;
    const equals = sorted.slice(first, end).map((intent) => open(context, withEvictions(intent, evictions), evictions));
    for (const state of equals) placed.set(state.intent.workload.id, state);
    for (const stage of [placeHeals, placeMoves, placeRollout, placeNews, placeStops]) {
      for (const state of equals) {
        stage(context, state);
        // Nothing goes back behind a stage that is done.
        context.ledger.undo.entries.length = 0;
      }
    }
    first = end;
  }
  noteCycles(context, placed.values());
  return placed;
}

/** Nobody counts on what will go. What an unfinished run left, or is held, was not counted on before. */
function noteLeavers({ affinity }: Context, { workload, removals, stops }: Intent): void {
  if (removals.length + stops.length === 0) return;
  const ended = new Set([...removals, ...stops].map(({ old }) => old?.allocation));
  for (const { allocation, status, node } of workload.instances) {
    if (ended.has(allocation) && isPresent(status)) affinity.leave(workload.id, node);
  }
}

/** Those that have to make room for others move, if they can. */
function withEvictions(intent: Intent, evictions: Evictions): Intent {
  const evicted = evictions.of(intent.workload.id);
  if (evicted.size === 0) return intent;
  const wants = [...evicted.values()].map(
    ({ instance, by }): Want => ({
      instance: instance.id,
      ordinal: instance.ordinal,
      cause: 'preempt',
      current: instance,
      changes: [],
      mustLeave: `${by} is more urgent and needs its room on ${instance.node.name}`,
    }),
  );
  return { ...intent, moves: [...intent.moves, ...wants], unchanged: intent.unchanged - wants.length };
}

function open(context: Context, intent: Intent, evictions: Evictions): UnitState {
  const { definition, target } = intent;
  const budget = budgetOf(context.rulesFor, intent);
  const rules = spreadRulesOf(definition, context.requirementsFor(definition.namespace));
  const state: UnitState = {
    intent,
    budget,
    ask: context.askOf(target.revision),
    account: openAccount(),
    waves: openWaves(budget, surgeOf(definition, budget)),
    counts: new Map(),
    spread: openSpread(context.cluster, rules, intent.replicas),
    after: new Set(),
    makeRoom: (want) => evictions.makeRoom(state, want),
    evictions: evictions.of(intent.workload.id),
    evicted: new Set(),
    charges: new Map(),
    actions: new Map(),
    news: [],
    refused: false,
    rolloutWaits: false,
    homeless: [],
    beforeRollout: undefined,
  };
  for (const { node, status } of intent.wanted) {
    // What is lost and made anew elsewhere is not there; what waits for its node may be back.
    if (status === 'held' || (status === 'lost' && mayLeaveLostNode(definition))) continue;
    state.counts.set(node.index, (state.counts.get(node.index) ?? 0) + 1);
    if (rules.length > 0) state.spread.add(node, 1);
  }
  return state;
}

function placeHeals(context: Context, state: UnitState): void {
  const { heals } = state.intent;
  if (heals.length === 0) return;
  const wants = { count: heals.length, at: (index: number) => heals[index] as Want };
  const { placed, failures } = placeEach(context, state, wants, { order: 'stop-first', note: '' });
  addRepairs(context, state, placed);
  report(context, state, failures, heals.length);
}

function placeMoves(context: Context, state: UnitState): void {
  const { moves } = state.intent;
  if (moves.length === 0) return;
  const [first, retry] = ordersOf(state, moves);
  const once = placeInWaves(context, state, freeFirst(moves), first ?? firstOrder);
  endWave(context, state, 0);
  const left = once.failures.map((entry) => entry.want);
  const again = retry === undefined || left.length === 0 ? undefined : placeInWaves(context, state, left, retry);
  endWave(context, state, 0);
  const failures = again?.failures ?? once.failures;
  evictHomeless(context, state, failures);
  state.homeless = failures.flatMap(({ want, failure }) =>
    failure.kind === 'capacity' && failure.bound === undefined && want.mustLeave !== undefined ? [want] : [],
  );
  report(context, state, failures, moves.length);
  reportWaiting(context, state, [...once.waiting, ...(again?.waiting ?? [])]);
}

/** An instance that makes room for a more urgent one and finds no other place goes without. */
function evictHomeless(context: Context, state: UnitState, failures: readonly Failed[]): void {
  for (const { want } of failures) {
    const { current } = want;
    if (want.cause !== 'preempt' || current === undefined) continue;
    const draft = evictionOf(want, current);
    if (!admits(state.waves, draft)) endWave(context, state, 0);
    if (!admits(state.waves, draft)) continue;
    state.waves.open.push(draft);
    state.evicted.add(want.instance);
  }
  endWave(context, state, 0);
}

const evictionOf = ({ ordinal, mustLeave = '' }: Want, current: Instance): Draft => ({
  action: {
    ...endingAction(current.allocation, {
      kind: 'remove',
      cause: 'preempt',
      reason: `${mustLeave}; there is no other place for it`,
    }),
    disrupts: current.available,
  },
  ordinal,
  node: current.node,
  holds: current.allocation.holds,
  charged: undefined,
  old: { allocation: current.allocation, node: current.node, object: objectOf(current) },
});

function placeNews(context: Context, state: UnitState): void {
  const { definition } = state.intent;
  const count = newCount(state.intent);
  if (count === 0 || state.refused) return;
  const { undo } = context.ledger;
  // Whatever is placed stays: nothing of it is taken back.
  undo.isOn = !definition.placement.partial || definition.preemption !== undefined || state.intent.news.length > 0;
  const mark = markOf(undo);
  const wants = { count, at: (index: number) => newWant(state.intent, index) };
  const { placed, failures } = placeEach(context, state, wants, { order: 'stop-first', note: '' });
  undo.isOn = true;
  report(context, state, failures, count);
  if (failures.length > 0 && !definition.placement.partial) {
    undoTo(undo, mark);
    state.refused = true;
    return;
  }
  state.refused = placed.length === 0 && failures.length > 0;
  state.news = placed;
}

/** Static instances of nodes in maintenance, last of all, as far as the budget goes. */
function placeStops(context: Context, state: UnitState): void {
  const { stops } = state.intent;
  for (const [index, draft] of stops.entries()) {
    if (!admits(state.waves, draft)) {
      for (const { node, ordinal } of stops.slice(index)) {
        const instance = instanceId(state.intent.workload.id, ordinal);
        context.blockDrain(
          node,
          instance,
          'too many others of the workload are unavailable: the drain goes on when they are back',
        );
      }
      break;
    }
    state.waves.open.push(draft);
  }
  // Nothing comes after: what stops stays away until its node is back.
  endWave(context, state, 0);
}

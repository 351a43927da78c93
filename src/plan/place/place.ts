import { instanceId, type WorkloadId } from '../../model/ids.ts';
import { openAccount } from '../account.ts';
import { budgetOf } from '../budget.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import { type Intent, newCount, newWants, type Want } from '../decide.ts';
import { type Draft, endingAction, makes, objectOf } from '../draft.ts';
import type { Instance } from '../match.ts';
import { markOf, undoTo } from '../undo.ts';
import { firstOrder, ordersOf, surgeOf, whyStopFirst } from './order.ts';
import { type Attempt, type Failure, placeOne } from './place-one.ts';
import { type Evictions, openEvictions } from './preempt.ts';
import type { NodeQueue } from './queue.ts';
import { queueFor } from './queue-for.ts';
import { type Failed, report, reportWaiting } from './report.ts';
import { openSpread, spreadRulesOf } from './spread.ts';
import type { UnitState } from './unit-state.ts';
import { addRepairs, admits, endWave, openWaves, restoreWaves, saveWaves } from './waves.ts';

/**
 * Places everything, the most urgent first, since what comes late may find no room: by priority, then heals before
 * changes before what is new, then by name. What a unit does is cut into waves as it is placed, since what one wave
 * frees the next may use.
 */
export function placeAll(context: Context, intents: readonly Intent[]): ReadonlyMap<WorkloadId, UnitState> {
  const placed = new Map<WorkloadId, UnitState>();
  const evictions = openEvictions(context, intents);
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
  return placed;
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
    evictions,
    evicted: new Set(),
    charges: new Map(),
    actions: new Map(),
    news: [],
    refused: false,
    rolloutWaits: false,
    beforeRollout: undefined,
  };
  for (const { node, status } of intent.wanted) {
    if (status === 'held' || status === 'lost') continue;
    state.counts.set(node.index, (state.counts.get(node.index) ?? 0) + 1);
    if (rules.length > 0) state.spread.add(node, 1);
  }
  return state;
}

function placeHeals(context: Context, state: UnitState): void {
  const { heals } = state.intent;
  if (heals.length === 0) return;
  const { placed, failures } = placeEach(context, state, heals, { order: 'stop-first', note: '' });
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
  state.beforeRollout = saveWaves(state.waves);
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

/** All or nothing, with each order that may be used. */
function placeRollout(context: Context, state: UnitState): void {
  const { rollout, workload } = state.intent;
  if (rollout.length === 0) return;
  let failures: readonly Failed[] = [];
  for (const attempt of ordersOf(state, rollout)) {
    const mark = markOf(context.ledger.undo);
    const saved = saveWaves(state.waves);
    const result = rollGroups(context, state, attempt);
    failures = result.failures;
    const stuck = cannotProceed(state, result.placed);
    if (failures.length === 0 && stuck === undefined) {
      reportWaiting(context, state, result.waiting);
      state.rolloutWaits = result.waiting.length > 0;
      return;
    }
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
  report(context, state, failures, rollout.length);
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
function rolloutGroups({ definition, replicas, rollout, wanted }: Intent): readonly (readonly Want[])[] {
  const wants = freeFirst(rollout);
  const done = wanted.length - rollout.length;
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
const freeFirst = (wants: readonly Want[]): readonly Want[] =>
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
    if (surgeOf(definition, budget) === 0) return 'update.order is create-first, but maxSurge is 0';
  }
  const mustStop = stops || (drafts.length === 0 && isRunning);
  return mustStop && budget.maxUnavailable === 0
    ? 'maxUnavailable is 0 and the new instances cannot be created first: allow one, or make room for both'
    : undefined;
}

function placeNews(context: Context, state: UnitState): void {
  const { definition } = state.intent;
  const count = newCount(state.intent);
  if (count === 0 || state.refused) return;
  const { undo } = context.ledger;
  // Whatever is placed stays: nothing of it is taken back.
  undo.isOn = !definition.placement.partial || definition.preemption !== undefined || state.intent.news.length > 0;
  const mark = markOf(undo);
  const { placed, failures } = placeEach(context, state, newWants(state.intent), { order: 'stop-first', note: '' });
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
        context.blockDrain(node, instance, 'too many others of the workload are unavailable');
      }
      break;
    }
    state.waves.open.push(draft);
  }
  // Nothing comes after: what stops stays away until its node is back.
  endWave(context, state, 0);
}

/** How the instances that run are replaced, and what the steps say about it. */
export type Order = Pick<Attempt, 'order' | 'note'>;

interface Each {
  readonly placed: readonly Draft[];
  readonly failures: readonly Failed[];
}

interface InWaves extends Each {
  readonly waiting: readonly Want[];
}

/** Placed at once, in a wave of their own or beside others: nothing that earlier waves free is used. */
function placeEach(context: Context, state: UnitState, wants: Iterable<Want>, order: Order): Each {
  const placed: Draft[] = [];
  const placing = openPlacing(context, state, { ...order, account: openAccount() });
  for (const want of wants) {
    const draft = placing.place(want) ?? placing.preempt(want);
    if (draft !== undefined) placing.accept(want, draft, placed);
  }
  return { placed, failures: placing.failures };
}

/** Wave by wave: what does not get its turn, since too many others are unavailable, waits. */
function placeInWaves(context: Context, state: UnitState, wants: readonly Want[], order: Order): InWaves {
  const { waves, account } = state;
  const placed: Draft[] = [];
  const placing = openPlacing(context, state, { ...order, account });
  for (const [index, want] of wants.entries()) {
    const mark = markOf(context.ledger.undo);
    let draft = placing.place(want);
    if (draft !== undefined && !admits(waves, draft)) {
      undoTo(context.ledger.undo, mark);
      const isFull = waves.open.length > 0;
      endWave(context, state, 0);
      draft = isFull ? placing.place(want) : draft;
      if (draft !== undefined && !admits(waves, draft)) {
        if (isFull) undoTo(context.ledger.undo, mark);
        return { placed, failures: placing.failures, waiting: wants.slice(index) };
      }
    }
    if (draft === undefined) continue;
    placing.accept(want, draft, placed);
    waves.open.push(draft);
  }
  return { placed, failures: placing.failures, waiting: [] };
}

interface Placing {
  readonly failures: Failed[];
  place(want: Want): Draft | undefined;
  /** After `place` has failed for want of room: at the cost of others, where that is allowed. */
  preempt(want: Want): Draft | undefined;
  /** It stays placed. */
  accept(want: Want, draft: Draft, placed: Draft[]): void;
}

function openPlacing(context: Context, state: UnitState, order: Omit<Attempt, 'queue'>): Placing {
  const failures: Failed[] = [];
  let shared: NodeQueue | undefined;
  const queue = (): NodeQueue => {
    shared ??= queueFor(context, state);
    return shared;
  };
  const attempt: Attempt = { ...order, queue };
  let full: Failure | undefined;
  let fromQueue = false;
  return {
    failures,
    place(want) {
      const from = countedAt(want);
      if (from !== undefined) count(context, state, from, -1);
      const outcome = placeOne(context, state, want, attempt);
      if (from !== undefined) count(context, state, from, 1);
      if (outcome.kind === 'placed') {
        fromQueue = outcome.fromQueue;
        return outcome.draft;
      }
      if (outcome.failure.kind === 'quota') full = outcome.failure;
      // The queue is shared: nodes that a full quota took out of it are missing for who comes after, for the same reason.
      const sameReason = outcome.failure.kind === 'capacity' && want.onlyNode === undefined;
      failures.push({ want, failure: sameReason ? (full ?? outcome.failure) : outcome.failure });
      return undefined;
    },
    preempt(want) {
      if (failures.at(-1)?.failure.kind !== 'capacity') return undefined;
      const draft = state.evictions.makeRoom(state, want);
      if (draft === undefined) return undefined;
      failures.pop();
      fromQueue = false;
      return draft;
    },
    accept(want, draft, placed) {
      if (want.cause === 'preempt') state.evicted.add(want.instance);
      if (fromQueue) shared?.used();
      placed.push(draft);
      if (!makes(draft) || want.current?.node === draft.node) return;
      const from = countedAt(want);
      if (from !== undefined) count(context, state, from, -1);
      count(context, state, draft.node, 1);
    },
  };
}

/** An instance counts where it is, until it goes; what is held or lost does not count. */
const countedAt = ({ current }: Want): ClusterNode | undefined =>
  current === undefined || current.status === 'held' || current.status === 'lost' ? undefined : current.node;

/** One instance of the workload more, or less, on a node. */
function count(context: Context, state: UnitState, node: ClusterNode, by: 1 | -1): void {
  const apply = (change: 1 | -1): void => {
    const before = state.counts.get(node.index) ?? 0;
    if (before + change === 0) state.counts.delete(node.index);
    else state.counts.set(node.index, before + change);
    if (state.spread.rules.length > 0) state.spread.add(node, change);
    context.affinity.add(state.intent.workload.id, node, change);
  };
  apply(by);
  if (context.ledger.undo.isOn) context.ledger.undo.entries.push(() => apply(by === 1 ? -1 : 1));
}

import type { Strategy } from '../../model/desired.ts';
import type { WorkloadId } from '../../model/ids.ts';
import { type Budget, budgetOf, countOf } from '../budget.ts';
import { type Context, markOf, rollbackTo } from '../context.ts';
import type { Intent, Want } from '../decide.ts';
import { type Draft, makes, objectOf } from '../draft.ts';
import { holdsOf, holdsVector } from '../ledger.ts';
import type { QuotaRow } from '../quota.ts';
import { capacityRefusal, quotaRefusal } from '../refuse.ts';
import { type NodeQueue, openQueue } from './distribute.ts';
import { type Attempt, type Failure, placeOne } from './place-one.ts';

/** What a workload gets: the drafts of its unit, by what they are for. */
export interface Placed {
  readonly intent: Intent;
  readonly budget: Budget;
  readonly heals: readonly Draft[];
  readonly moves: readonly Draft[];
  readonly rollout: readonly Draft[];
  readonly news: readonly Draft[];
  /** What git asks for cannot be done: nothing new of it, and nothing that waits for it. */
  readonly refused: boolean;
}

type Growing = { -readonly [Key in keyof Placed]: Placed[Key] } & { readonly counts: Map<number, number> };

/**
 * Places everything, the most urgent first, since what comes late may find no room: by priority, then heals before
 * changes before what is new, then by name.
 */
export function placeAll(context: Context, intents: readonly Intent[]): ReadonlyMap<WorkloadId, Placed> {
  const placed = new Map<WorkloadId, Growing>();
  const sorted = [...intents].sort(
    (a, b) => b.definition.priority - a.definition.priority || (a.workload.id < b.workload.id ? -1 : 1),
  );
  for (let first = 0; first < sorted.length; ) {
    const priority = sorted[first]?.definition.priority;
    let end = first;
    while (sorted[end]?.definition.priority === priority && end < sorted.length) end += 1;
    const equals = sorted.slice(first, end).map((intent) => open(context, intent));
    for (const state of equals) {
      placed.set(state.intent.workload.id, state);
      placeHeals(context, state);
    }
    for (const state of equals) placeMoves(context, state);
    for (const state of equals) placeRollout(context, state);
    for (const state of equals) placeNews(context, state);
    first = end;
  }
  return placed;
}

function open(context: Context, intent: Intent): Growing {
  const counts = new Map<number, number>();
  for (const { node, status } of intent.wanted) {
    if (status !== 'held') counts.set(node.index, (counts.get(node.index) ?? 0) + 1);
  }
  return {
    intent,
    budget: budgetOf(context.rulesFor, intent),
    heals: [],
    moves: [],
    rollout: [],
    news: [],
    refused: false,
    counts,
  };
}

function placeHeals(context: Context, state: Growing): void {
  if (state.intent.heals.length === 0) return;
  const { placed, failures } = placeEach(context, state, state.intent.heals, { order: 'stop-first', note: '' });
  state.heals = placed;
  report(context, state, failures, state.intent.heals.length);
}

function placeMoves(context: Context, state: Growing): void {
  const { moves } = state.intent;
  if (moves.length === 0) return;
  const first = placeEach(context, state, moves, firstChoice(state, moves));
  const retry = ordersOf(state, moves)[1];
  const left = first.failures.map((entry) => entry.want);
  const second = retry === undefined ? undefined : placeEach(context, state, left, retry);
  state.moves = [...first.placed, ...(second?.placed ?? [])].sort((a, b) => a.ordinal - b.ordinal);
  const failures = second?.failures ?? first.failures;
  report(context, state, failures, moves.length);
}

/** All or nothing, with each order that may be used. */
function placeRollout(context: Context, state: Growing): void {
  const { rollout, workload } = state.intent;
  if (rollout.length === 0) return;
  const counts = new Map(state.counts);
  let failures: readonly Failed[] = [];
  for (const attempt of ordersOf(state, rollout)) {
    const mark = markOf(context);
    const result = placeEach(context, state, rollout, attempt);
    failures = result.failures;
    const stuck = cannotProceed(state, result.placed);
    if (failures.length === 0 && stuck === undefined) {
      state.rollout = result.placed;
      return;
    }
    rollbackTo(context, mark);
    state.counts.clear();
    for (const [node, count] of counts) state.counts.set(node, count);
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

/** Set when the rules leave no way to change what runs, whatever the room. */
function cannotProceed({ intent, budget }: Growing, drafts: readonly Draft[]): string | undefined {
  const { definition } = intent;
  const stops = drafts.some((draft) => draft.disrupts);
  if (definition.update.order === 'create-first') {
    const why = whyStopFirst(intent);
    if (why !== undefined && stops) return `update.order is create-first, but ${why}: use order stop-first or auto`;
    if (surgeOf(intent, budget) === 0) return 'update.order is create-first, but maxSurge is 0';
  }
  return stops && budget.maxUnavailable === 0
    ? 'maxUnavailable is 0 and the new instances cannot be created first: allow one, or make room for both'
    : undefined;
}

function placeNews(context: Context, state: Growing): void {
  const { news, definition } = state.intent;
  if (news.length === 0) return;
  if (state.refused) return;
  const mark = markOf(context);
  const { placed, failures } = placeEach(context, state, news, { order: 'stop-first', note: '' });
  report(context, state, failures, news.length);
  if (failures.length > 0 && !definition.placement.partial) {
    rollbackTo(context, mark);
    state.refused = true;
    return;
  }
  state.refused = placed.length === 0 && failures.length > 0;
  state.news = placed;
}

/** How the instances that run are replaced, and what the steps say about it. */
type Order = Pick<Attempt, 'order' | 'note'>;

interface Failed {
  readonly want: Want;
  readonly failure: Failure;
}

function placeEach(
  context: Context,
  state: Growing,
  wants: readonly Want[],
  attempt: Order,
): { readonly placed: readonly Draft[]; readonly failures: readonly Failed[] } {
  const placed: Draft[] = [];
  const failures: Failed[] = [];
  let shared: NodeQueue | undefined;
  const holds = holdsOf(state.intent.target.revision);
  const ask = { holds, amounts: holdsVector(context.ledger, holds) };
  const { definition, target } = state.intent;
  const queue = (): NodeQueue => {
    shared ??= queueFor(context, state, context.candidatesOf(definition, target.revision.engine).nodes);
    return shared;
  };
  const common: Attempt = { ...attempt, ask, queue };
  // A daemon's instances are for one node each.
  const attemptFor = ({ onlyNode }: Want): Attempt =>
    onlyNode === undefined ? common : { ...common, queue: () => queueFor(context, state, [onlyNode.index]) };
  let full: Failure | undefined;
  for (const want of wants) {
    const outcome = placeOne(context, state.intent, want, attemptFor(want));
    if (outcome.kind === 'failed') {
      if (outcome.failure.kind === 'quota') full = outcome.failure;
      // The queue is shared: nodes that a full quota took out of it are missing for who comes after, for the same reason.
      const sameReason = outcome.failure.kind === 'capacity' && want.onlyNode === undefined;
      failures.push({ want, failure: sameReason ? (full ?? outcome.failure) : outcome.failure });
      continue;
    }
    placed.push(outcome.draft);
    recount(state.counts, outcome.draft, want);
  }
  return { placed, failures };
}

function recount(counts: Map<number, number>, draft: Draft, { current }: Want): void {
  if (!makes(draft) || (current !== undefined && current.node === draft.node && current.status !== 'held')) return;
  counts.set(draft.node.index, (counts.get(draft.node.index) ?? 0) + 1);
  if (current !== undefined && current.status !== 'held') {
    counts.set(current.node.index, (counts.get(current.node.index) ?? 1) - 1);
  }
}

function queueFor(context: Context, { intent, counts }: Growing, nodes: readonly number[]): NodeQueue {
  const strategy = strategyOf(context, intent);
  const even = Math.max(1, Math.ceil(intent.replicas / Math.max(1, nodes.length)));
  const perNode = intent.definition.placement.perNode ?? (strategy === 'each' ? even : Number.POSITIVE_INFINITY);
  const amounts = holdsVector(context.ledger, holdsOf(intent.target.revision));
  return openQueue(context.ledger, { nodes, strategy, amounts, counts, perNode });
}

/** The workload's own, else that of its pod; over several pods it is `auto`. */
function strategyOf(context: Context, { definition }: Intent): Strategy {
  const { strategy, pods } = definition.placement;
  if (strategy !== undefined) return strategy;
  if (definition.type === 'daemon' || pods.length !== 1) return 'auto';
  return context.inputs.desired.pods.find((pod) => pod.name === pods[0])?.strategy ?? 'auto';
}

/** Orders to try for instances that run, the better first. */
function ordersOf(state: Growing, wants: readonly Want[]): readonly Order[] {
  const { intent, budget } = state;
  const forced = whyStopFirst(intent);
  const stops = wants.some((want) => want.current !== undefined && objectOf(want.current) === 'running');
  if (forced !== undefined) {
    const note = stops && intent.definition.update.order === 'auto' ? `; stop first: ${forced}` : '';
    return [{ order: 'stop-first', note }];
  }
  if (intent.definition.update.order === 'create-first') return [{ order: 'create-first', note: '' }];
  const withSurge = surgeOf(intent, budget) > 0 ? [{ order: 'create-first' as const, note: '' }] : [];
  return [...withSurge, { order: 'stop-first', note: stops ? '; stop first: no room or quota for both' : '' }];
}

const firstChoice = (state: Growing, wants: readonly Want[]): Order =>
  ordersOf(state, wants)[0] ?? { order: 'stop-first', note: '' };

/** Why the old one has to be off before the new one is on, if it has. */
function whyStopFirst({ definition, target }: Intent): string | undefined {
  if (definition.type !== 'stateless') return `a ${definition.type} instance exists once`;
  if (definition.update.order === 'stop-first') return 'update.order says so';
  const fixed = target.revision.ports.find((port) => typeof port.publish === 'number');
  return fixed && `port ${fixed.publish} can be held by one at a time`;
}

/** How many may be there on top of what is wanted, while a rollout or a move goes on. */
export function surgeOf({ definition }: Intent, budget: Budget): number {
  const { maxSurge } = definition.update;
  return maxSurge.kind === 'policy' ? budget.maxUnavailable : countOf(maxSurge, budget.base);
}

function report(context: Context, { intent }: Growing, failures: readonly Failed[], of: number): void {
  const rows = new Map<QuotaRow, number>();
  for (const { want, failure } of failures) {
    if (want.current?.node.draining === true)
      context.blockDrain(want.current.node, want.instance, blockReason(failure));
    if (failure.kind === 'quota') rows.set(failure.row, (rows.get(failure.row) ?? 0) + 1);
    if (failure.kind === 'cannotMove') {
      context.notes.warn('MUS5010', intent.workload.id, `${want.instance} cannot be made anew: ${failure.reason}`);
    }
  }
  for (const [row, failed] of rows) context.notes.refuse(quotaRefusal(intent, row, { failed, of }));
  const short = failures.filter(({ failure }) => failure.kind === 'capacity').length;
  if (short > 0) context.notes.refuse(capacityRefusal(context, intent, { failed: short, of }));
}

function blockReason(failure: Failure): string {
  switch (failure.kind) {
    case 'capacity':
      return 'no other node can take it';
    case 'quota':
      return `quota ${failure.row.name} leaves no room to move it`;
    case 'cannotMove':
      return failure.reason;
  }
}

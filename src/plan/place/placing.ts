import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Want } from '../decide.ts';
import { type Draft, makes } from '../draft.ts';
import { markOf, undoTo } from '../undo.ts';
import type { Order } from './order.ts';
import { type Attempt, type Failure, placeOne } from './place-one.ts';
import type { NodeQueue } from './queue.ts';
import { queueFor } from './queue-for.ts';
import type { Failed } from './report.ts';
import type { UnitState } from './unit-state.ts';
import { admits, endWave, restoreWaves, saveWaves } from './waves.ts';

/** What came of placing several instances. */
export interface Each {
  readonly placed: readonly Draft[];
  readonly failures: readonly Failed[];
}

export interface InWaves extends Each {
  readonly waiting: readonly Want[];
}

/** One at a time, since there may be hundreds of thousands. */
export interface Wants {
  readonly count: number;
  readonly at: (index: number) => Want;
}

/** Placed at once, in a wave of their own or beside others: nothing that earlier waves free is used. */
export function placeEach(context: Context, state: UnitState, wants: Wants, order: Order): Each {
  const placed: Draft[] = [];
  const placing = openPlacing(context, state, { ...order, account: undefined });
  for (let index = 0; index < wants.count; index += 1) {
    const want = wants.at(index);
    const draft = placing.place(want) ?? placing.preempt(want);
    if (draft !== undefined) placing.accept(want, draft, placed);
  }
  return { placed, failures: placing.failures };
}

/** Wave by wave: what does not get its turn, since too many others are unavailable, waits. */
export function placeInWaves(context: Context, state: UnitState, wants: readonly Want[], order: Order): InWaves {
  const { waves, account } = state;
  const placed: Draft[] = [];
  const placing = openPlacing(context, state, { ...order, account });
  for (const [index, want] of wants.entries()) {
    const turn = takeTurn(context, state, want, placing);
    const { mark } = turn;
    let { draft } = turn;
    if (draft !== undefined && !admits(waves, draft)) {
      takeBack(context, mark);
      const isFull = waves.open.length > 0;
      endWave(context, state, 0);
      draft = isFull ? placing.place(want) : draft;
      if (draft !== undefined && !admits(waves, draft)) {
        if (isFull) takeBack(context, mark);
        return { placed, failures: placing.failures, waiting: wants.slice(index) };
      }
    }
    if (draft === undefined) continue;
    placing.accept(want, draft, placed);
    waves.open.push(draft);
  }
  return { placed, failures: placing.failures, waiting: [] };
}

/** What was placed just now: nobody has looked at a node's score since, so that no shelf has to be filled anew for it. */
function takeBack({ ledger }: Context, mark: number): void {
  const { rollbacks } = ledger;
  undoTo(ledger.undo, mark);
  ledger.rollbacks = rollbacks;
}

interface Turn {
  readonly draft: Draft | undefined;
  /** Before it was placed. */
  readonly mark: number;
}

/** In the wave under way; what finds no room there stays where it is in the room that this wave frees, behind it. */
function takeTurn(context: Context, state: UnitState, want: Want, placing: Placing): Turn {
  const { undo } = context.ledger;
  const { waves } = state;
  const before = markOf(undo);
  const now = placing.place(want);
  if (now !== undefined || waves.open.length === 0 || want.mustLeave !== undefined) return { draft: now, mark: before };
  const saved = saveWaves(waves);
  endWave(context, state, 0);
  const mark = markOf(undo);
  placing.failures.pop();
  const draft = placing.place(want);
  if (draft !== undefined) return { draft, mark };
  undoTo(undo, before);
  restoreWaves(waves, saved);
  return { draft, mark: before };
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
      const { failure } = outcome;
      if (failure.kind === 'quota') full = failure;
      // The queue is shared: nodes that a full quota took out of it are missing for who comes after, for the same reason.
      const sameReason = failure.kind === 'capacity' && failure.bound === undefined && want.onlyNode === undefined;
      failures.push({ want, failure: sameReason ? (full ?? failure) : failure });
      return undefined;
    },
    preempt(want) {
      if (failures.at(-1)?.failure.kind !== 'capacity') return undefined;
      const draft = state.makeRoom(want);
      if (draft === undefined) return undefined;
      failures.pop();
      fromQueue = false;
      return draft;
    },
    accept(want, draft, placed) {
      if (want.cause === 'preempt') state.evicted.add(want.instance);
      if (fromQueue) shared?.used();
      placed.push(draft);
      const from = countedAt(want);
      if (!makes(draft) || from === draft.node) return;
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
  applyCount(context, state, node, by);
  if (!context.ledger.undo.isOn) return;
  context.ledger.undo.entries.push(() => applyCount(context, state, node, by === 1 ? -1 : 1));
}

function applyCount(context: Context, { counts, spread, intent }: UnitState, node: ClusterNode, by: 1 | -1): void {
  const count = (counts.get(node.index) ?? 0) + by;
  if (count === 0) counts.delete(node.index);
  else counts.set(node.index, count);
  if (spread.rules.length > 0) spread.add(node, by);
  context.affinity.add(intent.workload.id, node, by);
}

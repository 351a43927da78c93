import { chargedHolds } from '../../model/capacity.ts';
import type { StepKind } from '../../model/plan.ts';
import type { Holds } from '../../model/recorded.ts';
import {
  type Account,
  addPending,
  addQuotaPending,
  chargeUnit,
  chargeUnitQuota,
  freedVector,
  needOf,
  quotaNeed,
} from '../account.ts';
import { type ClusterNode, isReachable } from '../cluster.ts';
import { worstClass } from '../compare.ts';
import type { Context } from '../context.ts';
import type { Intent, Want } from '../decide.ts';
import { type Draft, objectOf } from '../draft.ts';
import { charge, fits, holdsVector, type Vector } from '../ledger.ts';
import type { Predecessor } from '../pieces.ts';
import {
  chargeQuota,
  demandOf,
  exceeded,
  type QuotaCharge,
  type QuotaRow,
  type QuotaScope,
  quotaBeyond,
  quotaDemand,
} from '../quota.ts';
import { moreDisk, withDisk } from '../quota-disk.ts';
import { markOf, undoTo } from '../undo.ts';
import { type Choice, draftOf } from './draft-of.ts';
import { whyMisplaced, whyTainted } from './feasible.ts';
import { whyNotOffered } from './offers.ts';
import type { NodeQueue } from './queue.ts';
import type { UnitState } from './unit-state.ts';

/** Why something could not be placed. */
export type Failure =
  /** `bound`: why it can only be where it is; absent: no node has room. */
  | { readonly kind: 'capacity'; readonly bound?: string }
  /** `amount`: what it would add. */
  | { readonly kind: 'quota'; readonly row: QuotaRow; readonly amount: number }
  | { readonly kind: 'cannotMove'; readonly reason: string };

/** `fromQueue`: its node is the best of the queue, which has to be told when it stays there. */
export type Outcome =
  | { readonly kind: 'placed'; readonly draft: Draft; readonly fromQueue: boolean }
  | { readonly kind: 'failed'; readonly failure: Failure };

/** Charged, or why it was not. */
export type Settled = Draft | Failure;

export const isPlaced = (settled: Settled): settled is Draft => 'action' in settled;

export interface Attempt {
  readonly order: 'create-first' | 'stop-first';
  /** Opened when first needed: most instances stay where they are. */
  readonly queue: () => NodeQueue;
  /** What earlier waves of the unit have freed; absent where nothing of that is used. */
  readonly account: Account | undefined;
  /** Appended to the reason. */
  readonly note: string;
}

/** Places one instance and charges it: in place, then on its own node, then on the best other one. */
export function placeOne(context: Context, state: UnitState, want: Want, attempt: Attempt): Outcome {
  const { intent } = state;
  const stay = stayingNode(context, state, want);
  const settled = stay === undefined ? undefined : tryStay(context, state, want, { attempt, node: stay });
  if (settled !== undefined && isPlaced(settled)) return { kind: 'placed', draft: settled, fromQueue: false };
  const bound = boundTo(intent, want);
  if (bound !== undefined && want.current !== undefined) {
    if (settled === undefined) return failed({ kind: 'cannotMove', reason: bound });
    return failed(settled.kind === 'capacity' ? { kind: 'capacity', bound } : settled);
  }
  if (want.onlyNode === undefined) return tryElsewhere(context, state, want, attempt);
  const there = isApart(context, intent, want.onlyNode)
    ? placeOn(context, state, want, { attempt, node: want.onlyNode })
    : noRoom;
  return isPlaced(there) ? { kind: 'placed', draft: there, fromQueue: false } : failed(there);
}

/** As far from others, and as near, as it has to be. */
export const isApart = ({ affinity }: Context, { definition }: Intent, node: ClusterNode): boolean =>
  !affinity.concerns(definition) || affinity.whyNot(definition, node) === undefined;

const failed = (failure: Failure): Outcome => ({ kind: 'failed', failure });

const noRoom: Failure = { kind: 'capacity' };

/** Set when the instance may be nowhere else. */
export function boundTo({ definition }: Intent, want: Pick<Want, 'current' | 'onlyNode'>): string | undefined {
  if (definition.type === 'daemon') return `it is the daemon of ${want.onlyNode?.name ?? 'its node'}`;
  if (definition.type === 'static') return 'it is static and never moves';
  const hasData = want.current?.allocation.holds.volumes !== undefined;
  if (!hasData) return undefined;
  if (definition.type === 'stateful') return 'its volumes are on that node';
  return definition.replicas === 1 ? 'it is the only one, and its volumes are on that node' : undefined;
}

function stayingNode(context: Context, { intent, spread }: UnitState, want: Want): ClusterNode | undefined {
  const { definition, target } = intent;
  const node = want.current?.node;
  if (node === undefined || want.mustLeave !== undefined || node.draining) return undefined;
  const { engine } = target.revision;
  const allowed =
    isReachable(node, engine) &&
    // What was stopped for a while did not count where it is.
    (want.current?.status !== 'held' || (spread.allows(node) && isApart(context, intent, node))) &&
    whyMisplaced(node, definition.placement, engine) === undefined &&
    whyTainted(node, definition.placement) === undefined;
  return allowed ? node : undefined;
}

function tryStay(
  context: Context,
  state: UnitState,
  want: Want,
  { attempt, node }: { readonly attempt: Attempt; readonly node: ClusterNode },
): Settled {
  const { current } = want;
  if (current === undefined || whyNotOffered(node, state.intent.target.revision) !== undefined) return noRoom;
  const { account } = attempt;
  if (isInPlace(state.intent, want)) {
    const update = settle(context, state, want, {
      node,
      account,
      chained: true,
      kind: 'update',
      order: 'in-place',
      note: '',
    });
    if (isPlaced(update)) return update;
  }
  const object = objectOf(current);
  const both = attempt.order === 'create-first' && object === 'running';
  return settle(context, state, want, {
    node,
    account,
    chained: !both,
    kind: object === 'gone' ? 'create' : 'replace',
    order: both ? 'create-first' : 'stop-first',
    note: attempt.note,
  });
}

/** Everything that changed can be changed while it runs. */
function isInPlace({ target }: Intent, { current, changes, cause }: Want): boolean {
  if (current === undefined || objectOf(current) !== 'running' || current.status === 'unhealthy') return false;
  if (changes.length === 0 && current.allocation.revision === target.hash) return false;
  if (changes.length === 0 && cause === 'new') return false;
  const worst = worstClass(changes);
  return worst === 'none' || worst === 'live';
}

function tryElsewhere(context: Context, state: UnitState, want: Want, attempt: Attempt): Outcome {
  const queue = attempt.queue();
  let full: Failure | undefined;
  // Every turn that does not place drops a node: bounded by the number of candidates.
  for (let best = queue.best(); best !== undefined; best = queue.best()) {
    const node = context.cluster.nodes[best] as ClusterNode;
    // An instance that has to leave may come back to its own node only where that is not why it leaves.
    const leaves = want.current?.node === node && want.mustLeave !== undefined;
    if (leaves || !isApart(context, state.intent, node)) {
      queue.drop();
      continue;
    }
    const settled = placeOn(context, state, want, { attempt, node });
    if (isPlaced(settled)) return { kind: 'placed', draft: settled, fromQueue: true };
    if (settled.kind === 'quota') full = settled;
    queue.drop();
  }
  return failed(full ?? noRoom);
}

/** A new object on a node, beside or instead of the one that is there. */
export function placeOn(
  context: Context,
  state: UnitState,
  want: Want,
  { attempt, node }: { readonly attempt: Omit<Attempt, 'queue'>; readonly node: ClusterNode },
): Settled {
  const { current } = want;
  const object = current === undefined ? undefined : objectOf(current);
  const stops = object === 'running';
  return settle(context, state, want, {
    node,
    account: attempt.account,
    chained: current !== undefined && (attempt.order === 'stop-first' || !stops),
    kind: current === undefined ? 'create' : current.node === node ? 'replace' : 'move',
    order: stops ? attempt.order : object === 'dead' ? 'stop-first' : 'create-first',
    note: attempt.note,
  });
}

/** Charges the choice if it fits in every respect. */
function settle(context: Context, state: UnitState, want: Want, choice: Choice): Settled {
  const { ledger, quotas } = context;
  const { node, account, chained } = choice;
  const { ask, intent } = state;
  const { current } = want;
  if (current === undefined && !ask.isOpen && (account === undefined || account.credit.size === 0))
    return settleNew(context, state, want, choice);
  const held = current === undefined ? undefined : chargedHolds(current.allocation);
  const mark = markOf(ledger.undo);
  const freed = held === undefined ? undefined : freedBy(context, want, { held, kind: choice.kind });
  const freedHere = chained && current?.node === node ? freed : undefined;
  const predecessor =
    chained && held !== undefined && current !== undefined ? { holds: held, node: current.node } : undefined;
  const holds = withPieces(context, state, node, predecessor);
  if (holds === undefined) return noRoom;
  const amounts = ask.isOpen ? holdsVector(ledger, holds) : ask.amounts;
  const need = needOf(ledger, account, { node: node.index, amounts, freed: freedHere });
  if (need === undefined) return undone(context, mark, noRoom);
  const quota = quotaOf(context, intent, want, { choice, holds, held });
  const over = exceeded(quota.need);
  if (over !== undefined) return undone(context, mark, { kind: 'quota', ...over });
  chargeUnit(ledger, account, { node: node.index, amounts, freed: freedHere, need });
  chargeUnitQuota(quotas, account, quota);
  if (account !== undefined && current !== undefined && freed !== undefined && freedHere === undefined) {
    addPending(ledger, account, current.node.index, freed);
  }
  if (account !== undefined) addQuotaPending(quotas, account, quota.freedLater);
  const charged = { amounts: need, quota: quota.need };
  return draftOf(state, want, choice, { holds, charged });
}

/** As `settle`, for what takes nothing's place: its instances share all that can be shared. */
function settleNew(context: Context, state: UnitState, want: Want, choice: Choice): Settled {
  const { ledger, quotas } = context;
  const { node } = choice;
  const { ask } = state;
  const { amounts } = ask;
  if (!fits(ledger, node.index, amounts)) return noRoom;
  const pod = node.definition?.pod;
  let charged = state.charges.get(pod);
  if (charged === undefined) {
    charged = {
      amounts,
      quota: quotaDemand(quotas, scopeOf(state.intent, node), { holds: ask.quotaHolds, instances: 1 }),
    };
    state.charges.set(pod, charged);
  }
  const over = exceeded(charged.quota);
  if (over !== undefined) return { kind: 'quota', ...over };
  const holds = withPieces(context, state, node, undefined);
  if (holds === undefined) return noRoom;
  charge(ledger, node.index, amounts);
  chargeQuota(quotas, charged.quota);
  return draftOf(state, want, choice, { holds, charged });
}

function undone(context: Context, mark: number, failure: Failure): Failure {
  undoTo(context.ledger.undo, mark);
  return failure;
}

/** What the instance will hold; instances without pieces share it. */
function withPieces(
  context: Context,
  { ask }: UnitState,
  node: ClusterNode,
  predecessor: Predecessor | undefined,
): Holds | undefined {
  if (ask.pieces.length === 0) return ask.holds;
  const pieces = context.pieces.take(ask, node, predecessor);
  return pieces === undefined ? undefined : ask.holdsWith(pieces);
}

/** An update in place gives everything back; a stop all but disk space, while something is left on the engine. */
function freedBy(
  { ledger }: Context,
  { current }: Want,
  { held, kind }: { readonly held: Holds; readonly kind: StepKind },
): Vector | undefined {
  if (current === undefined || current.status === 'lost') return undefined;
  return freedVector(ledger, held, kind === 'update' ? 'gone' : objectOf(current));
}

interface QuotaOf {
  /** What the new one counts for, less what the old one frees at once. */
  readonly demand: readonly QuotaCharge[];
  /** Of that, what earlier waves have not freed. */
  readonly need: readonly QuotaCharge[];
  readonly freedLater: readonly QuotaCharge[];
}

function quotaOf(
  context: Context,
  intent: Intent,
  { current }: Want,
  { choice, holds, held }: { readonly choice: Choice; readonly holds: Holds; readonly held: Holds | undefined },
): QuotaOf {
  const { quotas } = context;
  if (quotas.rows.length === 0) return noQuota;
  const scope = scopeOf(intent, choice.node);
  if (current === undefined || held === undefined || current.allocation.state === 'lost') {
    const demand = quotaDemand(quotas, scope, { holds, instances: 1 });
    return { demand, need: quotaNeed(choice.account, demand), freedLater: [] };
  }
  const takesOver = choice.chained && choice.node === current.node;
  const disk = moreDisk(holds, takesOver ? held : undefined, {
    own: choice.kind === 'update' || (choice.chained && objectOf(current) === 'gone'),
  });
  const wanted = quotaDemand(quotas, scope, { holds: withDisk(holds, disk), instances: 1 });
  // Disk space is not given back before the old object is deleted, after the unit's end.
  const { instances } = demandOf(current.allocation);
  const freed = quotaDemand(quotas, scopeOf(intent, current.node), {
    holds: withDisk(held, 0),
    instances,
  });
  const demand = choice.chained ? quotaBeyond(wanted, freed) : wanted;
  const need = quotaNeed(choice.account, demand);
  // Without an account nothing is kept for later.
  if (choice.account === undefined) return { demand, need, freedLater: [] };
  return { demand, need, freedLater: choice.chained ? quotaBeyond(freed, wanted) : freed };
}

const noQuota: QuotaOf = { demand: [], need: [], freedLater: [] };

const scopeOf = ({ definition }: Intent, node: ClusterNode): QuotaScope => ({
  namespace: definition.namespace,
  pod: node.definition?.pod,
});

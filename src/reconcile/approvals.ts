import type { Desired } from '../model/desired.ts';
import type { PlanId, UnitId } from '../model/ids.ts';
import { unitOf } from '../model/ids.ts';
import { formatInstant } from '../model/instant.ts';
import type { Plan } from '../model/plan.ts';
import type { Recorded } from '../model/recorded.ts';
import { type ApprovalDemand, approvalDemands, demandText } from '../plan/approvals.ts';
import { keys, prefixes } from '../store/keys.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import { commit, type JournalContext } from './journal.ts';

/** Somebody has looked at a plan and agrees to it, and to no other. */
export interface Approval {
  readonly plan: PlanId;
  /** `user@host` */
  readonly actor: string;
  readonly reason?: string;
  /** Unix ms */
  readonly at: number;
}

/** One of each user for a plan: the same person at another desk is no second one. */
export async function putApproval(store: Store, approval: Approval): Promise<void> {
  await store.txn({
    compares: [],
    operations: [{ kind: 'put', key: keys.approval(approval.plan, userOf(approval)), value: JSON.stringify(approval) }],
  });
}

const userOf = ({ actor }: Approval): string => actor.split('@')[0] || actor;

/** Oldest first. */
export async function readApprovals(store: Store, plan: PlanId): Promise<readonly Approval[]> {
  const { entries } = await store.range(prefixes.approvalsOf(plan));
  return entries.map(({ value }) => JSON.parse(value) as Approval).sort((a, b) => a.at - b.at);
}

/** A demand and who has met it so far. */
export interface ApprovalState extends ApprovalDemand {
  /** That have not expired. */
  readonly given: readonly Approval[];
  readonly isMet: boolean;
}

/** Every demand that the policies of now make on a plan, with what has been given for it. */
export async function approvalStates(
  store: Store,
  plan: Plan,
  world: { readonly desired: Desired; readonly recorded: Recorded; readonly now: number },
): Promise<readonly ApprovalState[]> {
  const { desired, recorded, now } = world;
  const demands = approvalDemands(plan, { policies: desired.policies, revisions: recorded.revisions });
  if (demands.length === 0) return [];
  const approvals = await readApprovals(store, plan.id);
  return demands.map((demand) => {
    const given = approvals.filter(({ at }) => at + demand.expiresMs > now);
    return { ...demand, given, isMet: given.length >= demand.approvers };
  });
}

/** Units that may not begin yet. */
export const unapproved = (states: readonly ApprovalState[]): ReadonlySet<UnitId> =>
  new Set(states.filter(({ isMet }) => !isMet).flatMap(({ units }) => [...units.keys()].map(unitOf)));

/** `… ; 1 of 2: alice@build-7 (2026-11-21T…)` */
export function approvalText(state: ApprovalState): string {
  const by = state.given.map(({ actor, at }) => `${actor} (${formatInstant(at)})`).join(', ');
  return `${demandText(state)}; ${state.given.length} of ${state.approvers} given${by === '' ? '' : `: ${by}`}`;
}

/** How long an approval stays to be looked at. */
const approvalStaysMs = 7 * 24 * 3_600_000;

/** Forgets approvals of long ago: their plans have expired. */
export async function forgetApprovals(context: Pick<JournalContext, 'store' | 'leadership' | 'clock'>): Promise<void> {
  const { entries } = await context.store.range(prefixes.approvals);
  const operations = entries
    .filter(({ value }) => (JSON.parse(value) as Approval).at + approvalStaysMs < context.clock.now())
    .map(({ key }): Operation => ({ kind: 'delete', key }));
  for (let offset = 0; offset < operations.length; offset += maxOperations)
    await commit(context, operations.slice(offset, offset + maxOperations));
}

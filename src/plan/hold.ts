import type { DesiredWorkload } from '../model/desired.ts';
import type { TransactionId } from '../model/ids.ts';
import { transactionsOf } from '../model/transactions.ts';
import type { Context } from './context.ts';
import { newCount } from './decide.ts';
import { type Held, type HeldTransactions, isPending } from './held.ts';
import type { Planned } from './units.ts';
import { reaches, togetherOf, type Waits } from './waits.ts';

/**
 * Transactions that bring new revisions to some of their workloads and cannot to all that git asks it of: they have to be
 * planned anew, with all of them on their last good ones.
 */
export function heldBy(context: Context, planned: Planned): HeldTransactions {
  const found = new Map<TransactionId, Held>();
  const transactions = transactionsOf(context.inputs.desired.workloads);
  if (transactions.size === 0) return found;
  const units = new Map(planned.units.map((unit) => [unit.workload, unit]));
  const waits: Waits = {
    after: new Map(planned.units.map(({ workload, after }) => [workload, new Set(after)])),
    together: togetherOf(planned.units),
  };
  for (const [transaction, members] of transactions) {
    if (context.held.has(transaction)) continue;
    const pending = members.filter((member) => isPending(context.inputs, member));
    const brought = pending.filter(({ id }) => units.get(id)?.brings === true);
    if (brought.length === 0) continue;
    const held =
      first(pending, (member) => whyNot(context, planned, { member, isBrought: brought.includes(member) })) ??
      first(brought, (member) => whyInCircle(waits, member));
    if (held !== undefined) found.set(transaction, held);
  }
  return found;
}

function first<From, To>(list: readonly From[], of: (one: From) => To | undefined): To | undefined {
  for (const one of list) {
    const found = of(one);
    if (found !== undefined) return found;
  }
  return undefined;
}

function whyNot(
  context: Context,
  { placed, refused }: Planned,
  of: { readonly member: DesiredWorkload; readonly isBrought: boolean },
): Held | undefined {
  const { member, isBrought } = of;
  const { id } = member;
  const waits = (why: string): Held => ({ kind: 'waits', by: id, why, refusals: [] });
  const leader = context.waiting.get(id);
  if (leader !== undefined) return waits(`comes after ${leader}, whose turn has not come yet`);
  const refusals = context.notes.refusals.filter(({ subject }) => subject === id);
  if (refused.has(id) || refusals.length > 0) return { kind: 'refused', by: id, why: 'is refused', refusals };
  if (isBrought) return undefined;
  const intent = placed.get(id)?.intent;
  if (intent !== undefined && intent.rollout.length + newCount(intent) > 0)
    return waits('cannot be changed while so many of its instances are unavailable');
  const isBehind = (context.compiled.instances.get(id) ?? []).some(
    ({ allocation, ordinal }) =>
      allocation.revision !== member.revisionHash && (member.type === 'daemon' || ordinal < member.replicas),
  );
  return isBehind ? waits('has instances on nodes where nothing can be changed now') : undefined;
}

/** Nothing of git's own `after`, which is checked when it is read: of evictions and drains. */
function whyInCircle(waits: Waits, { id, replicas }: DesiredWorkload): Held | undefined {
  const leader = [...(waits.after.get(id) ?? [])].find((before) => reaches(waits, before, id));
  if (leader === undefined) return undefined;
  const message = `${id} is not changed: it would wait for ${leader} to make room for it, and that for the end of their transaction`;
  const refusal = { code: 'MUS4009', subject: id, instances: replicas, message, byReason: {} };
  return { kind: 'refused', by: id, why: 'is refused', refusals: [refusal] };
}

import type { DesiredWorkload } from '../model/desired.ts';
import type { TransactionId, WorkloadId } from '../model/ids.ts';
import type { Refusal } from '../model/plan.ts';
import { coveringTargets } from '../model/recorded.ts';
import { transactionsOf } from '../model/transactions.ts';
import type { Context } from './context.ts';
import type { PlanInputs } from './inputs.ts';

/**
 * Why workloads of a transaction stay on their last good revisions. `kept`: one of them is, by a failure or a pin ·
 * `waits`: one cannot be changed now · `refused`: what git asks of one cannot be done
 */
export interface Held {
  readonly kind: 'kept' | 'waits' | 'refused';
  readonly by: WorkloadId;
  /** What follows its name in a sentence. */
  readonly why: string;
  /** What was said of it when it was planned on what git asks for. */
  readonly refusals: readonly Refusal[];
}

export type HeldTransactions = ReadonlyMap<TransactionId, Held>;

/** What the records say already; the rest only shows once all is placed (`heldBy`). */
export function heldAtFirst(inputs: PlanInputs): HeldTransactions {
  const held = new Map<TransactionId, Held>();
  const transactions = transactionsOf(inputs.desired.workloads);
  if (transactions.size === 0) return held;
  const busy = new Map(inputs.recorded.inFlight.map(({ unit, status }) => [unit as string, status]));
  for (const [transaction, members] of transactions) {
    for (const member of members) {
      const one = keptBack(inputs, member) ?? frozen(inputs, busy, member);
      if (one === undefined) continue;
      held.set(transaction, { ...one, by: member.id, refusals: [] });
      break;
    }
  }
  return held;
}

/** Git asks for another revision than the last good one. */
export const isPending = ({ recorded }: Pick<PlanInputs, 'recorded'>, { id, revisionHash }: DesiredWorkload): boolean =>
  recorded.workloads.get(id)?.lastGood !== revisionHash;

function keptBack(
  { recorded, now }: PlanInputs,
  { id, revisionHash }: DesiredWorkload,
): Pick<Held, 'kind' | 'why'> | undefined {
  const pin = recorded.overrides.find(({ kind, target, until }) => kind === 'pin' && target === id && until > now);
  if (pin?.revision !== undefined && pin.revision !== revisionHash && recorded.revisions.has(pin.revision))
    return {
      kind: 'kept',
      why: `is kept on its own: it is pinned to ${pin.revision}; \`muster retry ${id}\` goes back to what git declares`,
    };
  const failed = recorded.workloads.get(id)?.failed.find(({ revision }) => revision === revisionHash);
  if (failed === undefined) return undefined;
  return {
    kind: 'kept',
    why: `is kept on its own: ${revisionHash} failed before; commit a mended one, or run \`muster retry ${id}\``,
  };
}

/** While a unit of one is under way the others wait: what it makes good, or takes back, they would have to go along with. */
function frozen(
  inputs: PlanInputs,
  busy: ReadonlyMap<string, string>,
  member: DesiredWorkload,
): Pick<Held, 'kind' | 'why'> | undefined {
  const { id } = member;
  const status = busy.get(id);
  if (status !== undefined)
    return { kind: 'waits', why: `is left alone: its unit is ${status} (muster unit show ${id})` };
  if (!isPending(inputs, member)) return undefined;
  const targets: readonly string[] = coveringTargets(id);
  const freeze = inputs.recorded.overrides.find(
    ({ kind, target, until }) => kind === 'freeze' && until > inputs.now && targets.includes(target),
  );
  return freeze === undefined ? undefined : { kind: 'waits', why: `is frozen by ${freeze.actor} (${freeze.reason})` };
}

/** Not by its own failure or pin: another workload of its transaction keeps it from what git asks for. */
export const isHeld = ({ inputs, held }: Context, definition: DesiredWorkload): boolean =>
  definition.transaction !== undefined && held.has(definition.transaction) && isPending(inputs, definition);

/** Tells of each transaction that is held why those are not changed that git asks to change. */
export function noteHeld(context: Context): void {
  const { inputs, held, notes } = context;
  for (const [transaction, members] of held.size === 0 ? [] : transactionsOf(inputs.desired.workloads)) {
    const why = held.get(transaction);
    if (why === undefined) continue;
    for (const refusal of why.refusals) {
      const isSaid = notes.refusals.some(({ code, subject }) => code === refusal.code && subject === refusal.subject);
      if (!isSaid) notes.refuse(refusal);
    }
    for (const member of members) {
      if (member.id !== why.by && isHeld(context, member) && keptBack(inputs, member) === undefined)
        note(context, { member, transaction, why });
    }
  }
}

function note(
  { notes }: Context,
  of: { readonly member: DesiredWorkload; readonly transaction: TransactionId; readonly why: Held },
): void {
  const { member, transaction, why } = of;
  const { id } = member;
  const because = `${why.by}, which it changes together with (transaction ${transaction}), ${why.why}`;
  switch (why.kind) {
    case 'kept':
      notes.warn('MUS5005', id, `${id} stays on its last good revision: ${because}`);
      return;
    case 'waits':
      notes.warn('MUS5010', id, `${id} waits: ${because}`);
      return;
    case 'refused':
      notes.refuse({
        code: 'MUS4009',
        subject: id,
        instances: member.replicas,
        message: `${id} is not changed: ${because}`,
        byReason: {},
      });
      return;
  }
}

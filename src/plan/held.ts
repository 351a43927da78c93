import type { DesiredWorkload } from '../model/desired.ts';
import type { TransactionId, WorkloadId } from '../model/ids.ts';
import type { Refusal } from '../model/plan.ts';
import { coveringTargets } from '../model/recorded.ts';
import { transactionsOf } from '../model/transactions.ts';
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

export function keptBack(
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

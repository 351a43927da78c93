import type { DesiredWorkload } from '../model/desired.ts';
import type { TransactionId } from '../model/ids.ts';
import { transactionsOf } from '../model/transactions.ts';
import type { Context } from './context.ts';
import { type Held, isPending, keptBack } from './held.ts';

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

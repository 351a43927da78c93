import type { Context } from '../context.ts';
import type { Want } from '../decide.ts';
import type { QuotaRow } from '../quota.ts';
import { boundRefusal, capacityRefusal, quotaRefusal } from '../refuse.ts';
import type { Failure } from './place-one.ts';
import type { UnitState } from './unit-state.ts';

export interface Failed {
  readonly want: Want;
  readonly failure: Failure;
}

/** Says what of a workload could not be placed, and why its nodes cannot be drained then. */
export function report(context: Context, state: UnitState, failures: readonly Failed[], of: number): void {
  const { intent } = state;
  const rows = new Map<QuotaRow, { readonly failed: number; readonly amount: number }>();
  for (const { want, failure } of failures) {
    if (want.current?.node.draining === true)
      context.blockDrain(want.current.node, want.instance, blockReason(failure));
    if (failure.kind === 'quota') {
      const { failed, amount } = rows.get(failure.row) ?? { failed: 0, amount: 0 };
      rows.set(failure.row, { failed: failed + 1, amount: amount + failure.amount });
    }
    // Of a node that is drained the goal says it.
    if (failure.kind === 'cannotMove' && want.current?.node.draining !== true) {
      const why = want.mustLeave === undefined ? '' : `${want.mustLeave}, but `;
      context.notes.warn('MUS5010', intent.workload.id, `${want.instance} stays as it is: ${why}${failure.reason}`);
    }
  }
  for (const [row, over] of rows) context.notes.refuse(quotaRefusal(intent, row, { ...over, of }));
  const bound = failures.flatMap(({ want: { current }, failure }) =>
    failure.kind === 'capacity' && failure.bound !== undefined && current !== undefined
      ? [{ instance: current, why: failure.bound }]
      : [],
  );
  if (bound.length > 0) context.notes.refuse(boundRefusal(context, state, { bound, of }));
  const short = failures.filter(({ failure }) => failure.kind === 'capacity' && failure.bound === undefined);
  if (short.length === 0) return;
  const leaves = new Set(
    short.flatMap(({ want: { current, mustLeave } }) =>
      current === undefined || mustLeave === undefined ? [] : [current.node.index],
    ),
  );
  context.notes.refuse(capacityRefusal(context, state, { failed: short.length, of, leaves }));
}

function blockReason(failure: Failure): string {
  switch (failure.kind) {
    case 'capacity':
      return 'no other node can take it: see what is refused';
    case 'quota':
      return `quota ${failure.row.name} leaves no room to move it: raise it, or let the old one stop first (update.order)`;
    case 'cannotMove':
      return `${failure.reason}: remove it or bring the node back online`;
  }
}

export function reportWaiting(context: Context, { intent, budget }: UnitState, left: readonly Want[]): void {
  if (left.length === 0) return;
  const { id } = intent.workload;
  for (const { current, instance } of left) {
    if (current?.node.draining === true)
      context.blockDrain(
        current.node,
        instance,
        'too many others of the workload are unavailable: the drain goes on when they are back',
      );
  }
  const down = Math.max(0, budget.base - budget.available);
  context.notes.warn(
    'MUS5010',
    id,
    `${id}: ${left.length} ${left.length === 1 ? 'step waits' : 'steps wait'}: ${down} of ${budget.base} instances ${down === 1 ? 'is' : 'are'} unavailable, ` +
      `and at most ${budget.maxUnavailable} may be`,
  );
}

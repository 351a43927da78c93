import type { DesiredWorkload } from './desired.ts';
import type { TransactionId } from './ids.ts';

/**
 * Most workloads of one transaction. They are committed in one transaction of the store, of three records each, and that
 * takes a hundred operations.
 */
export const mostMembers = 32;

/** Who changes together, each by id; a name that only one workload has ties nobody. */
export type Transactions = ReadonlyMap<TransactionId, readonly DesiredWorkload[]>;

/** Worked out once for each list of workloads: lists do not change, and several stages of a plan ask. */
export function transactionsOf(workloads: readonly DesiredWorkload[]): Transactions {
  const known = tables.get(workloads);
  if (known !== undefined) return known;
  const named = new Map<TransactionId, DesiredWorkload[]>();
  for (const workload of workloads) {
    if (workload.transaction === undefined) continue;
    const list = named.get(workload.transaction);
    if (list === undefined) named.set(workload.transaction, [workload]);
    else list.push(workload);
  }
  const table = new Map(
    [...named]
      .filter(([, members]) => members.length > 1)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([id, members]) => [id, members.sort((a, b) => (a.id < b.id ? -1 : 1))] as const),
  );
  tables.set(workloads, table);
  return table;
}

const tables = new WeakMap<readonly DesiredWorkload[], Transactions>();

/** The others of its transaction; none where it changes by itself. */
export const siblingsOf = (
  transactions: Transactions,
  { id, transaction }: Pick<DesiredWorkload, 'id' | 'transaction'>,
): readonly DesiredWorkload[] =>
  transaction === undefined ? [] : (transactions.get(transaction) ?? []).filter((other) => other.id !== id);

import type { TransactionId, WorkloadId } from '../model/ids.ts';

/** Who waits for whom: a workload for those that it comes after, and for those that the ones of its transaction come after. */
export interface Waits {
  readonly after: ReadonlyMap<WorkloadId, ReadonlySet<WorkloadId>>;
  /** Workloads that commit together, by each of them; absent for one that commits by itself. */
  readonly together: ReadonlyMap<WorkloadId, readonly WorkloadId[]>;
}

export function togetherOf(
  units: readonly { readonly workload: WorkloadId; readonly transaction?: TransactionId }[],
): Waits['together'] {
  const groups = new Map<TransactionId, WorkloadId[]>();
  const together = new Map<WorkloadId, readonly WorkloadId[]>();
  for (const { workload, transaction } of units) {
    if (transaction === undefined) continue;
    const group = groups.get(transaction) ?? [];
    groups.set(transaction, group);
    group.push(workload);
    together.set(workload, group);
  }
  return together;
}

/** True when `from` waits, directly or not, for `to`, or for what commits together with it; also when these two do. */
export function reaches({ after, together }: Waits, from: WorkloadId, to: WorkloadId): boolean {
  const groupOf = (id: WorkloadId): readonly WorkloadId[] => together.get(id) ?? [id];
  const ends = new Set(groupOf(to));
  const stack: WorkloadId[] = [...groupOf(from)];
  const seen = new Set<WorkloadId>(stack);
  for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
    if (ends.has(at)) return true;
    for (const next of [...(after.get(at) ?? [])].flatMap(groupOf)) {
      if (seen.has(next)) continue;
      seen.add(next);
      stack.push(next);
    }
  }
  return false;
}

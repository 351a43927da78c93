import type { Desired, DesiredWorkload } from '../model/desired.ts';
import type { InstanceId, WorkloadId } from '../model/ids.ts';
import type { Observed } from '../model/observed.ts';
import type { Cause } from '../model/plan.ts';
import type { Recorded } from '../model/recorded.ts';

/** Everything that planning depends on. The same inputs give the same bytes. */
export interface PlanInputs {
  readonly desired: Desired;
  readonly recorded: Recorded;
  readonly observed: Observed;
  /** Unix ms */
  readonly now: number;
  /** How long the plan may be applied, from `now`. */
  readonly expiresAfterMs: number;
  /** JSON pointers into a revision that each engine changes in place; `*` in one is any one key. */
  readonly liveFields: Readonly<Record<string, readonly string[]>>;
  /** Instances that are to be somewhere else, and why; absent: none but those that have to. */
  readonly relocate?: ReadonlyMap<InstanceId, { readonly cause: Cause; readonly reason: string }>;
}

/** Workloads by id, for lookups. */
export function workloadsById({ workloads }: Desired): ReadonlyMap<WorkloadId, DesiredWorkload> {
  const known = workloadTables.get(workloads);
  if (known !== undefined) return known;
  const table = new Map(workloads.map((workload) => [workload.id, workload]));
  workloadTables.set(workloads, table);
  return table;
}

/** Lists do not change, and several stages of a plan look things up in the same one. */
const workloadTables = new WeakMap<readonly DesiredWorkload[], ReadonlyMap<WorkloadId, DesiredWorkload>>();

import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { WorkloadId } from '../model/ids.ts';
import type { Observed } from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { encodeWorkload, loadRecorded } from '../store/recorded.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { commit } from './journal.ts';
import { observeWorld } from './observe.ts';

/** A look at the world: what is recorded, what the engines report. */
export async function look(options: {
  readonly desired: Desired;
  readonly store: Store;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}): Promise<{ readonly recorded: Recorded; readonly observed: Observed }> {
  const { desired, store, engines, clock, signal } = options;
  const recorded = await loadRecorded(store);
  const observed = await observeWorld({ desired, recorded, engines, clock, probes: 'run', ...(signal && { signal }) });
  return { recorded, observed };
}

/**
 * Notes when a workload was first seen to have left git, and forgets it when it is back: `prune.stopAfter` counts from
 * here. Nothing is noted while a source cannot be read whole.
 */
export async function noteAbsences(
  context: { readonly store: Store; readonly leadership: Leadership; readonly clock: Clock },
  desired: Desired,
  recorded: Recorded,
): Promise<void> {
  if (desired.incompleteSources.length > 0) return;
  const declared = new Set<WorkloadId>(desired.workloads.map((workload) => workload.id));
  const operations: Operation[] = [];
  for (const [id, workload] of recorded.workloads) {
    const { missingSince, ...present } = workload;
    if (declared.has(id) === (missingSince === undefined)) continue;
    const next = declared.has(id) ? present : { ...present, missingSince: context.clock.now() };
    operations.push({ kind: 'put', key: keys.workload(id), value: encodeWorkload(next) });
  }
  for (let offset = 0; offset < operations.length; offset += maxOperations) {
    await commit(context, operations.slice(offset, offset + maxOperations));
  }
}

import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import { type WorkloadId, workloadOfUnit } from '../model/ids.ts';
import type { Observed } from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import { share } from '../model/share.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { encodeWorkload, openRecords } from '../store/recorded.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { type LiveRuns, withClaims } from './control.ts';
import { commit } from './journal.ts';
import { observeWorld } from './observe.ts';
import { openPatience } from './patience.ts';
import { withRefusedPorts } from './refused-ports.ts';

interface LookOptions {
  readonly desired: Desired;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** What this process has under way meanwhile. */
  readonly live?: LiveRuns;
}

interface Seen {
  readonly recorded: Recorded;
  readonly observed: Observed;
}

/** A look at the world: what is recorded, what the engines report. */
export const look = ({ store, ...options }: LookOptions & { readonly store: Store }): Promise<Seen> =>
  openLook(store)(options);

/** Looks again and again: what is as it was is the very same object, so that whoever keeps what follows from it can tell. */
export function openLook(store: Store): (options: LookOptions) => Promise<Seen> {
  const loadRecords = openRecords(store);
  const patience = openPatience();
  let last: Observed | undefined;
  return async ({ desired, engines, clock, signal, live }) => {
    const claims = live?.claims() ?? [];
    const recorded = withClaims(await loadRecords(), claims);
    const world = { desired, recorded, engines, clock, patience, ...(signal && { signal }) };
    const except = new Set<string>(claims.map(({ unit }) => unit));
    const seen = await observeWorld({ ...world, probes: 'run', except });
    const observed = withRefusedPorts(seen, recorded.overrides);
    last = last === undefined ? observed : shareObserved(last, observed);
    return { recorded, observed: last };
  };
}

/** When it was seen is no difference. */
function shareObserved(previous: Observed, next: Observed): Observed {
  const nodes = share(previous.nodes, next.nodes);
  const objects = share(previous.objects, next.objects);
  return nodes === previous.nodes && objects === previous.objects ? previous : { ...next, nodes, objects };
}

/**
 * Notes when a workload was first seen to have left git, and forgets it when it is back: `prune.stopAfter` counts from
 * here. Nothing is noted while a source cannot be read whole, nor of a workload whose unit is in flight: whoever carries
 * that out writes its record.
 */
export async function noteAbsences(
  context: { readonly store: Store; readonly leadership: Leadership; readonly clock: Clock },
  desired: Desired,
  recorded: Recorded,
): Promise<void> {
  if (desired.incompleteSources.length > 0) return;
  const declared = new Set<WorkloadId>(desired.workloads.map((workload) => workload.id));
  const inFlight = new Set<WorkloadId>(recorded.inFlight.map(({ unit }) => workloadOfUnit(unit)));
  const operations: Operation[] = [];
  for (const [id, workload] of recorded.workloads) {
    if (inFlight.has(id)) continue;
    const { missingSince, ...present } = workload;
    if (declared.has(id) === (missingSince === undefined)) continue;
    const next = declared.has(id) ? present : { ...present, missingSince: context.clock.now() };
    operations.push({ kind: 'put', key: keys.workload(id), value: encodeWorkload(next) });
  }
  for (let offset = 0; offset < operations.length; offset += maxOperations) {
    await commit(context, operations.slice(offset, offset + maxOperations));
  }
}

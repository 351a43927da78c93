import type { RunId } from '../model/ids.ts';
import type { Recorded } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import { type LeaderRecord, readLeader } from '../store/leader.ts';
import { loadRecorded } from '../store/recorded.ts';
import type { Store } from '../store/store.ts';
import { type HistoryEntry, type RunMeta, readHistory } from './history.ts';
import { type OpenUnits, readOpenUnits } from './journal.ts';
import { type Request, readRequests } from './requests.ts';

/** What is in flight, as the store alone tells it: no engine is asked, so that it can be read while they are down. */
export interface InFlight {
  readonly open: OpenUnits;
  /** Of every run that has an open unit. */
  readonly runs: ReadonlyMap<RunId, RunMeta>;
  readonly recorded: Recorded;
  readonly leader?: LeaderRecord;
  /** Finished runs, and what has ended so far of those that are not. Newest first. */
  readonly history: readonly HistoryEntry[];
  /** What operators have asked of the leader and it has not taken up yet. */
  readonly requests: readonly Request[];
}

export async function readInFlight(store: Store): Promise<InFlight> {
  const open = await readOpenUnits(store);
  const runs = new Map<RunId, RunMeta>();
  for (const run of new Set([...open.begun, ...open.waiting, ...open.newer].map(({ run }) => run))) {
    const meta = await store.get(keys.runMeta(run));
    if (meta !== undefined) runs.set(run, JSON.parse(meta.value) as RunMeta);
  }
  const { requests } = await readRequests(store);
  const leader = await readLeader(store);
  return {
    open,
    runs,
    recorded: await loadRecorded(store),
    ...(leader !== undefined && { leader }),
    history: await readHistory(store),
    requests: requests.filter(({ answer }) => answer === undefined),
  };
}

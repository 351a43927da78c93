import type { CommitSha, PlanId, RunId } from '../model/ids.ts';
import type { PlanSummary } from '../model/plan.ts';
import { keys, prefixes } from '../store/keys.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import { Halted } from './halt.ts';
import { commit, type JournalContext } from './journal.ts';
import type { RunOutcome, UnitResult } from './progress.ts';

/** Finished runs that `muster history` can show; older ones are pruned. */
const maxHistoryEntries = 200;

/** Stored when a run begins, so that whoever finishes it after a crash can still write its history. */
export interface RunMeta {
  readonly plan: PlanId;
  /** `user@host` or `muster run` */
  readonly actor: string;
  readonly startedAt: number;
  readonly commits: Readonly<Record<string, CommitSha | 'worktree'>>;
  readonly summary: PlanSummary;
}

/** One finished run, as `muster history` shows it. Stored under `history/<run id>`. */
export interface HistoryEntry extends RunMeta {
  readonly run: RunId;
  readonly endedAt: number;
  readonly units: readonly UnitResult[];
}

/** Newest first. */
export async function readHistory(store: Store): Promise<readonly HistoryEntry[]> {
  const { entries } = await store.range(prefixes.history);
  return entries.map(({ value }) => JSON.parse(value) as HistoryEntry).sort((a, b) => (a.run < b.run ? 1 : -1));
}

/**
 * Writes the run's history and drops its journal; a run with a unit that is not at an end keeps its records. Throws
 * `Halted` and `StoreError`: then the next run does it.
 */
export async function finishRun(context: JournalContext, meta: RunMeta, outcome: RunOutcome): Promise<void> {
  // Without the lease nothing could be written, and a store that is gone would be waited for.
  if (!context.leadership.isAlive()) throw new Halted('leaseLost', 'the leader lease was lost');
  const entry: HistoryEntry = { run: context.run, endedAt: outcome.endedAt, units: outcome.units, ...meta };
  const history: Operation = { kind: 'put', key: keys.history(context.run), value: JSON.stringify(entry) };
  const open = outcome.units.some(({ state }) => state === 'paused' || state === 'stuck');
  const obsolete = open ? [] : await keysBelow(context.store, prefixes.run(context.run));
  const old = (await keysBelow(context.store, prefixes.history)).slice(0, -maxHistoryEntries);
  const operations: readonly Operation[] = [
    history,
    ...[...obsolete, ...old].map((key): Operation => ({ kind: 'delete', key })),
  ];
  for (let offset = 0; offset < operations.length; offset += maxOperations) {
    await commit(context, operations.slice(offset, offset + maxOperations));
  }
}

async function keysBelow(store: Store, prefix: string): Promise<readonly string[]> {
  const { entries } = await store.range(prefix);
  return entries.map(({ key }) => key);
}

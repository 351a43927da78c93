import type { CommitSha, PlanId, RevisionHash, RunId, UnitId } from '../model/ids.ts';
import type { PlanSummary } from '../model/plan.ts';
import { keys, parseUnitStatusKey, prefixes } from '../store/keys.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import type { Approval } from './approvals.ts';
import { Halted } from './halt.ts';
import { commit, isClosed, type JournalContext, stateOf } from './journal.ts';
import type { RunOutcome, UnitResult } from './progress.ts';

/** Finished runs that `muster history` can show; older ones are pruned. */
const maxHistoryEntries = 200;

/** Stored when a run begins, so that whoever finishes it after a crash can still write its history. */
export interface RunMeta {
  /** Of its journal (`runFormat`); absent: the first one. */
  readonly format?: number;
  readonly plan: PlanId;
  /** `user@host` or `muster run` */
  readonly actor: string;
  readonly startedAt: number;
  readonly commits: Readonly<Record<string, CommitSha | 'worktree'>>;
  readonly summary: PlanSummary;
  /** Of each unit that brings a revision: the last good one before, absent for a new workload, and what it brings. Absent for runs of very many. */
  readonly revisions?: Readonly<Record<UnitId, { readonly from?: RevisionHash; readonly to: RevisionHash }>>;
  /** Who had agreed to the plan when it began; absent where nobody was asked. */
  readonly approvals?: readonly Pick<Approval, 'actor' | 'at' | 'reason'>[];
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
 * Writes the run's history and, once no unit of it is open, drops its journal. Units that an earlier part of the run ended
 * stay in the history. Throws `Halted` and `StoreError`: then the next run does it.
 */
export async function finishRun(context: JournalContext, meta: RunMeta, outcome: RunOutcome): Promise<void> {
  // Without the lease nothing could be written, and a store that is gone would be waited for.
  if (!context.leadership.isAlive()) throw new Halted('leaseLost', 'the leader lease was lost');
  const units = await withEarlier(context, outcome.units);
  const entry: HistoryEntry = { run: context.run, endedAt: outcome.endedAt, units, ...meta };
  const history: Operation = { kind: 'put', key: keys.history(context.run), value: JSON.stringify(entry) };
  const { entries } = await context.store.range(prefixes.run(context.run));
  const isOpen = entries.some(({ key, value }) => parseUnitStatusKey(key) !== undefined && !isClosed(stateOf(value)));
  const obsolete = isOpen ? [] : entries.map(({ key }) => key);
  const others = (await keysBelow(context.store, prefixes.history)).filter((key) => key !== history.key);
  const old = others.slice(0, 1 - maxHistoryEntries);
  const operations: readonly Operation[] = [
    history,
    ...[...obsolete, ...old].map((key): Operation => ({ kind: 'delete', key })),
  ];
  for (let offset = 0; offset < operations.length; offset += maxOperations) {
    await commit(context, operations.slice(offset, offset + maxOperations));
  }
}

/** What a unit ended with last, for every unit of the run that has ended so far. */
async function withEarlier(
  { store, run }: JournalContext,
  units: readonly UnitResult[],
): Promise<readonly UnitResult[]> {
  const written = await store.get(keys.history(run));
  if (written === undefined) return units;
  const earlier = (JSON.parse(written.value) as HistoryEntry).units;
  const results = new Map(earlier.map((result) => [result.unit, result]));
  for (const result of units) results.set(result.unit, result);
  return [...results.values()];
}

async function keysBelow(store: Store, prefix: string): Promise<readonly string[]> {
  const { entries } = await store.range(prefix);
  return entries.map(({ key }) => key);
}

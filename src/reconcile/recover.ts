import { planId, type RunId } from '../model/ids.ts';
import type { PlanSummary } from '../model/plan.ts';
import { keys, parseRunKey, prefixes } from '../store/keys.ts';
import { type ApplyDependencies, halting, openRun } from './apply.ts';
import { runUnit } from './executor.ts';
import { finishRun, type RunMeta } from './history.ts';
import { type FoundUnit, openJournal, readOpenUnits } from './journal.ts';
import type { UnitResult } from './progress.ts';
import type { RunContext } from './run-context.ts';

/**
 * Finishes or unwinds every unit that a crash, a lost lease or an interruption left behind; the first thing that any
 * process does that has become leader. A stuck unit is tried once more. Units go on side by side, as in their run.
 */
export async function recoverRuns(dependencies: ApplyDependencies): Promise<readonly UnitResult[]> {
  const open = await readOpenUnits(dependencies.store);
  const runs = new Map<RunId, FoundUnit[]>();
  for (const unit of open) runs.set(unit.run, [...(runs.get(unit.run) ?? []), unit]);
  const results: UnitResult[] = [];
  for (const [run, units] of runs) results.push(...(await recoverRun(dependencies, run, units)));
  await halting(
    () => dropFinishedRuns(dependencies, new Set(runs.keys())),
    () => undefined,
  );
  return results;
}

async function recoverRun(
  dependencies: ApplyDependencies,
  run: RunId,
  units: readonly FoundUnit[],
): Promise<readonly UnitResult[]> {
  const context = await openRun(dependencies, run, { resumedAt: dependencies.clock.monotonic() });
  const results = await Promise.all(units.map((unit) => recoverUnit(context, unit)));
  const meta = await readMeta(dependencies, run);
  const outcome = { run, units: results, startedAt: meta.startedAt, endedAt: dependencies.clock.now() };
  await halting(
    () => finishRun(context, meta, outcome),
    () => undefined,
  );
  return results;
}

async function recoverUnit(context: RunContext, found: FoundUnit): Promise<UnitResult> {
  const { record, ledger, next } = found;
  const { unit } = record;
  const backward = ledger.status.failure !== undefined;
  context.progress({ kind: 'recovering', run: found.run, unit, direction: backward ? 'unwind' : 'finish' });
  const result = await halting(
    async () => {
      const journal = openJournal(context, unit, { ledger, next });
      if (ledger.status.state === 'stuck') await journal.append([{ kind: 'retried' }]);
      return runUnit(context, record, journal);
    },
    (reason): UnitResult => ({ unit, state: 'paused', reason }),
  );
  context.progress({ kind: 'unitEnded', unit, result });
  return result;
}

async function readMeta(dependencies: ApplyDependencies, run: RunId): Promise<RunMeta> {
  const entry = await dependencies.store.get(keys.runMeta(run));
  if (entry !== undefined) return JSON.parse(entry.value) as RunMeta;
  // Written before any unit; absent only when somebody removed it by hand.
  return {
    plan: planId(''),
    actor: dependencies.actor,
    startedAt: dependencies.clock.now(),
    commits: {},
    summary: emptySummary,
  };
}

const emptySummary: PlanSummary = {
  create: 0,
  update: 0,
  replace: 0,
  move: 0,
  stop: 0,
  remove: 0,
  forget: 0,
  unchanged: 0,
};

/** A crash between a run's last unit and the removal of its journal leaves records that nothing needs any more. */
async function dropFinishedRuns(dependencies: ApplyDependencies, kept: ReadonlySet<RunId>): Promise<void> {
  const { entries } = await dependencies.store.range(prefixes.runs);
  const runs = new Set(entries.flatMap(({ key }) => parseRunKey(key) ?? []));
  for (const run of runs) {
    if (kept.has(run)) continue;
    const context = await openRun(dependencies, run);
    const meta = await readMeta(dependencies, run);
    await finishRun(context, meta, { run, units: [], startedAt: meta.startedAt, endedAt: dependencies.clock.now() });
  }
}

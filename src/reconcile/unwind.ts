import { EngineError } from '../engines/engine.ts';
import { present } from '../model/assert.ts';
import { type Effect, undoOf } from '../model/effects.ts';
import { runFailureCodes } from '../model/failure-codes.ts';
import { workloadOfUnit } from '../model/ids.ts';
import type { Step } from '../model/plan.ts';
import type { FailedRevision } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import { encodeWorkload } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import { awaitHealthy } from './gate.ts';
import { GateFailed } from './halt.ts';
import { outwaitLateCalls } from './late-calls.ts';
import { performUndo, recordLive } from './perform.ts';
import { refusedPort } from './refused-ports.ts';
import { leftText, messageOf, settleStep, type UnitRun } from './unit-run.ts';

/** Failed revisions that a workload remembers; older ones are forgotten. */
const maxFailedRevisions = 10;

/**
 * Takes back what a failed unit did, newest wave first, so that it retraces its own states: each of them fitted on the
 * way there. The old allocation serves again before the new one of the next wave is stopped. Ends as `undone`, or as
 * `stuck` when an engine refuses; a halt leaves it unwinding, for the next run.
 */
export async function unwind(run: UnitRun): Promise<void> {
  const { record, journal, effects } = run;
  const refusals: string[] = [];
  for (const wave of [...record.planned.waves].reverse()) {
    const results = await Promise.allSettled(
      wave.steps.map((id) => unwindStep(run, present(effects.steps.get(id), `step ${id}`))),
    );
    for (const result of results) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof EngineError)) throw result.reason;
      refusals.push(messageOf(result.reason));
    }
  }
  const failure = present(journal.status().failure, 'failure of an unwinding unit');
  if (refusals.length > 0) {
    const reason = `${failure.reason}; and could not be undone: ${refusals.join('; ')} [${runFailureCodes.stuck}]`;
    await journal.append([{ kind: 'ended', state: 'stuck', reason }], rememberFailure(run));
    return;
  }
  const left = leftText(run);
  const reason = left === undefined ? undefined : `${failure.reason}; ${left}`;
  await journal.append([{ kind: 'ended', state: 'undone', ...(reason && { reason }) }], rememberFailure(run));
}

async function unwindStep(run: UnitRun, step: Step): Promise<void> {
  const { journal, effects } = run;
  if (journal.isLeft(step.id)) return;
  // Committed by itself: it stays, and what it began to settle is finished.
  if (journal.isSettled(step.id)) return settleStep(run, step);
  for (const effect of [...(effects.bySteps.get(step.id) ?? [])].reverse()) {
    if (journal.reached(effect.key) === undefined) continue;
    // What did not serve before is not brought back: the next plan heals it.
    if (effect.kind === 'stop' && step.replaces?.object === 'dead') continue;
    const undo = undoOf(effect);
    if (undo !== undefined && journal.reached(undo.key) !== 'done') await undoEffect(run, { undo, step });
  }
}

async function undoEffect(run: UnitRun, of: { readonly undo: Effect; readonly step: Step }): Promise<void> {
  const { context, record, journal } = run;
  const { undo, step } = of;
  await outwaitLateCalls(run, undo);
  const startedAt = context.clock.now();
  await journal.append([{ kind: 'effectStarted', effect: undo.key }]);
  context.progress({ kind: 'effectStarted', unit: record.unit, effect: undo, undo: true });
  try {
    await bringBack(run, undo, step);
  } catch (error) {
    context.progress({ kind: 'effectFailed', unit: record.unit, effect: undo, undo: true, error: messageOf(error) });
    throw error;
  }
  context.progress({
    kind: 'effectDone',
    unit: record.unit,
    effect: undo,
    undo: true,
    tookMs: context.clock.now() - startedAt,
  });
}

/** What is not started again because of its automatic port is recorded as it was: the next plan makes it anew, with another port. */
async function bringBack(run: UnitRun, undo: Effect, step: Step): Promise<void> {
  const { context, journal } = run;
  try {
    const operations = await performUndo(run, undo, step);
    await journal.append([{ kind: 'effectDone', effect: undo.key }], operations);
    if (undo.kind === 'start') await untilServing(run, undo);
  } catch (error) {
    const refused = undo.kind === 'start' ? refusedPort(context, error) : undefined;
    if (refused === undefined) throw error;
    const done = journal.reached(undo.key) === 'done' ? [] : [{ kind: 'effectDone', effect: undo.key } as const];
    await journal.append(done, [...recordLive(context, undo), ...refused.operations]);
  }
}

/** The old allocation should serve before more is stopped; if it does not get healthy, going on is still the best there is. */
async function untilServing(run: UnitRun, undo: Effect): Promise<void> {
  const { context, record } = run;
  try {
    await awaitHealthy(context, undo, { deadlineMs: record.settings.healthyDeadlineMs, signal: context.hardStop });
  } catch (error) {
    if (!(error instanceof GateFailed)) throw error;
    context.progress({ kind: 'waiting', unit: record.unit, what: `rolled back, but ${error.message}` });
  }
}

/**
 * A revision that failed its gate, or that somebody cancelled, is not tried again by itself; engine, capacity and store
 * errors say nothing about it.
 */
export function rememberFailure({
  context,
  record,
  journal,
}: Pick<UnitRun, 'context' | 'record' | 'journal'>): readonly Operation[] {
  const { target } = record.settings;
  const { failure } = journal.status();
  const id = workloadOfUnit(record.unit);
  const workload = present(context.workloads.get(id), `workload ${id}`);
  const isVerdict = failure?.kind === 'gate' || failure?.kind === 'cancelled';
  if (!isVerdict || target === undefined || target === workload.lastGood) return [];
  const entry: FailedRevision = { revision: target, at: context.clock.now(), reason: failure.reason };
  const earlier = workload.failed.filter(({ revision }) => revision !== target);
  const next = { ...workload, failed: [...earlier, entry].slice(-maxFailedRevisions) };
  context.workloads.set(id, next);
  return [{ kind: 'put', key: keys.workload(id), value: encodeWorkload(next) }];
}

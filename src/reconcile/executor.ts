import { assertNever, present } from '../model/assert.ts';
import { type RevisionHash, workloadOfUnit } from '../model/ids.ts';
import type { Step, Wave } from '../model/plan.ts';
import type { RecordedWorkload } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import { encodeWorkload } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import { toldBy, toldText } from './control.ts';
import { observeWave, type Watched } from './gate.ts';
import { Cancelled, Halted, MemberFailed } from './halt.ts';
import { outwaitLateCalls } from './late-calls.ts';
import type { UnitResult } from './progress.ts';
import { noteRefusedPort } from './refused-ports.ts';
import { resultOf } from './result.ts';
import { commitsAlone } from './unit.ts';
import { failureOf, isDone, isReady, leftText, runEffect, settleStep, type UnitRun } from './unit-run.ts';
import { unwind } from './unwind.ts';

/**
 * Takes a unit from wherever its journal says it is to an end: forward wave by wave, then commit and settle; on failure
 * backward until undone or stuck. A fresh unit and one that a crash left behind take the same path. A unit that commits
 * together with others is left after its last gate (`isReady`): `group.ts` decides, and it is called again. Throws only
 * `Halted` (and bugs): the unit then stays as it is, for the next run.
 */
export async function runUnit(run: UnitRun): Promise<UnitResult> {
  const { journal, record } = run;
  // At most three passes: running → settling or unwinding → ended.
  for (;;) {
    const { state, paused } = journal.status();
    if (paused !== undefined) return resultOf(record.unit, journal.status());
    switch (state) {
      case 'running':
        await goForward(run);
        if (run.member !== undefined && isReady(run)) return resultOf(record.unit, journal.status());
        break;
      case 'settling':
        await settle(run);
        break;
      case 'unwinding':
        await unwind(run);
        break;
      case 'done':
      case 'undone':
      case 'stuck':
      case 'abandoned':
        return resultOf(record.unit, journal.status());
      default:
        assertNever(state);
    }
  }
}

/** All remaining waves, then the commit; a newer commit ends it between two of them; a failure or a cancellation turns the unit around, a pause leaves it where it is. */
async function goForward(run: UnitRun): Promise<void> {
  const { control } = run.context;
  try {
    for (const [number, wave] of run.record.planned.waves.entries()) {
      if (number < run.journal.status().wavesDone) continue;
      if (run.superseded.aborted && !wave.steps.some((id) => hasBegun(run, id))) {
        await run.journal.append([{ kind: 'superseded', by: String(run.superseded.reason) }]);
        return;
      }
      await runWave(run, number, wave);
    }
    const turned = whyTurned(run);
    if (turned !== undefined) throw turned;
  } catch (error) {
    // Also what halts for another reason meanwhile has been paused: the next run does not go on with it by itself.
    if (error instanceof Halted && control.paused.aborted && error.why !== 'leaseLost' && error.why !== 'store') {
      await run.journal.append([{ kind: 'paused', told: toldBy(control.paused) }]);
      return;
    }
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    run.context.progress({ kind: 'unitFailed', unit: run.record.unit, reason: failure.reason });
    await run.journal.append([{ kind: 'failed', failure }]);
    run.member?.turn(failure);
    return;
  }
  if (run.member !== undefined) return;
  await run.journal.append([{ kind: 'committed' }], workloadAfterCommit(run));
}

async function runWave(run: UnitRun, number: number, wave: Wave): Promise<void> {
  const { context, record, journal, effects } = run;
  assertMayBegin(
    run,
    wave.steps.some((id) => hasBegun(run, id)),
  );
  context.progress({ kind: 'waveStarted', unit: record.unit, wave: number, of: record.planned.waves.length });
  const steps = wave.steps.map((id) => present(effects.steps.get(id), `step ${id}`));
  const failed = new AbortController();
  const turned = AbortSignal.any([failed.signal, ...turningSignals(run)]);
  const results = await Promise.allSettled(
    steps.map(async (step) => {
      try {
        // A step that was begun is finished: nobody is left without the old and the new.
        assertMayBegin(run, hasBegun(run, step.id));
        await runStep(run, step, turned);
      } catch (error) {
        if (failureOf(error) !== undefined) failed.abort();
        throw error;
      }
    }),
  );
  throwFirst(run, results);
  if (wave.gate === 'healthy' && wave.observeMs > 0) await observe(run, wave, steps);
  await journal.append([{ kind: 'waveDone', wave: number }]);
}

async function observe(run: UnitRun, wave: Wave, steps: readonly Step[]): Promise<void> {
  const { context, record } = run;
  context.progress({ kind: 'waiting', unit: record.unit, what: `observing for ${wave.observeMs / 1000} s` });
  const signal = AbortSignal.any([context.hardStop, ...turningSignals(run)]);
  const [result] = await Promise.allSettled([
    observeWave(
      context,
      steps.flatMap((step) => madeBy(run, step)),
      { observeMs: wave.observeMs, signal },
    ).catch(async (error: unknown) => {
      throw await noteRefusedPort(run, error);
    }),
  ]);
  throwFirst(run, [result]);
}

/** After a first Ctrl-C, a pause, or what turns the unit around nothing new is begun; the last two say so by what they throw. */
function assertMayBegin(run: UnitRun, hasBegun: boolean): void {
  const turned = whyTurned(run);
  if (turned !== undefined) throw turned;
  if (hasBegun) return;
  const { softStop, control } = run.context;
  if (softStop.aborted) throw new Halted('interrupted', 'interrupted');
  if (control.paused.aborted) throw new Halted('paused', `paused by ${toldText(toldBy(control.paused))}`);
}

/** Turns the unit around from outside: a cancellation, or that it commits together with one that has failed. */
function whyTurned({ context: { control }, member }: UnitRun): Cancelled | MemberFailed | undefined {
  if (control.cancelled.aborted) return new Cancelled(`cancelled by ${toldText(toldBy(control.cancelled))}`);
  return member?.turned.aborted ? new MemberFailed(String(member.turned.reason)) : undefined;
}

const turningSignals = ({ context: { control }, member }: UnitRun): readonly AbortSignal[] =>
  member === undefined ? [control.cancelled] : [control.cancelled, member.turned];

const hasBegun = (run: UnitRun, id: Step['id']): boolean =>
  (run.effects.bySteps.get(id) ?? []).some((effect) => run.journal.reached(effect.key) !== undefined);

/** A failure decides over a halt: what failed is undone rather than left; among equals the first. What turns the unit around cuts gates off. */
function throwFirst(run: UnitRun, results: readonly PromiseSettledResult<void>[]): void {
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const decisive = errors.find((error) => failureOf(error) !== undefined) ?? errors[0];
  if (decisive === undefined) return;
  const turned = decisive instanceof Halted && decisive.why === 'interrupted' ? whyTurned(run) : undefined;
  throw turned ?? decisive;
}

/** The allocations of a step that a gate watches. */
const madeBy = (run: UnitRun, step: Step): readonly Watched[] =>
  (run.effects.bySteps.get(step.id) ?? []).filter((effect) => effect.kind === 'await');

async function runStep(run: UnitRun, step: Step, waveFailed: AbortSignal): Promise<void> {
  const own = run.effects.bySteps.get(step.id) ?? [];
  for (const effect of own.filter(({ phase }) => phase === 'do')) {
    if (waveFailed.aborted && effect.kind === 'await')
      throw new Halted('interrupted', 'another step of the wave failed');
    if (run.journal.reached(effect.key) === undefined) await outwaitLateCalls(run, effect);
    if (effect.kind === 'stop' && isMissed(step) && !isDone(run, effect)) await run.budget.admit(step, waveFailed);
    await runEffect(run, effect, step, waveFailed);
  }
  run.budget.restored(step.instance);
  if (!commitsAlone(step)) return;
  if (!run.journal.isSettled(step.id)) await run.journal.append([{ kind: 'stepSettled', step: step.id }]);
  await settleStep(run, step);
}

/** What the step stops is wanted, and nothing serves in its place yet. */
function isMissed({ kind, cause, order, replaces }: Step): boolean {
  if (replaces !== undefined) return order === 'stop-first' && replaces.object === 'running';
  return kind === 'stop' || (kind === 'remove' && cause === 'preempt');
}

/** After the commit, or when it ends early: what was only stopped is removed, what was kept for the undo is released. */
async function settle(run: UnitRun): Promise<void> {
  const isCutShort = run.journal.status().superseded !== undefined;
  const kept = [...run.effects.steps.values()].filter(
    ({ id }) => !run.journal.isLeft(id) && (!isCutShort || hasBegun(run, id)),
  );
  const results = await Promise.allSettled(kept.map((step) => settleStep(run, step)));
  const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const halted = errors.find((error) => failureOf(error) === undefined);
  if (halted !== undefined) throw halted;
  const [first] = errors.map((error) => present(failureOf(error), 'failure').reason);
  const left = leftText(run);
  if (first === undefined) await run.journal.append([{ kind: 'ended', state: 'done', ...(left && { reason: left }) }]);
  else
    await run.journal.append([
      {
        kind: 'ended',
        state: 'stuck',
        reason: `the new allocations serve, but an old one could not be removed: ${first}`,
      },
    ]);
}

/** The workload's record once the unit, and all that it commits together with, has passed its last gate: the rollout's revision is good. */
export function workloadAfterCommit(run: UnitRun): readonly Operation[] {
  const { context, record } = run;
  const id = workloadOfUnit(record.unit);
  const workload = present(context.workloads.get(id), `workload ${id}`);
  const { target } = record.settings;
  if (target === undefined) return [];
  const next = {
    ...withLastGood(workload, target),
    failed: workload.failed.filter(({ revision }) => revision !== target),
  };
  context.workloads.set(id, next);
  return [{ kind: 'put', key: keys.workload(id), value: encodeWorkload(next) }];
}

/** Good revisions that are remembered before the last one. */
const mostEarlier = 10;

function withLastGood(workload: RecordedWorkload, target: RevisionHash): RecordedWorkload {
  const { lastGood, earlier = [] } = workload;
  if (lastGood === undefined || lastGood === target) return { ...workload, lastGood: target };
  const before = [lastGood, ...earlier].filter((revision) => revision !== target);
  return { ...workload, lastGood: target, earlier: before.slice(0, mostEarlier) };
}

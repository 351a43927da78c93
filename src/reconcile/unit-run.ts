import { EngineError } from '../engines/engine.ts';
import type { Effect } from '../model/effects.ts';
import { engineFailureCodes, runFailureCodes } from '../model/failure-codes.ts';
import type { Step } from '../model/plan.ts';
import type { Operation } from '../store/store.ts';
import type { Budget } from './budget.ts';
import { awaitHealthy } from './gate.ts';
import { BudgetExhausted, Cancelled, GateFailed, MemberFailed } from './halt.ts';
import type { UnitJournal } from './journal.ts';
import { outwaitLateCalls } from './late-calls.ts';
import { perform } from './perform.ts';
import { noteRefusedPort } from './refused-ports.ts';
import type { RunContext } from './run-context.ts';
import type { UnitFailure } from './saga.ts';
import type { UnitEffects, UnitRecord } from './unit.ts';
import { standingOf } from './verdict.ts';

/** Everything that running one unit needs; made once, passed to each stage. */
export interface UnitRun {
  readonly context: RunContext;
  readonly record: UnitRecord;
  readonly journal: UnitJournal;
  readonly effects: UnitEffects;
  readonly budget: Budget;
  /** Aborted when git has changed what it is to bring; its reason names the commits. */
  readonly superseded: AbortSignal;
  /** Of a unit that commits together with others: after its last wave it waits for them. */
  readonly member?: Member;
}

/** How units that commit together hear of each other. */
export interface Member {
  /** Aborted when another one has failed; its reason says which, and why. */
  readonly turned: AbortSignal;
  /** This one has failed: the others turn. */
  turn(failure: UnitFailure): void;
}

/** It has passed its last gate, and nobody has said yet what becomes of the whole group. */
export const isReady = ({ record, journal }: Pick<UnitRun, 'record' | 'journal'>): boolean =>
  standingOf(record, journal.status()) === 'ready';

export const isDone = (run: UnitRun, effect: Effect): boolean => run.journal.reached(effect.key) === 'done';

/** Journal `started`, act, journal `done` together with the allocation's change. Done before: nothing. */
export async function runEffect(run: UnitRun, effect: Effect, step: Step, signal: AbortSignal): Promise<void> {
  if (isDone(run, effect)) return;
  const { context, journal, record } = run;
  const startedAt = context.clock.now();
  await journal.append([{ kind: 'effectStarted', effect: effect.key }]);
  context.progress({ kind: 'effectStarted', unit: record.unit, effect, undo: false });
  try {
    let operations: readonly Operation[] = [];
    if (effect.kind === 'await') {
      await awaitHealthy(context, effect, { deadlineMs: record.settings.healthyDeadlineMs, signal });
    } else {
      operations = await perform(context, effect, step);
    }
    await journal.append([{ kind: 'effectDone', effect: effect.key }], operations);
  } catch (error) {
    context.progress({ kind: 'effectFailed', unit: record.unit, effect, undo: false, error: messageOf(error) });
    throw await noteRefusedPort(run, error);
  }
  context.progress({
    kind: 'effectDone',
    unit: record.unit,
    effect,
    undo: false,
    tookMs: context.clock.now() - startedAt,
  });
}

export async function settleStep(run: UnitRun, step: Step): Promise<void> {
  const own = run.effects.bySteps.get(step.id) ?? [];
  for (const effect of own.filter(({ phase }) => phase === 'settle')) {
    if (!isDone(run, effect)) await outwaitLateCalls(run, effect);
    await runEffect(run, effect, step, run.context.hardStop);
  }
}

/** What an operator told it to leave, for its result. */
export function leftText({ effects, journal }: UnitRun): string | undefined {
  const left = [...effects.steps.values()].filter(({ id }) => journal.isLeft(id)).map(({ instance }) => instance);
  return left.length === 0 ? undefined : `left as it was: ${left.join(', ')}; the next plan deals with it`;
}

/** What turns a unit around; anything else (`Halted`, bugs) leaves it where it is. */
export function failureOf(error: unknown): UnitFailure | undefined {
  if (error instanceof GateFailed) return { kind: 'gate', reason: `${error.message} [${runFailureCodes.gate}]` };
  if (error instanceof Cancelled) return { kind: 'cancelled', reason: error.message };
  if (error instanceof MemberFailed) return { kind: 'group', reason: error.message };
  if (error instanceof BudgetExhausted)
    return { kind: 'budget', reason: `${error.message} [${runFailureCodes.budget}]` };
  if (error instanceof EngineError) {
    const hint = error.hint === undefined ? '' : ` (${error.hint})`;
    // Most messages say where by themselves.
    const where = error.message.includes(`${error.engine} on ${error.node}`)
      ? ''
      : `${error.engine} on ${error.node}: `;
    return {
      kind: 'engine',
      reason: `${where}${error.message}${hint} [${engineFailureCodes[error.code]}]`,
    };
  }
  return undefined;
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

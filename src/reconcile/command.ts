import { assertNever } from '../model/assert.ts';
import type { RunId, UnitId } from '../model/ids.ts';
import { keys } from '../store/keys.ts';
import { maxOperations, type Operation } from '../store/store.ts';
import { type ApplyDependencies, openRun } from './apply.ts';
import { type LiveRuns, toldText } from './control.ts';
import { commit, type FoundUnit, newerText, type OpenUnits, openJournal, readOpenUnits } from './journal.ts';
import { recordLateCalls } from './late-calls.ts';
import { closeRun, goOn, waitsForOperator } from './recover.ts';
import type { AnswerWith, CarriedOut, Command } from './requests.ts';
import { resultOf } from './result.ts';
import { retryWorkload } from './retry.ts';
import type { Told, UnitEvent } from './saga.ts';
import { failingSteps } from './unit-steps.ts';
import { rememberFailure } from './unwind.ts';
import { cancellation, tell, wordOperation } from './word.ts';

type Dependencies = ApplyDependencies & { readonly live: LiveRuns; readonly answerWith: AnswerWith };

/**
 * Does what an operator tells, as the leader. One command at a time, and never while somebody reads what is open. Throws
 * `Halted` and `StoreError`: then nothing was changed, or what was is in the journal, and the command may be carried out
 * again: each comes to the same from wherever it was left, and its last write brings the answer.
 */
export function carryOut(
  from: Omit<Dependencies, 'answerWith'>,
  command: Command,
  told: Told,
  answerWith: AnswerWith = () => [],
): Promise<CarriedOut> {
  const dependencies = { ...from, answerWith };
  return dependencies.live.exclusively(async () => {
    if (command.kind === 'retryWorkload') return retryWorkload(dependencies, command.workload, answerWith);
    const open = await readOpenUnits(dependencies.store);
    const newer = open.newer.find(({ run, unit }) => ('run' in command ? command.run === run : command.unit === unit));
    if (newer !== undefined) return refused(`${newerText(newer)}; nothing was changed`);
    switch (command.kind) {
      case 'retryUnit':
      case 'skipUnit':
      case 'abandonUnit':
        return tellUnit(dependencies, open, { kind: command.kind, unit: command.unit, told });
      case 'pauseRun':
        return pauseRun(dependencies, open, { run: command.run, told });
      case 'resumeRun':
        return resumeRun(dependencies, open, { run: command.run, told });
      case 'cancelRun':
        return cancelRun(dependencies, open, { run: command.run, told });
      default:
        return assertNever(command);
    }
  });
}

interface UnitWord {
  readonly kind: 'retryUnit' | 'skipUnit' | 'abandonUnit';
  readonly unit: UnitId;
  readonly told: Told;
}

interface RunWord {
  readonly run: RunId;
  readonly told: Told;
}

async function tellUnit(dependencies: Dependencies, open: OpenUnits, word: UnitWord): Promise<CarriedOut> {
  const { unit } = word;
  const live = dependencies.live.runOf(unit);
  if (live !== undefined) {
    return refused(
      `${unit} is being worked on right now, in run ${live}; nothing was changed. To stop it first: muster runs pause ${live}`,
    );
  }
  const waiting = open.waiting.find((entry) => entry.unit === unit);
  if (waiting !== undefined)
    return refused(`${unit} has not begun: its run is paused. Go on with it: muster runs resume ${waiting.run}`);
  const found = open.begun.find(({ record }) => record.unit === unit);
  if (found === undefined)
    return refused(`no unit of ${unit} is in flight: nothing to do. \`muster unit list\` shows those that are.`);
  switch (word.kind) {
    case 'retryUnit':
      return retryUnit(dependencies, open, found);
    case 'skipUnit':
      return skipUnit(dependencies, open, { found, told: word.told });
    case 'abandonUnit':
      return abandonUnit(dependencies, open, { found, told: word.told });
    default:
      return assertNever(word.kind);
  }
}

async function retryUnit(dependencies: Dependencies, open: OpenUnits, found: FoundUnit): Promise<CarriedOut> {
  const { unit } = found.record;
  const { state, paused } = found.ledger.status;
  if (paused !== undefined)
    return refused(`${unit} is paused, not stuck. Go on with it: muster runs resume ${found.run}`);
  const message = `${unit} goes on where it was`;
  const answer = dependencies.answerWith(message);
  const told = state === 'stuck' ? await tell(dependencies, found, [{ kind: 'retried' }], answer) : found;
  if (state !== 'stuck') await finish(dependencies, answer);
  return done(message, goOn(dependencies, [told], open));
}

async function skipUnit(
  dependencies: Dependencies,
  open: OpenUnits,
  { found, told }: { readonly found: FoundUnit; readonly told: Told },
): Promise<CarriedOut> {
  const { unit } = found.record;
  if (found.ledger.status.state !== 'stuck')
    return refused(`${unit} is not stuck: there is no failing step to leave. muster unit show ${unit}`);
  const failing = failingSteps(found);
  const left = [...new Set(failing.map(({ step }) => step.instance))].join(', ');
  const message = `${unit} goes on without ${left}, which is left as it is`;
  const events = failing.map(({ step }): UnitEvent => ({ kind: 'stepLeft', step: step.id, told }));
  const answer = dependencies.answerWith(message);
  const skipped = await tell(dependencies, found, [...events, { kind: 'retried' }], answer);
  return done(message, goOn(dependencies, [skipped], open));
}

async function abandonUnit(
  dependencies: Dependencies,
  open: OpenUnits,
  { found, told }: { readonly found: FoundUnit; readonly told: Told },
): Promise<CarriedOut> {
  const { record, run } = found;
  const message = abandonedText(found);
  const control = dependencies.live.open(run);
  try {
    await recordLateCalls(dependencies, [found]);
    const context = await openRun(dependencies, run, { control });
    const journal = openJournal(context, record.unit, found);
    const operations = [...rememberFailure({ context, record, journal }), ...dependencies.answerWith(message)];
    await journal.append([{ kind: 'abandoned', told }], operations);
    const reason = `abandoned by ${toldText(told)}`;
    await closeRun(dependencies, run, [{ ...resultOf(record.unit, journal.status()), reason }]);
  } finally {
    dependencies.live.close(control);
  }
  return done(message, goOn(dependencies, idleMembers(dependencies, open, found), open));
}

function abandonedText({ record: { unit, group }, ledger }: FoundUnit): string {
  const others = ledger.status.state === 'running' ? (group?.members ?? []).filter((member) => member !== unit) : [];
  const turned =
    others.length === 0
      ? ''
      : `. What it commits together with goes back to what was good before: ${others.join(', ')}`;
  return `${unit} is closed as it is; nothing that runs was touched. The next plan deals with what it left${turned}`;
}

/** Others of its group that nobody carries on and that wait for no word of an operator themselves. */
const idleMembers = ({ live }: Dependencies, { begun }: OpenUnits, { run, record }: FoundUnit): readonly FoundUnit[] =>
  begun.filter(
    (found) =>
      found.run === run &&
      found.record.unit !== record.unit &&
      record.group?.members.includes(found.record.unit) === true &&
      !waitsForOperator(found) &&
      live.runOf(found.record.unit) === undefined,
  );

/** Units that are worked on heed the word at their next step boundary, or on recovery should the leader die before. */
async function pauseRun(dependencies: Dependencies, open: OpenUnits, { run, told }: RunWord): Promise<CarriedOut> {
  const controls = dependencies.live.controlsOf(run);
  const idle = begunOf(open, run).filter((found) => !isLive(dependencies, found));
  const goesOn = idle.filter(({ ledger: { status } }) => status.state !== 'stuck' && status.paused === undefined);
  if (controls.length + goesOn.length === 0) return notThere(open, run, 'nothing of it goes on by itself');
  const message =
    controls.length > 0
      ? `run ${run} pauses: steps that were begun are finished, no new one is begun`
      : `run ${run} is paused; its units stay as they are until it is resumed or cancelled`;
  const tellings = goesOn.map((found) => ({ found, event: { kind: 'paused', told } as const }));
  const word = wordOperation(run, { kind: 'pause', told });
  const last = [...(controls.length > 0 ? [word] : []), ...dependencies.answerWith(message)];
  await tellRun(dependencies, { run, tellings, waiting: [], last });
  for (const control of controls) control.pause(told);
  return done(message);
}

async function resumeRun(dependencies: Dependencies, open: OpenUnits, { run, told }: RunWord): Promise<CarriedOut> {
  const own = begunOf(open, run);
  if (dependencies.live.controlsOf(run).some(({ paused }) => paused.aborted))
    return refused(`run ${run} is still on its way to its step boundary; try again in a moment`);
  const paused = own.filter(({ ledger }) => ledger.status.paused !== undefined);
  const waiting = open.waiting.filter((entry) => entry.run === run);
  if (paused.length + waiting.length === 0) return notThere(open, run, 'nothing of it is paused');
  const message = `run ${run} goes on${waitingText(waiting.length)}`;
  await commit(dependencies, [{ kind: 'delete', key: keys.runWord(run) }]);
  const tellings = paused.map((found) => ({ found, event: { kind: 'resumed', told } as const }));
  const resumed = await tellRun(dependencies, { run, tellings, waiting, last: dependencies.answerWith(message) });
  return done(message, goOn(dependencies, resumed, open));
}

async function cancelRun(dependencies: Dependencies, open: OpenUnits, { run, told }: RunWord): Promise<CarriedOut> {
  const controls = dependencies.live.controlsOf(run);
  const idle = begunOf(open, run).filter(
    (found) => !isLive(dependencies, found) && found.ledger.status.state !== 'stuck',
  );
  const waiting = open.waiting.filter((entry) => entry.run === run);
  if (controls.length + idle.length + waiting.length === 0) return notThere(open, run, 'nothing of it could be undone');
  const message =
    `run ${run} is cancelled: what has not committed is undone. Revisions that it brought are not tried again until git ` +
    'changes or `muster retry WORKLOAD`; everything else that git still asks for is in the next plan';
  const tellings = idle.map((found) => ({ found, event: cancelling(found, told) }));
  const word = wordOperation(run, { kind: 'cancel', told });
  const last = [...(controls.length > 0 ? [word] : []), ...dependencies.answerWith(message)];
  const going = await tellRun(dependencies, { run, tellings, waiting, last });
  for (const control of controls) control.cancel(told);
  return done(message, goOn(dependencies, going, open));
}

/** What has committed, or is being undone, goes on to its end; what is stuck needs more than this. */
function cancelling({ ledger: { status } }: FoundUnit, told: Told): UnitEvent | undefined {
  if (status.state === 'running') return { kind: 'failed', failure: cancellation(told) };
  return status.paused === undefined ? undefined : { kind: 'resumed', told };
}

/**
 * Tells units one after the other, those without an event nothing, and drops what waited; `last` is written with the last
 * of that.
 */
async function tellRun(
  dependencies: Dependencies,
  of: {
    readonly run: RunId;
    readonly tellings: readonly { readonly found: FoundUnit; readonly event: UnitEvent | undefined }[];
    readonly waiting: OpenUnits['waiting'];
    readonly last: readonly Operation[];
  },
): Promise<readonly FoundUnit[]> {
  const { run, tellings, waiting, last } = of;
  const units: FoundUnit[] = [];
  const lastTold = waiting.length > 0 ? -1 : tellings.findLastIndex(({ event }) => event !== undefined);
  for (const [index, { found, event }] of tellings.entries()) {
    const operations = index === lastTold ? last : [];
    units.push(event === undefined ? found : await tell(dependencies, found, [event], operations));
  }
  if (waiting.length > 0) await dropWaiting(dependencies, { run, waiting, last });
  else if (lastTold < 0) await finish(dependencies, last);
  return units;
}

async function finish(dependencies: Dependencies, operations: readonly Operation[]): Promise<void> {
  if (operations.length > 0) await commit(dependencies, operations);
}

const begunOf = ({ begun }: OpenUnits, run: RunId): readonly FoundUnit[] => begun.filter((found) => found.run === run);

const isLive = ({ live }: Dependencies, { record }: FoundUnit): boolean => live.runOf(record.unit) !== undefined;

/** What a paused run had not begun is planned again, from the world as it is then. */
async function dropWaiting(
  dependencies: Dependencies,
  of: { readonly run: RunId; readonly waiting: OpenUnits['waiting']; readonly last: readonly Operation[] },
): Promise<void> {
  const { run, waiting, last } = of;
  const drops = waiting.map(({ unit }): Operation => ({ kind: 'delete', key: keys.unitStatus(run, unit) }));
  const atOnce = maxOperations - last.length;
  for (let offset = 0; offset < drops.length; offset += atOnce) {
    const isLast = offset + atOnce >= drops.length;
    await commit(dependencies, [...drops.slice(offset, offset + atOnce), ...(isLast ? last : [])]);
  }
  const reason = 'not begun before its run was paused';
  await closeRun(
    dependencies,
    run,
    waiting.map(({ unit }) => ({ unit, state: 'skipped', reason })),
  );
}

const waitingText = (count: number): string =>
  count === 0
    ? ''
    : `; ${count === 1 ? 'a unit that had not begun is' : `${count} units that had not begun are`} planned anew`;

function notThere({ begun, waiting }: OpenUnits, run: RunId, otherwise: string): CarriedOut {
  const stuck = begun.filter((found) => found.run === run).map(({ record }) => record.unit);
  if (stuck.length > 0)
    return refused(`run ${run}: ${otherwise}. ${stuck.join(', ')}: see muster unit show ${stuck[0]}`);
  if (waiting.some((entry) => entry.run === run)) return refused(`run ${run} is paused already`);
  return refused(`no run ${run} is in flight; nothing was changed. \`muster runs list\` shows what there is.`);
}

const done = (message: string, going?: CarriedOut['going']): CarriedOut => ({
  kind: 'done',
  message,
  isAnswered: true,
  ...(going && { going }),
});

const refused = (message: string): CarriedOut => ({ kind: 'refused', message });

import { planId, type RunId } from '../model/ids.ts';
import type { PlanSummary } from '../model/plan.ts';
import { keys, parseRunKey, prefixes } from '../store/keys.ts';
import { type ApplyDependencies, openRun } from './apply.ts';
import { createLiveRuns, type LiveRuns, type RunControl } from './control.ts';
import type { OtherMember, Slot } from './group.ts';
import { halting } from './halting.ts';
import { finishRun, type RunMeta } from './history.ts';
import { type FoundUnit, newerText, type OpenUnits, readOpenUnits } from './journal.ts';
import { recordLateCalls } from './late-calls.ts';
import type { UnitResult } from './progress.ts';
import { resultOf } from './result.ts';
import type { RunContext } from './run-context.ts';
import { carryOn, carryOnTogether } from './run-units.ts';
import { standingOf } from './verdict.ts';
import { heed, readWord } from './word.ts';

/**
 * Finishes or unwinds every unit that a crash, a lost lease or an interruption left behind; the first thing that any
 * process does that has become leader. What is stuck or paused waits for an operator and is only told of. Units go on
 * side by side, as in their run.
 */
export async function recoverRuns(dependencies: ApplyDependencies): Promise<readonly UnitResult[]> {
  return (await beginRecovery(dependencies)).ended;
}

/** The same, for who does not wait for the end: when it returns, what goes on counts as under way. */
export async function beginRecovery(
  dependencies: ApplyDependencies,
): Promise<{ readonly ended: Promise<readonly UnitResult[]> }> {
  const live = dependencies.live ?? createLiveRuns();
  const { going, told } = await live.exclusively(async () => {
    const open = await readOpenUnits(dependencies.store);
    const { begun, waiting, newer } = open;
    // What an operator has just told to go on is under way already.
    const idle: FoundUnit[] = [];
    for (const found of begun) {
      if (live.runOf(found.record.unit) === undefined)
        idle.push(await heed(dependencies, found, await readWord(dependencies.store, found.run)));
    }
    const told = idle.filter(waitsForOperator).map((found) => resultOf(found.record.unit, found.ledger.status));
    const left = [...waiting.map(waitingResult), ...newer.map(newerResult)];
    const kept = new Set([...begun, ...waiting, ...newer].map(({ run }) => run));
    await halting(
      () => dropFinishedRuns(dependencies, kept, live.openRuns()),
      () => undefined,
    );
    const going = goOn(
      { ...dependencies, live },
      idle.filter((found) => !waitsForOperator(found)),
      { ...open, begun: withHeeded(begun, idle) },
    );
    return { going, told: [...told, ...left] };
  });
  return { ended: going.ended.then((results) => [...results, ...told]) };
}

/** As they are after the word on their runs. */
const withHeeded = (begun: readonly FoundUnit[], idle: readonly FoundUnit[]): readonly FoundUnit[] => {
  const heeded = new Map(idle.map((found) => [nameOf(found), found]));
  return begun.map((found) => heeded.get(nameOf(found)) ?? found);
};

const nameOf = ({ run, record }: FoundUnit): string => `${run} ${record.unit}`;

export const waitsForOperator = ({ ledger: { status } }: FoundUnit): boolean =>
  status.state === 'stuck' || status.paused !== undefined;

const waitingResult = ({ unit, run }: OpenUnits['waiting'][number]): UnitResult => ({
  unit,
  state: 'paused',
  reason: `not begun: run ${run} is paused`,
  waitsFor: 'operator',
});

const newerResult = ({ unit, run, format }: OpenUnits['newer'][number]): UnitResult => ({
  unit,
  state: 'paused',
  reason: `left as it is: ${newerText({ run, format })}`,
  waitsFor: 'operator',
});

/**
 * Takes units on from where they are, and with them what they commit together with, unless that waits for an operator. When
 * it returns they count as under way (`LiveRuns`); `ended` says how they ended. Wrapped, so that an async caller may return
 * it without waiting. `open`: what there is, as it was read.
 */
export function goOn(
  dependencies: ApplyDependencies & { readonly live: LiveRuns },
  units: readonly FoundUnit[],
  open: OpenUnits,
): { readonly ended: Promise<readonly UnitResult[]> } {
  const { live } = dependencies;
  const runs = new Map<RunId, FoundUnit[]>();
  for (const unit of withMembers(live, units, open)) runs.set(unit.run, [...(runs.get(unit.run) ?? []), unit]);
  const parts = [...runs].map(([run, own]) => {
    const control = live.open(run);
    for (const { record } of own) live.begin(record.unit, control);
    return recoverRun({ ...dependencies, control }, run, { units: own, open }).finally(() => {
      for (const { record } of own) live.end(record.unit, control);
      live.close(control);
    });
  });
  return { ended: Promise.all(parts).then((results) => results.flat()) };
}

/** One alone could not commit. */
function withMembers(live: LiveRuns, units: readonly FoundUnit[], { begun }: OpenUnits): readonly FoundUnit[] {
  const named = new Set(units.map(nameOf));
  const joins = (found: FoundUnit): boolean =>
    !named.has(nameOf(found)) &&
    !waitsForOperator(found) &&
    live.runOf(found.record.unit) === undefined &&
    units.some(
      ({ run, record: { group } }) => run === found.run && group?.members.includes(found.record.unit) === true,
    );
  return [...units, ...begun.filter(joins)];
}

async function recoverRun(
  dependencies: ApplyDependencies & { readonly live: LiveRuns; readonly control: RunControl },
  run: RunId,
  { units, open }: { readonly units: readonly FoundUnit[]; readonly open: OpenUnits },
): Promise<readonly UnitResult[]> {
  const { control, clock, live } = dependencies;
  const context = await halting<RunContext | string>(
    async () => {
      await recordLateCalls(dependencies, units);
      return openRun(dependencies, run, { control, resumedAt: clock.monotonic() });
    },
    (reason) => reason,
  );
  if (typeof context === 'string')
    return units.map(({ record: { unit } }) => ({ unit, state: 'paused', reason: context }));
  for (const unit of units) tellRecovery(context, unit);
  const results = await Promise.all(
    together(units).map((own) => {
      const [{ record }] = own;
      return record.group === undefined
        ? recoverUnit(context, live, own[0])
        : carryOnTogether(context, live, {
            group: record.group,
            units: own,
            others: othersOf(own, open),
            slot: atOnce,
          });
    }),
  );
  const ended = results.flat();
  await halting(
    () => closeRun(dependencies, run, ended),
    () => undefined,
  );
  return ended;
}

/** What was under way goes on side by side. */
const atOnce: Slot = (work) => work();

function tellRecovery({ progress }: RunContext, { run, record, ledger }: FoundUnit): void {
  const direction = ledger.status.failure === undefined ? 'finish' : 'unwind';
  progress({ kind: 'recovering', run, unit: record.unit, direction });
}

type Some<T> = readonly [T, ...T[]];

/** Of one run: those that commit together, and each of the others. */
function together(units: readonly FoundUnit[]): readonly Some<FoundUnit>[] {
  const groups = new Map<string, [FoundUnit, ...FoundUnit[]]>();
  for (const unit of units) {
    const name = unit.record.group?.transaction ?? `unit ${unit.record.unit}`;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [unit]);
    else group.push(unit);
  }
  return [...groups.values()];
}

/** Members of the same group that have ended, or wait for an operator. */
function othersOf(own: Some<FoundUnit>, { begun, ended }: OpenUnits): readonly OtherMember[] {
  const [{ run, record }] = own;
  const members = new Set(record.group?.members);
  const carried = new Set(own.map((found) => found.record.unit));
  return [...begun, ...ended]
    .filter((found) => found.run === run && members.has(found.record.unit) && !carried.has(found.record.unit))
    .map(({ record: other, ledger: { status } }) => ({
      unit: other.unit,
      standing: standingOf(other, status),
      ...(status.failure !== undefined && { failure: status.failure }),
    }));
}

const recoverUnit = (context: RunContext, live: LiveRuns, found: FoundUnit): Promise<UnitResult> =>
  carryOn(context, live, found.record, async () => found);

/** Writes how units of a run ended, and drops its journal once none is open. */
export async function closeRun(
  dependencies: ApplyDependencies,
  run: RunId,
  units: readonly UnitResult[],
): Promise<void> {
  const meta = await readMeta(dependencies, run);
  const endedAt = dependencies.clock.now();
  await finishRun({ ...dependencies, run }, meta, { run, units, startedAt: meta.startedAt, endedAt });
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
async function dropFinishedRuns(
  dependencies: ApplyDependencies,
  ...kept: readonly ReadonlySet<RunId>[]
): Promise<void> {
  const { entries } = await dependencies.store.range(prefixes.runs);
  const runs = new Set(entries.flatMap(({ key }) => parseRunKey(key) ?? []));
  for (const run of runs) {
    if (kept.some((runs) => runs.has(run))) continue;
    await closeRun(dependencies, run, []);
  }
}

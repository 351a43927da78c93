import { assertNever } from '../model/assert.ts';
import type { UnitId } from '../model/ids.ts';
import { toldBy } from './control.ts';
import { runUnit, workloadAfterCommit } from './executor.ts';
import { halting } from './halting.ts';
import type { UnitResult } from './progress.ts';
import { resultOf } from './result.ts';
import type { RunContext } from './run-context.ts';
import type { UnitFailure } from './saga.ts';
import type { UnitGroup } from './unit.ts';
import type { Member, UnitRun } from './unit-run.ts';
import { type Standing, standingOf, verdictOn } from './verdict.ts';
import { cancellation } from './word.ts';

/** Waits for a place to work in, and gives it back when the work is over. */
export type Slot = <T>(work: () => Promise<T>) => Promise<T>;

/** A unit of the group that this process does not carry out: it has ended, or waits for an operator. */
export interface OtherMember {
  readonly unit: UnitId;
  readonly standing: Standing;
  readonly failure?: UnitFailure;
}

/** Units that commit together, as far as this process carries them out. */
export interface GroupRun {
  readonly context: RunContext;
  readonly group: UnitGroup;
  readonly runs: readonly UnitRun[];
  readonly others: readonly OtherMember[];
  readonly slot: Slot;
  /** Aborted when one of the runs has failed. */
  readonly turned: AbortSignal;
}

/**
 * Takes units that commit together from wherever their journals say they are to their ends. Each goes forward by itself;
 * one that has passed its last gate gives up its place and waits. When all are there, one transaction of the store commits
 * them; when one has failed, all go back. Gives what becomes of each, in their order.
 */
export function runGroup(of: GroupRun): readonly Promise<UnitResult>[] {
  const forward = of.runs.map((run) => of.slot(() => carry(run)));
  const decision = decide(of, forward);
  return of.runs.map(async (run, index) => {
    const result = await (forward[index] as Promise<UnitResult>);
    return isUndecided(run) ? await finish(of, run, { result, decision: await decision }) : result;
  });
}

/** What ties the units of a group to each other while they go forward. */
export function openGroup(group: UnitGroup): {
  readonly turned: AbortSignal;
  readonly memberOf: (unit: UnitId) => Member;
} {
  const turning = new AbortController();
  const turned = turning.signal;
  return {
    turned,
    memberOf: (unit) => ({
      turned,
      turn: (failure) => turning.abort(turnedBy(group, { unit, failure }).reason),
    }),
  };
}

const carry = (run: UnitRun): Promise<UnitResult> =>
  halting(
    () => runUnit(run),
    (reason): UnitResult => ({ unit: run.record.unit, state: 'paused', reason }),
  );

const isUndecided = ({ journal }: UnitRun): boolean => {
  const { state, paused } = journal.status();
  return state === 'running' && paused === undefined;
};

/** What becomes of those that nothing is decided of yet. */
type Decision =
  | { readonly kind: 'committed' }
  | { readonly kind: 'turn'; readonly failure: UnitFailure }
  | { readonly kind: 'wait'; readonly for: readonly UnitId[] }
  /** The commit could not be written. */
  | { readonly kind: 'halted'; readonly reason: string };

/** Once all have gone as far as they can by themselves, or one has failed. */
async function decide(of: GroupRun, forward: readonly Promise<UnitResult>[]): Promise<Decision> {
  const { cancelled } = of.context.control;
  // What throws is a bug, and thrown where its own end is waited for.
  await Promise.race([Promise.allSettled(forward), whenAborted(of.turned), whenAborted(cancelled)]);
  if (!of.runs.some(isUndecided)) return { kind: 'wait', for: [] };
  if (cancelled.aborted) return { kind: 'turn', failure: cancellation(toldBy(cancelled)) };
  const verdict = verdictOn(standingsOf(of));
  switch (verdict.kind) {
    case 'wait':
      return verdict;
    case 'turn':
      return { kind: 'turn', failure: failureIn(of, verdict.by) };
    case 'commit':
      return await halting(
        () => commitTogether(of),
        (reason): Decision => ({ kind: 'halted', reason }),
      );
    default:
      return assertNever(verdict);
  }
}

const whenAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Of every member; one that the store does not tell of will never be ready. */
function standingsOf({ group, runs, others }: GroupRun): ReadonlyMap<UnitId, Standing> {
  const standings = new Map<UnitId, Standing>(group.members.map((unit) => [unit, 'failed']));
  for (const { unit, standing } of others) standings.set(unit, standing);
  for (const { record, journal } of runs) standings.set(record.unit, standingOf(record, journal.status()));
  return standings;
}

function failureIn({ group, runs, others }: GroupRun, unit: UnitId): UnitFailure {
  const own = runs.find(({ record }) => record.unit === unit)?.journal.status().failure;
  const failure = own ?? others.find((other) => other.unit === unit)?.failure;
  return turnedBy(group, { unit, ...(failure !== undefined && { failure }) });
}

/** One that was turned itself says already who failed first. */
function turnedBy(
  { transaction }: UnitGroup,
  by: { readonly unit: UnitId; readonly failure?: UnitFailure },
): UnitFailure {
  const { unit, failure } = by;
  if (failure?.kind === 'group') return failure;
  const what = failure === undefined ? 'was closed before it had committed' : `failed: ${failure.reason}`;
  return { kind: 'group', reason: `transaction ${transaction} goes back whole, since ${unit} ${what}` };
}

/** In one write, so that whoever finds the journals finds all of them committed or none. */
async function commitTogether({ context, runs }: GroupRun): Promise<Decision> {
  const drafts = runs.map(({ journal }) => journal.draft([{ kind: 'committed' }]));
  const workloads = runs.flatMap(workloadAfterCommit);
  await context.writer.write([...drafts.flatMap(({ operations }) => operations), ...workloads]);
  for (const { enter } of drafts) enter();
  return { kind: 'committed' };
}

function finish(
  of: GroupRun,
  run: UnitRun,
  by: { readonly result: UnitResult; readonly decision: Decision },
): Promise<UnitResult> {
  const { decision, result } = by;
  const { unit } = run.record;
  const paused = (reason: string): UnitResult => ({ unit, state: 'paused', reason });
  switch (decision.kind) {
    case 'committed':
      return of.slot(() => carry(run));
    case 'turn':
      return halting(() => turnAround(of, run, decision.failure), paused);
    case 'wait':
      return halting(() => leave(of, run, { result, waitsFor: decision.for }), paused);
    case 'halted':
      return Promise.resolve(paused(decision.reason));
    default:
      return assertNever(decision);
  }
}

async function turnAround({ context, slot }: GroupRun, run: UnitRun, failure: UnitFailure): Promise<UnitResult> {
  context.progress({ kind: 'unitFailed', unit: run.record.unit, reason: failure.reason });
  await run.journal.append([{ kind: 'failed', failure }]);
  return await slot(() => carry(run));
}

/** It stays where it is: one that it commits together with has halted, or waits for an operator. */
async function leave(
  { context, group, others }: GroupRun,
  run: UnitRun,
  of: { readonly result: UnitResult; readonly waitsFor: readonly UnitId[] },
): Promise<UnitResult> {
  const { record, journal } = run;
  const { unit } = record;
  const { paused } = context.control;
  if (paused.aborted) {
    await journal.append([{ kind: 'paused', told: toldBy(paused) }]);
    return resultOf(unit, journal.status());
  }
  if (standingOf(record, journal.status()) !== 'ready') return of.result;
  const asksOperator = others.some((other) => of.waitsFor.includes(other.unit));
  return {
    unit,
    state: 'paused',
    reason: `waits for ${of.waitsFor.join(', ')}, which it commits together with (transaction ${group.transaction})`,
    ...(asksOperator && { waitsFor: 'operator' as const }),
  };
}

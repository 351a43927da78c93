import PQueue from 'p-queue';
import { present } from '../model/assert.ts';
import type { Desired } from '../model/desired.ts';
import { type RevisionHash, type TransactionId, type UnitId, workloadOfUnit } from '../model/ids.ts';
import type { RecordedWorkload } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { keys } from '../store/keys.ts';
import { encodeRevision, encodeWorkload } from '../store/recorded.ts';
import type { Operation } from '../store/store.ts';
import { openBudget } from './budget.ts';
import { type LiveRuns, toldBy, toldText } from './control.ts';
import { runUnit } from './executor.ts';
import { forgetRevisions } from './forget-revisions.ts';
import { type OtherMember, openGroup, runGroup, type Slot } from './group.ts';
import { halting } from './halting.ts';
import { begunUnit, commit, openJournal, unitOperations, waitingUnit } from './journal.ts';
import type { UnitResult } from './progress.ts';
import type { RunContext } from './run-context.ts';
import { emptyLedger, type Ledger } from './saga.ts';
import { effectsOf, type UnitGroup, type UnitRecord } from './unit.ts';
import type { Member, UnitRun } from './unit-run.ts';
import { inTransactions } from './writer.ts';

/** Units that begin, commit and go back together; mostly one. */
type Batch = readonly UnitRecord[];

/** A unit and how far its journal says that it is. */
export interface BegunUnit {
  readonly record: UnitRecord;
  readonly ledger: Ledger;
  readonly next: number;
}

/** Units that have not begun, each as soon as those that it comes after have committed and there is a place for it. */
export async function runUnits(
  context: RunContext,
  live: LiveRuns,
  records: readonly UnitRecord[],
  desired: Desired,
): Promise<readonly UnitResult[]> {
  const queue = new PQueue({ concurrency: desired.cluster.apply.parallelism });
  const revisions = new Map(desired.workloads.map((workload) => [workload.revisionHash, workload.revision]));
  const batches = batchesOf(records);
  const results = new Map<Batch, Promise<readonly UnitResult[]>>();
  const start = (batch: Batch): Promise<readonly UnitResult[]> => {
    const begun = results.get(batch);
    if (begun !== undefined) return begun;
    const before = new Set(batch.flatMap(({ planned }) => planned.after));
    const predecessors = [...before].flatMap((unit) => {
      const other = batches.get(unit);
      return other === undefined || other === batch ? [] : [resultIn(start(other), unit)];
    });
    const result = startAfter(
      predecessors,
      () => startBatch({ context, live, revisions, queue }, batch),
      (failed) => Promise.all(batch.map((record) => leaveOut(context, record, failed))),
    ).finally(() => {
      for (const { unit } of batch) live.end(unit, context.control);
    });
    results.set(batch, result);
    return result;
  };
  return (await Promise.all([...new Set(batches.values())].map(start))).flat();
}

/** By unit. */
function batchesOf(records: readonly UnitRecord[]): ReadonlyMap<UnitId, Batch> {
  const groups = new Map<TransactionId, UnitRecord[]>();
  const batches = new Map<UnitId, Batch>();
  for (const record of records) {
    const { unit, group } = record;
    const batch = (group && groups.get(group.transaction)) ?? [];
    if (group !== undefined) groups.set(group.transaction, batch);
    batch.push(record);
    batches.set(unit, batch);
  }
  return batches;
}

const resultIn = async (results: Promise<readonly UnitResult[]>, of: UnitId): Promise<UnitResult> =>
  present(
    (await results).find(({ unit }) => unit === of),
    `result of ${of}`,
  );

/** Waits until every predecessor has committed; when one has not, the units are left out. The planner refuses cycles. */
async function startAfter(
  predecessors: readonly Promise<UnitResult>[],
  start: () => Promise<readonly UnitResult[]>,
  leaveOut: (before: UnitResult) => Promise<readonly UnitResult[]>,
): Promise<readonly UnitResult[]> {
  const ended = await Promise.all(predecessors);
  const failed = ended.find((result) => result.state !== 'done');
  return failed === undefined ? start() : leaveOut(failed);
}

function leaveOut(context: RunContext, record: UnitRecord, { unit, state, waitsFor }: UnitResult): Promise<UnitResult> {
  const reason = `${unit}, which it comes after, is ${state}`;
  return state === 'paused' && waitsFor === 'operator' ? wait(context, record, reason) : skip(context, record, reason);
}

async function skip({ progress }: RunContext, { unit }: UnitRecord, reason: string): Promise<UnitResult> {
  const result: UnitResult = { unit, state: 'skipped', reason };
  progress({ kind: 'unitEnded', unit, result });
  return result;
}

/** A paused run keeps what it has not begun: nobody else begins it in the meantime. */
async function wait(context: RunContext, { unit }: UnitRecord, why: string): Promise<UnitResult> {
  const reason = `not begun: ${why}`;
  const result = await halting(
    async (): Promise<UnitResult> => {
      await commit(context, [waitingUnit(context.run, unit, context.clock.now())]);
      return { unit, state: 'paused', reason, waitsFor: 'operator' };
    },
    (halted): UnitResult => ({ unit, state: 'skipped', reason: halted }),
  );
  context.progress({ kind: 'unitEnded', unit, result });
  return result;
}

interface Starting {
  readonly context: RunContext;
  readonly live: LiveRuns;
  readonly revisions: ReadonlyMap<RevisionHash, Revision>;
  readonly queue: PQueue;
}

async function startBatch(starting: Starting, batch: Batch): Promise<readonly UnitResult[]> {
  const { context, live, queue } = starting;
  const [only] = batch;
  if (only?.group === undefined) {
    return Promise.all(
      batch.map((record) =>
        queue.add(
          async () =>
            (await instead(starting, [record]))?.[0] ??
            carryOn(context, live, record, () => begin(starting, [record]).then(() => begunNow(record))),
        ),
      ),
    );
  }
  return await startGroup(starting, batch, only.group);
}

/** A group takes a place to begin in, then one for each of its units as long as that is at work: what has begun goes first. */
async function startGroup(starting: Starting, batch: Batch, group: UnitGroup): Promise<readonly UnitResult[]> {
  const { context, live, queue } = starting;
  const slot: Slot = (work) => queue.add(work, { priority: 1 });
  const ended = await queue.add(
    async () =>
      (await instead(starting, batch)) ??
      (await halting(
        async () => {
          await begin(starting, batch);
          return undefined;
        },
        (reason) => batch.map(({ unit }): UnitResult => ({ unit, state: 'paused', reason })),
      )),
  );
  if (ended !== undefined) return ended;
  return await carryOnTogether(context, live, { group, units: batch.map(begunNow), others: [], slot });
}

const begunNow = (record: UnitRecord): BegunUnit => ({ record, ledger: emptyLedger(), next: 0 });

/** Why units do not begin when their turn comes. */
async function instead({ context, live }: Starting, batch: Batch): Promise<readonly UnitResult[] | undefined> {
  const { paused, cancelled } = context.control;
  const skipAll = (reason: string) => Promise.all(batch.map((record) => skip(context, record, reason)));
  if (context.softStop.aborted) return skipAll('interrupted before it began');
  if (cancelled.aborted) return skipAll(`cancelled by ${toldText(toldBy(cancelled))} before it began`);
  const superseded = batch.map(({ unit }) => live.supersededOf(unit)).find(({ aborted }) => aborted);
  if (superseded !== undefined) return skipAll(`superseded by ${superseded.reason} before it began`);
  if (paused.aborted) {
    const reason = `paused by ${toldText(toldBy(paused))}`;
    return Promise.all(batch.map((record) => wait(context, record, reason)));
  }
  for (const { unit } of batch) context.progress({ kind: 'unitStarted', unit });
  return undefined;
}

/** Runs a unit from where its journal says it is, as long as nothing halts it. */
export async function carryOn(
  context: RunContext,
  live: LiveRuns,
  record: UnitRecord,
  prepare: () => Promise<BegunUnit>,
): Promise<UnitResult> {
  const { unit } = record;
  live.begin(unit, context.control);
  return await toEnd(context, live, record, () =>
    halting(
      async () => runUnit(openUnit(context, await prepare(), { superseded: live.supersededOf(unit) })),
      (reason): UnitResult => ({ unit, state: 'paused', reason }),
    ),
  );
}

/** The same for units that commit together. A newer commit does not take over one of them: it waits for their end. */
export async function carryOnTogether(
  context: RunContext,
  live: LiveRuns,
  of: {
    readonly group: UnitGroup;
    readonly units: readonly BegunUnit[];
    readonly others: readonly OtherMember[];
    readonly slot: Slot;
  },
): Promise<readonly UnitResult[]> {
  const { group, units, others, slot } = of;
  for (const { record } of units) live.begin(record.unit, context.control);
  const { turned, memberOf } = openGroup(group);
  const runs = units.map((unit) => openUnit(context, unit, { superseded: never, member: memberOf(unit.record.unit) }));
  const ends = runGroup({ context, group, runs, others, slot, turned });
  return await Promise.all(
    ends.map((end, index) => toEnd(context, live, present(units[index], 'unit of an end').record, () => end)),
  );
}

const never: AbortSignal = new AbortController().signal;

function openUnit(
  context: RunContext,
  { record, ledger, next }: BegunUnit,
  with_: { readonly superseded: AbortSignal; readonly member?: Member },
): UnitRun {
  const journal = openJournal(context, record.unit, { ledger, next });
  return { context, record, journal, effects: effectsOf(record), budget: openBudget(context, record), ...with_ };
}

async function toEnd(
  context: RunContext,
  live: LiveRuns,
  record: UnitRecord,
  run: () => Promise<UnitResult>,
): Promise<UnitResult> {
  const { unit } = record;
  try {
    const result = await run();
    await halting(
      () => forgetRevisions(context, record, result),
      () => undefined,
    );
    context.progress({ kind: 'unitEnded', unit, result });
    return result;
  } finally {
    live.end(unit, context.control);
  }
}

/**
 * Records of units, their revisions and their generations are in the store before their first effect. That they have
 * begun is written last, of all in one transaction: so whoever finds one finds all that it commits together with.
 */
async function begin({ context, revisions }: Starting, batch: Batch): Promise<void> {
  const operations = batch.flatMap((record) => recordOperations(context, record, revisions));
  const begun = batch.map(({ unit }) => begunUnit(context.run, unit));
  const parts = inTransactions(operations, { spare: begun.length });
  for (const [index, part] of parts.entries()) {
    await context.writer.write(index === parts.length - 1 ? [...part, ...begun] : part);
  }
}

function recordOperations(
  context: RunContext,
  record: UnitRecord,
  desired: ReadonlyMap<RevisionHash, Revision>,
): readonly Operation[] {
  const id = workloadOfUnit(record.unit);
  const operations: Operation[] = [];
  for (const hash of new Set(record.steps.map((step) => step.revision))) {
    const revision = desired.get(hash);
    // Not of git's: recorded already. What is git's is written again rather than looked for: workloads may be alike, and each has its own record.
    if (revision === undefined) continue;
    context.revisions.set(hash, revision);
    operations.push({ kind: 'put', key: keys.revision(id, hash), value: encodeRevision(revision) });
  }
  const workload: RecordedWorkload = context.workloads.get(id) ?? { failed: [], nextGeneration: 1 };
  const nextGeneration = Math.max(workload.nextGeneration, ...record.steps.map((step) => step.generation + 1));
  const next = { ...workload, nextGeneration };
  context.workloads.set(id, next);
  operations.push({ kind: 'put', key: keys.workload(id), value: encodeWorkload(next) });
  return [...operations, ...unitOperations(context.run, record)];
}

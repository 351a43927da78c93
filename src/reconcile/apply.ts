import PQueue from 'p-queue';
import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import { runFailureCodes } from '../model/failure-codes.ts';
import { type RevisionHash, type RunId, runId, type UnitId, workloadOfUnit } from '../model/ids.ts';
import { inFlightWaves } from '../model/in-flight.ts';
import type { Plan } from '../model/plan.ts';
import type { InFlightUnit, Recorded, RecordedWorkload } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { encodeRevision, encodeWorkload, loadRecorded } from '../store/recorded.ts';
import { runFormat } from '../store/run-format.ts';
import { maxOperations, type Operation, type Store, StoreError } from '../store/store.ts';
import { readApprovals } from './approvals.ts';
import type { Clock } from './clock.ts';
import { createLiveRuns, type LiveRuns, toldBy, toldText } from './control.ts';
import { runUnit } from './executor.ts';
import { forgetRevisions } from './forget-revisions.ts';
import { Halted } from './halt.ts';
import { finishRun, type RunMeta } from './history.ts';
import { commit, openJournal, unitOperations, waitingUnit } from './journal.ts';
import { createLimits, type Limits } from './limits.ts';
import type { Progress, RunOutcome, UnitResult } from './progress.ts';
import type { RunContext } from './run-context.ts';
import { emptyLedger, type Ledger } from './saga.ts';
import { type UnitRecord, unitRecords } from './unit.ts';
import { openWriter } from './writer.ts';

/** What applying needs from outside. */
export interface ApplyDependencies {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly engines: EngineDirectory;
  readonly desired: Desired;
  readonly clock: Clock;
  readonly progress: Progress;
  /** First Ctrl-C: finish what was begun, begin nothing new. */
  readonly softStop: AbortSignal;
  /** Second Ctrl-C: stop now; the journal says what is where. */
  readonly hardStop: AbortSignal;
  /** `user@host`, for the history. */
  readonly actor: string;
  /** Where operators reach what this process carries out; absent where nobody can. */
  readonly live?: LiveRuns;
  /** Shared by runs that go on side by side; absent: each run has its own. */
  readonly limits?: Limits;
}

/**
 * Applies a verified plan: units side by side, each a transaction of its own that is done, undone, stuck or, after an
 * interruption, left for the next run. Never throws for what the world does; a bug throws.
 */
export async function applyPlan(dependencies: ApplyDependencies, plan: Plan): Promise<RunOutcome> {
  return (await beginRun(dependencies, plan)).ended;
}

/**
 * The same, for who does not wait for the end: when it returns, all units of the plan count as under way (`LiveRuns`), so
 * that nobody plans them meanwhile, and everybody leaves them their room.
 */
export async function beginRun(
  dependencies: ApplyDependencies,
  plan: Plan,
): Promise<{ readonly ended: Promise<RunOutcome> }> {
  const { clock, progress } = dependencies;
  const startedAt = clock.now();
  const recorded = await loadRecorded(dependencies.store);
  const run = newRunId(startedAt, recorded.storeRevision);
  const live = dependencies.live ?? createLiveRuns();
  const context = await openRun(dependencies, run, { control: live.open(run) });
  progress({ kind: 'runStarted', run, plan });
  const records = unitRecords({ plan, desired: dependencies.desired, recorded, now: startedAt });
  const approvals = await readApprovals(dependencies.store, plan.id);
  const meta: RunMeta = {
    format: runFormat,
    plan: plan.id,
    actor: dependencies.actor,
    startedAt,
    commits: plan.basis.commits,
    summary: plan.summary,
    ...revisionsOf(records, recorded),
    ...(approvals.length > 0 && { approvals: approvals.map(({ plan: _, ...approval }) => approval) }),
  };
  for (const record of records) live.begin(record.unit, context.control, claimOf(run, record));
  return { ended: runToEnd({ dependencies, context, live, records, meta }) };
}

/** As the store will tell of it once it has begun. */
const claimOf = (run: RunId, { unit, planned, steps, settings: { definition } }: UnitRecord): InFlightUnit => ({
  run,
  unit,
  status: 'queued',
  waves: inFlightWaves({ planned, steps }),
  ...(definition !== undefined && { definition }),
});

async function runToEnd(of: {
  readonly dependencies: ApplyDependencies;
  readonly context: RunContext;
  readonly live: LiveRuns;
  readonly records: readonly UnitRecord[];
  readonly meta: RunMeta;
}): Promise<RunOutcome> {
  const { dependencies, context, live, records, meta } = of;
  const { clock, progress } = dependencies;
  const { run } = context;
  try {
    const units = await halting(
      async () => {
        await commit(context, [{ kind: 'put', key: keys.runMeta(run), value: JSON.stringify(meta) }]);
        return runUnits(context, live, records, dependencies.desired);
      },
      (reason) => records.map(({ unit }) => ({ unit, state: 'skipped', reason })),
    );
    const outcome: RunOutcome = { run, units, startedAt: meta.startedAt, endedAt: clock.now() };
    await halting(
      () => finishRun(context, meta, outcome),
      () => undefined,
    );
    progress({ kind: 'runEnded', outcome });
    return outcome;
  } finally {
    for (const { unit } of records) live.end(unit);
    live.close(context.control);
  }
}

/** Sortable by time. Every run writes, so that no other of the same second begins at the same store revision. */
function newRunId(now: number, storeRevision: number): RunId {
  const time = new Date(now)
    .toISOString()
    .replaceAll(/[-:]|\.\d+Z/g, '')
    .replace('T', '-');
  return runId(`${time}-${storeRevision.toString(16).padStart(4, '0')}`);
}

/** Units whose revisions a run's record names: it has to fit into one value of the store. */
const mostRevisions = 2_000;

function revisionsOf(records: readonly UnitRecord[], { workloads }: Recorded): Pick<RunMeta, 'revisions'> {
  const bringing = records.flatMap(({ unit, settings: { target } }) =>
    target === undefined ? [] : [{ unit, target }],
  );
  if (bringing.length > mostRevisions) return {};
  const revisions = bringing.map(({ unit, target }) => {
    const from = workloads.get(workloadOfUnit(unit))?.lastGood;
    return [unit, { ...(from !== undefined && from !== target && { from }), to: target }] as const;
  });
  return { revisions: Object.fromEntries(revisions) };
}

/** The context of a run, with the store's records as they are now. `resumedAt`: of one that was begun before. */
export async function openRun(
  dependencies: ApplyDependencies,
  run: RunId,
  options: Pick<RunContext, 'control' | 'resumedAt'>,
): Promise<RunContext> {
  const { store, leadership, engines, desired, clock, progress, softStop, hardStop } = dependencies;
  const recorded = await loadRecorded(store);
  return {
    run,
    store,
    leadership,
    writer: openWriter((operations) => commit({ store, leadership, clock }, operations)),
    engines,
    clock,
    progress,
    softStop,
    hardStop,
    limits: dependencies.limits ?? openLimits(dependencies),
    allocations: new Map(recorded.allocations.map((allocation) => [allocation.id, allocation])),
    workloads: new Map(recorded.workloads),
    revisions: new Map(recorded.revisions),
    networks: new Map((desired.networks ?? []).map((network) => [network.name, network])),
    engineTrouble: new Map(),
    startedAgain: new Map(),
    ...options,
  };
}

/** As git declares them now. */
export function openLimits({
  desired,
  clock,
  hardStop,
}: Pick<ApplyDependencies, 'desired' | 'clock' | 'hardStop'>): Limits {
  const pods = new Map(desired.nodes.map(({ name, pod }) => [name, pod]));
  return createLimits({ apply: desired.cluster.apply, podOf: (node) => pods.get(node), clock, signal: hardStop });
}

async function runUnits(
  context: RunContext,
  live: LiveRuns,
  records: readonly UnitRecord[],
  desired: Desired,
): Promise<readonly UnitResult[]> {
  const queue = new PQueue({ concurrency: desired.cluster.apply.parallelism });
  const revisions = new Map(desired.workloads.map((workload) => [workload.revisionHash, workload.revision]));
  const results = new Map<UnitId, Promise<UnitResult>>();
  const byUnit = new Map(records.map((record) => [record.unit, record]));
  const start = (record: UnitRecord): Promise<UnitResult> => {
    const begun = results.get(record.unit);
    if (begun !== undefined) return begun;
    const predecessors = record.planned.after.flatMap((unit) => byUnit.get(unit) ?? []);
    const result = startAfter(
      predecessors.map(start),
      () => queue.add(() => startUnit(context, live, record, revisions)),
      (before) => leaveOut(context, record, before),
    ).finally(() => live.end(record.unit));
    results.set(record.unit, result);
    return result;
  };
  return Promise.all(records.map(start));
}

/** Waits until every predecessor has committed; when one has not, the unit is left out. The planner refuses cycles. */
async function startAfter(
  predecessors: readonly Promise<UnitResult>[],
  start: () => Promise<UnitResult>,
  leaveOut: (before: UnitResult) => Promise<UnitResult>,
): Promise<UnitResult> {
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

async function startUnit(
  context: RunContext,
  live: LiveRuns,
  record: UnitRecord,
  revisions: ReadonlyMap<RevisionHash, Revision>,
): Promise<UnitResult> {
  const { unit } = record;
  const { paused, cancelled } = context.control;
  if (context.softStop.aborted) return skip(context, record, 'interrupted before it began');
  if (cancelled.aborted) return skip(context, record, `cancelled by ${toldText(toldBy(cancelled))} before it began`);
  const superseded = live.supersededOf(unit);
  if (superseded.aborted) return skip(context, record, `superseded by ${superseded.reason} before it began`);
  if (paused.aborted) return wait(context, record, `paused by ${toldText(toldBy(paused))}`);
  context.progress({ kind: 'unitStarted', unit });
  return await carryOn(context, live, record, async () => {
    await recordUnit(context, record, revisions);
    return { ledger: emptyLedger(), next: 0 };
  });
}

/** Runs a unit from where its journal says it is, as long as nothing halts it. */
export async function carryOn(
  context: RunContext,
  live: LiveRuns,
  record: UnitRecord,
  prepare: () => Promise<{ readonly ledger: Ledger; readonly next: number }>,
): Promise<UnitResult> {
  const { unit } = record;
  live.begin(unit, context.control);
  try {
    const result = await halting(
      async () =>
        runUnit(context, record, {
          journal: openJournal(context, unit, await prepare()),
          superseded: live.supersededOf(unit),
        }),
      (reason): UnitResult => ({ unit, state: 'paused', reason }),
    );
    await halting(
      () => forgetRevisions(context, record, result),
      () => undefined,
    );
    context.progress({ kind: 'unitEnded', unit, result });
    return result;
  } finally {
    live.end(unit);
  }
}

/** Turns a halt, or a store that does not answer, into a value: the unit stays in the store as it is, and its reason says why. */
export async function halting<T>(run: () => Promise<T>, halted: (reason: string) => T): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Halted) return halted(reasonOf(error));
    if (error instanceof StoreError) return halted(`${error.message} [${runFailureCodes.store}]`);
    throw error;
  }
}

const reasonOf = ({ why, message }: Halted): string =>
  why === 'interrupted' || why === 'paused' ? message : `${message} [${runFailureCodes[why]}]`;

/** The unit's record, its revisions and its generations are in the store before its first effect. */
async function recordUnit(
  context: RunContext,
  record: UnitRecord,
  desired: ReadonlyMap<RevisionHash, Revision>,
): Promise<void> {
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
  operations.push(...unitOperations(context.run, record));
  for (let offset = 0; offset < operations.length; offset += maxOperations) {
    await context.writer.write(operations.slice(offset, offset + maxOperations));
  }
}

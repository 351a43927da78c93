import type { EngineDirectory } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import { type RunId, runId, workloadOfUnit } from '../model/ids.ts';
import { inFlightWaves } from '../model/in-flight.ts';
import type { Plan } from '../model/plan.ts';
import type { InFlightUnit, Recorded } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { loadRecorded } from '../store/recorded.ts';
import { formatOfRun } from '../store/run-format.ts';
import type { Store } from '../store/store.ts';
import { readApprovals } from './approvals.ts';
import type { Clock } from './clock.ts';
import { createLiveRuns, type LiveRuns } from './control.ts';
import { halting } from './halting.ts';
import { finishRun, type RunMeta } from './history.ts';
import { commit } from './journal.ts';
import { createLimits, type Limits } from './limits.ts';
import type { Progress, RunOutcome } from './progress.ts';
import type { RunContext } from './run-context.ts';
import { runUnits } from './run-units.ts';
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
 * Applies a verified plan: units side by side, each a saga of its own (or with those of its transaction) that is done, undone, stuck or, after an
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
    format: formatOfRun(records),
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
const claimOf = (run: RunId, { unit, planned, steps, settings: { definition }, group }: UnitRecord): InFlightUnit => ({
  run,
  unit,
  status: 'queued',
  waves: inFlightWaves({ planned, steps }),
  ...(definition !== undefined && { definition }),
  ...(group !== undefined && { transaction: group.transaction }),
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
    for (const { unit } of records) live.end(unit, context.control);
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

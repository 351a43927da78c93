import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import type { EngineDirectory } from '../../src/engines/engine.ts';
import { liveFields } from '../../src/engines/features.ts';
import type { SimOptions } from '../../src/engines/sim/machine.ts';
import { createSimEngine, type Sim } from '../../src/engines/sim/sim.ts';
import type { Desired, DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import {
  clusterUid,
  namespaceName,
  nodeName,
  podName,
  revisionHash,
  transactionId,
  workloadId,
} from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Revision } from '../../src/model/revision.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { type ApplyDependencies, applyPlan } from '../../src/reconcile/apply.ts';
import { type Clock, systemClock } from '../../src/reconcile/clock.ts';
import { carryOut } from '../../src/reconcile/command.ts';
import { createLiveRuns, type LiveRuns } from '../../src/reconcile/control.ts';
import { planAndVerify } from '../../src/reconcile/planning.ts';
import type { Progress, ProgressEvent, RunOutcome, UnitResult } from '../../src/reconcile/progress.ts';
import { look, noteAbsences } from '../../src/reconcile/reconcile.ts';
import { recoverRuns } from '../../src/reconcile/recover.ts';
import type { CarriedOut, Command } from '../../src/reconcile/requests.ts';
import type { Told } from '../../src/reconcile/saga.ts';
import { acquireLeadership, type Leadership } from '../../src/store/leader.ts';
import { openStore, type StoreLocation } from '../../src/store/open.ts';
import { initialiseCluster } from '../../src/store/recorded.ts';
import type { Store } from '../../src/store/store.ts';
import { type Death, Died, dyingStore } from '../store/dying.ts';

export interface RunOptions {
  readonly death?: Death;
  readonly stop?: AbortSignal;
  /** Instances that are to be somewhere else. */
  readonly relocate?: NonNullable<PlanInputs['relocate']>;
  /** Called with each event of the run: where a test lets something happen in the middle of it. */
  readonly onEvent?: (event: ProgressEvent) => void;
}

/** A cluster of simulated docker nodes over a real embedded store. */
export interface Bench {
  readonly sims: ReadonlyMap<string, Sim>;
  readonly events: ProgressEvent[];
  readonly store: Store;
  /** Of this cluster alone. */
  readonly clock: Clock;
  /** One run of Muster from start to end: recover, plan, apply. Rejects with `Died` at the given transaction. */
  run(desired: Desired, options?: RunOptions): Promise<{ readonly plan: Plan; readonly outcome: RunOutcome }>;
  /** As the leader, for as long as the work takes. */
  lead<T>(desired: Desired, work: (dependencies: Dependencies) => Promise<T>): Promise<T>;
  /** A word of an operator: to the run that is under way, else to a process of its own, which then does it to its end. */
  tell(
    desired: Desired,
    command: Command,
    told?: Told,
  ): Promise<CarriedOut & { readonly units: readonly UnitResult[] }>;
  /** The plan as of now, after recovery by nobody. */
  plan(desired: Desired): Promise<Plan>;
  look(desired: Desired): Promise<Pick<PlanInputs, 'recorded' | 'observed'>>;
  /** What is not in git any more is so from now on. */
  noteAbsences(desired: Desired): Promise<void>;
  /** Time passes. */
  leap(ms: number): void;
  close(): Promise<void>;
}

/** Syncing to a disk is what these tests would spend their time on; that it happens, the store's own tests show. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** Waiting takes no time but moves the clock: gates and back-off run their course at once. */
function leapingClock(): Clock & { leap(ms: number): void } {
  let leaptMs = 0;
  return {
    now: () => Date.now() + leaptMs,
    monotonic: () => performance.now() + leaptMs,
    leap: (ms) => {
      leaptMs += ms;
    },
    sleep: async (ms) => {
      leaptMs += ms;
      await turn();
    },
  };
}

const uid = clusterUid('00000000-0000-4000-8000-000000000001');
export const cluster = { name: 'test', uid };

/** `exec` answers the commands of health checks. `location`: another store than an embedded one of its own. */
export async function openBench(
  nodes: readonly string[],
  { location, ...settings }: Pick<SimOptions, 'exec'> & { readonly location?: StoreLocation } = {},
): Promise<Bench> {
  const folder = mkdtempSync(join(memory, 'muster-reconcile-'));
  const own: StoreLocation = { kind: 'embedded', path: join(folder, 'store') };
  const store = await openStore({ location: location ?? own, cluster: 'test', mode: 'write' });
  await initialiseCluster(store, { uid });
  const sims = new Map(
    nodes.map((name, seed) => [name, createSimEngine({ node: nodeName(name), kind: 'docker', seed, ...settings })]),
  );
  const events: ProgressEvent[] = [];
  const clock = leapingClock();
  const live = createLiveRuns();
  let running: Dependencies | undefined;

  const run: Bench['run'] = async (desired, { death, stop, relocate, onEvent } = {}) => {
    const mortal = death === undefined ? store : dyingStore(store, death);
    const leadership = await lead(store);
    const engines = engineDirectory(sims);
    const report: Progress = (event) => {
      events.push(event);
      onEvent?.(event);
    };
    try {
      const dependencies = dependenciesOf({
        store: mortal,
        leadership,
        engines,
        desired,
        report,
        clock,
        live,
        ...(stop && { stop }),
      });
      running = dependencies;
      await recoverRuns(dependencies);
      const seen = await look({ desired, store, engines, clock });
      const { plan } = planAndVerify({
        desired,
        ...seen,
        now: clock.now(),
        expiresAfterMs: 60_000,
        liveFields,
        ...(relocate && { relocate }),
      });
      return { plan, outcome: await applyPlan(dependencies, plan) };
    } catch (error) {
      // What the dead process still had under way ends before the next one begins.
      if (error instanceof Died) await delay(20);
      throw error;
    } finally {
      running = undefined;
      await leadership.release();
    }
  };

  const leadNow: Bench['lead'] = async (desired, work) => {
    const leadership = await lead(store);
    const report: Progress = (event) => void events.push(event);
    try {
      const engines = engineDirectory(sims);
      return await work(dependenciesOf({ store, leadership, engines, desired, report, clock, live }));
    } finally {
      await leadership.release();
    }
  };

  const tell: Bench['tell'] = async (desired, command, told = { actor: 'alice@desk' }) => {
    if (running !== undefined) return { ...(await carryOut(running, command, told)), units: [] };
    return await leadNow(desired, async (dependencies) => {
      const carried = await carryOut(dependencies, command, told);
      return { ...carried, units: (await carried.going?.ended) ?? [] };
    });
  };

  const lookNow: Bench['look'] = (desired) => look({ desired, store, engines: engineDirectory(sims), clock });

  const plan: Bench['plan'] = async (desired) => {
    const seen = await lookNow(desired);
    return planAndVerify({ desired, ...seen, now: clock.now(), expiresAfterMs: 60_000, liveFields }).plan;
  };

  const absences: Bench['noteAbsences'] = async (desired) => {
    const leadership = await lead(store);
    await noteAbsences({ store, leadership, clock }, desired, (await lookNow(desired)).recorded);
    await leadership.release();
  };

  const close = async (): Promise<void> => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    sims,
    events,
    store,
    clock,
    run,
    lead: leadNow,
    tell,
    plan,
    look: lookNow,
    noteAbsences: absences,
    leap: clock.leap,
    close,
  };
}

export type Dependencies = ApplyDependencies & { readonly live: LiveRuns };

const lead = (store: Store): Promise<Leadership> =>
  acquireLeadership(store, {
    clock: systemClock,
    holder: { actor: 'test', pid: process.pid, host: 'here', command: 'test' },
    ttlMs: 10_000,
    waitMs: 0,
    signal: new AbortController().signal,
  });

function dependenciesOf(of: {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly engines: EngineDirectory;
  readonly desired: Desired;
  readonly report: Progress;
  readonly clock: Clock;
  readonly live: LiveRuns;
  readonly stop?: AbortSignal;
}): Dependencies {
  const { store, leadership, engines, desired, report, clock, live, stop } = of;
  return {
    store,
    leadership,
    engines,
    desired,
    clock,
    progress: report,
    softStop: stop ?? new AbortController().signal,
    hardStop: new AbortController().signal,
    actor: 'test',
    live,
  };
}

export const engineDirectory = (sims: ReadonlyMap<string, Sim>): EngineDirectory => ({
  engineOf: async (node) => {
    const sim = sims.get(node);
    if (sim === undefined) throw new Error(`no simulated node ${node}`);
    return sim.open(cluster);
  },
  close: async () => undefined,
});

export function desiredOf(nodes: readonly string[], workloads: readonly DesiredWorkload[]): Desired {
  return {
    cluster: {
      name: 'test',
      drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
      prune: { stopAfterMs: 0, deleteAfterMs: 0, max: { sharePercent: 100, atLeast: 1_000 } },
      apply: { parallelism: 8, perNode: 4 },
    },
    commits: { main: 'worktree' },
    incompleteSources: [],
    policies: [],
    namespaces: [],
    pods: [{ name: podName('p'), strategy: 'auto' }],
    nodes: nodes.map(nodeOf),
    quotas: [],
    workloads: [...workloads].sort((a, b) => (a.id < b.id ? -1 : 1)),
    refactors: [],
  };
}

const nodeOf = (name: string): DesiredNode => ({
  name: nodeName(name),
  pod: podName('p'),
  labels: {},
  lifecycle: 'online',
  engines: { docker: { endpoint: 'unix:///var/run/docker.sock' } },
  capacity: { cpuMillis: 8_000, memoryBytes: 2 ** 33, storageBytes: 2 ** 36 },
  reserved: {},
  overcommitCpuMilli: 1_000,
  taints: [],
  portRange: { first: 20_000, last: 20_999 },
  portDomain: name,
});

export function workloadOf(
  name: string,
  fields: {
    readonly replicas: number;
    readonly version: string;
    readonly healthyDeadlineMs?: number;
    readonly revision?: Partial<Revision>;
    /** Of its namespace. */
    readonly transaction?: string;
  } & Partial<Pick<DesiredWorkload, 'update' | 'after'>>,
): DesiredWorkload {
  const revision: Revision = {
    engine: 'docker',
    image: `image:${fields.version}`,
    command: [],
    args: [],
    env: {},
    resources: { cpuMillis: 100, memoryBytes: 2 ** 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
    limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
    ports: [],
    stop: { signal: 'SIGTERM', graceMs: 100, delayMs: 0 },
    restart: 'never',
    ...fields.revision,
  };
  return {
    id: workloadId('default', name),
    namespace: namespaceName('default'),
    name,
    labels: {},
    type: 'stateless',
    replicas: fields.replicas,
    revisionHash: revisionHash(`${name}-${fields.version}`),
    revision,
    after: fields.after ?? [],
    ...(fields.transaction !== undefined && { transaction: transactionId('default', fields.transaction) }),
    placement: { pods: [], require: {}, tolerate: [], partial: true },
    update: fields.update ?? {
      groups: [{ kind: 'percent', percent: 100 }],
      observeMs: 0,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: fields.healthyDeadlineMs ?? 2_000,
    },
    maxUnavailable: { kind: 'policy' },
    onLost: 'auto',
    priority: 1_000,
    declaredAt: 'test',
  };
}

import { straysOf } from '../../src/drift/strays.ts';
import { createSimEngine } from '../../src/engines/sim/sim.ts';
import { nodeName, runId } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { PlanRejected, planAndVerify } from '../../src/reconcile/planning.ts';
import { look } from '../../src/reconcile/reconcile.ts';
import { keys, parseRunKey, parseUnitStatusKey, prefixes } from '../../src/store/keys.ts';
import { befall, endFaults } from './befall.ts';
import { connectEngines, type Machine } from './engines.ts';
import { changed, desiredOf, gitAtStart, liveFields } from './git.ts';
import { createNetwork } from './network.ts';
import { attend } from './operator.ts';
import { type MusterProcess, type Surroundings, startProcess, uid } from './process.ts';
import { randomOf } from './random.ts';
import { createScheduler, type Scheduler } from './scheduler.ts';
import { connectStore } from './store.ts';
import { createStoreServer } from './store-server.ts';
import type { Story } from './story.ts';
import { epoch, type Observer, type Violation, type World } from './world.ts';

/** How long after the last fault everything has to be as git says. Back-off goes up to five minutes. */
const convergeWithinMs = 1_800_000;
const askEveryMs = 15_000;
/** Far more than the longest story has that ends well: somebody runs in circles. */
const maxEvents = 60_000;

export interface Told {
  readonly violation: Violation | undefined;
  readonly events: number;
  /** Virtual */
  readonly lastedMs: number;
}

/** Lets a story happen, from its first event until the cluster is as git says, or a promise is broken. */
export async function tell(story: Story, observe: (world: World) => readonly Observer[]): Promise<Told> {
  const scheduler = createScheduler(randomOf(story.seed, 'order'));
  const network = createNetwork(scheduler, randomOf(story.seed, 'network'));
  const server = createStoreServer(scheduler);
  const machines = new Map(story.nodes.map(({ name }) => [name, machineOf(name, scheduler, () => stir())]));
  const processes: (MusterProcess | undefined)[] = [];
  const followers = new Set<() => void>();
  let state = gitAtStart(story);
  let desired = desiredOf(story, state);
  let violation: Violation | undefined;
  let stirred = true;
  const stir = (): void => {
    stirred = true;
  };
  const violated: World['violated'] = (promise, message) => {
    violation ??= { promise, message, at: scheduler.now() };
  };
  const world: World = {
    story,
    scheduler,
    server,
    machines,
    network,
    processes,
    git: () => state,
    desired: () => desired,
    violated,
    violation: () => violation,
  };
  const observers = observe(world);
  const around: Surroundings = {
    scheduler,
    network,
    server,
    machines,
    epoch,
    git: {
      current: () => desired,
      follow: (follower) => {
        followers.add(follower);
        return () => followers.delete(follower);
      },
    },
    told: {
      loop: (process, event) => {
        for (const { told } of observers) told?.loop?.(process, event);
      },
      progress: (event) => {
        for (const { told } of observers) told?.progress?.(event);
      },
      sent: (process, call, leadership) => {
        for (const { told } of observers) told?.sent?.(process, call, leadership);
      },
      landed: (process, call) => {
        stir();
        for (const { told } of observers) told?.landed?.(process, call);
      },
      ended: (process, error) => {
        if (error !== undefined) violated('no bug', `${process.client}: ${stackOf(error)}`);
        for (const { told } of observers) told?.ended?.(process, error);
      },
    },
  };
  const lives = story.nodes.length === 0 ? [] : Array.from({ length: story.processes }, () => 0);
  const start = (number: number): void => {
    if (processes[number]?.isAlive() === true) return;
    lives[number] = (lives[number] ?? 0) + 1;
    processes[number] = startProcess(around, { number, life: lives[number], clockOffMs: 0 });
  };

  for (const number of lives.keys()) scheduler.after(number * 50, () => start(number));
  for (const change of story.changes) {
    scheduler.after(change.at, () => {
      for (const { happens } of observers) happens?.(change);
      state = changed(state, change);
      desired = desiredOf(story, state);
      stir();
      for (const follower of followers) follower();
    });
  }
  for (const fault of story.faults)
    scheduler.after(fault.at, () => {
      stir();
      for (const { happens } of observers) happens?.(fault);
      befall(world, fault, start);
    });
  scheduler.after(story.quietAt, () => endFaults(world, start));

  let rested = false;
  void untilAtRest(world).then((plan) => {
    rested = true;
    if (plan !== undefined) for (const observer of observers) observer.atRest?.(plan);
  });
  const checks = observers.flatMap(({ check }) => check ?? []);
  server.onCommit(({ changes }) => {
    if (changes.some(({ key }) => isChecked(key))) stir();
  });
  await scheduler.run(() => {
    if (stirred) for (const check of checks) check();
    if (scheduler.events() > maxEvents) violated('comes to rest', `${maxEvents} events, and no end`);
    stirred = false;
    return rested || violation !== undefined;
  });
  for (const process of processes) if (process !== undefined) process.actor.dead = true;
  return { violation, events: scheduler.events(), lastedMs: scheduler.now() };
}

/** What is checked after it was written; that of a journal and of a lease is, when it is written. */
const isChecked = (key: string): boolean => key !== keys.leader && !key.includes('/journal/');

function machineOf(name: string, scheduler: Scheduler, stir: () => void): Machine {
  const clock = {
    now: () => epoch + scheduler.now(),
    sleep: async (ms: number, signal?: AbortSignal) => {
      await scheduler.sleep(ms, { signal });
      stir();
    },
  };
  const sim = createSimEngine({
    node: nodeName(name),
    kind: 'docker',
    seed: 0,
    clock,
    exec: ({ QUALITY }) => (QUALITY === 'bad' ? { exitCode: 1, output: 'not well' } : { exitCode: 0, output: '' }),
  });
  return { node: nodeName(name), sim, disk: 'free' };
}

/** Resolves with the plan that has nothing to do; without one when that does not come in time. */
async function untilAtRest(world: World): Promise<Plan | undefined> {
  const { scheduler, story, server, machines } = world;
  const store = connectStore({
    server,
    scheduler,
    client: 'operator',
    fare: () => ({ fate: 'arrives', thereMs: 0, backMs: 0 }),
  });
  const engines = connectEngines({
    machines,
    cluster: { name: 'sim', uid },
    scheduler,
    fare: () => ({ fate: 'arrives', thereMs: 0, backMs: 0 }),
  });
  const clock = {
    now: () => epoch + scheduler.now(),
    monotonic: () => scheduler.now(),
    sleep: (ms: number, signal?: AbortSignal) => scheduler.sleep(ms, { signal }),
  };
  await scheduler.sleep(story.quietAt, {});
  for (;;) {
    await scheduler.sleep(askEveryMs, {});
    const desired = world.desired();
    const seen = await look({ desired, store, engines, clock });
    const plan = planned({ desired, ...seen, now: clock.now(), expiresAfterMs: 60_000, liveFields });
    // What came late is taken away once it has been seen for long enough.
    const zombies = straysOf(seen.recorded, seen.observed).map(({ kind, object }) => `${kind} ${object.allocation}`);
    const open = [...openRecords(world), ...zombies];
    if (plan instanceof PlanRejected) world.violated('every plan verifies', plan.message);
    else if (plan.steps.length === 0 && open.length === 0) return plan;
    await attend(world);
    if (scheduler.now() > story.quietAt + convergeWithinMs) {
      const steps =
        plan instanceof PlanRejected
          ? []
          : plan.steps.map(({ kind, instance, reason }) => `${kind} ${instance} (${reason})`);
      world.violated('converges', `still to do: ${[...steps, ...open].slice(0, 8).join(', ')}`);
      return undefined;
    }
  }
}

/** Closed runs whose end a broken store did not take stay until the next leader (docs/limitations.md); all else is to be gone. */
const storeFaults: ReadonlySet<string> = new Set(['storeFull', 'storeAway', 'storeLoses', 'storeSlow']);

function openRecords({ server, story }: World): readonly string[] {
  const { entries } = server.range(prefixes.runs);
  const isTolerated = story.faults.some(({ kind }) => storeFaults.has(kind));
  const open = new Set(
    entries.flatMap(({ key, value }) => {
      const unit = parseUnitStatusKey(key);
      return unit !== undefined && !isClosed(value) ? [unit.run] : [];
    }),
  );
  // As does the word of an operator that came while the last unit of its run ended.
  return entries
    .map(({ key }) => key)
    .filter((key) => (!isTolerated && !key.endsWith('/word')) || open.has(parseRunKey(key) ?? runId('')));
}

const isClosed = (status: string): boolean => /"state":"(done|undone|skipped|abandoned)"/.test(status);

function planned(inputs: PlanInputs): Plan | PlanRejected {
  try {
    return planAndVerify(inputs).plan;
  } catch (error) {
    if (error instanceof PlanRejected) return error;
    throw error;
  }
}

const stackOf = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));

import type { Desired } from '../../src/model/desired.ts';
import { type ClusterUid, clusterUid } from '../../src/model/ids.ts';
import type { Clock } from '../../src/reconcile/clock.ts';
import { type LoopEvent, runLoop } from '../../src/reconcile/loop.ts';
import type { Progress } from '../../src/reconcile/progress.ts';
import { acquireLeadership, type Leadership } from '../../src/store/leader.ts';
import { initialiseCluster, readIdentity } from '../../src/store/recorded.ts';
import type { Store } from '../../src/store/store.ts';
import { connectEngines, type EngineCall, type Machine } from './engines.ts';
import { liveFields } from './git.ts';
import type { Network } from './network.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import { connectStore } from './store.ts';
import type { StoreServer } from './store-server.ts';

/** How long others wait for a leader that died. */
const leaseTtlMs = 10_000;
const resyncMs = 30_000;

export const uid: ClusterUid = clusterUid('00000000-0000-4000-8000-000000000001');

/** What a process of Muster is surrounded by. */
export interface Surroundings {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly server: StoreServer;
  readonly machines: ReadonlyMap<string, Machine>;
  /** Unix ms at virtual 0. */
  readonly epoch: number;
  readonly git: { current(): Desired; follow(changed: () => void): () => void };
  readonly told: {
    loop(process: MusterProcess, event: LoopEvent): void;
    progress: Progress;
    sent(process: MusterProcess, call: EngineCall, leadership: Leadership): void;
    landed(process: MusterProcess, call: EngineCall): void;
    /** Its loop ended: by itself when it was asked to, else by an error that nobody caught. */
    ended(process: MusterProcess, error: unknown): void;
  };
}

/** One life of one `muster run`, from its start to its end or death. */
export interface MusterProcess {
  readonly number: number;
  /** Of the store's client: unique for each life. */
  readonly client: string;
  readonly actor: Actor;
  /** The first SIGTERM. */
  stop(): void;
  /** Its wall clock is set forth or back; `right`: to what it is. */
  setClock(to: { readonly byMs: number } | 'right'): void;
  /** Dies at its nth transaction from now on. */
  dieAtWrite(death: { readonly nth: number; readonly moment: 'before' | 'after' }): void;
  readonly isAlive: () => boolean;
}

export function startProcess(
  around: Surroundings,
  { number, life, clockOffMs }: { readonly number: number; readonly life: number; readonly clockOffMs: number },
): MusterProcess {
  const { scheduler, network, server, machines, epoch, git, told } = around;
  const actor: Actor = { name: `m${number}.${life}`, dead: false, pausedUntil: 0 };
  const softStop = new AbortController();
  let clockMs = clockOffMs;
  let death: { nth: number; readonly moment: 'before' | 'after' } | undefined;

  const clock: Clock = {
    now: () => Math.floor(epoch + scheduler.now() + clockMs),
    monotonic: () => scheduler.now(),
    sleep: (ms, signal) => scheduler.sleep(ms, { actor, signal }),
  };

  const store = connectStore({
    server,
    scheduler,
    client: actor.name,
    actor,
    fare: (request) => network.storeFare(number, request),
    beforeWrite: () => {
      if (death === undefined) return;
      death.nth -= 1;
      if (death.nth > 0) return;
      // What was sent is carried out; that nobody lives to hear of it is what `after` means.
      if (death.moment === 'before') actor.dead = true;
      else scheduler.after(0, () => (actor.dead = true));
    },
  });

  const enginesFor = (leadership: () => Leadership | undefined) =>
    connectEngines({
      machines,
      cluster: { name: 'sim', uid },
      scheduler,
      actor,
      fare: (node, call) => network.engineFare(number, node, call),
      onSend: (call) => {
        const current = leadership();
        if (current !== undefined) told.sent(process, call, current);
      },
      onLand: (call) => told.landed(process, call),
    });

  const process: MusterProcess = {
    number,
    client: actor.name,
    actor,
    stop: () => softStop.abort(),
    setClock: (to) => {
      clockMs = to === 'right' ? 0 : clockMs + to.byMs;
    },
    dieAtWrite: (at) => {
      death = { ...at };
    },
    isAlive: () => !actor.dead,
  };

  let leading: Leadership | undefined;
  runLoop({
    loadDesired: async () => git.current(),
    watchSource: async (changed, signal) => {
      const unfollow = git.follow(() => void scheduler.after(5, changed, actor));
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      unfollow();
    },
    store,
    acquireLeadership: async (signal) => {
      leading = await lead(store, { clock, name: actor.name, signal });
      return leading;
    },
    openEngines: async () => {
      // Those of one term of leadership: what a term that is over still calls is told apart.
      const of = leading;
      return enginesFor(() => of);
    },
    liveFields,
    clock,
    progress: told.progress,
    report: (event) => told.loop(process, event),
    actor: actor.name,
    resyncMs,
    softStop: softStop.signal,
    hardStop: new AbortController().signal,
  }).then(
    () => {
      actor.dead = true;
      told.ended(process, undefined);
    },
    (error: unknown) => {
      actor.dead = true;
      told.ended(process, error);
    },
  );
  return process;
}

/** As `muster run` does it. */
async function lead(
  store: Store,
  of: { readonly clock: Clock; readonly name: string; readonly signal: AbortSignal },
): Promise<Leadership> {
  const leadership = await acquireLeadership(store, {
    holder: { actor: of.name, pid: 1, host: 'sim', command: 'muster run' },
    clock: of.clock,
    ttlMs: leaseTtlMs,
    waitMs: Number.POSITIVE_INFINITY,
    signal: of.signal,
  });
  if ((await readIdentity(store)) === undefined) await initialiseCluster(store, { uid, fence: leadership.compare });
  return leadership;
}

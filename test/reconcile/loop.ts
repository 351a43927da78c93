import { liveFields } from '../../src/engines/features.ts';
import type { Desired } from '../../src/model/desired.ts';
import { systemClock } from '../../src/reconcile/clock.ts';
import { type LoopEvent, runLoop } from '../../src/reconcile/loop.ts';
import type { ProgressEvent } from '../../src/reconcile/progress.ts';
import { acquireLeadership } from '../../src/store/leader.ts';
import { type Bench, engineDirectory } from './harness.ts';

/** A `muster run` of this process, in real time. */
export interface Loop {
  readonly told: (LoopEvent | ProgressEvent)[];
  /** Somebody pushes to git. */
  push(desired: Desired): void;
  /** The first event that is so, of those that were told and those to come. */
  until<Told extends LoopEvent | ProgressEvent>(
    is: (event: LoopEvent | ProgressEvent) => event is Told,
    what: string,
  ): Promise<Told>;
  /** The first SIGTERM; returns when it has ended. */
  stop(): Promise<void>;
}

const patienceMs = 20_000;

export function startLoop({ store, sims }: Pick<Bench, 'store' | 'sims'>, first: Desired): Loop {
  const told: Loop['told'] = [];
  const waiting = new Set<() => void>();
  const softStop = new AbortController();
  let desired = first;
  let changed = (): void => undefined;
  const tell = (event: LoopEvent | ProgressEvent): void => {
    told.push(event);
    for (const look of [...waiting]) look();
  };
  const ended = runLoop({
    loadDesired: async () => desired,
    watchSource: async (onChange, signal) => {
      changed = onChange;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    },
    store,
    acquireLeadership: (signal) =>
      acquireLeadership(store, {
        clock: systemClock,
        holder: { actor: 'loop', pid: process.pid, host: 'here', command: 'muster run' },
        ttlMs: 10_000,
        waitMs: 0,
        signal,
      }),
    openEngines: async () => engineDirectory(sims),
    liveFields,
    clock: systemClock,
    progress: tell,
    report: tell,
    actor: 'loop',
    resyncMs: 30_000,
    softStop: softStop.signal,
    hardStop: new AbortController().signal,
  });
  return {
    told,
    push: (next) => {
      desired = next;
      changed();
    },
    until: (is, what) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = told.find(is);
          if (found === undefined) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        const timer = setTimeout(() => reject(new Error(`not within ${patienceMs} ms: ${what}`)), patienceMs);
        waiting.add(look);
        look();
      }),
    stop: async () => {
      softStop.abort();
      await ended;
    },
  };
}

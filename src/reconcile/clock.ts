import { setTimeout as delay } from 'node:timers/promises';

/** Time as an input of the shell, so that a simulation can supply its own. */
export interface Clock {
  /** Unix ms */
  now(): number;
  /** Ms since some fixed instant; never set back or forth, as `now` may be. What deadlines go by. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, signal === undefined ? {} : { signal }).catch((error: unknown) => {
      if (signal?.aborted !== true) throw error;
    });
  },
};

import type { Engine } from '../engines/engine.ts';
import type { Clock } from './clock.ts';

/** Why a pass was begun; only ever a reason to look again, never a fact to act on. */
export type TriggerReason = 'start' | 'source' | 'engine' | 'request' | 'resync' | 'backoff' | 'again';

/** Level-triggered: any number of signals between two waits are one. */
export interface Wake {
  signal(reason: TriggerReason): void;
  /** The next reason, at most after `timeoutMs` (then `otherwise`, by default `resync`), at once when stopped. */
  wait(options: {
    readonly timeoutMs: number;
    readonly otherwise?: TriggerReason;
    readonly signal: AbortSignal;
  }): Promise<TriggerReason>;
}

export function createWake(clock: Pick<Clock, 'sleep'>): Wake {
  let pending: TriggerReason | undefined;
  let resolve: (() => void) | undefined;
  return {
    signal: (reason) => {
      // A change of the source says more than the others: what it declares has to be read again.
      if (pending === undefined || reason === 'source') pending = reason;
      resolve?.();
    },
    wait: async ({ timeoutMs, otherwise = 'resync', signal }) => {
      if (pending === undefined && !signal.aborted) {
        const over = new AbortController();
        // With a reason, no error with a stack is made for every wait.
        const finish = (): void => over.abort(awake);
        resolve = finish;
        signal.addEventListener('abort', finish, { once: true });
        await clock.sleep(timeoutMs, over.signal);
        signal.removeEventListener('abort', finish);
        resolve = undefined;
      }
      const reason = pending ?? otherwise;
      pending = undefined;
      return reason;
    },
  };
}

const awake = 'awake';

/** Wakes the loop on every event of an engine, until aborted. The engine reconnects by itself. */
export async function followEngine(engine: Engine, wake: Wake, signal: AbortSignal): Promise<void> {
  for await (const _ of engine.events({ signal })) wake.signal('engine');
}

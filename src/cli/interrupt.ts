import { exitCodes } from './exit.ts';

/** Ctrl-C (or SIGTERM) once: stop at a safe point. Twice: stop now. Three times: leave, whatever is going on. */
export interface Interrupt {
  readonly soft: AbortSignal;
  readonly hard: AbortSignal;
  /** Back to the default: the next Ctrl-C ends the process. */
  restore(): void;
}

export function onInterrupt(say: (text: string) => void): Interrupt {
  const soft = new AbortController();
  const hard = new AbortController();
  const handle = (): void => {
    if (!soft.signal.aborted) {
      say('Stopping at a safe point: what was begun is finished. Ctrl-C again stops at once.');
      soft.abort();
    } else if (!hard.signal.aborted) {
      say('Stopping now. The journal says how far it got; the next apply or run goes on from there.');
      hard.abort();
    } else {
      process.exit(exitCodes.interrupted);
    }
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    soft: soft.signal,
    hard: hard.signal,
    restore: () => {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}

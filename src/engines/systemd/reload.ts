import type { CallSite } from '../deadline.ts';
import { sh } from '../ssh/script.ts';
import { mustRun, type SystemdNode } from './node.ts';

/** `systemctl daemon-reload` for everybody who asks meanwhile: it reads all units of the host again. */
export interface Reloads {
  /** Resolves when a reload that began after this call has ended. */
  reload(site: CallSite, signal: AbortSignal): Promise<void>;
}

/** Changes of one wave come together: they are waited for this long. */
const gatherMs = 20;
const reloadDeadlineMs = 30_000;

export function newReloads(node: SystemdNode): Reloads {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  const reloadAfter = async (before: Promise<unknown>, site: CallSite): Promise<void> => {
    await before.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, gatherMs));
    next = undefined;
    // Not the caller's signal: others wait for it as well.
    await mustRun(node, site, sh`exec systemctl daemon-reload`, AbortSignal.timeout(reloadDeadlineMs));
  };
  return {
    async reload(site, signal) {
      signal.throwIfAborted();
      if (next === undefined) {
        next = reloadAfter(running, site);
        running = next;
      }
      await next;
    },
  };
}

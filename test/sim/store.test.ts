import { storeContract } from '../contract/store.ts';
import type { Scheduler } from './scheduler.ts';
import { connectStore } from './store.ts';
import { createStoreServer } from './store-server.ts';

/** The simulated store keeps the contract of the real ones, here at the pace of a real clock. */
const realTime: Scheduler = {
  now: () => performance.now(),
  after: (delayMs, fire) => {
    const timer = setTimeout(fire, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  sleep: async (ms, { signal }) => {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  },
  run: () => Promise.reject(new Error('real time goes by itself')),
  events: () => 0,
};

storeContract('simulated', {}, async () => {
  const server = createStoreServer(realTime);
  let clients = 0;
  return {
    open: async (cluster, mode) => {
      clients += 1;
      return connectStore({
        server,
        scheduler: realTime,
        client: `client-${clients}`,
        prefix: `${cluster}/`,
        mode,
        fare: () => ({ fate: 'arrives', thereMs: Math.random() * 2, backMs: Math.random() * 2 }),
      });
    },
    compact: async () => server.compact(),
    leaseTtlMs: 1_000,
    cleanUp: async () => undefined,
  };
});

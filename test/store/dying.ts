import type { Store } from '../../src/store/store.ts';

/** A process that is thought to have died: whatever it still tries to write is lost. */
export class Died extends Error {
  override readonly name = 'Died';
}

/** When a process dies, counted in its store transactions. */
export interface Death {
  /** From 1. */
  readonly atTransaction: number;
  /** `before`: the write is lost · `after`: it is stored, and nobody hears of it */
  readonly moment: 'before' | 'after';
}

/** The store as a process knows it that dies at a transaction: from then on nothing reaches it any more. `error`: what the process is told. */
export function dyingStore(store: Store, death: Death, error: () => Error = () => new Died('died')): Store {
  let transactions = 0;
  return {
    kind: store.kind,
    location: store.location,
    get: (key) => store.get(key),
    range: (prefix) => store.range(prefix),
    watch: (prefix, options) => store.watch(prefix, options),
    lease: (options) => store.lease(options),
    close: () => store.close(),
    txn: async (transaction) => {
      transactions += 1;
      if (transactions < death.atTransaction) return store.txn(transaction);
      if (transactions === death.atTransaction && death.moment === 'after') await store.txn(transaction);
      throw error();
    },
  };
}

import { randomUUID } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { StoreLease } from '../store.ts';
import type { Environment } from './environment.ts';
import { isProcessAlive, ownIdentity } from './process-identity.ts';
import { type LeaseRecord, leaseKey, scanData, scanLeases, writeRevision } from './records.ts';

export interface Leases {
  grant(ttlMs: number): StoreLease;
  /** Ends every lease whose deadline has passed. */
  expire(): void;
  endAll(): void;
}

/**
 * Leases of the one writer. A lease lives as long as this process keeps running: the timer that keeps it alive stops with
 * a stopped process, and a dead one's leases are ended here, by whoever opens the store for writing next.
 */
export function createLeases(environment: Environment): Leases {
  const alive = new Map<string, EmbeddedLease>();
  const end = (ids: readonly string[]): void => {
    const ended = ids.flatMap((id) => alive.get(id) ?? []);
    for (const id of ids) alive.delete(id);
    if (ids.length > 0) deleteLeases(environment, new Set(ids));
    for (const lease of ended) lease.markEnded();
  };
  end(Array.from(scanLeases(environment), ([id]) => id));
  return {
    grant(ttlMs) {
      const id = randomUUID();
      environment.database.transactionSync(() =>
        environment.database.putSync(leaseKey(id), ownIdentity() satisfies LeaseRecord),
      );
      const lease = new EmbeddedLease(id, ttlMs, () => end([id]));
      alive.set(id, lease);
      return lease;
    },
    expire() {
      end([...alive.values()].filter((lease) => !lease.isAlive()).map((lease) => lease.id));
    },
    endAll() {
      end([...alive.keys()]);
    },
  };
}

/** What a reader asks: does a live process hold it? */
export function isLeaseHeld({ database }: Environment, id: string): boolean {
  const record = database.get(leaseKey(id)) as LeaseRecord | undefined;
  return record !== undefined && isProcessAlive(record);
}

function deleteLeases(environment: Environment, ids: ReadonlySet<string>): void {
  const { database } = environment;
  database.transactionSync(() => {
    const orphans = Array.from(scanData(environment, '')).filter(([, [, , , lease]]) => ids.has(lease));
    writeRevision(
      environment,
      orphans.map(([key]) => [key, null]),
    );
    for (const id of ids) database.removeSync(leaseKey(id));
  });
  database.resetReadTxn();
  for (const listener of environment.listeners) listener();
}

class EmbeddedLease implements StoreLease {
  readonly id: string;
  readonly ended: Promise<void>;
  readonly #end: () => void;
  readonly #timer: NodeJS.Timeout;
  #resolveEnded: () => void = () => {};
  #deadline: number;
  #over = false;

  constructor(id: string, ttlMs: number, end: () => void) {
    this.id = id;
    this.#end = end;
    this.#deadline = performance.now() + ttlMs;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    // A process that was stopped for longer than the TTL finds its lease lost, as with etcd.
    this.#timer = setInterval(() => {
      if (this.isAlive()) this.#deadline = performance.now() + ttlMs;
      else end();
    }, ttlMs / 3);
    this.#timer.unref();
  }

  isAlive(): boolean {
    return !this.#over && performance.now() < this.#deadline;
  }

  async revoke(): Promise<void> {
    if (!this.#over) this.#end();
  }

  markEnded(): void {
    this.#over = true;
    clearInterval(this.#timer);
    this.#resolveEnded();
  }
}

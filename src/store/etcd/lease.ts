import type { Etcd3, Lease } from 'etcd3';
import type { StoreLease } from '../store.ts';
import { repeatable } from './calls.ts';

/** etcd counts a lease's life in seconds. Throws `StoreError`. */
export async function grantLease(client: Etcd3, ttlMs: number, location: string): Promise<EtcdLease> {
  const { lease, id, requestedAt } = await requestLease(client, Math.max(1, Math.ceil(ttlMs / 1000)), location);
  return new EtcdLease({ lease, id, ttlMs, requestedAt, location });
}

/** A grant is asked for when the object is made, and only once: each attempt is a new one. One that was granted unheard expires. */
export function requestLease(
  client: Etcd3,
  ttlSeconds: number,
  location: string,
): Promise<{ readonly lease: Lease; readonly id: string; readonly requestedAt: number }> {
  return repeatable(location, async () => {
    const requestedAt = performance.now();
    const lease = client.lease(ttlSeconds);
    return { lease, id: await lease.grant(), requestedAt };
  });
}

/**
 * etcd3 3: its `lost` comes about twice the TTL late. The deadline here is counted on a monotonic clock from when the last
 * keep-alive that was answered had been *sent*: the server's own count started later.
 */
export class EtcdLease implements StoreLease {
  readonly id: string;
  readonly ended: Promise<void>;
  readonly #lease: Lease;
  readonly #ttlMs: number;
  readonly #location: string;
  /** When keep-alives that are not answered yet were sent; answers come in order. */
  #sent: number[] = [];
  #deadline: number;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #resolveEnded: () => void = () => {};

  constructor(options: {
    readonly lease: Lease;
    readonly id: string;
    readonly ttlMs: number;
    readonly requestedAt: number;
    readonly location: string;
  }) {
    this.id = options.id;
    this.#lease = options.lease;
    this.#ttlMs = options.ttlMs;
    this.#location = options.location;
    this.#deadline = options.requestedAt + options.ttlMs;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#lease.on('keepaliveEstablished', () => {
      this.#sent = [];
    });
    this.#lease.on('keepaliveFired', () => {
      this.#sent.push(performance.now());
    });
    this.#lease.on('keepaliveSucceeded', () => {
      const sent = this.#sent.shift();
      if (sent !== undefined && this.isAlive()) this.#extend(sent + this.#ttlMs);
    });
    this.#lease.on('lost', () => this.#end());
    this.#extend(this.#deadline);
  }

  isAlive(): boolean {
    return !this.#over && performance.now() < this.#deadline;
  }

  async revoke(): Promise<void> {
    const wasAlive = this.isAlive();
    this.#end();
    // One that is over ends by itself, and a server that was away for a whole lease need not be waited for.
    if (wasAlive) await repeatable(this.#location, () => this.#lease.revoke());
  }

  /** Keeps it alive no longer; its keys go when its TTL has passed. */
  abandon(): void {
    this.#end();
  }

  #extend(deadline: number): void {
    this.#deadline = deadline;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(), Math.max(0, deadline - performance.now()));
    this.#timer.unref();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#lease.release();
    this.#resolveEnded();
  }
}

import type { Etcd3, IKeyValue } from 'etcd3';
import { assertTransaction } from '../limits.ts';
import type { KeyValue, RangeResult, Store, StoreLease, Transaction, TransactionResult } from '../store.ts';
import { StoreError } from '../store.ts';
import { closedError, repeatable } from './calls.ts';
import { createClient, type EtcdConnection } from './client.ts';
import { isCompacted } from './errors.ts';
import { type EtcdLease, grantLease } from './lease.ts';
import { createTransactor, type Transactor } from './transaction.ts';
import { watchEtcd } from './watch.ts';

export interface EtcdStoreOptions extends EtcdConnection {
  /** `/muster` */
  readonly prefix: string;
  readonly cluster: string;
  readonly mode: 'read' | 'write' | 'beside';
}

/** Keys a request: with values of the usual size about a megabyte. */
const pageSize = 2000;
/** A compaction in the middle of a long range begins it anew. */
const maxRangeAttempts = 3;

/** The store of production. Does not connect: an etcd that cannot be reached shows itself at the first call. */
export const openEtcdStore = (options: EtcdStoreOptions): Store => new EtcdStore(options);

class EtcdStore implements Store {
  readonly kind = 'etcd';
  readonly location: string;
  readonly #options: EtcdStoreOptions;
  readonly #prefix: string;
  readonly #client: Etcd3;
  readonly #transactor: Transactor;
  readonly #leases = new Set<EtcdLease>();
  readonly #closed = new AbortController();

  constructor(options: EtcdStoreOptions) {
    const { endpoints, prefix, cluster } = options;
    const hosts = endpoints.map((endpoint) => endpoint.replace(/^https?:\/\//, '')).join(',');
    this.location = `etcd${endpoints.some((endpoint) => endpoint.startsWith('https:')) ? 's' : ''}://${hosts}${prefix}`;
    this.#options = options;
    this.#prefix = `${prefix}/${cluster}/`;
    this.#client = createClient(options);
    const marks = `${prefix}/.transactions/${cluster}/`;
    this.#transactor = createTransactor({ client: this.#client, location: this.location, prefix: this.#prefix, marks });
  }

  async get(key: string): Promise<KeyValue | undefined> {
    await this.#begin();
    const { kvs } = await this.#call(() => this.#client.get(this.#prefix + key).exec());
    const [found] = kvs;
    return found && this.#toKeyValue(found);
  }

  async range(prefix: string): Promise<RangeResult> {
    await this.#begin();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#pages(prefix);
      } catch (error) {
        if (!isCompacted(error) || attempt === maxRangeAttempts) throw error;
      }
    }
  }

  async txn(transaction: Transaction): Promise<TransactionResult> {
    this.#assertOpen();
    if (this.#options.mode === 'read') {
      throw new StoreError({ code: 'internal', message: `${this.location} was opened for reading`, retryable: false });
    }
    assertTransaction(transaction);
    return await this.#transactor.execute(transaction);
  }

  async *watch(prefix: string, options: { readonly fromRevision: number; readonly signal: AbortSignal }) {
    this.#assertOpen();
    yield* watchEtcd({
      connection: this.#options,
      location: this.location,
      prefix: this.#prefix,
      below: prefix,
      fromRevision: options.fromRevision,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
    });
    if (!options.signal.aborted) this.#assertOpen();
  }

  async lease({ ttlMs }: { readonly ttlMs: number }): Promise<StoreLease> {
    this.#assertOpen();
    const lease = await grantLease(this.#client, ttlMs, this.location);
    this.#leases.add(lease);
    void lease.ended.then(() => this.#leases.delete(lease));
    return lease;
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#closed.abort();
    for (const lease of this.#leases) lease.abandon();
    await this.#transactor.close();
    this.#client.close();
  }

  /** etcd3 8: pages, all at the revision of the first. */
  async #pages(prefix: string): Promise<RangeResult> {
    const end = endOfPrefix(this.#prefix + prefix);
    const entries: KeyValue[] = [];
    let start = Buffer.from(this.#prefix + prefix);
    for (let revision = 0; ; ) {
      const from = start;
      const at = revision;
      const page = await this.#call(() => {
        const request = this.#client.getAll().inRange({ start: from, end }).limit(pageSize);
        return (at === 0 ? request : request.revision(at)).exec();
      });
      revision ||= Number(page.header.revision);
      for (const found of page.kvs) entries.push(this.#toKeyValue(found));
      const last = page.kvs.at(-1);
      if (!page.more || last === undefined) return { revision, entries };
      start = Buffer.concat([last.key, Buffer.from([0])]);
    }
  }

  async #call<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await repeatable(this.location, call);
    } catch (error) {
      this.#assertOpen();
      throw error;
    }
  }

  #toKeyValue(found: IKeyValue): KeyValue {
    return {
      key: found.key.toString().slice(this.#prefix.length),
      value: found.value.toString(),
      createRevision: Number(found.create_revision),
      modRevision: Number(found.mod_revision),
    };
  }

  /** Nothing is read while an own write may still come: who reads would act on what is about to change. */
  async #begin(): Promise<void> {
    this.#assertOpen();
    await this.#transactor.settled();
  }

  #assertOpen(): void {
    if (this.#closed.signal.aborted) throw closedError(this.location);
  }
}

/** The first key behind all that begin with the prefix; it ends in `/` or a letter, never in 0xff. */
function endOfPrefix(prefix: string): Buffer {
  const end = Buffer.from(prefix);
  const lastIndex = end.length - 1;
  end[lastIndex] = (end[lastIndex] ?? 0) + 1;
  return end;
}

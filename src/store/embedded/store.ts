import { assertNever } from '../../model/assert.ts';
import { assertTransaction } from '../limits.ts';
import type { Compare, KeyValue, RangeResult, Store, StoreLease, Transaction, TransactionResult } from '../store.ts';
import { StoreError } from '../store.ts';
import { acquireEnvironment, type Environment, isThere, releaseEnvironment } from './environment.ts';
import { createLeases, isLeaseHeld, type Leases } from './lease.ts';
import { currentRevision, type DataRecord, readData, scanData, toKeyValue, writeRevision } from './records.ts';
import { watchLog } from './watch.ts';
import { lockForWriting, unlockForWriting } from './writer-lock.ts';

export interface EmbeddedOptions {
  readonly path: string;
  readonly cluster: string;
  readonly mode: 'read' | 'write' | 'beside';
}

/** Transactions that share one commit (and so one fsync) at most. */
const maxBatch = 256;

/**
 * The store of one machine: lmdb in one directory, one writer that may lead and many readers, in this process and in
 * others. lmdb itself lets one transaction write at a time, so that somebody else may write a record beside the writer.
 * Throws `StoreError` `locked` or `corrupt`.
 */
export async function openEmbeddedStore(options: EmbeddedOptions): Promise<Store> {
  const store = new EmbeddedStore(options);
  await store.open();
  return store;
}

interface Queued {
  readonly transaction: Transaction;
  readonly resolve: (result: TransactionResult) => void;
  readonly reject: (error: unknown) => void;
}

class EmbeddedStore implements Store {
  readonly kind = 'embedded';
  readonly location: string;
  readonly #path: string;
  readonly #prefix: string;
  readonly #mode: EmbeddedOptions['mode'];
  readonly #closed = new AbortController();
  /** Absent for a reader of a store that nobody has written to yet. */
  #environment: Environment | undefined;
  #opening: Promise<void> | undefined;
  #leases: Leases | undefined;
  #queue: Queued[] = [];

  constructor({ path, cluster, mode }: EmbeddedOptions) {
    this.location = `embedded:${path}`;
    this.#path = path;
    this.#prefix = `${cluster}/`;
    this.#mode = mode;
  }

  async open(): Promise<void> {
    if (this.#mode === 'read' && !isThere(this.#path)) return;
    const environment = await acquireEnvironment(this.#path);
    try {
      if (this.#mode === 'write') {
        lockForWriting(environment, this.#path);
        this.#leases = createLeases(environment);
      }
      this.#environment = environment;
    } catch (error) {
      await releaseEnvironment(environment);
      throw error;
    }
  }

  async get(key: string): Promise<KeyValue | undefined> {
    const environment = await this.#reading();
    const data = environment && readData(environment, this.#prefix + key);
    return data && this.#visible(data) ? toKeyValue(key, data) : undefined;
  }

  async range(prefix: string): Promise<RangeResult> {
    const environment = await this.#reading();
    if (environment === undefined) return { revision: 1, entries: [] };
    // Without an await in between, all of it is read in one lmdb transaction.
    const entries: KeyValue[] = [];
    for (const [key, data] of scanData(environment, this.#prefix + prefix)) {
      if (this.#visible(data)) entries.push(toKeyValue(key.slice(this.#prefix.length), data));
    }
    return { revision: currentRevision(environment), entries };
  }

  async txn(transaction: Transaction): Promise<TransactionResult> {
    this.#assertOpen();
    if (this.#mode === 'read') throw this.#notFor('reading');
    assertTransaction(transaction);
    return await new Promise((resolve, reject) => {
      this.#queue.push({ transaction, resolve, reject });
      if (this.#queue.length === 1) setImmediate(() => this.#flush());
    });
  }

  async *watch(prefix: string, options: { readonly fromRevision: number; readonly signal: AbortSignal }) {
    this.#assertOpen();
    const events = watchLog({
      environment: () => this.#reading(),
      path: this.#path,
      prefix: this.#prefix,
      below: prefix,
      fromRevision: options.fromRevision,
      signal: AbortSignal.any([options.signal, this.#closed.signal]),
    });
    yield* events;
    if (!options.signal.aborted) this.#assertOpen();
  }

  async lease({ ttlMs }: { readonly ttlMs: number }): Promise<StoreLease> {
    this.#assertOpen();
    if (this.#leases === undefined) throw this.#notFor(this.#mode === 'read' ? 'reading' : 'single writes');
    return this.#leases.grant(ttlMs);
  }

  async close(): Promise<void> {
    if (this.#closed.signal.aborted) return;
    this.#flush();
    await this.#opening;
    this.#closed.abort();
    const environment = this.#environment;
    if (environment === undefined) return;
    if (this.#mode === 'write') {
      this.#leases?.endAll();
      unlockForWriting(environment);
    }
    await releaseEnvironment(environment);
  }

  /** The environment at its newest revision; undefined while there is no store at all. */
  async #reading(): Promise<Environment | undefined> {
    this.#assertOpen();
    if (this.#environment === undefined) {
      this.#opening ??= this.open().finally(() => {
        this.#opening = undefined;
      });
      await this.#opening;
      this.#assertOpen();
    }
    this.#environment?.database.resetReadTxn();
    return this.#environment;
  }

  /** A dead process's lease has ended, also while no writer has come to delete its keys. */
  #visible([, , , lease]: DataRecord): boolean {
    return (
      lease === '' ||
      this.#leases !== undefined ||
      (this.#environment !== undefined && isLeaseHeld(this.#environment, lease))
    );
  }

  /** Everything queued in this turn of the event loop goes into one commit. */
  #flush(): void {
    const batch = this.#queue.splice(0, maxBatch);
    const environment = this.#environment;
    if (batch.length === 0 || environment === undefined) return;
    if (this.#queue.length > 0) setImmediate(() => this.#flush());
    try {
      this.#leases?.expire();
      // Nothing in it throws but lmdb itself, and then the whole batch is rolled back: validation came first.
      const outcomes = environment.database.transactionSync(() =>
        batch.map(({ transaction }) => this.#apply(environment, transaction)),
      );
      environment.database.resetReadTxn();
      for (const [index, { resolve, reject }] of batch.entries()) {
        const outcome = outcomes[index];
        if (outcome === undefined || outcome instanceof StoreError) reject(outcome);
        else resolve(outcome);
      }
      for (const listener of environment.listeners) listener();
    } catch (cause) {
      const error = writeError(this.location, cause);
      for (const { reject } of batch) reject(error);
    }
  }

  #apply(environment: Environment, { compares, operations }: Transaction): TransactionResult | StoreError {
    if (!compares.every((compare) => this.#holds(environment, compare))) {
      return { succeeded: false, revision: currentRevision(environment) };
    }
    const leases = operations.flatMap((operation) =>
      operation.kind === 'put' && operation.lease ? [operation.lease] : [],
    );
    const ended = leases.find((lease) => !lease.isAlive());
    if (ended !== undefined) {
      return new StoreError({ code: 'internal', message: `the lease ${ended.id} has ended`, retryable: false });
    }
    const changes = operations.map((operation) => {
      const put = operation.kind === 'put' ? { value: operation.value, lease: operation.lease?.id ?? '' } : null;
      return [this.#prefix + operation.key, put] as const;
    });
    return { succeeded: true, revision: writeRevision(environment, changes) };
  }

  #holds(environment: Environment, compare: Compare): boolean {
    const data = readData(environment, this.#prefix + compare.key);
    switch (compare.kind) {
      case 'value':
        return data !== undefined && data[0] === compare.equals;
      case 'createRevision':
        return (data?.[1] ?? 0) === compare.equals;
      case 'modRevision':
        return (data?.[2] ?? 0) === compare.equals;
      default:
        return assertNever(compare);
    }
  }

  #assertOpen(): void {
    if (!this.#closed.signal.aborted) return;
    throw new StoreError({ code: 'closed', message: `${this.location} has been closed`, retryable: false });
  }

  #notFor(purpose: string): StoreError {
    return new StoreError({
      code: 'internal',
      message: `${this.location} was opened for ${purpose}`,
      retryable: false,
    });
  }
}

function writeError(location: string, cause: unknown): StoreError {
  const text = cause instanceof Error ? cause.message : String(cause);
  const full = /No space left|ENOSPC|MDB_MAP_FULL|disk quota/i.test(text);
  return new StoreError({
    code: full ? 'noSpace' : 'internal',
    message: `${location}: the commit failed: ${text}`,
    retryable: false,
    hint: full
      ? 'Free some space on this disk; nothing of the transaction was written.'
      : 'Look at the disk: dmesg, df, mount options.',
    cause,
  });
}

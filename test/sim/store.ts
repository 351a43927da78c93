import {
  type Store,
  StoreError,
  type StoreLease,
  type Transaction,
  type TransactionResult,
  type WatchEvent,
} from '../../src/store/store.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import type { Change, StoreServer } from './store-server.ts';

/** How one request fares on its way. */
export interface Fare {
  /** `lost`: it never arrives · `replyLost`: it is carried out, and nobody hears of it. Both are given up after a while. */
  readonly fate: 'arrives' | 'lost' | 'replyLost';
  readonly thereMs: number;
  readonly backMs: number;
}

/** Who asks, and how the network treats each of its requests. */
export interface StoreClientOptions {
  readonly server: StoreServer;
  readonly scheduler: Scheduler;
  readonly client: string;
  readonly actor?: Actor;
  readonly fare: (request: 'read' | 'write' | 'lease' | 'watch') => Fare;
  readonly mode?: 'read' | 'write';
  /** Cut off of every key, as a cluster's name is. */
  readonly prefix?: string;
  /** Called before each transaction is sent; may end the process. */
  readonly beforeWrite?: (transaction: Transaction) => void;
}

/** After so long without an answer a request is given up, as both real stores do. */
const giveUpMs = 8_000;
const location = 'sim';

/** The store's contract over the simulated network. */
export function connectStore(options: StoreClientOptions): Store {
  const { server, scheduler, actor, client, fare, prefix = '', mode = 'write' } = options;
  let closed = false;
  const closing = new AbortController();
  const own = new Set<SimLease>();
  /** Transactions that were given up and may still be on their way: settled before the next one is sent, as etcd's are. */
  const unsettled = new Set<() => void>();

  const ask = <T>(request: 'read' | 'write' | 'lease', work: () => T): Promise<T> => {
    if (closed) return Promise.reject(closedError());
    return new Promise<T>((resolve, reject) => {
      const { fate, thereMs, backMs } = fare(request);
      let over = false;
      const settle = (delayMs: number, end: () => void): void => {
        scheduler.after(
          delayMs,
          () => {
            if (over) return;
            over = true;
            giveUp.cancel();
            if (closed) reject(closedError());
            else end();
          },
          actor,
        );
      };
      const giveUp = scheduler.after(
        giveUpMs,
        () => {
          if (request === 'write' && fate !== 'lost') unsettled.add(settleNow);
          settle(0, () => reject(unanswered(request)));
        },
        actor,
      );
      let isUnderWay = true;
      /** It happens now, or never. */
      const settleNow = (): void => {
        if (isUnderWay && Math.floor(thereMs) % 2 === 0) land();
        isUnderWay = false;
      };
      const land = (): void => {
        if (!isUnderWay) return;
        isUnderWay = false;
        try {
          const result = work();
          if (fate === 'arrives') settle(backMs, () => resolve(result));
        } catch (error) {
          if (fate === 'arrives') settle(backMs, () => reject(error));
        }
      };
      if (fate !== 'lost') scheduler.after(thereMs, land);
    });
  };

  const txn = (transaction: Transaction): Promise<TransactionResult> => {
    if (mode === 'read') return Promise.reject(readOnly());
    options.beforeWrite?.(transaction);
    if (actor?.dead === true) return new Promise(() => undefined);
    const lost = leasesOf(transaction).find((lease) => !lease.isAlive());
    if (lost !== undefined) return Promise.reject(leaseEnded(lost));
    for (const settleNow of unsettled) settleNow();
    unsettled.clear();
    return ask('write', () => server.txn(withPrefix(transaction, prefix), client));
  };

  return {
    kind: 'etcd',
    location,
    get: (key) =>
      ask('read', () => {
        const entry = server.get(prefix + key);
        return entry && { ...entry, key };
      }),
    range: (below) =>
      ask('read', () => {
        const { revision, entries } = server.range(prefix + below);
        if (prefix === '') return { revision, entries };
        return { revision, entries: entries.map((entry) => ({ ...entry, key: entry.key.slice(prefix.length) })) };
      }),
    txn,
    watch: (below, { fromRevision, signal }) =>
      watchServer(options, {
        below: prefix + below,
        cut: prefix.length,
        fromRevision,
        signal,
        closing: closing.signal,
      }),
    lease: async ({ ttlMs }) => {
      const askedAt = scheduler.now();
      const id = await ask('lease', () => server.grant(ttlMs));
      const lease = new SimLease({ ...options, id, ttlMs, askedAt });
      own.add(lease);
      return lease;
    },
    close: async () => {
      closed = true;
      closing.abort();
      for (const lease of own) void lease.revoke();
    },
  };
}

/** Kept alive by itself; its own deadline counts from when the last keep-alive that was answered had been sent. */
class SimLease implements StoreLease {
  readonly id: string;
  readonly ended: Promise<void>;
  readonly #options: StoreClientOptions & { readonly ttlMs: number };
  #resolveEnded: () => void = () => {};
  #deadline: number;
  #over = false;

  constructor(options: StoreClientOptions & { readonly id: string; readonly ttlMs: number; readonly askedAt: number }) {
    this.id = options.id;
    this.#options = options;
    this.#deadline = options.askedAt + options.ttlMs;
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
    this.#beat();
    this.#watchDeadline();
  }

  isAlive(): boolean {
    return !this.#over && this.#options.scheduler.now() < this.#deadline;
  }

  async revoke(): Promise<void> {
    const wasAlive = this.isAlive();
    this.#end();
    if (!wasAlive) return;
    const { scheduler, server, actor, fare } = this.#options;
    const { fate, thereMs, backMs } = fare('lease');
    if (fate === 'lost') return scheduler.sleep(giveUpMs, { actor });
    await new Promise<void>((resolve) => {
      scheduler.after(thereMs, () => {
        server.revoke(this.id);
        scheduler.after(backMs, resolve, actor);
      });
    });
  }

  #beat(): void {
    const { scheduler, server, ttlMs, actor, fare } = this.#options;
    scheduler.after(
      ttlMs / 3,
      () => {
        if (this.#over) return;
        const sentAt = scheduler.now();
        const { fate, thereMs, backMs } = fare('lease');
        this.#beat();
        if (fate === 'lost') return;
        scheduler.after(thereMs, () => {
          const known = server.keepAlive(this.id);
          if (fate === 'arrives') scheduler.after(backMs, () => this.#heard(known, sentAt), actor);
        });
      },
      actor,
    );
  }

  #heard(known: boolean, sentAt: number): void {
    if (!known) this.#end();
    else if (this.isAlive()) this.#deadline = Math.max(this.#deadline, sentAt + this.#options.ttlMs);
  }

  #watchDeadline(): void {
    const { scheduler, actor } = this.#options;
    scheduler.after(
      this.#deadline - scheduler.now(),
      () => {
        if (this.#over) return;
        if (this.isAlive()) this.#watchDeadline();
        else this.#end();
      },
      actor,
    );
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#resolveEnded();
  }
}

/** Every change once and in order; the network may hold them up. */
async function* watchServer(
  { server, scheduler, actor, fare }: StoreClientOptions,
  of: {
    readonly below: string;
    readonly cut: number;
    readonly fromRevision: number;
    readonly signal: AbortSignal;
    readonly closing: AbortSignal;
  },
): AsyncGenerator<WatchEvent> {
  let delivered = of.fromRevision;
  let wake: () => void = () => undefined;
  const notify = (): void => wake();
  /** News take their time; a connection that was dropped is made again a little later. */
  const stopListening = server.onCommit(({ changes }) => {
    if (!changes.some(({ key }) => key.startsWith(of.below))) return;
    const { fate, thereMs, backMs } = fare('watch');
    scheduler.after(thereMs + backMs + (fate === 'arrives' ? 0 : giveUpMs), notify, actor);
  });
  of.signal.addEventListener('abort', notify);
  of.closing.addEventListener('abort', notify);
  try {
    for (;;) {
      if (of.closing.aborted) throw closedError();
      if (of.signal.aborted) return;
      const news = server.since(delivered, of.below);
      if (news === 'reset') {
        yield { kind: 'reset' };
        return;
      }
      for (const { revision, change } of news) {
        delivered = revision;
        yield eventOf(change, revision, of.cut);
        if (of.signal.aborted) return;
      }
      if (news.length === 0) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    stopListening();
    of.signal.removeEventListener('abort', notify);
    of.closing.removeEventListener('abort', notify);
  }
}

function eventOf({ key, entry }: Change, modRevision: number, cut: number): WatchEvent {
  if (entry === undefined) return { kind: 'delete', key: key.slice(cut), modRevision };
  return { kind: 'put', entry: { ...entry, key: key.slice(cut) } };
}

function withPrefix(transaction: Transaction, prefix: string): Transaction {
  if (prefix === '') return transaction;
  return {
    compares: transaction.compares.map((compare) => ({ ...compare, key: prefix + compare.key })),
    operations: transaction.operations.map((operation) => ({ ...operation, key: prefix + operation.key })),
  };
}

const leasesOf = ({ operations }: Transaction): readonly StoreLease[] =>
  operations.flatMap((operation) => (operation.kind === 'put' && operation.lease ? [operation.lease] : []));

/** A read may simply be repeated; what became of a write nobody knows. */
const unanswered = (request: 'read' | 'write' | 'lease'): StoreError =>
  request === 'write'
    ? new StoreError({ code: 'unknownOutcome', message: 'simulated store: the reply was lost', retryable: false })
    : new StoreError({ code: 'unreachable', message: 'simulated store: no answer', retryable: true });

const closedError = (): StoreError =>
  new StoreError({ code: 'closed', message: `${location} has been closed`, retryable: false });

const readOnly = (): StoreError =>
  new StoreError({ code: 'internal', message: 'opened for reading only', retryable: false });

const leaseEnded = (lease: StoreLease): StoreError =>
  new StoreError({ code: 'internal', message: `the lease ${lease.id} has ended`, retryable: false });

import { assertTransaction } from '../../src/store/limits.ts';
import {
  type Compare,
  type KeyValue,
  type Operation,
  type RangeResult,
  StoreError,
  type Transaction,
  type TransactionResult,
} from '../../src/store/store.ts';
import type { Scheduler } from './scheduler.ts';

/** One change of one key, as watches tell it. */
export interface Change {
  readonly key: string;
  /** Absent: deleted. */
  readonly entry: KeyValue | undefined;
  readonly before: KeyValue | undefined;
}

export interface Commit {
  readonly revision: number;
  readonly changes: readonly Change[];
  /** Who wrote; absent: the store itself, when a lease ended. */
  readonly writer: string | undefined;
}

/** A change in the history. */
export interface Logged {
  readonly revision: number;
  readonly change: Change;
}

/** The one truth behind all clients: keys, revisions, leases, history. It never loses anything; the way to it does. */
export interface StoreServer {
  revision(): number;
  get(key: string): KeyValue | undefined;
  range(prefix: string): RangeResult;
  txn(transaction: Transaction, writer: string): TransactionResult;
  grant(ttlMs: number): string;
  /** False: there is none (any more). */
  keepAlive(id: string): boolean;
  revoke(id: string): void;
  /** Changes below the prefix after the revision, or `reset` when they are not known any more. */
  since(revision: number, prefix: string): readonly Logged[] | 'reset';
  compact(): void;
  /** While full, nothing is put. */
  setSpace(space: 'free' | 'full'): void;
  /** Called after each commit. */
  onCommit(listener: (commit: Commit) => void): () => void;
}

interface Lease {
  readonly id: string;
  readonly ttlMs: number;
  deadline: number;
  readonly keys: Set<string>;
}

export function createStoreServer(scheduler: Pick<Scheduler, 'now' | 'after'>): StoreServer {
  const entries = new Map<string, KeyValue>();
  const sorted: string[] = [];
  const leaseOf = new Map<string, Lease>();
  const leases = new Map<string, Lease>();
  const listeners = new Set<(commit: Commit) => void>();
  const history = createHistory();
  let compacted = 0;
  let revision = 1;
  let granted = 0;
  let space: 'free' | 'full' = 'free';

  const write = (operation: Operation, at: number): Change => {
    const { key } = operation;
    const before = entries.get(key);
    leaseOf.get(key)?.keys.delete(key);
    leaseOf.delete(key);
    if (operation.kind === 'delete') {
      entries.delete(key);
      sorted.splice(lowerBound(sorted, key), 1);
      return { key, entry: undefined, before };
    }
    const entry = { key, value: operation.value, createRevision: before?.createRevision ?? at, modRevision: at };
    entries.set(key, entry);
    if (before === undefined) sorted.splice(lowerBound(sorted, key), 0, key);
    const lease = operation.lease && leases.get(operation.lease.id);
    if (lease !== undefined) {
      lease.keys.add(key);
      leaseOf.set(key, lease);
    }
    return { key, entry, before };
  };

  const commit = (operations: readonly Operation[], writer: string | undefined): void => {
    const effective = operations.filter(({ kind, key }) => kind === 'put' || entries.has(key));
    if (effective.length === 0) return;
    revision += 1;
    const done: Commit = { revision, writer, changes: effective.map((operation) => write(operation, revision)) };
    history.add(done);
    for (const listener of [...listeners]) listener(done);
  };

  const end = (lease: Lease): void => {
    leases.delete(lease.id);
    commit(
      [...lease.keys].map((key) => ({ kind: 'delete', key })),
      undefined,
    );
  };
  const expireAt = (lease: Lease): void => {
    scheduler.after(lease.deadline - scheduler.now(), () => {
      if (!leases.has(lease.id)) return;
      if (scheduler.now() >= lease.deadline) end(lease);
      else expireAt(lease);
    });
  };

  return {
    revision: () => revision,
    get: (key) => entries.get(key),
    range: (prefix) => {
      const found: KeyValue[] = [];
      for (let index = lowerBound(sorted, prefix); index < sorted.length; index += 1) {
        const key = sorted[index] as string;
        if (!key.startsWith(prefix)) break;
        found.push(entries.get(key) as KeyValue);
      }
      return { revision, entries: found };
    },
    txn: (transaction, writer) => {
      assertTransaction(transaction);
      const { compares, operations } = transaction;
      const puts = operations.filter((operation) => operation.kind === 'put');
      if (space === 'full' && puts.length > 0) throw noSpace();
      if (puts.some(({ lease }) => lease !== undefined && !leases.has(lease.id))) throw leaseGone();
      const succeeded = compares.every((compare) => holds(entries.get(compare.key), compare));
      if (succeeded) commit(operations, writer);
      return { succeeded, revision };
    },
    grant: (ttlMs) => {
      granted += 1;
      const lease: Lease = { id: `lease-${granted}`, ttlMs, deadline: scheduler.now() + ttlMs, keys: new Set() };
      leases.set(lease.id, lease);
      expireAt(lease);
      return lease.id;
    },
    keepAlive: (id) => {
      const lease = leases.get(id);
      if (lease !== undefined) lease.deadline = scheduler.now() + lease.ttlMs;
      return lease !== undefined;
    },
    revoke: (id) => {
      const lease = leases.get(id);
      if (lease !== undefined) end(lease);
    },
    since: (from, prefix) => (from < compacted || from > revision ? 'reset' : history.since(from, prefix)),
    compact: () => {
      compacted = revision;
    },
    setSpace: (next) => {
      space = next;
    },
    onCommit: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

interface History {
  add(commit: Commit): void;
  since(revision: number, prefix: string): readonly Logged[];
}

/** Kept apart by what stands before a key's first slash, so that a watch of one key does not look at everything. */
function createHistory(): History {
  const bySegment = new Map<string, Logged[]>();
  const segmentOf = (key: string): string => key.slice(0, key.indexOf('/') + 1) || key;
  return {
    add: ({ revision, changes }) => {
      for (const change of changes) {
        const segment = segmentOf(change.key);
        const logged = bySegment.get(segment);
        if (logged === undefined) bySegment.set(segment, [{ revision, change }]);
        else logged.push({ revision, change });
      }
    },
    since: (from, prefix) => {
      const found: Logged[] = [];
      for (const [segment, logged] of bySegment) {
        if (!segment.startsWith(prefix) && !prefix.startsWith(segment)) continue;
        for (let index = logged.length - 1; index >= 0; index -= 1) {
          const entry = logged[index] as Logged;
          if (entry.revision <= from) break;
          if (entry.change.key.startsWith(prefix)) found.push(entry);
        }
      }
      return found.reverse().sort((a, b) => a.revision - b.revision);
    },
  };
}

/** Where a key is, or would be. */
function lowerBound(keys: readonly string[], key: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] as string) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function holds(entry: KeyValue | undefined, compare: Compare): boolean {
  if (compare.kind === 'value') return entry?.value === compare.equals;
  return (entry?.[compare.kind] ?? 0) === compare.equals;
}

const noSpace = (): StoreError =>
  new StoreError({ code: 'noSpace', message: 'simulated store: database space exceeded', retryable: false });

const leaseGone = (): StoreError =>
  new StoreError({ code: 'internal', message: 'simulated store: requested lease not found', retryable: false });

import type { ClusterIdentity } from '../../model/recorded.ts';
import { keys } from '../keys.ts';
import type { Leadership } from '../leader.ts';
import { decodeIdentity, readIdentity } from '../recorded.ts';
import { type KeyValue, maxOperations, type Operation, type Store, StoreError } from '../store.ts';
import { type Backup, isTransient } from './file.ts';

/** Bytes of a transaction, well below what the stores take. */
const maxBytes = 1_000_000;

/**
 * Makes the store what the backup says, under the lease. First a mark is written that keeps everybody else out, last, in
 * one transaction, the identity with an epoch above both and the mark's removal: whoever is interrupted in between runs it
 * again. Throws `StoreError`; `locked` when the lease was lost.
 */
export async function restoreBackup(
  store: Store,
  options: {
    readonly backup: Backup;
    readonly leadership: Leadership;
    /** Unix ms */
    readonly now: number;
    /** After each transaction. */
    readonly onProgress?: (done: number, of: number) => void;
  },
): Promise<ClusterIdentity | undefined> {
  const { backup, leadership, now, onProgress } = options;
  const write = (operations: readonly Operation[]) => commit(store, leadership, operations);
  await write([put(keys.restoring, JSON.stringify({ since: now, backup: backup.header }))]);
  const before = await readIdentity(store);
  const { entries } = await store.range('');
  const chunks = chunked(difference(entries, backup));
  for (const [index, chunk] of chunks.entries()) {
    await write(chunk);
    onProgress?.(index + 1, chunks.length);
  }
  const identity = raised(before, backup);
  const end: Operation = { kind: 'delete', key: keys.restoring };
  await write(
    identity === undefined
      ? [{ kind: 'delete', key: keys.format }, end]
      : [put(keys.format, JSON.stringify(identity)), end],
  );
  return identity;
}

/** What is not in the backup goes, what is otherwise there comes; the identity last, by itself. */
function difference(entries: readonly KeyValue[], { records }: Backup): readonly Operation[] {
  const wanted = new Map(records.map(({ key, value }) => [key, value]));
  const isOurs = (key: string): boolean => key !== keys.leader && key !== keys.restoring && key !== keys.format;
  const gone = entries.filter(({ key }) => isOurs(key) && !wanted.has(key));
  const present = new Map(entries.map(({ key, value }) => [key, value]));
  const puts = records.filter(({ key, value }) => isOurs(key) && !isTransient(key) && present.get(key) !== value);
  return [
    ...gone.map(({ key }): Operation => ({ kind: 'delete', key })),
    ...puts.map(({ key, value }) => put(key, value)),
  ];
}

function chunked(operations: readonly Operation[]): readonly (readonly Operation[])[] {
  const chunks: Operation[][] = [];
  let bytes = maxBytes;
  for (const operation of operations) {
    const size = operation.key.length + (operation.kind === 'put' ? Buffer.byteLength(operation.value) : 0);
    const last = chunks.at(-1);
    if (last === undefined || last.length === maxOperations || bytes + size > maxBytes) {
      chunks.push([operation]);
      bytes = size;
    } else {
      last.push(operation);
      bytes += size;
    }
  }
  return chunks;
}

/** Above the epoch of the store as well as that of the backup: no leader of either may write any more. */
function raised(before: ClusterIdentity | undefined, { records }: Backup): ClusterIdentity | undefined {
  const record = records.find(({ key }) => key === keys.format);
  if (record === undefined) return undefined;
  const identity = decodeIdentity({ ...record, createRevision: 0, modRevision: 0 });
  return { ...identity, epoch: Math.max(identity.epoch, before?.epoch ?? 0) + 1 };
}

async function commit(store: Store, { compare }: Leadership, operations: readonly Operation[]): Promise<void> {
  const { succeeded } = await store.txn({ compares: [compare], operations });
  if (succeeded) return;
  throw new StoreError({
    code: 'locked',
    message: `${store.location}: the leader lease was lost in the middle of the restore`,
    retryable: false,
    hint: 'The store is half restored, and every other command refuses it: run the same restore again.',
  });
}

const put = (key: string, value: string): Operation => ({ kind: 'put', key, value });

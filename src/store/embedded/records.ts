import type { KeyValue } from '../store.ts';
import type { Environment } from './environment.ts';
import type { ProcessIdentity } from './process-identity.ts';

/**
 * What lies in lmdb, all in one tree so that one read transaction sees all of it:
 * `d/<cluster>/<key>` data · `l/<revision>` the revision log · `s/<lease>` who holds a lease · `m/…` counters.
 */
export type DataRecord = readonly [value: string, createRevision: number, modRevision: number, lease: string];
/** Full key (with its cluster), then the new data, or null where it was deleted. */
export type LogRecord = readonly (readonly [key: string, data: DataRecord | null])[];
export type LeaseRecord = ProcessIdentity;

/** As in etcd, an empty store is at revision 1. */
const firstRevision = 1;
/** After every character that a key may hold. */
const last = '\u{10ffff}';
/** Watchers that fell behind further than this list again. */
const maxLogRevisions = 10_000;
const maxLogBytes = 64 * 1024 * 1024;

export const dataKey = (key: string): string => `d/${key}`;
export const leaseKey = (id: string): string => `s/${id}`;
const logKey = (revision: number): string => `l/${String(revision).padStart(16, '0')}`;

export const currentRevision = ({ database }: Environment): number =>
  (database.get('m/revision') as number | undefined) ?? firstRevision;

/** Changes up to and with this revision are not in the log any more. */
export const compactedRevision = ({ database }: Environment): number =>
  (database.get('m/compacted') as number | undefined) ?? firstRevision;

export const readData = ({ database }: Environment, key: string): DataRecord | undefined =>
  database.get(dataKey(key)) as DataRecord | undefined;

/** Entries below a prefix, with their full keys, in the order of their bytes. */
export function* scanData(
  { database }: Environment,
  prefix: string,
): Generator<readonly [key: string, data: DataRecord]> {
  const start = dataKey(prefix);
  for (const { key, value } of database.getRange({ start, end: start + last }))
    yield [key.slice(2), value as DataRecord];
}

export function* scanLeases({ database }: Environment): Generator<readonly [id: string, record: LeaseRecord]> {
  for (const { key, value } of database.getRange({ start: 's/', end: `s/${last}` }))
    yield [key.slice(2), value as LeaseRecord];
}

/** Log entries after a revision, at most `limit`. */
export function readLog(environment: Environment, afterRevision: number, limit: number): readonly LogRecord[] {
  const range = environment.database.getRange({ start: logKey(afterRevision + 1), end: `l/${last}`, limit });
  return Array.from(range, ({ value }) => value as LogRecord);
}

/**
 * Writes one revision: data, log and counters together. Must run inside `transactionSync`. Returns the new revision, or
 * the old one when nothing changes. `changes` maps full keys to the value and lease, or to null for a deletion.
 */
export function writeRevision(
  environment: Environment,
  changes: readonly (readonly [key: string, put: { readonly value: string; readonly lease: string } | null])[],
): number {
  const { database } = environment;
  const revision = currentRevision(environment) + 1;
  const log: (readonly [string, DataRecord | null])[] = [];
  let bytes = 0;
  for (const [key, put] of changes) {
    const before = readData(environment, key);
    if (put === null) {
      if (before === undefined) continue;
      database.removeSync(dataKey(key));
      log.push([key, null]);
    } else {
      const data: DataRecord = [put.value, before?.[1] ?? revision, revision, put.lease];
      database.putSync(dataKey(key), data);
      log.push([key, data]);
      bytes += put.value.length;
    }
    bytes += key.length + 32;
  }
  if (log.length === 0) return revision - 1;
  database.putSync('m/revision', revision);
  database.putSync(logKey(revision), log);
  trimLog(environment, revision, bytes);
  return revision;
}

/** Drops the oldest revisions until the log is within its bounds again. */
function trimLog(environment: Environment, revision: number, addedBytes: number): void {
  const { database } = environment;
  let bytes = ((database.get('m/logBytes') as number | undefined) ?? 0) + addedBytes;
  let compacted = compactedRevision(environment);
  while (compacted < revision - 1 && (revision - compacted > maxLogRevisions || bytes > maxLogBytes)) {
    compacted += 1;
    const dropped = (database.get(logKey(compacted)) as LogRecord | undefined) ?? [];
    for (const [key, data] of dropped) bytes -= key.length + 32 + (data?.[0].length ?? 0);
    database.removeSync(logKey(compacted));
  }
  database.putSync('m/compacted', compacted);
  database.putSync('m/logBytes', bytes);
}

export const toKeyValue = (key: string, [value, createRevision, modRevision]: DataRecord): KeyValue => ({
  key,
  value,
  createRevision,
  modRevision,
});

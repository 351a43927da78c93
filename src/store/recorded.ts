import type { ClusterUid, NodeName, RevisionHash, WorkloadId } from '../model/ids.ts';
import { engineKinds } from '../model/ids.ts';
import type {
  Allocation,
  AllocationState,
  ClusterIdentity,
  InFlightUnit,
  Override,
  Recorded,
  RecordedNode,
  RecordedWorkload,
} from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import { type OneText, openTexts } from '../model/texts.ts';
import { type Decode, withWork } from './in-flight.ts';
import { keys, parseAllocationKey, parseUnitStatusKey, prefixes } from './keys.ts';
import { type Compare, type KeyValue, type RangeResult, type Store, StoreError } from './store.ts';

export const formatVersion = '1.0';
const terminalUnitStates: ReadonlySet<string> = new Set(['done', 'undone', 'abandoned', 'skipped']);
const allocationStates: ReadonlySet<string> = new Set([
  'reserved',
  'live',
  'stopping',
  'held',
  'lost',
] satisfies AllocationState[]);

/**
 * Everything recorded, read at one store revision. Throws `StoreError` `corrupt` on a record that cannot be read, naming
 * its key, and `internal` on a format of a newer major version.
 */
export async function loadRecorded(store: Store): Promise<Recorded> {
  return recordedFrom(await store.range(''), (entry, decode) => decode(entry));
}

/**
 * `loadRecorded` again and again: a record that was not written since is not decoded again, and when none was, the result
 * is the very one of the last time, with the store revision of that time.
 */
export function openRecords(store: Store): () => Promise<Recorded> {
  const known = new Map<string, Known>();
  let last: Recorded | undefined;
  return async () => {
    const range = await store.range('');
    let isSame = range.entries.length === known.size;
    for (const { key, modRevision } of range.entries) {
      if (known.get(key)?.modRevision === modRevision) continue;
      known.set(key, { modRevision, value: undefined });
      isSame = false;
    }
    if (isSame && last !== undefined) return last;
    // Should a record be unreadable, the next look finds that out again.
    last = undefined;
    if (known.size > range.entries.length) forgetDeleted(known, range.entries);
    last = recordedFrom(range, (entry, decode) => {
      const record = known.get(entry.key) ?? { modRevision: entry.modRevision, value: undefined };
      record.value ??= decode(entry);
      return record.value as ReturnType<typeof decode>;
    });
    return last;
  };
}

/** A record as it was last read. */
interface Known {
  readonly modRevision: number;
  /** Absent until it is decoded; not all are. */
  value: unknown;
}

function forgetDeleted(known: Map<string, Known>, entries: readonly KeyValue[]): void {
  const present = new Set(entries.map(({ key }) => key));
  for (const key of known.keys()) if (!present.has(key)) known.delete(key);
}

function recordedFrom({ revision, entries }: RangeResult, decode: Decode): Recorded {
  const tables = emptyTables();
  // The format first: records of a format that this version does not know are not looked at.
  const format = entries.find((entry) => entry.key === keys.format);
  const identity = format && decodeIdentity(format);
  const one = openTexts();
  const allocationOf = (entry: KeyValue): Allocation => decodeAllocation(entry, one);
  const ofRuns: KeyValue[] = [];
  for (const entry of entries) {
    if (entry.key.startsWith(prefixes.allocations)) tables.allocations.push(decode(entry, allocationOf));
    else if (entry.key.startsWith(prefixes.runs)) ofRuns.push(entry);
    else sortInto(tables, entry, decode);
  }
  tables.allocations.sort(byWorkloadOrdinalGeneration);
  const inFlight = withWork(openUnits(ofRuns), ofRuns, decode);
  return { storeRevision: revision, ...(identity && { identity }), ...tables, inFlight };
}

/** Uid and epoch of the cluster, or undefined before the first apply. */
export async function readIdentity(store: Store): Promise<ClusterIdentity | undefined> {
  const entry = await store.get(keys.format);
  return entry && decodeIdentity(entry);
}

/**
 * Gives the cluster its uid and epoch 1, once: where somebody else was first, what they wrote is returned.
 * With a fence (a leader's `compare`) the write is fenced like every other.
 */
export async function initialiseCluster(
  store: Store,
  options: { readonly uid: ClusterUid; readonly fence?: Compare },
): Promise<ClusterIdentity> {
  const identity: ClusterIdentity = { formatVersion, uid: options.uid, epoch: 1 };
  const missing: Compare = { kind: 'createRevision', key: keys.format, equals: 0 };
  const fence = options.fence === undefined ? [] : [options.fence];
  const { succeeded } = await store.txn({
    compares: [missing, ...fence],
    operations: [{ kind: 'put', key: keys.format, value: JSON.stringify(identity) }],
  });
  if (succeeded) return identity;
  const existing = await readIdentity(store);
  if (existing !== undefined) return existing;
  throw new StoreError({
    code: 'locked',
    message: `${store.location}: the leader lease was lost before the cluster could be initialised`,
    retryable: true,
    hint: 'Another Muster took over; run the command again.',
  });
}

/** The value under `alloc/…`; what the key says is not repeated. */
export function encodeAllocation(allocation: Allocation): string {
  const { node, engine, revision, state, objectId, holds, heldSince, lateCalls } = allocation;
  return JSON.stringify({ node, engine, revision, state, objectId, holds, heldSince, lateCalls });
}

export function decodeAllocation(entry: KeyValue, one: OneText): Allocation {
  const identity = parseAllocationKey(entry.key);
  const record = parseRecord(entry) as Partial<Allocation>;
  const { node, engine, revision, state, objectId, holds, heldSince, lateCalls } = record;
  if (identity === undefined) throw corrupt(entry, 'the key is not that of an allocation');
  if (typeof holds !== 'object' || holds === null || typeof holds.cpuMillis !== 'number')
    throw corrupt(entry, 'holds are missing');
  const { id, instance, workload, ordinal, generation } = identity;
  const allocation: { -readonly [Key in keyof Allocation]: Allocation[Key] } = {
    id,
    instance,
    workload: one(workload),
    ordinal,
    generation,
    node: one(checked(entry, node, 'node')),
    engine: one(checked(entry, engine, 'engine')),
    revision: one(checked(entry, revision, 'revision')),
    state: checked(entry, state, 'state'),
    holds,
  };
  if (!(engineKinds as readonly string[]).includes(allocation.engine))
    throw corrupt(entry, `unknown engine ${allocation.engine}`);
  if (!allocationStates.has(allocation.state)) throw corrupt(entry, `unknown state ${allocation.state}`);
  if (typeof objectId === 'string') allocation.objectId = objectId;
  if (typeof heldSince === 'number') allocation.heldSince = heldSince;
  if (Array.isArray(lateCalls)) allocation.lateCalls = lateCalls;
  return allocation;
}

function checked<Text extends string>(entry: KeyValue, value: Text | undefined, field: string): Text {
  if (typeof value !== 'string') throw corrupt(entry, `${field} is missing`);
  return value;
}

export function encodeWorkload(workload: RecordedWorkload): string {
  const { lastGood, earlier, failed, nextGeneration, missingSince } = workload;
  return JSON.stringify({ lastGood, earlier, failed, nextGeneration, missingSince });
}

export function decodeWorkload(entry: KeyValue): RecordedWorkload {
  const { lastGood, earlier, failed, nextGeneration, missingSince } = parseRecord(entry) as Partial<RecordedWorkload>;
  if (typeof nextGeneration !== 'number') throw corrupt(entry, 'nextGeneration is missing');
  if (!Array.isArray(failed)) throw corrupt(entry, 'failed is missing');
  return {
    failed,
    nextGeneration,
    ...(lastGood !== undefined && { lastGood }),
    ...(earlier !== undefined && { earlier }),
    ...(missingSince !== undefined && { missingSince }),
  };
}

/** Revisions are their own format: what is stored is what was hashed. */
export const encodeRevision = (revision: Revision): string => JSON.stringify(revision);

export function decodeRevision(entry: KeyValue): Revision {
  const revision = parseRecord(entry) as Partial<Revision>;
  if (typeof revision.engine !== 'string' || typeof revision.resources !== 'object')
    throw corrupt(entry, 'not a revision');
  return revision as Revision;
}

export function encodeNode(node: RecordedNode): string {
  const { capacity, liveness } = node;
  return JSON.stringify({ capacity, liveness });
}

export function decodeNode(entry: KeyValue): RecordedNode {
  const { capacity, liveness } = parseRecord(entry) as Partial<RecordedNode>;
  if (typeof capacity !== 'object' || typeof liveness !== 'object')
    throw corrupt(entry, 'capacity or liveness is missing');
  return { capacity, liveness };
}

export function encodeOverride(override: Override): string {
  const { id, kind, target, revision, actor, reason, until } = override;
  return JSON.stringify({ id, kind, target, revision, actor, reason, until });
}

export function decodeOverride(entry: KeyValue): Override {
  const { id, kind, target, revision, actor, reason, until } = parseRecord(entry) as Partial<Override>;
  if (id === undefined || kind === undefined || target === undefined)
    throw corrupt(entry, 'id, kind or target is missing');
  if (actor === undefined || reason === undefined || until === undefined)
    throw corrupt(entry, 'actor, reason or until is missing');
  return { id, kind, target, actor, reason, until, ...(revision !== undefined && { revision }) };
}

export function decodeIdentity(entry: KeyValue): ClusterIdentity {
  const record = parseRecord(entry);
  const version = text(entry, record, 'formatVersion');
  const uid = text(entry, record, 'uid') as ClusterUid;
  const epoch = record['epoch'];
  if (version.split('.')[0] !== formatVersion.split('.')[0]) {
    throw new StoreError({
      code: 'internal',
      message: `the store has format ${version}; this muster reads format ${formatVersion}`,
      retryable: false,
      hint: 'Use the muster version that wrote it, or a newer one. Nothing was changed.',
    });
  }
  if (typeof epoch !== 'number') throw corrupt(entry, 'epoch is missing');
  return { formatVersion: version, uid, epoch };
}

interface Tables {
  readonly workloads: Map<WorkloadId, RecordedWorkload>;
  readonly allocations: Allocation[];
  readonly revisions: Map<RevisionHash, Revision>;
  readonly nodes: Map<NodeName, RecordedNode>;
  readonly overrides: Override[];
}

const emptyTables = (): Tables => ({
  workloads: new Map(),
  allocations: [],
  revisions: new Map(),
  nodes: new Map(),
  overrides: [],
});

/** All but allocations and runs. Keys of newer minor versions are passed over. */
function sortInto(tables: Tables, entry: KeyValue, decode: Decode): void {
  const { key } = entry;
  if (key.startsWith(prefixes.workloads)) {
    tables.workloads.set(key.slice(prefixes.workloads.length) as WorkloadId, decode(entry, decodeWorkload));
  } else if (key.startsWith(prefixes.revisions)) {
    tables.revisions.set(key.slice(key.lastIndexOf('/') + 1) as RevisionHash, decode(entry, decodeRevision));
  } else if (key.startsWith(prefixes.nodes))
    tables.nodes.set(key.slice(prefixes.nodes.length) as NodeName, decodeNode(entry));
  else if (key.startsWith(prefixes.overrides)) tables.overrides.push(decodeOverride(entry));
}

/** A run's journal has many times more records than it has units. */
const openUnits = (ofRuns: readonly KeyValue[]): readonly InFlightUnit[] =>
  ofRuns.flatMap((entry): readonly InFlightUnit[] => {
    const unit = entry.key.endsWith('/status') ? parseUnitStatusKey(entry.key) : undefined;
    const status = unit && text(entry, parseRecord(entry), 'state');
    return unit === undefined || status === undefined || terminalUnitStates.has(status) ? [] : [{ ...unit, status }];
  });

/** The store sorts `…/10` before `…/2`. */
function byWorkloadOrdinalGeneration(a: Allocation, b: Allocation): number {
  if (a.workload !== b.workload) return a.workload < b.workload ? -1 : 1;
  return a.ordinal - b.ordinal || a.generation - b.generation;
}

function parseRecord(entry: KeyValue): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(entry.value);
  } catch (cause) {
    throw corrupt(entry, 'not JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw corrupt(entry, 'not an object');
  return value as Record<string, unknown>;
}

const text = (entry: KeyValue, record: Record<string, unknown>, field: string): string =>
  checked(entry, record[field] as string | undefined, field);

function corrupt(entry: KeyValue, problem: string, cause?: unknown): StoreError {
  return new StoreError({
    code: 'corrupt',
    message: `record ${entry.key} (revision ${entry.modRevision}) cannot be read: ${problem}`,
    retryable: false,
    hint: 'Somebody else wrote to this key, or the store is damaged: compare with a backup before anything is applied.',
    ...(cause !== undefined && { cause }),
  });
}

import { canonicalJson, sha256Hex } from '../../model/hash.ts';
import type { NodeName, RevisionHash, RunId, UnitId, WorkloadId } from '../../model/ids.ts';
import type { Allocation, ClusterIdentity, Override, RecordedNode, RecordedWorkload } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { StoreFinding } from '../../model/store-check.ts';
import { openTexts } from '../../model/texts.ts';
import { keys, parseUnitKey, prefixes } from '../keys.ts';
import {
  decodeAllocation,
  decodeIdentity,
  decodeNode,
  decodeOverride,
  decodeRevision,
  decodeWorkload,
} from '../recorded.ts';
import { type KeyValue, StoreError } from '../store.ts';
import { finding } from './finding.ts';

/** Every record that could be read, by kind. */
export interface Records {
  identity: ClusterIdentity | undefined;
  readonly workloads: Map<WorkloadId, RecordedWorkload>;
  readonly allocations: Allocation[];
  readonly revisions: Map<WorkloadId, Map<RevisionHash, Revision>>;
  readonly nodes: Map<NodeName, RecordedNode>;
  readonly overrides: Override[];
  /** Runs that have said what they are. */
  readonly runs: Set<RunId>;
  /** By `run unit`. */
  readonly units: Map<string, RecordedUnit>;
  readonly findings: StoreFinding[];
}

export interface RecordedUnit {
  readonly run: RunId;
  readonly unit: UnitId;
  /** Absent: it was never begun, its record is only half written. */
  state: string | undefined;
  readonly chunks: string[];
}

/** Sorts every entry into its table; what cannot be read, and what belongs to none, is a finding. */
export function readRecords(entries: readonly KeyValue[]): Records {
  const records: Records = {
    identity: undefined,
    workloads: new Map(),
    allocations: [],
    revisions: new Map(),
    nodes: new Map(),
    overrides: [],
    runs: new Set(),
    units: new Map(),
    findings: [],
  };
  const one = openTexts();
  for (const entry of entries) {
    try {
      if (!enter(records, entry, one))
        records.findings.push(finding('MUS2102', entry.key, 'this key is none of those that Muster keeps'));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      records.findings.push(finding('MUS2101', entry.key, error.message));
    }
  }
  return records;
}

/** False where the key is of no kind. Throws `StoreError`. */
function enter(records: Records, entry: KeyValue, one: ReturnType<typeof openTexts>): boolean {
  const { key } = entry;
  if (key === keys.format) records.identity = decodeIdentity(entry);
  else if (key.startsWith(prefixes.allocations)) records.allocations.push(decodeAllocation(entry, one));
  else if (isBelow(key, prefixes.workloads, 2)) {
    records.workloads.set(key.slice(prefixes.workloads.length) as WorkloadId, decodeWorkload(entry));
  } else if (isBelow(key, prefixes.revisions, 3)) enterRevision(records, entry);
  else if (isBelow(key, prefixes.nodes, 1))
    records.nodes.set(key.slice(prefixes.nodes.length) as NodeName, decodeNode(entry));
  else if (key.startsWith(prefixes.overrides)) records.overrides.push(decodeOverride(entry));
  else if (key.startsWith(prefixes.runs)) return enterRun(records, entry);
  else if (
    key === keys.leader ||
    key === keys.restoring ||
    isBelow(key, prefixes.approvals, 2) ||
    isBelow(key, prefixes.requests, 1) ||
    isBelow(key, prefixes.zombies, 4) ||
    isBelow(key, prefixes.history, 1)
  )
    readJson(entry);
  else return false;
  return true;
}

/** `parts` names behind the prefix. */
const isBelow = (key: string, prefix: string, parts: number): boolean =>
  key.startsWith(prefix) && key.slice(prefix.length).split('/').length === parts;

/** A revision's hash is that of its text, so damage shows. */
function enterRevision(records: Records, entry: KeyValue): void {
  const revision = decodeRevision(entry);
  const [, namespace, name, hash] = entry.key.split('/') as [string, string, string, RevisionHash];
  const actual = sha256Hex(canonicalJson(revision)).slice(0, hash.length);
  if (actual !== hash) throw unreadable(entry, `what it says has the hash ${actual}`);
  const workload = `${namespace}/${name}` as WorkloadId;
  const own = records.revisions.get(workload) ?? new Map<RevisionHash, Revision>();
  records.revisions.set(workload, own.set(hash, revision));
}

function enterRun(records: Records, entry: KeyValue): boolean {
  const [, run = '', part = '', ...rest] = entry.key.split('/');
  if ((part === 'meta' || part === 'word') && rest.length === 0) {
    readJson(entry);
    if (part === 'meta') records.runs.add(run as RunId);
    return true;
  }
  if (entry.key === keys.runWord(run as RunId)) {
    readJson(entry);
    return true;
  }
  const parsed = parseUnitKey(entry.key);
  if (parsed === undefined) return false;
  const name = `${parsed.run} ${parsed.unit}`;
  const unit = records.units.get(name) ?? { run: parsed.run, unit: parsed.unit, state: undefined, chunks: [] };
  records.units.set(name, unit);
  enterUnitPart(unit, parsed.kind, entry);
  return true;
}

function enterUnitPart(unit: RecordedUnit, kind: 'plan' | 'status' | 'journal', entry: KeyValue): void {
  // A chunk by itself is no document.
  if (kind === 'plan') {
    unit.chunks.push(entry.value);
    return;
  }
  const field = kind === 'status' ? 'state' : 'kind';
  const name = readJson(entry)[field];
  if (typeof name !== 'string') throw unreadable(entry, `${field} is missing`);
  if (kind === 'status') unit.state = name;
}

function readJson(entry: KeyValue): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(entry.value);
  } catch (cause) {
    throw unreadable(entry, 'not JSON', cause);
  }
  if (typeof value !== 'object' || value === null) throw unreadable(entry, 'not an object');
  return value as Record<string, unknown>;
}

const unreadable = (entry: KeyValue, problem: string, cause?: unknown): StoreError =>
  new StoreError({
    code: 'corrupt',
    message: `record ${entry.key} (revision ${entry.modRevision}) cannot be read: ${problem}`,
    retryable: false,
    ...(cause !== undefined && { cause }),
  });

/** Ends of units: their records may be half cleared away. */
const endedStates: ReadonlySet<string> = new Set(['done', 'undone', 'abandoned', 'skipped']);

export const isOpen = ({ state }: Pick<RecordedUnit, 'state'>): boolean =>
  state !== undefined && !endedStates.has(state);

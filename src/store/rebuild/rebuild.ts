import type { Desired } from '../../model/desired.ts';
import { canonicalJson, sha256Hex } from '../../model/hash.ts';
import {
  type AllocationId,
  parseAllocationId,
  parseFencingToken,
  type RevisionHash,
  type UnitId,
  type WorkloadId,
} from '../../model/ids.ts';
import type { Allocation, ClusterIdentity, RecordedWorkload } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { RebuildSurvey, RebuiltAllocation, Recalled, StoreRebuild } from '../../model/store-rebuild.ts';
import { isTransient } from '../backup/file.ts';
import { checkRecords } from '../check/check.ts';
import { isOpen, type Records, readRecords } from '../check/records.ts';
import { keys, prefixes } from '../keys.ts';
import { encodeAllocation, encodeRevision, encodeWorkload, formatVersion } from '../recorded.ts';
import type { KeyValue, RangeResult } from '../store.ts';
import { holdsOf, stateOf } from './allocation.ts';

export interface RebuildInputs {
  readonly desired: Desired;
  /** Everything that the store has. */
  readonly range: RangeResult;
  readonly survey: RebuildSurvey;
  /** Unix ms */
  readonly now: number;
}

type Entry = Pick<KeyValue, 'key' | 'value'>;

/** How far generations leap where nodes could not be asked: what is on them has some, and none is given out twice. */
const generationLeap = 1_000;

/**
 * What the store should say of what runs: allocations from the engines, generations above everything seen, no unit under
 * way. What only the store knows (overrides, approvals, history, failed revisions, earlier good ones) stays as it has it.
 * Of what was not asked nothing is concluded. Pure.
 */
export function rebuildRecords(inputs: RebuildInputs): {
  readonly rebuild: StoreRebuild;
  readonly records: readonly Entry[];
} {
  const { range, survey, desired } = inputs;
  const before = readRecords(range.entries);
  const unreadable = new Set(before.findings.flatMap(({ code, subject }) => (code === 'MUS2101' ? [subject] : [])));
  const { restored, revisions, notRestored } = restoreAll(inputs, before);
  const { kept, dropped } = unfound(inputs, before, restored);
  const allocations = [...restored.values(), ...kept];
  const workloads = workloadsOf(inputs, before, allocations);
  const records: readonly Entry[] = [
    ...range.entries.filter(({ key }) => staysAsItIs(key) && !unreadable.has(key)),
    ...[...revisions].map(([key, revision]) => ({ key, value: encodeRevision(revision) })),
    ...allocations.map((allocation) => ({ key: keys.allocation(allocation.id), value: encodeAllocation(allocation) })),
    ...[...workloads].map(([id, workload]) => ({ key: keys.workload(id), value: encodeWorkload(workload) })),
    { key: keys.format, value: JSON.stringify(identityOf(before, survey)) },
  ];
  const unique = [...new Map(records.map((record) => [record.key, record])).values()];
  const entries = unique.map((record) => ({ ...record, createRevision: range.revision, modRevision: range.revision }));
  const rebuild: StoreRebuild = {
    allocations: changesOf(before, { restored: [...restored.values()], kept, dropped }),
    generations: [...workloads].flatMap(([workload, { nextGeneration: after }]) => {
      const next = before.workloads.get(workload)?.nextGeneration ?? 1;
      return next === after ? [] : [{ workload, before: next, after }];
    }),
    endedUnits: openUnits(before),
    unreadable: [...unreadable],
    unreachable: survey.unreachable,
    notRestored,
    findings: checkRecords({ revision: range.revision, entries }, desired).findings,
  };
  return { rebuild, records: unique };
}

/** Journals are of units that have ended since; everything else that is not replaced by key is carried over. */
const staysAsItIs = (key: string): boolean =>
  !isTransient(key) && key !== keys.format && !key.startsWith(prefixes.runs) && !key.startsWith(prefixes.allocations);

const openUnits = ({ units }: Records): readonly UnitId[] =>
  [...new Set([...units.values()].filter(isOpen).map(({ unit }) => unit))].sort();

interface Restored {
  readonly restored: ReadonlyMap<AllocationId, Allocation>;
  /** By key: what allocations are made from and the store does not have. */
  readonly revisions: ReadonlyMap<string, Revision>;
  readonly notRestored: StoreRebuild['notRestored'];
}

function restoreAll({ desired, survey, now }: RebuildInputs, before: Records): Restored {
  const restored = new Map<AllocationId, Allocation>();
  const revisions = new Map<string, Revision>();
  const notRestored: { allocation: AllocationId; node: Recalled['object']['node']; reason: string }[] = [];
  const recorded = new Map(before.allocations.map((allocation) => [allocation.id, allocation]));
  // Of two objects of one allocation the one that runs is the allocation's.
  const found = [...survey.found].sort((a, b) => rankOf(a) - rankOf(b));
  for (const { object, origin } of found) {
    const { workload, instance, ordinal, generation } = parseAllocationId(object.allocation);
    const fail = (reason: string): unknown =>
      notRestored.push({ allocation: object.allocation, node: object.node, reason });
    const other = restored.get(object.allocation);
    const revision = revisionOf({ desired, before }, workload, origin);
    const known = recorded.get(object.allocation);
    const holds = revision && holdsOf({ object, origin, revision, known });
    if (other !== undefined) fail(`another object of the same allocation is on ${other.node}`);
    else if (revision === undefined)
      fail(
        `what it was made from (revision ${origin.revisionHash}) is known neither to its engine nor to the store nor to git`,
      );
    else if (holds === undefined)
      fail('its cores, volumes, devices or address are known neither to its engine nor to the store');
    else {
      const { node, engine, objectId } = object;
      const made = { id: object.allocation, instance, workload, ordinal, generation, node, engine, objectId, holds };
      const state = stateOf({ object, known, desired, now });
      restored.set(object.allocation, { ...made, revision: origin.revisionHash, ...state });
      revisions.set(keys.revision(workload, origin.revisionHash), revision);
    }
  }
  return { restored, revisions, notRestored };
}

const rankOf = ({ object }: Recalled): number => (object.state === 'running' ? 0 : 1);

/** As its engine keeps it with the object, where that says what the hash stands for; else as the store or git have it. */
function revisionOf(
  { desired, before }: { readonly desired: Desired; readonly before: Records },
  workload: WorkloadId,
  { revision, revisionHash: hash }: Recalled['origin'],
): Revision | undefined {
  if (revision !== undefined && sha256Hex(canonicalJson(revision)).slice(0, hash.length) === hash) return revision;
  const declared = desired.workloads.find(({ revisionHash }) => revisionHash === hash);
  return before.revisions.get(workload)?.get(hash) ?? declared?.revision;
}

/** Allocations that the store knows and no object was found of. */
function unfound(
  { desired, survey }: RebuildInputs,
  before: Records,
  restored: ReadonlyMap<AllocationId, Allocation>,
): { readonly kept: readonly Allocation[]; readonly dropped: readonly Allocation[] } {
  const asked = new Set(
    desired.nodes.flatMap(({ name, engines }) => Object.keys(engines).map((kind) => `${name}/${kind}`)),
  );
  for (const { node, engine } of survey.unreachable) asked.delete(`${node}/${engine}`);
  const present = new Set(survey.found.map(({ object }) => object.allocation));
  const others = before.allocations.filter(({ id }) => !restored.has(id));
  const isGone = ({ id, node, engine }: Allocation): boolean => asked.has(`${node}/${engine}`) && !present.has(id);
  return { kept: others.filter((one) => !isGone(one)), dropped: others.filter(isGone) };
}

function workloadsOf(
  { survey }: RebuildInputs,
  before: Records,
  allocations: readonly Allocation[],
): ReadonlyMap<WorkloadId, RecordedWorkload> {
  const highest = new Map<WorkloadId, number>();
  for (const id of [...survey.found.map(({ object }) => object.allocation), ...allocations.map(({ id }) => id)]) {
    const { workload, generation } = parseAllocationId(id);
    highest.set(workload, Math.max(highest.get(workload) ?? 0, generation));
  }
  const leap = survey.unreachable.length > 0 ? generationLeap : 0;
  const live = new Map<WorkloadId, RevisionHash[]>();
  for (const { workload, state, revision } of allocations)
    if (state === 'live') live.set(workload, [...(live.get(workload) ?? []), revision]);
  const ids = new Set([...before.workloads.keys(), ...highest.keys()]);
  return new Map(
    [...ids].map((id) => {
      const known = before.workloads.get(id) ?? { failed: [], nextGeneration: 1 };
      const nextGeneration = Math.max(known.nextGeneration, (highest.get(id) ?? 0) + 1) + leap;
      return [id, { ...asItRuns(known, live.get(id) ?? []), nextGeneration }];
    }),
  );
}

/** What all instances run is good: it would not have come so far. Where they run several, the store's word counts. */
function asItRuns(known: RecordedWorkload, live: readonly RevisionHash[]): RecordedWorkload {
  const [only] = live;
  const isOne = only !== undefined && live.every((revision) => revision === only);
  if (!isOne || only === known.lastGood) return known;
  const before = [...(known.lastGood === undefined ? [] : [known.lastGood]), ...(known.earlier ?? [])];
  const earlier = before.filter((revision) => revision !== only);
  const failed = known.failed.filter(({ revision }) => revision !== only);
  return { ...known, lastGood: only, ...(earlier.length > 0 && { earlier }), failed };
}

/** At the highest epoch that anything tells of; writing it raises it once more. */
function identityOf({ identity }: Records, { uid, found }: RebuildSurvey): ClusterIdentity {
  const epochs = found.map(({ object }) => parseFencingToken(object.token ?? '')?.epoch ?? 0);
  return { formatVersion, uid, epoch: Math.max(identity?.epoch ?? 0, ...epochs) };
}

function changesOf(
  before: Records,
  after: Readonly<Record<'restored' | 'kept' | 'dropped', readonly Allocation[]>>,
): readonly RebuiltAllocation[] {
  const known = new Map(before.allocations.map((allocation) => [allocation.id, encodeAllocation(allocation)]));
  const told = (allocation: Allocation, change: RebuiltAllocation['change']): RebuiltAllocation => {
    const { id, node, engine, revision, state } = allocation;
    return { allocation: id, node, engine, revision, state, change };
  };
  const changeOf = (allocation: Allocation): RebuiltAllocation['change'] => {
    const was = known.get(allocation.id);
    if (was === undefined) return 'added';
    return canonicalJson(JSON.parse(was)) === canonicalJson(JSON.parse(encodeAllocation(allocation)))
      ? 'unchanged'
      : 'changed';
  };
  return [
    ...after.restored.map((allocation) => told(allocation, changeOf(allocation))),
    ...after.kept.map((allocation) => told(allocation, 'unseen')),
    ...after.dropped.map((allocation) => told(allocation, 'dropped')),
  ].sort((a, b) => (a.allocation < b.allocation ? -1 : 1));
}

import type { Allocation } from '../../model/recorded.ts';
import type { StoreFinding } from '../../model/store-check.ts';
import { finding } from './finding.ts';
import { isOpen, type RecordedUnit, type Records } from './records.ts';

/** What a record names is there, and each generation was given out once. */
export const checkReferences = (records: Records): readonly StoreFinding[] => [
  ...checkIdentity(records),
  ...records.allocations.flatMap((allocation) => checkAllocation(records, allocation)),
  ...checkLastGood(records),
  ...checkPins(records),
  ...[...records.units.values()].flatMap((unit) => checkUnit(records, unit)),
];

function checkIdentity({ identity, allocations, workloads, findings }: Records): readonly StoreFinding[] {
  const isKnown = identity !== undefined || findings.some(({ subject }) => subject === 'format');
  if (isKnown || allocations.length + workloads.size === 0) return [];
  return [finding('MUS2103', 'format', 'the cluster has no identity: nothing on the engines would be taken for ours')];
}

function checkAllocation(records: Records, allocation: Allocation): readonly StoreFinding[] {
  const { id, workload, revision, generation } = allocation;
  const next = records.workloads.get(workload)?.nextGeneration;
  const found: StoreFinding[] = [];
  if (next === undefined)
    found.push(finding('MUS2103', id, `the allocation's workload ${workload} is recorded nowhere`));
  else if (generation >= next)
    found.push(finding('MUS2105', id, `generation ${generation} exists, and ${workload} would give out ${next} next`));
  if (!hasRevision(records, workload, revision))
    found.push(finding('MUS2103', id, `the allocation is made from revision ${revision}, which is recorded nowhere`));
  return found;
}

const hasRevision = (
  { revisions }: Records,
  workload: Allocation['workload'],
  revision: Allocation['revision'],
): boolean => revisions.get(workload)?.has(revision) === true;

function* checkLastGood(records: Records): Generator<StoreFinding> {
  for (const [id, { lastGood }] of records.workloads) {
    if (lastGood === undefined || hasRevision(records, id, lastGood)) continue;
    yield finding(
      'MUS2103',
      id,
      `its last good revision ${lastGood} is recorded nowhere: a rollback has nothing to go to`,
    );
  }
}

function* checkPins(records: Records): Generator<StoreFinding> {
  for (const { id, kind, target, revision } of records.overrides) {
    if (kind !== 'pin' || revision === undefined) continue;
    if (hasRevision(records, target as Allocation['workload'], revision)) continue;
    yield finding('MUS2103', id, `the pin keeps ${target} on revision ${revision}, which is recorded nowhere`);
  }
}

/** Of a unit that has ended the rest is cleared away piece by piece, and one that waits has no steps yet. */
function checkUnit({ runs, workloads }: Records, unit: RecordedUnit): readonly StoreFinding[] {
  if (!isOpen(unit)) return [];
  const dangling = (what: string): StoreFinding =>
    finding('MUS2103', `${unit.run} ${unit.unit}`, `the unit is ${unit.state}, and ${what}`);
  const found: StoreFinding[] = [];
  if (!runs.has(unit.run)) found.push(dangling('its run is recorded nowhere'));
  if (unit.state === 'waiting') return found;
  if (!isDocument(unit.chunks)) found.push(dangling('its steps are missing or cut short'));
  if (!workloads.has(unit.unit as string as Allocation['workload']))
    found.push(dangling('its workload is recorded nowhere'));
  return found;
}

function isDocument(chunks: readonly string[]): boolean {
  try {
    return typeof JSON.parse(chunks.join('')) === 'object';
  } catch {
    return false;
  }
}

import { type RevisionHash, type WorkloadId, workloadOfUnit } from '../model/ids.ts';
import { keys, prefixes } from '../store/keys.ts';
import { decodeOverride } from '../store/recorded.ts';
import { maxOperations, type Operation } from '../store/store.ts';
import { overrideId } from './overrides.ts';
import type { UnitResult } from './progress.ts';
import type { RunContext } from './run-context.ts';
import type { UnitRecord } from './unit.ts';

/**
 * Drops the revisions of a workload that nothing is made of and nobody goes back to, once a rollout of it has come to an
 * end: what it has been in its life does not add up. Kept are those of its allocations, the good ones and the failed ones
 * that it remembers, and what it is pinned to. To be called while the unit still counts as under way, so that nobody else
 * brings a revision. Throws `StoreError`: then the next rollout does it.
 */
export async function forgetRevisions(
  context: RunContext,
  { unit, settings }: UnitRecord,
  { state }: UnitResult,
): Promise<void> {
  const workload = workloadOfUnit(unit);
  const isRollout = settings.target !== undefined && (state === 'done' || state === 'undone');
  const isFirst = context.workloads.get(workload)?.earlier === undefined;
  if (!isRollout || isFirst) return;
  const { entries } = await context.store.range(prefixes.revisionsOf(workload));
  const remembered = rememberedOf(context, workload);
  const hashes = entries.map(({ key }) => key.slice(key.lastIndexOf('/') + 1) as RevisionHash);
  const others = hashes.filter((hash) => !remembered.has(hash));
  // Of a whole cluster there are many allocations: they are gone through only where there is something to forget.
  const obsolete = others.length === 0 ? [] : withoutUsed(context, workload, others);
  if (obsolete.length > 0) await forget(context, workload, obsolete);
}

function rememberedOf({ workloads }: RunContext, workload: WorkloadId): ReadonlySet<RevisionHash | undefined> {
  const { lastGood, earlier = [], failed = [] } = workloads.get(workload) ?? {};
  return new Set([lastGood, ...earlier, ...failed.map(({ revision }) => revision)]);
}

function withoutUsed(
  { allocations }: RunContext,
  workload: WorkloadId,
  hashes: readonly RevisionHash[],
): readonly RevisionHash[] {
  const used = new Set<RevisionHash>();
  for (const allocation of allocations.values()) if (allocation.workload === workload) used.add(allocation.revision);
  return hashes.filter((hash) => !used.has(hash));
}

/** Unless somebody pins the workload in the same moment, perhaps to one of these. */
async function forget(
  { store, leadership }: RunContext,
  workload: WorkloadId,
  obsolete: readonly RevisionHash[],
): Promise<void> {
  const key = keys.override(overrideId({ kind: 'pin', target: workload }));
  const pin = await store.get(key);
  const pinned = pin && decodeOverride(pin).revision;
  const operations = obsolete
    .filter((hash) => hash !== pinned)
    .map((hash): Operation => ({ kind: 'delete', key: keys.revision(workload, hash) }));
  if (operations.length === 0) return;
  await store.txn({
    compares: [leadership.compare, { kind: 'modRevision', key, equals: pin?.modRevision ?? 0 }],
    operations: operations.slice(0, maxOperations),
  });
}

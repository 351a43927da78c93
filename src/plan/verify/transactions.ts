import type { DesiredWorkload } from '../../model/desired.ts';
import type { RevisionHash, TransactionId, WorkloadId } from '../../model/ids.ts';
import { unitOf } from '../../model/ids.ts';
import { transactionsOf } from '../../model/transactions.ts';
import { allocationsOf } from './base.ts';
import type { Report } from './violation.ts';
import type { Check, UnitWork, World } from './world.ts';

/**
 * Workloads that change together do so: the units that bring them new revisions name their transaction, and where one
 * follows git all do, unless git asks nothing new of them. While one is kept from what git asks none goes on.
 */
export function transactionsCheck(world: World, report: Report): Check {
  const transactions = transactionsOf(world.inputs.desired.workloads);
  const brought = new Map<WorkloadId, RevisionHash>();
  return {
    unit: (work) => {
      const revision = work.workload?.transaction && broughtBy(world, work);
      if (revision !== undefined) brought.set(work.id, revision);
    },
    end: () => {
      const named = new Map<WorkloadId, TransactionId>();
      for (const [transaction, members] of transactions) {
        const changed = members.filter(({ id }) => brought.has(id));
        if (changed.length > 1) for (const { id } of changed) named.set(id, transaction);
        checkWhole(world, members, brought, report);
      }
      for (const { id, transaction } of world.plan.units) {
        const expected = named.get(id as string as WorkloadId);
        if (transaction === expected) continue;
        const says = transaction === undefined ? 'is said to commit by itself' : `is said to be of ${transaction}`;
        report('transaction', id, `${says}; it commits ${expected === undefined ? 'by itself' : `with ${expected}`}`);
      }
    },
  };
}

/** A revision that is not the last good one, of an instance that has it only after the unit. */
function broughtBy({ inputs }: World, { id, items }: UnitWork): RevisionHash | undefined {
  const lastGood = inputs.recorded.workloads.get(id)?.lastGood;
  return items.find(
    ({ shape, step, old }) =>
      (shape.makes || shape.updates) && step.revision !== lastGood && step.revision !== old?.revision,
  )?.step.revision;
}

function checkWhole(
  world: World,
  members: readonly DesiredWorkload[],
  brought: ReadonlyMap<WorkloadId, RevisionHash>,
  report: Report,
): void {
  const follows = members.filter(({ id, revisionHash }) => brought.get(id) === revisionHash);
  const [leader] = follows;
  if (leader === undefined) return;
  for (const member of members) {
    const why = whyKept(world, member) ?? (follows.includes(member) ? undefined : whyBehind(world, member));
    if (why !== undefined)
      report('transaction', member.id, `${leader.id} is changed, and this one, which changes together with it, ${why}`);
  }
}

function whyKept({ inputs }: World, { id, revisionHash }: DesiredWorkload): string | undefined {
  const { inFlight, overrides, workloads, revisions } = inputs.recorded;
  if (inFlight.some(({ unit }) => unit === unitOf(id))) return 'is in flight';
  if (workloads.get(id)?.failed.some(({ revision }) => revision === revisionHash))
    return 'is kept by a failed revision';
  const isPinned = overrides.some(
    ({ kind, target, until, revision }) =>
      kind === 'pin' &&
      target === id &&
      until > inputs.now &&
      revision !== undefined &&
      revision !== revisionHash &&
      revisions.has(revision),
  );
  return isPinned ? 'is pinned to another revision' : undefined;
}

/** Git asks for something new of it, and some of its instances are not there yet. */
function whyBehind({ base, inputs }: World, { id, revisionHash, replicas, type }: DesiredWorkload): string | undefined {
  if (inputs.recorded.workloads.get(id)?.lastGood === revisionHash) return undefined;
  const there = [...allocationsOf(base, id)].flatMap((index) => base.allocations[index] ?? []);
  const wanted = there.filter(({ ordinal }) => type === 'daemon' || ordinal < replicas);
  if (wanted.some(({ revision }) => revision !== revisionHash)) return 'stays on another revision';
  const missing = type === 'daemon' ? 0 : replicas - new Set(wanted.map(({ ordinal }) => ordinal)).size;
  return missing > 0 ? `is not brought: ${missing} of its instances are not there` : undefined;
}

import type { RecordedWorkload } from '../model/recorded.ts';
import { formatDuration } from '../model/units.ts';
import { isReachable } from './cluster.ts';
import type { Context } from './context.ts';
import { type Draft, endingAction, objectOf } from './draft.ts';
import type { Instance } from './instances.ts';
import type { MatchedWorkload } from './match.ts';

/** What is left of workloads that left git, by workload: stopped after a while, deleted after another. */
export function prune(
  context: Context,
  missing: readonly MatchedWorkload[],
): ReadonlyMap<MatchedWorkload, readonly Draft[]> {
  const drafts = new Map<MatchedWorkload, readonly Draft[]>();
  const left = missing.filter((workload) => workload.instances.length > 0 && workload.frozen === undefined);
  if (left.length === 0) return drafts;
  const { desired } = context.inputs;
  if (desired.incompleteSources.length > 0) {
    const sources = desired.incompleteSources.join(', ');
    context.notes.warn(
      'MUS5002',
      undefined,
      `nothing that left git is removed: source ${sources} could not be read whole`,
    );
    return drafts;
  }
  const named = new Set(desired.refactors.flatMap((refactor) => refactor.removed.map((entry) => entry.from)));
  const unnamed = left.filter((workload) => !named.has(workload.id));
  const refused = refuseMassRemoval(context, unnamed);
  for (const workload of left) {
    if (named.has(workload.id))
      drafts.set(
        workload,
        workload.instances.flatMap((instance) => end(context, instance, 'remove', 'removed by a Refactor')),
      );
    else if (!refused) drafts.set(workload, pruneOne(context, workload));
  }
  return drafts;
}

/** More than the share and the number at once, or everything: somebody's mistake is likelier than their wish. */
function refuseMassRemoval(context: Context, unnamed: readonly MatchedWorkload[]): boolean {
  const { desired, recorded } = context.inputs;
  const { sharePercent, atLeast } = desired.cluster.prune.max;
  const running = unnamed.filter(({ instances, record }) => instances.some((instance) => !isPruned(instance, record)));
  const all = new Set(recorded.allocations.map((allocation) => allocation.workload)).size;
  const tooMany = running.length >= atLeast && running.length * 100 > all * sharePercent;
  const empty = desired.workloads.length === 0 && unnamed.length > 0;
  if (!tooMany && !empty) return false;
  const names = unnamed
    .slice(0, 3)
    .map((workload) => workload.id)
    .join(', ');
  const more = unnamed.length > 3 ? ` and ${unnamed.length - 3} more` : '';
  const why = empty
    ? 'the desired state has no workloads at all'
    : `more than ${sharePercent}% of ${all} and at least ${atLeast} at once (prune.max)`;
  context.notes.refuse({
    code: 'MUS4004',
    subject: desired.cluster.name,
    instances: unnamed.reduce((sum, workload) => sum + workload.instances.length, 0),
    message:
      `${unnamed.length} recorded ${unnamed.length === 1 ? 'workload' : 'workloads'} left git (${names}${more}): ${why}; nothing is removed. ` +
      'If it is meant, list them in a Refactor under spec.removed',
    byReason: {},
  });
  return true;
}

/** Stopped because it left git, rather than for the maintenance of its node before. */
const isPruned = ({ status, allocation }: Instance, record: RecordedWorkload | undefined): boolean =>
  status === 'held' && (allocation.heldSince ?? 0) >= (record?.missingSince ?? 0);

function pruneOne(context: Context, workload: MatchedWorkload): readonly Draft[] {
  const { now, desired } = context.inputs;
  const { stopAfterMs, deleteAfterMs } = desired.cluster.prune;
  const stopInMs = (workload.record?.missingSince ?? now) + stopAfterMs - now;
  const running = workload.instances.filter((instance) => instance.status !== 'held');
  if (running.length > 0 && stopInMs > 0) {
    context.notes.warn(
      'MUS5002',
      workload.id,
      `${workload.id} left git; will be stopped in ${formatDuration(stopInMs)}`,
    );
  }
  return workload.instances.flatMap((instance) => {
    if (instance.status !== 'held') {
      if (stopInMs > 0) return [];
      return end(context, instance, deleteAfterMs === 0 ? 'remove' : 'stop', 'left git');
    }
    // What was stopped before it left git has both delays before it.
    const stoppedAt = Math.max(instance.allocation.heldSince ?? now, now + stopInMs);
    const deleteInMs = stoppedAt + deleteAfterMs - now;
    return deleteInMs > 0
      ? []
      : end(context, instance, 'remove', `left git ${formatDuration(deleteAfterMs)} ago or more`);
  });
}

/** Stops or removes an instance and releases what is left over of it. Nothing where nobody can look. */
function end(context: Context, instance: Instance, wish: 'stop' | 'remove', reason: string): readonly Draft[] {
  const current = { allocation: instance.allocation, node: instance.node, object: objectOf(instance) };
  const older = instance.leftovers.flatMap((allocation) => {
    const node = context.cluster.nodes[context.cluster.indexOf.get(allocation.node) ?? -1];
    const object = context.hasObject(allocation) ? ('running' as const) : ('gone' as const);
    return node === undefined ? [] : [{ allocation, node, object }];
  });
  return [current, ...older].flatMap((old): readonly Draft[] => {
    if (old.node.liveness !== 'lost' && !isReachable(old.node, old.allocation.engine)) {
      context.unseen(instance, old.allocation.workload);
      return [];
    }
    return [
      {
        action: endingAction(old.allocation, {
          kind: old.object === 'gone' ? 'forget' : old === current ? wish : 'remove',
          cause: 'prune',
          reason,
        }),
        ordinal: instance.ordinal,
        node: old.node,
        holds: old.allocation.holds,
        charged: undefined,
        old,
      },
    ];
  });
}

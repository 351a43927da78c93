import type { WorkloadId } from '../../model/ids.ts';
import type { Report } from './violation.ts';
import type { World } from './world.ts';

/** What left git goes slowly, never in bulk and never because a source could not be read. */
export function checkRemovals(world: World, report: Report): void {
  const { desired, recorded, now } = world.inputs;
  const named = new Set<WorkloadId>(desired.refactors.flatMap(({ removed }) => removed.map(({ from }) => from)));
  const pruned = new Set<WorkloadId>();
  for (const { step, workloadId: workload, old: allocation } of world.items) {
    if ((step.kind !== 'stop' && step.kind !== 'remove') || step.cause === 'orphan' || named.has(workload)) continue;
    if (world.workloads.has(workload)) continue;
    if (desired.incompleteSources.length > 0) {
      report(
        'removal',
        step.id,
        `${workload} is not in git, but ${desired.incompleteSources.join(', ')} could not be read whole`,
      );
    }
    if (allocation?.state !== 'held') {
      pruned.add(workload);
      const missingMs = now - (recorded.workloads.get(workload)?.missingSince ?? now);
      if (missingMs < desired.cluster.prune.stopAfterMs) {
        report(
          'removal',
          step.id,
          `${workload} left git ${missingMs} ms ago: it is not stopped before ${desired.cluster.prune.stopAfterMs} ms`,
        );
      }
    } else if (step.kind === 'remove' && now - (allocation.heldSince ?? now) < desired.cluster.prune.deleteAfterMs) {
      report(
        'removal',
        step.id,
        `${allocation.id} is not deleted before ${desired.cluster.prune.deleteAfterMs} ms have passed`,
      );
    }
  }
  if (pruned.size === 0) return;
  const { sharePercent, atLeast } = desired.cluster.prune.max;
  const all = new Set(recorded.allocations.map((allocation) => allocation.workload)).size;
  if (desired.workloads.length === 0) {
    report(
      'removal',
      'plan',
      `nothing is declared any more: removing all ${pruned.size} workloads needs a Refactor that names them`,
    );
  } else if (pruned.size > atLeast && pruned.size * 100 > all * sharePercent) {
    report(
      'removal',
      'plan',
      `${pruned.size} of ${all} workloads at once are more than ${sharePercent}% and more than ${atLeast}`,
    );
  }
}

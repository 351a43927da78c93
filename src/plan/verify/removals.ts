import type { DesiredWorkload } from '../../model/desired.ts';
import type { WorkloadId } from '../../model/ids.ts';
import type { Step } from '../../model/plan.ts';
import type { Allocation } from '../../model/recorded.ts';
import { definitionAt } from './base.ts';
import { whyNotForWorkload } from './eligibility.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/** What git still wants is not taken away; what left git goes slowly, never in bulk and never because a source could not be read. */
export function removalsCheck(world: World, report: Report): Check {
  const { desired } = world.inputs;
  const named = new Set<WorkloadId>(desired.refactors.flatMap(({ removed }) => removed.map(({ from }) => from)));
  const pruned = new Set<WorkloadId>();
  return {
    unit: (work) => {
      const { workload } = work;
      for (const item of work.items) {
        const { step, shape, old } = item;
        if (shape.makes || shape.updates) continue;
        if (workload !== undefined) checkWanted(world, { work, workload, item }, report);
        else if (step.kind !== 'forget' && step.cause !== 'orphan' && !named.has(work.id)) {
          checkPruned(world, { step, workload: work.id, old }, report);
          if (old === undefined || !isPruned(world, work.id, old)) pruned.add(work.id);
        }
      }
    },
    end: () => {
      if (pruned.size > 0) checkBulk(world, pruned, report);
    },
  };
}

interface Ended {
  readonly work: UnitWork;
  readonly workload: DesiredWorkload;
  readonly item: Item;
}

/** Ends an instance that git wants only for a reason that git gives as well. */
function checkWanted(world: World, ended: Ended, report: Report): void {
  const { workload, item } = ended;
  const { step, ordinal, old } = item;
  // An orphan, or checked by the rules of preemption or of quotas.
  if (old === undefined || step.cause === 'preempt' || step.cause === 'quota') return;
  const wanted = workload.type === 'daemon' ? isServing(world, ended) : ordinal < workload.replicas;
  if (!wanted) return;
  if (step.kind === 'stop' && step.cause === 'drain' && workload.type === 'static' && isDrained(world, item)) return;
  if (!isLeftOver(world, ended)) {
    report('removal', step.id, `${step.instance} is taken away, but git wants it`);
  }
}

/** A daemon's instance on a node that it is for, and the only one there. */
function isServing(world: World, { workload, item, work }: Ended): boolean {
  const { base } = world;
  const node = definitionAt(base, item.home);
  if (node === undefined || isDrained(world, item) || whyNotForWorkload(node, workload) !== undefined) return false;
  if (node.engines[workload.revision.engine] === undefined) return false;
  return !work.allocations.some((index) => index !== item.oldIndex && base.homes[index] === item.home);
}

function isDrained({ base }: World, { home }: Item): boolean {
  const lifecycle = definitionAt(base, home)?.lifecycle;
  return lifecycle === undefined || lifecycle === 'maintenance' || lifecycle === 'offline';
}

/** Another incarnation of the instance is there, or comes: this one is left over. */
function isLeftOver({ base }: World, { work, item: { ordinal, oldIndex } }: Ended): boolean {
  return (
    work.allocations.some((index) => index !== oldIndex && base.allocations[index]?.ordinal === ordinal) ||
    work.items.some((other) => other.shape.makes && other.ordinal === ordinal)
  );
}

function checkPruned(
  { inputs }: World,
  of: { readonly step: Step; readonly workload: WorkloadId; readonly old: Allocation | undefined },
  report: Report,
): void {
  const { step, workload, old } = of;
  const { desired, recorded, now } = inputs;
  const { stopAfterMs, deleteAfterMs } = desired.cluster.prune;
  if (desired.incompleteSources.length > 0) {
    const sources = desired.incompleteSources.join(', ');
    report('removal', step.id, `${workload} is not in git, but ${sources} could not be read whole`);
  }
  const missingSince = recorded.workloads.get(workload)?.missingSince ?? now;
  if (old?.state !== 'held') {
    const missingMs = now - missingSince;
    if (missingMs < stopAfterMs) {
      const text = `${workload} left git ${missingMs} ms ago: it is not stopped before ${stopAfterMs} ms`;
      report('removal', step.id, text);
    }
  } else if (
    step.kind === 'remove' &&
    now - Math.max(old.heldSince ?? now, missingSince + stopAfterMs) < deleteAfterMs
  ) {
    report('removal', step.id, `${old.id} is not deleted before ${deleteAfterMs} ms have passed`);
  }
}

/** It was stopped once already because its workload had left git. */
const isPruned = ({ inputs }: World, workload: WorkloadId, { state, heldSince = 0 }: Allocation): boolean =>
  state === 'held' && heldSince >= (inputs.recorded.workloads.get(workload)?.missingSince ?? 0);

function checkBulk({ inputs, base }: World, pruned: ReadonlySet<WorkloadId>, report: Report): void {
  const { desired } = inputs;
  const { sharePercent, atLeast } = desired.cluster.prune.max;
  const all = base.workloadIndex.size;
  if (desired.workloads.length === 0) {
    const text = `nothing is declared any more: removing all ${pruned.size} workloads needs a Refactor that names them`;
    report('removal', 'plan', text);
  } else if (pruned.size > atLeast && pruned.size * 100 > all * sharePercent) {
    const text = `${pruned.size} of ${all} workloads at once are more than ${sharePercent}% and more than ${atLeast}`;
    report('removal', 'plan', text);
  }
}

import type { DesiredWorkload } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { Allocation } from '../../model/recorded.ts';
import { isNewcomer } from './aftermath.ts';
import { createBefore } from './before.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/** Who is evicted makes room for something of a higher priority that declares it, and that comes after the eviction. */
export function preemptionCheck(world: World, report: Report): Check {
  const evictions: Eviction[] = [];
  // Units that preempt, by the nodes on which they put something.
  const preemptors = new Map<NodeName, Set<UnitWork>>();
  return {
    unit: (work) => {
      for (const item of work.items) if (item.step.cause === 'preempt') evictions.push({ work, item });
      if (work.workload?.preemption === undefined) return;
      for (const { step } of work.items.filter(isNewcomer)) {
        preemptors.set(step.node, (preemptors.get(step.node) ?? new Set()).add(work));
      }
    },
    end: () => {
      const before = createBefore(world);
      for (const eviction of evictions) {
        const { step, old } = eviction.item;
        const { workload } = eviction.work;
        if (workload === undefined || old === undefined) continue; // reported by the rules on records and removals
        const reason =
          whyNotEvicted(workload, old) ??
          whyNotFor(eviction, { workload, old, before, preemptors: [...(preemptors.get(old.node) ?? [])] });
        if (reason !== undefined) report('preemption', step.id, `${step.instance} is evicted, ${reason}`);
      }
    },
  };
}

interface Eviction {
  readonly work: UnitWork;
  readonly item: Item;
}

function whyNotEvicted({ type }: DesiredWorkload, old: Allocation): string | undefined {
  if (type === 'static' || type === 'daemon') return `although it is ${type}`;
  return type === 'stateful' && old.holds.volumes?.[0] !== undefined ? 'although its data is there' : undefined;
}

/** Somebody of a higher priority takes the place, and waits until it is left. */
function whyNotFor(
  { work }: Eviction,
  of: {
    readonly workload: DesiredWorkload;
    readonly old: Allocation;
    readonly before: ReturnType<typeof createBefore>;
    readonly preemptors: readonly UnitWork[];
  },
): string | undefined {
  const { workload, old, before, preemptors } = of;
  const higher = preemptors.filter((preemptor) => (preemptor.workload?.priority ?? 0) > workload.priority);
  if (higher.length === 0) return `and nothing of a higher priority that may do so takes its place on ${old.node}`;
  if (higher.some(({ unit }) => before(unit.id).has(work.unit.id))) return undefined;
  return `but ${higher.map(({ id }) => id).join(', ')} does not come after ${work.unit.id}`;
}

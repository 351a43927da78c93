import type { NodeName } from '../../model/ids.ts';
import { isNewcomer } from './aftermath.ts';
import { createBefore } from './before.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/** Who is evicted makes room for something of a higher priority that declares it, and that comes after the eviction. */
export function preemptionCheck(world: World, report: Report): Check {
  const evictions: { readonly work: UnitWork; readonly item: Item }[] = [];
  // Units that preempt, by the nodes on which they put something.
  const preemptors = new Map<NodeName, Set<UnitWork>>();
  return {
    unit: (work) => {
      for (const item of work.items) if (item.step.cause === 'preempt') evictions.push({ work, item });
      if (work.workload?.preemption === undefined) return;
      for (const { step } of work.items.filter(isNewcomer)) {
        const known = preemptors.get(step.node) ?? new Set();
        preemptors.set(step.node, known.add(work));
      }
    },
    end: () => {
      if (evictions.length === 0) return;
      const before = createBefore(world);
      for (const { work, item } of evictions) {
        const { workload } = work;
        if (workload === undefined || item.old === undefined) continue; // reported by the rules on records and removals
        const wrong = (text: string): void =>
          report('preemption', item.step.id, `${item.step.instance} is evicted, ${text}`);
        if (workload.type === 'static' || workload.type === 'daemon') wrong(`although it is ${workload.type}`);
        if (workload.type === 'stateful' && item.old.holds.volumes?.[0] !== undefined)
          wrong('although its data is there');
        const higher = [...(preemptors.get(item.old.node) ?? [])].filter(
          (preemptor) => (preemptor.workload?.priority ?? 0) > workload.priority,
        );
        if (higher.length === 0)
          wrong(`and nothing of a higher priority that may do so takes its place on ${item.old.node}`);
        else if (!higher.some(({ unit }) => before(unit.id).has(work.unit.id))) {
          wrong(`but ${higher.map(({ id }) => id).join(', ')} does not come after ${work.unit.id}`);
        }
      }
    },
  };
}

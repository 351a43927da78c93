import { quotaTableOf } from './base.ts';
import { namespaceOf, quotaAmount } from './quota-table.ts';
import type { Report } from './violation.ts';
import type { Check, Item, World } from './world.ts';

/** What is taken away for a quota's sake is over a limit that says so, and no more goes than has to. */
export function quotaDrainsCheck(world: World, report: Report): Check {
  const { base, inputs } = world;
  const quotas = quotaTableOf(base, inputs.desired.quotas);
  const victims: Item[] = [];
  const drained = new Map<number, Drained>();
  return {
    unit: ({ id, workload, items }) => {
      const namespace = namespaceOf(id);
      for (const item of items) {
        const { step, old, shape, home } = item;
        if (step.cause !== 'quota' || old === undefined || shape.makes || shape.updates) continue;
        const reason = workload !== undefined && workload.type !== 'stateless' ? `it is ${workload.type}` : undefined;
        if (reason !== undefined) report('quota', step.id, `${step.instance} is taken away for a quota, but ${reason}`);
        victims.push(item);
        for (const row of quotas.rowsFor(namespace, base.nodes.podOf[home] ?? -1)) {
          const { quota, dimension } = quotas.rows[row] ?? {};
          if (quota?.drainToQuota !== true || dimension === undefined) continue;
          const amount = quotaAmount(old.holds, dimension);
          const known = drained.get(row) ?? { total: 0, largest: 0, victims: new Set() };
          known.victims.add(item);
          drained.set(row, {
            total: known.total + amount,
            largest: Math.max(known.largest, amount),
            victims: known.victims,
          });
        }
      }
    },
    end: () => {
      if (victims.length === 0) return;
      const use = quotas.use();
      const needed = new Set<Item>();
      for (const [row, { total, largest, victims: covered }] of drained) {
        // With one victim fewer it would still be over its limit.
        const over = (use[row] ?? 0) - (total - largest) > (quotas.rows[row]?.limit ?? 0);
        if (over) for (const item of covered) needed.add(item);
      }
      for (const item of victims) {
        if (needed.has(item)) continue;
        report('quota', item.step.id, `${item.step.instance} is taken away, and no quota asks for so much to go`);
      }
    },
  };
}

/** What goes from one limit. */
interface Drained {
  readonly total: number;
  readonly largest: number;
  readonly victims: Set<Item>;
}

import { quotaTableOf } from './base.ts';
import { namespaceOf, type QuotaTable, quotaAmount } from './quota-table.ts';
import type { Report } from './violation.ts';
import type { Check, Item, World } from './world.ts';

/** What goes from one limit. */
interface Drained {
  total: number;
  largest: number;
  readonly victims: Item[];
}

/** What is taken away for a quota's sake is over a limit that says so, and no more goes than has to. */
export function quotaDrainsCheck({ base, inputs }: World, report: Report): Check {
  const quotas = quotaTableOf(base, inputs.desired.quotas);
  const victims: Item[] = [];
  const drained = new Map<number, Drained>();
  return {
    unit: ({ id, workload, items }) => {
      for (const item of items) {
        if (!isVictim(item)) continue;
        victims.push(item);
        const pod = base.nodes.podOf[item.home] ?? -1;
        for (const row of quotas.rowsFor(namespaceOf(id), pod)) take(quotas, drained, { row, item });
        if (workload === undefined || workload.type === 'stateless') continue;
        report('quota', item.step.id, `${item.step.instance} is taken away for a quota, but it is ${workload.type}`);
      }
    },
    end: () => {
      if (victims.length === 0) return;
      const needed = neededVictims(quotas, drained);
      for (const item of victims) {
        if (needed.has(item)) continue;
        report('quota', item.step.id, `${item.step.instance} is taken away, and no quota asks for so much to go`);
      }
    },
  };
}

const isVictim = ({ step, shape, old }: Item): boolean =>
  step.cause === 'quota' && old !== undefined && !shape.makes && !shape.updates;

function take(
  { rows }: QuotaTable,
  drained: Map<number, Drained>,
  { row, item }: { readonly row: number; readonly item: Item },
): void {
  const limited = rows[row];
  if (limited?.quota.drainToQuota !== true || item.old === undefined) return;
  const amount = quotaAmount(item.old.holds, limited.dimension);
  const known = drained.get(row) ?? { total: 0, largest: 0, victims: [] };
  known.total += amount;
  known.largest = Math.max(known.largest, amount);
  known.victims.push(item);
  drained.set(row, known);
}

/** Those of the limits that would still be exceeded with one victim fewer. */
function neededVictims(quotas: QuotaTable, drained: ReadonlyMap<number, Drained>): ReadonlySet<Item> {
  const use = quotas.use();
  const needed = new Set<Item>();
  for (const [row, { total, largest, victims }] of drained) {
    if ((use[row] ?? 0) - (total - largest) <= (quotas.rows[row]?.limit ?? 0)) continue;
    for (const item of victims) needed.add(item);
  }
  return needed;
}

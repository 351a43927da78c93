import type { DesiredQuota } from '../model/desired.ts';
import type { Cluster } from './cluster.ts';
import type { PlanInputs } from './inputs.ts';
import { amountFor, demandOf, namespaces, type QuotaLedger, type QuotaUseOf } from './quota.ts';

/** Counted anew only for other quotas. */
export function openQuotaUse({ recorded }: PlanInputs, cluster: Cluster): QuotaUseOf {
  let known: { readonly quotas: readonly DesiredQuota[]; readonly use: readonly number[] } | undefined;
  return (quotas, ledger) => {
    if (known?.quotas !== quotas) known = { quotas, use: count(recorded, cluster, ledger) };
    return known.use;
  };
}

function count(
  { allocations }: PlanInputs['recorded'],
  cluster: Cluster,
  { rows, rowsFor }: QuotaLedger,
): readonly number[] {
  const use = new Map(rows.map((row) => [row, 0]));
  const namespaceOf = namespaces();
  for (const [index, allocation] of allocations.entries()) {
    if (allocation.state === 'lost') continue;
    const covering = rowsFor(namespaceOf(allocation), cluster.homes[index]?.definition?.pod);
    if (covering.length === 0) continue;
    const demand = demandOf(allocation);
    for (const row of covering) use.set(row, (use.get(row) ?? 0) + amountFor(row, demand));
  }
  return rows.map((row) => use.get(row) ?? 0);
}

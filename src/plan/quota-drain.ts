import type { WorkloadId } from '../model/ids.ts';
import { type InstanceId, parseWorkloadId } from '../model/ids.ts';
import type { Context } from './context.ts';
import type { Instance } from './instances.ts';
import type { MatchedWorkload } from './match.ts';
import { amountFor, demandOf, type QuotaRow } from './quota.ts';
import { overQuotaRefusal } from './refuse.ts';

/**
 * Instances that have to go because a quota was lowered below what is used: with `drainToQuota` the least urgent ones,
 * as many as it takes. Without, the lowering is refused: nothing is removed, and nothing that adds to the quota is placed.
 */
export function overQuota(context: Context, matched: readonly MatchedWorkload[]): ReadonlySet<InstanceId> {
  const victims = new Set<InstanceId>();
  const over = context.quotas.rows.filter((row) => lasting(row) > row.limit);
  if (over.length === 0) return victims;
  const quotas = new Map(context.inputs.desired.quotas.map((quota) => [quota.name, quota]));
  const tenants = matched.flatMap((workload) => tenantsOf(workload));
  for (const row of over) {
    const covered = tenants.filter(({ workload, instance }) => isCovered(context, row, workload, instance));
    const going = covered.filter(({ goes, instance }) => goes || victims.has(instance.id));
    let excess = lasting(row) - row.limit;
    for (const { instance } of going) excess -= freedOf(row, instance);
    if (excess <= 0) continue;
    if (quotas.get(row.name)?.drainToQuota !== true) {
      context.notes.refuse(overQuotaRefusal(row, { excess, drains: false }));
      continue;
    }
    for (const tenant of covered.filter(({ goes, mayGo }) => !goes && mayGo).sort(byUrgency)) {
      if (excess <= 0) break;
      const freed = freedOf(row, tenant.instance);
      if (freed === 0 || victims.has(tenant.instance.id)) continue;
      victims.add(tenant.instance.id);
      excess -= freed;
    }
    if (excess > 0) context.notes.refuse(overQuotaRefusal(row, { excess, drains: true }));
  }
  return victims;
}

/** Nobody has to go for what a unit in flight has only for a while. */
const lasting = ({ before, inFlight }: QuotaRow): number => before - inFlight;

interface Tenant {
  readonly workload: WorkloadId;
  readonly priority: number;
  readonly instance: Instance;
  /** Git does not want it any more. */
  readonly goes: boolean;
  /** May be removed for a quota's sake. */
  readonly mayGo: boolean;
}

function tenantsOf({ id, definition, instances, frozen }: MatchedWorkload): readonly Tenant[] {
  return instances
    .filter(({ status }) => status !== 'lost' && status !== 'unknown')
    .map((instance) => ({
      workload: id,
      priority: definition?.priority ?? 0,
      instance,
      goes: definition !== undefined && definition.type !== 'daemon' && instance.ordinal >= definition.replicas,
      mayGo: definition !== undefined && frozen === undefined && definition.type === 'stateless',
    }));
}

const isCovered = ({ quotas }: Context, row: QuotaRow, workload: WorkloadId, { node }: Instance): boolean =>
  quotas.rowsFor(parseWorkloadId(workload).namespace, node.definition?.pod).includes(row);

const freedOf = (row: QuotaRow, { allocation }: Instance): number => amountFor(row, demandOf(allocation));

/** Least urgent first; of one workload the highest ordinals, as when it is scaled down. */
const byUrgency = (a: Tenant, b: Tenant): number =>
  a.priority - b.priority ||
  b.instance.ordinal - a.instance.ordinal ||
  (a.workload < b.workload ? -1 : a.workload > b.workload ? 1 : 0);

import { chargedHolds } from '../model/capacity.ts';
import type { DesiredQuota } from '../model/desired.ts';
import type { NamespaceName, PodName, WorkloadId } from '../model/ids.ts';
import { parseWorkloadId } from '../model/ids.ts';
import type { QuotaUse } from '../model/plan.ts';
import type { Allocation, Holds } from '../model/recorded.ts';
import { type Dimension, inPieces } from '../model/resources.ts';
import type { Cluster } from './cluster.ts';
import type { PlanInputs } from './inputs.ts';
import { heldOf, type LedgerBase } from './ledger.ts';
import { growthOf, type ScopeUse, usedOf } from './quota-use.ts';
import type { UndoLog } from './undo.ts';

/** Use of every quota, charged like nodes are: adds at once; what a unit frees goes to its account. */
export interface QuotaLedger {
  readonly rows: readonly QuotaRow[];
  /** Rows that an instance of a namespace on a pod is charged to, its quotas' parents included. */
  readonly rowsFor: (namespace: NamespaceName, pod: PodName | undefined) => readonly QuotaRow[];
  readonly undo: UndoLog;
}

export interface QuotaCharge {
  readonly row: QuotaRow;
  readonly amount: number;
}

/** One limit of one quota. Mutable only through `chargeQuota` and what undoes it. */
export interface QuotaRow {
  readonly name: string;
  readonly dimension: Dimension | 'instances';
  readonly limit: number;
  before: number;
  /** How much of `before` units in flight may add, and do not have for good. */
  inFlight: number;
  used: number;
  /** Net of the steps of the plan: what is left when it is done. */
  after: number;
  /** Use by namespace/workload before the plan, to name who uses most. Counted when somebody asks. */
  readonly users: () => ReadonlyMap<WorkloadId, number>;
}

export interface QuotaScope {
  readonly namespace: NamespaceName;
  readonly pod: PodName | undefined;
}

export function openQuotas(
  inputs: PlanInputs,
  world: { readonly cluster: Cluster; readonly ledger: LedgerBase; readonly scopes: readonly ScopeUse[] },
  undo: UndoLog,
): QuotaLedger {
  const { cluster } = world;
  const quotas = new Map(inputs.desired.quotas.map((quota) => [quota.name, quota]));
  const users = (row: QuotaRow): ReadonlyMap<WorkloadId, number> => usersOf(row, { inputs, cluster, rowsFor });
  const rowsOf = new Map(inputs.desired.quotas.map((quota) => [quota.name, rowsOfQuota(quota, users)]));
  const known = new Map<NamespaceName, Map<PodName | undefined, readonly QuotaRow[]>>();
  const findRows = (scope: QuotaScope): readonly QuotaRow[] => {
    const covering = inputs.desired.quotas.filter((quota) => covers(quota, scope));
    const names = new Set(covering.flatMap((quota) => chain(quota, quotas)));
    return [...names].sort().flatMap((name) => rowsOf.get(name) ?? []);
  };
  const rowsFor: QuotaLedger['rowsFor'] = (namespace, pod) => {
    let byPod = known.get(namespace);
    if (byPod === undefined) {
      byPod = new Map();
      known.set(namespace, byPod);
    }
    let rows = byPod.get(pod);
    if (rows === undefined) {
      rows = findRows({ namespace, pod });
      byPod.set(pod, rows);
    }
    return rows;
  };
  const ledger: QuotaLedger = { rows: [...rowsOf.values()].flat(), rowsFor, undo };
  if (ledger.rows.length === 0) return ledger;
  for (const scope of world.scopes) {
    for (const row of rowsFor(scope.namespace, scope.pod)) {
      const growth = growthOf(scope, world.ledger, row.dimension);
      row.before += usedOf(scope, world.ledger, row.dimension) + growth;
      row.inFlight += growth;
    }
  }
  for (const row of ledger.rows) {
    row.used = row.before;
    row.after = row.before;
  }
  return ledger;
}

/** Allocations of one workload are neighbours: its namespace is cut out of its id once. */
function namespaces(): (allocation: Allocation) => NamespaceName {
  let last: WorkloadId | undefined;
  let namespace = '' as NamespaceName;
  return ({ workload }) => {
    if (workload !== last) {
      namespace = parseWorkloadId(workload).namespace;
      last = workload;
    }
    return namespace;
  };
}

function usersOf(
  row: QuotaRow,
  of: { readonly inputs: PlanInputs; readonly cluster: Cluster; readonly rowsFor: QuotaLedger['rowsFor'] },
): ReadonlyMap<WorkloadId, number> {
  const users = new Map<WorkloadId, number>();
  const namespaceOf = namespaces();
  for (const [index, allocation] of of.inputs.recorded.allocations.entries()) {
    if (allocation.state === 'lost') continue;
    const { workload } = allocation;
    const home = of.cluster.nodes[of.cluster.homes[index] as number];
    if (!of.rowsFor(namespaceOf(allocation), home?.definition?.pod).includes(row)) continue;
    users.set(workload, (users.get(workload) ?? 0) + amountFor(row, demandOf(allocation)));
  }
  return users;
}

function rowsOfQuota(
  quota: DesiredQuota,
  users: (row: QuotaRow) => ReadonlyMap<WorkloadId, number>,
): readonly QuotaRow[] {
  return Object.entries(quota.limits)
    .filter((entry): entry is [string, number] => typeof entry[1] === 'number')
    .map(([dimension, limit]) => {
      const row: QuotaRow = {
        name: quota.name,
        dimension: dimension as QuotaRow['dimension'],
        limit,
        before: 0,
        inFlight: 0,
        used: 0,
        after: 0,
        users: () => users(row),
      };
      return row;
    });
}

const covers = (quota: DesiredQuota, scope: QuotaScope): boolean =>
  (quota.namespace === undefined || quota.namespace === scope.namespace) &&
  (quota.pod === undefined || quota.pod === scope.pod);

/** The quota and its ancestors. Loading refuses cycles; the set ends one all the same. */
function chain(quota: DesiredQuota, quotas: ReadonlyMap<string, DesiredQuota>): readonly string[] {
  const names = new Set<string>();
  for (let at: DesiredQuota | undefined = quota; at !== undefined && !names.has(at.name); ) {
    names.add(at.name);
    at = at.parent === undefined ? undefined : quotas.get(at.parent);
  }
  return [...names];
}

export interface Demand {
  readonly holds: Holds;
  readonly instances: number;
}

/** What a recorded allocation counts for: stopped and held, it is no instance any more. */
export const demandOf = (allocation: Pick<Allocation, 'state' | 'holds'>): Demand => ({
  holds: chargedHolds(allocation),
  instances: allocation.state === 'held' ? 0 : 1,
});

/** The disk space of volumes counts as storage: a quota does not care which disk. */
export function amountFor({ dimension }: Pick<QuotaRow, 'dimension'>, { holds, instances }: Demand): number {
  if (dimension === 'instances') return instances;
  if (dimension !== 'storageBytes' || holds.volumes === undefined) return heldOf(holds, dimension);
  return holds.volumes.reduce((sum, { bytes }) => sum + bytes, holds.storageBytes);
}

/** What a demand counts for in each quota that covers it. */
export function quotaDemand(
  quotas: QuotaLedger,
  { namespace, pod }: QuotaScope,
  demand: Demand,
): readonly QuotaCharge[] {
  const rows = quotas.rowsFor(namespace, pod);
  if (rows.length === 0) return noCharges;
  const charges: QuotaCharge[] = [];
  for (const row of rows) {
    const amount = amountFor(row, demand);
    if (amount > 0) charges.push({ row, amount });
  }
  return charges;
}

/** What of `charges` is more than `by` covers. */
export function quotaBeyond(charges: readonly QuotaCharge[], by: readonly QuotaCharge[]): readonly QuotaCharge[] {
  if (by.length === 0) return charges;
  const beyond: QuotaCharge[] = [];
  for (const { row, amount } of charges) {
    let over = amount;
    for (const other of by) if (other.row === row) over -= other.amount;
    if (over > 0) beyond.push({ row, amount: over });
  }
  return beyond;
}

const noCharges: readonly QuotaCharge[] = [];

/** The first limit that the amounts would break. */
export const exceeded = (amounts: readonly QuotaCharge[]): QuotaCharge | undefined =>
  amounts.find(({ row, amount }) => row.used + amount > row.limit);

export function chargeQuota(quotas: QuotaLedger, amounts: readonly QuotaCharge[]): void {
  for (const entry of amounts) {
    entry.row.used += entry.amount;
  }
  if (amounts.length === 0 || !quotas.undo.isOn) return;
  quotas.undo.entries.push(() => {
    for (const entry of amounts) entry.row.used -= entry.amount;
  });
}

export const quotaUses = (quotas: QuotaLedger): readonly QuotaUse[] =>
  quotas.rows
    .map(({ name, dimension, before, used, after, limit }) => ({
      name,
      dimension,
      before: inPieces(dimension, before),
      peak: inPieces(dimension, used),
      after: inPieces(dimension, after),
      limit: inPieces(dimension, limit),
    }))
    .sort((a, b) => (a.name === b.name ? (a.dimension < b.dimension ? -1 : 1) : a.name < b.name ? -1 : 1));

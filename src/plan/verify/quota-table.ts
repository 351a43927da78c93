import type { DesiredQuota } from '../../model/desired.ts';
import type { NamespaceName } from '../../model/ids.ts';
import type { Allocation, HeldVolume, Holds } from '../../model/recorded.ts';
import type { NodeTable } from './nodes.ts';

/** One limit of one quota. */
export interface QuotaRow {
  readonly quota: DesiredQuota;
  readonly dimension: string;
  readonly limit: number;
}

/** Limits by number, and which of them an instance counts against. */
export interface QuotaTable {
  readonly quotas: readonly DesiredQuota[];
  readonly rows: readonly QuotaRow[];
  /** Rows of everything in a namespace and pod (-1: no pod), parents of the quotas included. */
  rowsFor(namespace: NamespaceName, pod: number): readonly number[];
  /** Use before the plan by row, counted when it is first asked for. */
  use(): Float64Array;
}

export interface Recordings {
  readonly nodes: NodeTable;
  readonly allocations: readonly Allocation[];
  readonly homes: Int32Array;
}

export function createQuotaTable(recordings: Recordings, quotas: readonly DesiredQuota[]): QuotaTable {
  const rowsByQuota = new Map<string, readonly number[]>();
  const rows: QuotaRow[] = [];
  for (const quota of quotas) {
    const own: number[] = [];
    for (const [dimension, limit] of Object.entries(quota.limits)) {
      if (typeof limit !== 'number') continue;
      own.push(rows.length);
      rows.push({ quota, dimension, limit });
    }
    rowsByQuota.set(quota.name, own);
  }
  const rowsFor = rowFinder(recordings.nodes, quotas, rowsByQuota);
  let use: Float64Array | undefined;
  return {
    quotas,
    rows,
    rowsFor,
    use: () => {
      use ??= useOf(recordings, rows, rowsFor);
      return use;
    },
  };
}

function rowFinder(
  nodes: NodeTable,
  quotas: readonly DesiredQuota[],
  rowsByQuota: ReadonlyMap<string, readonly number[]>,
): QuotaTable['rowsFor'] {
  const byName = new Map(quotas.map((quota) => [quota.name, quota]));
  const known = new Map<NamespaceName, (readonly number[])[]>();
  return (namespace, pod) => {
    if (quotas.length === 0) return noRows;
    let byPod = known.get(namespace);
    if (byPod === undefined) {
      byPod = [];
      known.set(namespace, byPod);
    }
    // Pod -1 is kept in the first place.
    let found = byPod[pod + 1];
    if (found === undefined) {
      const covering = quotas.filter(
        (quota) =>
          (quota.namespace ?? namespace) === namespace &&
          (quota.pod === undefined || (pod >= 0 && nodes.podIndex.get(quota.pod) === pod)),
      );
      found = withParents(covering, byName).flatMap(({ name }) => rowsByQuota.get(name) ?? noRows);
      byPod[pod + 1] = found;
    }
    return found;
  };
}

const noRows: readonly number[] = [];

function withParents(
  quotas: readonly DesiredQuota[],
  byName: ReadonlyMap<string, DesiredQuota>,
): readonly DesiredQuota[] {
  const found = new Set<DesiredQuota>();
  for (const quota of quotas) {
    // Bounded by the number of quotas: a cycle ends where it closes.
    for (let at: DesiredQuota | undefined = quota; at !== undefined && !found.has(at); ) {
      found.add(at);
      at = at.parent === undefined ? undefined : byName.get(at.parent);
    }
  }
  return [...found];
}

function useOf(
  { nodes, allocations, homes }: Recordings,
  rows: readonly QuotaRow[],
  rowsFor: QuotaTable['rowsFor'],
): Float64Array {
  const use = new Float64Array(rows.length);
  let last: Allocation['workload'] | undefined;
  let lastPod = -2;
  let own = noRows;
  for (let index = 0; index < allocations.length; index++) {
    const { workload, state, holds } = allocations[index] as Allocation;
    const pod = nodes.podOf[homes[index] as number] ?? -1;
    // Neighbours are mostly of one workload, and in one pod.
    if (workload !== last || pod !== lastPod) own = rowsFor(namespaceOf(workload), pod);
    last = workload;
    lastPod = pod;
    if (state === 'lost') continue;
    for (const row of own) {
      const { dimension } = rows[row] as QuotaRow;
      // What was stopped keeps its disk, and is no instance any more.
      if (state !== 'held' || dimension === 'storageBytes')
        use[row] = (use[row] as number) + quotaAmount(holds, dimension);
    }
  }
  return use;
}

export const namespaceOf = (workload: string): NamespaceName =>
  workload.slice(0, workload.indexOf('/')) as NamespaceName;

/** How much of a quota's dimension is held: volumes count as storage, extended resources by their kind. */
export function quotaAmount(holds: Holds, dimension: string): number {
  switch (dimension) {
    case 'instances':
      return 1;
    case 'cpuMillis':
    case 'memoryBytes':
      return holds[dimension];
    case 'storageBytes':
      return holds.storageBytes + volumeBytes(holds.volumes);
    case 'bandwidthBits':
      return holds.bandwidthBits ?? 0;
    default:
      return holds.devices === undefined ? 0 : milliOf(holds.devices[dimension]);
  }
}

function volumeBytes(volumes: readonly HeldVolume[] | undefined): number {
  let bytes = 0;
  if (volumes !== undefined) for (const volume of volumes) bytes += volume.bytes;
  return bytes;
}

export function milliOf(pieces: Readonly<Record<string, number>> | undefined): number {
  let milli = 0;
  if (pieces !== undefined) for (const piece in pieces) milli += pieces[piece] ?? 0;
  return milli;
}

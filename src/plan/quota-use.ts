import { chargedHolds } from '../model/capacity.ts';
import type { NamespaceName, PodName, WorkloadId } from '../model/ids.ts';
import { parseWorkloadId } from '../model/ids.ts';
import type { Allocation } from '../model/recorded.ts';
import type { Dimension } from '../model/resources.ts';
import type { Cluster } from './cluster.ts';
import { addHolds, type LedgerBase, storageColumn } from './ledger.ts';

/** What recorded allocations of one namespace use on one pod: the same whatever quotas there are. */
export interface ScopeUse {
  readonly namespace: NamespaceName;
  readonly pod: PodName | undefined;
  /** By dimension of the ledger; storage includes the disk space of volumes. */
  readonly amounts: Float64Array;
  instances: number;
  /** What units in flight may add to that, instances last. Absent: nothing. */
  growth?: Float64Array;
}

/** Gathers what each scope uses. */
export interface Scopes {
  readonly all: ScopeUse[];
  /** `home`: index of its node. */
  add(allocation: Allocation, home: number): void;
  /** Takes one back. */
  remove(allocation: Allocation, home: number): void;
  /** A unit in flight may have so much more on nodes of the pod. */
  grow(of: { readonly workload: WorkloadId; readonly pod: PodName | undefined; readonly by: Float64Array }): void;
}

export function openScopes({ nodes }: Pick<Cluster, 'nodes'>, ledger: LedgerBase): Scopes {
  const all: ScopeUse[] = [];
  const pods = nodes.map(({ definition }) => definition?.pod);
  const byNamespace = new Map<NamespaceName, Map<PodName | undefined, ScopeUse>>();
  // Allocations of one workload are neighbours: its namespace is looked up once.
  let last: WorkloadId | undefined;
  let own = new Map<PodName | undefined, ScopeUse>();
  const useOf = (workload: WorkloadId, pod: PodName | undefined): ScopeUse => {
    if (workload !== last) {
      const { namespace } = parseWorkloadId(workload);
      own = byNamespace.get(namespace) ?? new Map();
      byNamespace.set(namespace, own);
      last = workload;
    }
    let use = own.get(pod);
    if (use === undefined) {
      const { namespace } = parseWorkloadId(workload);
      use = { namespace, pod, amounts: new Float64Array(ledger.width), instances: 0 };
      own.set(pod, use);
      all.push(use);
    }
    return use;
  };
  return {
    all,
    add(allocation, home) {
      if (allocation.state !== 'lost') charge(useOf(allocation.workload, pods[home]), ledger, allocation, 1);
    },
    remove(allocation, home) {
      if (allocation.state !== 'lost') charge(useOf(allocation.workload, pods[home]), ledger, allocation, -1);
    },
    grow({ workload, pod, by }) {
      const use = useOf(workload, pod);
      const { growth } = use;
      use.growth = growth === undefined ? by : growth.map((amount, d) => amount + (by[d] ?? 0));
    },
  };
}

/** As `amountFor` counts it in each dimension. */
function charge(use: ScopeUse, ledger: LedgerBase, allocation: Allocation, sign: 1 | -1): void {
  const holds = chargedHolds(allocation);
  addHolds(ledger, use.amounts, 0, holds, sign);
  for (const { bytes } of holds.volumes ?? [])
    use.amounts[storageColumn] = (use.amounts[storageColumn] ?? 0) + sign * bytes;
  if (allocation.state !== 'held') use.instances += sign;
}

/** How much of what a limit is of. */
export function usedOf(
  { amounts, instances }: ScopeUse,
  { dimensions }: LedgerBase,
  dimension: Dimension | 'instances',
): number {
  return dimension === 'instances' ? instances : (amounts[dimensions.indexOf(dimension)] ?? 0);
}

/** How much of that units in flight may add. */
export function growthOf(
  { growth }: ScopeUse,
  { dimensions, width }: LedgerBase,
  dimension: Dimension | 'instances',
): number {
  if (growth === undefined) return 0;
  return growth[dimension === 'instances' ? width : dimensions.indexOf(dimension)] ?? 0;
}

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
}

/** Gathers what each scope uses. */
export interface Scopes {
  readonly all: ScopeUse[];
  /** `home`: index of its node. */
  add(allocation: Allocation, home: number): void;
}

export function openScopes({ nodes }: Pick<Cluster, 'nodes'>, ledger: LedgerBase): Scopes {
  const all: ScopeUse[] = [];
  const pods = nodes.map(({ definition }) => definition?.pod);
  const byNamespace = new Map<NamespaceName, Map<PodName | undefined, ScopeUse>>();
  // Allocations of one workload are neighbours: its namespace is looked up once.
  let last: WorkloadId | undefined;
  let own = new Map<PodName | undefined, ScopeUse>();
  return {
    all,
    add(allocation, home) {
      const { workload, state } = allocation;
      if (state === 'lost') return;
      if (workload !== last) {
        const { namespace } = parseWorkloadId(workload);
        own = byNamespace.get(namespace) ?? new Map();
        byNamespace.set(namespace, own);
        last = workload;
      }
      const pod = pods[home];
      let use = own.get(pod);
      if (use === undefined) {
        const { namespace } = parseWorkloadId(workload);
        use = { namespace, pod, amounts: new Float64Array(ledger.width), instances: 0 };
        own.set(pod, use);
        all.push(use);
      }
      charge(use, ledger, allocation);
    },
  };
}

/** As `amountFor` counts it in each dimension. */
function charge(use: ScopeUse, ledger: LedgerBase, allocation: Allocation): void {
  const holds = chargedHolds(allocation);
  addHolds(ledger, use.amounts, 0, holds, 1);
  for (const { bytes } of holds.volumes ?? []) use.amounts[storageColumn] = (use.amounts[storageColumn] ?? 0) + bytes;
  if (allocation.state !== 'held') use.instances += 1;
}

/** How much of what a limit is of. */
export function usedOf(
  { amounts, instances }: ScopeUse,
  { dimensions }: LedgerBase,
  dimension: Dimension | 'instances',
): number {
  return dimension === 'instances' ? instances : (amounts[dimensions.indexOf(dimension)] ?? 0);
}

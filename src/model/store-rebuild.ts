import type { AllocationId, ClusterUid, EngineKind, NodeName, RevisionHash, UnitId, WorkloadId } from './ids.ts';
import type { ObservedObject, Origin } from './observed.ts';
import type { AllocationState } from './recorded.ts';
import type { StoreFinding } from './store-check.ts';

/** An object of ours, and what it says of where it is from. */
export interface Recalled {
  readonly object: ObservedObject;
  readonly origin: Origin;
}

export interface RebuildSurvey {
  readonly uid: ClusterUid;
  readonly found: readonly Recalled[];
  /** Engines that git declares and that do not answer: what is on them is not known. */
  readonly unreachable: readonly { readonly node: NodeName; readonly engine: EngineKind; readonly reason: string }[];
}

/** What a rebuild of the store from the engines would write, and what it cannot say. */
export interface StoreRebuild {
  readonly allocations: readonly RebuiltAllocation[];
  /** Workloads whose next generation is raised, to above everything that was ever seen of them. */
  readonly generations: readonly { readonly workload: WorkloadId; readonly before: number; readonly after: number }[];
  /** Units that the store says are under way: they ended after it was written. Their journals go. */
  readonly endedUnits: readonly UnitId[];
  /** Records that cannot be read go. */
  readonly unreadable: readonly string[];
  readonly unreachable: readonly { readonly node: NodeName; readonly engine: EngineKind; readonly reason: string }[];
  /** Objects that do not say enough: they are left as they are, and stay unknown to the store. */
  readonly notRestored: readonly {
    readonly allocation: AllocationId;
    readonly node: NodeName;
    readonly reason: string;
  }[];
  /** What `muster store check` says of the result. */
  readonly findings: readonly StoreFinding[];
}

export interface RebuiltAllocation {
  readonly allocation: AllocationId;
  readonly node: NodeName;
  readonly engine: EngineKind;
  readonly revision: RevisionHash;
  readonly state: AllocationState;
  /**
   * `added`: runs, and the store did not know it · `changed`: known otherwise · `unchanged` · `dropped`: known, but its
   * engine has nothing of it · `unseen`: kept as it was, since its engine was not asked
   */
  readonly change: 'added' | 'changed' | 'unchanged' | 'dropped' | 'unseen';
}

/** Everything that runs is known to the result. */
export const isComplete = ({ unreachable, notRestored }: StoreRebuild): boolean =>
  unreachable.length === 0 && notRestored.length === 0;

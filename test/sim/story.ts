/**
 * A story as data: a cluster, what git says and when that changes, who runs Muster, and everything that goes wrong. It is
 * made from a seed (`generate.ts`), and is what a failure is cut down in (`minimise.ts`). Times are virtual ms.
 */
export interface Story {
  readonly seed: number;
  readonly nodes: readonly StoryNode[];
  readonly workloads: readonly StoryWorkload[];
  /** Most cpu of the namespace; absent: no quota. */
  readonly quotaCpuMillis?: number;
  /** Processes of `muster run` that follow the same git. */
  readonly processes: number;
  /** In order of time. */
  readonly changes: readonly StoryChange[];
  readonly faults: readonly Fault[];
  /** From here on nothing goes wrong any more and git does not change. */
  readonly quietAt: number;
}

export interface StoryNode {
  readonly name: string;
  readonly cpuMillis: number;
}

/**
 * `web`: stateless, with a check, create first · `plain`: stateless, without a check · `fixed`: a published port of its own ·
 * `store`: stateful, its address belongs to the ordinal, stop first · `cores`: bound to whole cores · `agent`: one per node
 */
export type WorkloadShape = 'web' | 'plain' | 'fixed' | 'store' | 'cores' | 'agent';

export interface StoryWorkload {
  readonly name: string;
  readonly shape: WorkloadShape;
  readonly replicas: number;
  readonly cpuMillis: number;
  /** It changes together with the others of this name. */
  readonly transaction?: string;
}

export type StoryChange = { readonly at: number } & (
  | { readonly kind: 'scale'; readonly workload: string; readonly replicas: number }
  /** Another program, which is made anew. A `bad` one never gets healthy. */
  | { readonly kind: 'revise'; readonly workload: string; readonly version: number; readonly quality: 'good' | 'bad' }
  /** Another program for everything that changes together; the `bad` one of them never gets healthy. */
  | { readonly kind: 'release'; readonly version: number; readonly bad?: string }
  /** Another size, which is changed in place. */
  | { readonly kind: 'resize'; readonly workload: string; readonly cpuMillis: number }
  | { readonly kind: 'remove'; readonly workload: string }
  | { readonly kind: 'restore'; readonly workload: string }
  | { readonly kind: 'drain'; readonly node: string }
  | { readonly kind: 'undrain'; readonly node: string }
);

/** A number, or whoever leads when it happens. */
export type Whom = number | 'leader';

export type Fault = { readonly at: number } & (
  | { readonly kind: 'crash'; readonly process: Whom; readonly downMs: number }
  /** Dies at its nth transaction from then on: before it is sent, on its way, or after it was carried out. */
  | {
      readonly kind: 'crashAtWrite';
      readonly process: Whom;
      readonly nth: number;
      readonly moment: 'before' | 'after';
      readonly downMs: number;
    }
  | { readonly kind: 'pause'; readonly process: Whom; readonly forMs: number }
  | { readonly kind: 'handOver'; readonly process: Whom; readonly downMs: number }
  /** Its wall clock is set forth or back. */
  | { readonly kind: 'clockJump'; readonly process: Whom; readonly byMs: number }
  | { readonly kind: 'storeAway'; readonly forMs: number; readonly process?: Whom }
  | { readonly kind: 'storeSlow'; readonly forMs: number; readonly delayMs: number }
  /** A share of the transactions is lost, or carried out unheard: at once, or up to `lateMs` later. */
  | { readonly kind: 'storeLoses'; readonly forMs: number; readonly share: number; readonly lateMs: number }
  | { readonly kind: 'storeFull'; readonly forMs: number }
  | { readonly kind: 'compact' }
  /** `refused`: at once · `silent`: every call runs into its deadline */
  | {
      readonly kind: 'engineAway';
      readonly node: string;
      readonly forMs: number;
      readonly how: 'refused' | 'silent';
      readonly process?: Whom;
    }
  /** Away, and everything that ran on it has ended. */
  | { readonly kind: 'reboot'; readonly node: string; readonly forMs: number }
  | { readonly kind: 'diskFull'; readonly node: string; readonly forMs: number }
  /** A share of the calls to the engine goes wrong in this way. */
  | {
      readonly kind: 'engineFails';
      readonly node: string;
      readonly forMs: number;
      readonly share: number;
      readonly how: 'before' | 'after' | 'twice' | 'late' | 'slow';
    }
  /** A running program ends, or its object is removed by hand; `draw` says which. */
  | { readonly kind: 'exit'; readonly draw: number }
  | { readonly kind: 'vanish'; readonly draw: number }
  /**
   * An operator tells the leader something about a unit that is open then, or soon; `draw` says which. `pause`: its run, for so
   * long · `cancel`: its run · `abandon`: it, once its run has been paused · `skip`: of one that is stuck, what cannot be undone
   */
  | {
      readonly kind: 'operator';
      readonly does: 'pause' | 'cancel' | 'abandon' | 'skip';
      readonly draw: number;
      readonly forMs: number;
    }
  /** For so long a workload is pinned to the good revision before its own, or frozen, or a node cordoned. */
  | {
      readonly kind: 'override';
      readonly does: 'pin' | 'freeze' | 'cordon';
      readonly draw: number;
      readonly forMs: number;
    }
);

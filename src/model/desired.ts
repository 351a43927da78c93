import type {
  CommitSha,
  EngineKind,
  NamespaceName,
  NodeName,
  PodName,
  RevisionHash,
  TransactionId,
  WorkloadId,
} from './ids.ts';
import type { Resources } from './resources.ts';
import type { Revision } from './revision.ts';

/**
 * What git declares at one commit of each source, normalised: defaults filled in, quantities as integers, NodeSets
 * expanded, lists sorted by name or id. The planner reads nothing else of the config repo.
 */
export interface Desired {
  readonly cluster: DesiredCluster;
  /** Source name → commit, or `worktree` for a directory that was read as it lies. */
  readonly commits: Readonly<Record<string, CommitSha | 'worktree'>>;
  /** Sources that could not be read whole: nothing that they may declare is removed. */
  readonly incompleteSources: readonly string[];
  readonly policies: readonly DesiredPolicy[];
  readonly namespaces: readonly NamespaceName[];
  /** Absent: none. */
  readonly networks?: readonly DesiredNetwork[];
  readonly pods: readonly DesiredPod[];
  readonly nodes: readonly DesiredNode[];
  readonly quotas: readonly DesiredQuota[];
  readonly workloads: readonly DesiredWorkload[];
  readonly refactors: readonly DesiredRefactor[];
}

export interface DesiredCluster {
  readonly name: string;
  readonly store?: { readonly endpoints: readonly string[]; readonly prefix: string };
  readonly drift: {
    readonly changed: DriftPolicy;
    readonly orphan: Exclude<DriftPolicy, 'heal'>;
    readonly ignoreFields: readonly string[];
  };
  readonly prune: {
    readonly stopAfterMs: number;
    readonly deleteAfterMs: number;
    readonly max: { readonly sharePercent: number; readonly atLeast: number };
  };
  readonly apply: {
    readonly parallelism: number;
    readonly perNode: number;
    /** By name: `registry`, `engine/KIND`, `pod/NAME`, `node/NAME`. */
    readonly limits?: Readonly<Record<string, NamedLimit>>;
  };
  /** Most nodes of one zone that are drained at the same time. Absent: no limit. */
  readonly drain?: { readonly perZone: CountOrPercent };
}

/** A bound on changes. */
export interface NamedLimit {
  /** Most at once. Absent: no bound. */
  readonly batch?: number;
  /** Least time between two starts; 0: none. */
  readonly everyMs: number;
}

export type DriftPolicy = 'heal' | 'report' | 'ignore';

export interface DesiredPolicy {
  readonly name: string;
  /** Patterns over namespaces; `*` is everything. The narrowest scope wins. */
  readonly namespaces: readonly string[];
  readonly disruption: readonly DisruptionRule[];
  /** Spread that every workload of the namespaces keeps from so many replicas on (forced multi-site). */
  readonly require?: readonly { readonly spread: SpreadRule; readonly replicasFrom: number }[];
  /** What people have to agree to, in the workloads of the namespaces. */
  readonly approvals?: readonly ApprovalRule[];
}

/** A class of change that is carried out only once so many people have approved the plan. */
export interface ApprovalRule {
  readonly when: ApprovalClass;
  readonly approvers: number;
  /** How long an approval counts. */
  readonly expiresMs: number;
}

/** `live`, `restart`, `recreate`: steps of this disruption class or a worse one; the others what they say. */
export type ApprovalClass = 'any' | 'live' | 'restart' | 'recreate' | 'move' | 'remove' | 'dataLoss';

/** One line of the 1-2-10 rule: the first whose bound holds decides. `max` is a count or a share. */
export interface DisruptionRule {
  /** Holds for fewer than this many replicas. */
  readonly below?: number;
  /** Holds for up to this many replicas. */
  readonly upTo?: number;
  readonly max: CountOrPercent;
}

export type CountOrPercent =
  | { readonly kind: 'count'; readonly count: number }
  | { readonly kind: 'percent'; readonly percent: number };

export interface DesiredPod {
  readonly name: PodName;
  readonly strategy: Strategy;
}

/**
 * How instances are distributed over the nodes that may take them.
 * `auto`: even counts · `fill`: top up the fewest nodes · `each`: the same number on every node · `global`: even
 * utilisation · `drained`: the fullest node first · `pack`: so that the least capacity becomes unusable
 */
export type Strategy = 'auto' | 'fill' | 'each' | 'global' | 'drained' | 'pack';

export interface DesiredNetwork {
  readonly name: string;
  /** `10.1.0.0/16` */
  readonly subnet: string;
  readonly gateway?: string;
  /** Ranges by name, inclusive. */
  readonly pools: readonly { readonly name: string; readonly first: string; readonly last: string }[];
  /** Docker's name of the network. */
  readonly docker?: { readonly network: string };
}

export interface DesiredNode {
  readonly name: NodeName;
  readonly pod: PodName;
  readonly zone?: string;
  readonly rack?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly lifecycle: Lifecycle;
  readonly engines: Readonly<Partial<Record<EngineKind, EngineEndpoint>>>;
  /** Dimensions left out are probed from the engine. */
  readonly capacity: Resources;
  readonly reserved: Resources;
  /** Absent: nobody knows, and nothing that requires NUMA goes there. Cores are numbered from 0. */
  readonly numa?: readonly NumaNode[];
  /** Devices that volumes are placed on, sorted by device. */
  readonly disks?: readonly NodeDisk[];
  /** Capacity multiplier in thousandths: 2000 sells every core twice. */
  readonly overcommitCpuMilli: number;
  readonly taints: readonly Taint[];
  /** Ports that `publish: auto` draws from, inclusive. */
  readonly portRange: { readonly first: number; readonly last: number };
  /** Nodes on one machine share its ports: nodes of one domain never publish the same one. */
  readonly portDomain: string;
  /** How its drain may go. */
  readonly drain?: NodeDrain;
}

export interface NumaNode {
  /** Ascending. */
  readonly cpus: readonly number[];
  readonly memoryBytes: number;
}

/** A device for volumes. Rates are per second; absent: not limited. */
export interface NodeDisk {
  /** Where it is mounted. */
  readonly device: string;
  /** Its block device, `/dev/nvme0n1`: what volumes are held to their rates on. Absent: nobody knows. */
  readonly block?: string;
  readonly sizeBytes: number;
  readonly readIops?: number;
  readonly writeIops?: number;
  readonly readBps?: number;
  readonly writeBps?: number;
}

export interface NodeDrain {
  /** When what is still there may be forced off (Unix ms). */
  readonly deadline?: number;
  /** After the deadline (at once without one) budgets are ignored; what would lose data still is not touched. */
  readonly force: boolean;
}

/** `spare` and `cordoned` accept nothing new; `maintenance` and `offline` are drained. */
export type Lifecycle = 'spare' | 'online' | 'cordoned' | 'maintenance' | 'offline';

/** How to reach one engine of one node; what only one engine has goes into `options`. */
export interface EngineEndpoint {
  /** `unix:///var/run/docker.sock`, `tcp://host:port`, `ssh://user@host:port`; `local:` for the process engine. */
  readonly endpoint: string;
  /** Host address that published ports are bound to. */
  readonly publishAddress?: string;
  /** Directory of a process node; relative paths are relative to the state directory. */
  readonly root?: string;
  /** Names of TLS material in the host-local credentials file; never the material itself. */
  readonly tls?: { readonly credential: string };
  /** Of an `ssh://` endpoint: `SHA256:…`, the only key that its host may have. */
  readonly hostKey?: string;
  /** Of an `ssh://` endpoint: name of the key in the host-local credentials file. Absent: `default`, else the agent's. */
  readonly credential?: string;
  /** Of an `ssh://` endpoint: the user is not root, and becomes it by sudo. */
  readonly sudo?: true;
}

export interface Taint {
  readonly key: string;
  readonly value: string;
  readonly effect: 'NoSchedule';
}

export interface DesiredQuota {
  readonly name: string;
  readonly namespace?: NamespaceName;
  readonly pod?: PodName;
  readonly parent?: string;
  /** Dimension → most; `instances` is limited like a dimension. */
  readonly limits: Resources & { readonly instances?: number };
  /** What is over a lowered limit is removed, the least urgent first, instead of being refused. */
  readonly drainToQuota?: true;
}

export interface DesiredWorkload {
  readonly id: WorkloadId;
  readonly namespace: NamespaceName;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly type: 'stateless' | 'stateful' | 'static' | 'daemon';
  /** Ignored for a daemon: one per matching node. */
  readonly replicas: number;
  readonly revisionHash: RevisionHash;
  readonly revision: Revision;
  readonly after: readonly WorkloadId[];
  /** Those that name the same bring their new revisions together: all become the good ones, or none does. */
  readonly transaction?: TransactionId;
  readonly placement: Placement;
  readonly update: UpdatePolicy;
  /** Most instances that may be unavailable at once; `policy` is the 1-2-10 rule of the narrowest Policy. */
  readonly maxUnavailable: CountOrPercent | { readonly kind: 'policy' } | { readonly kind: 'quorum' };
  readonly onLost: 'auto' | 'recreate' | 'wait';
  /** Larger goes first when capacity is short. `online` is 1000, `offline` 100. */
  readonly priority: number;
  /** When it finds no room, instances of lower priority that may be evicted make some. Absent: they never do. */
  readonly preemption?: 'lower';
  /** Where it is declared, for messages: `file:line`. */
  readonly declaredAt: string;
}

export interface Placement {
  /** Empty: every pod. */
  readonly pods: readonly PodName[];
  /** Absent: the pod's. */
  readonly strategy?: Strategy;
  /** Labels that a node must have. */
  readonly require: Readonly<Record<string, string>>;
  /** Labels that a node should have: where several nodes will do, more weight wins. */
  readonly prefer?: readonly { readonly labels: Readonly<Record<string, string>>; readonly weight: number }[];
  readonly spread?: readonly SpreadRule[];
  /** Workloads to be near to, or far from. */
  readonly affinity?: readonly AffinityRule[];
  readonly antiAffinity?: readonly AffinityRule[];
  readonly tolerate: readonly { readonly key: string; readonly value?: string }[];
  /** Place what fits and refuse the rest, instead of refusing the whole. */
  readonly partial: boolean;
  /** Most instances of this workload on one node; for `each`, exactly this many on every node. */
  readonly perNode?: number;
}

export type Domain = 'node' | 'rack' | 'zone';

/** Counts per domain differ by at most one where there is room, and at least `minDomains` domains have one. */
export interface SpreadRule {
  readonly by: Domain;
  readonly minDomains: number;
}

export interface AffinityRule {
  readonly to: WorkloadId;
  readonly by: Domain;
  /** Kept, or else nothing is placed; otherwise preferred. */
  readonly required: boolean;
}

export interface UpdatePolicy {
  /** Cumulative rollout groups, smallest first; the last reaches everything. */
  readonly groups: readonly CountOrPercent[];
  readonly observeMs: number;
  readonly order: 'auto' | 'create-first' | 'stop-first';
  readonly maxSurge: CountOrPercent | { readonly kind: 'policy' };
  readonly healthyDeadlineMs: number;
}

export interface DesiredRefactor {
  readonly name: string;
  readonly removed: readonly { readonly from: WorkloadId }[];
}

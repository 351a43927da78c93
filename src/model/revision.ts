import type { EngineKind } from './ids.ts';

/**
 * A revision: the normalised spec of what an allocation is made from. Its hash is what "changed" means.
 * Quantities are integers in the unit that the field's name ends with; optional parts are absent, never null.
 * Counts, placement and rollout settings are not part of it: changing them re-creates nothing.
 */
export interface Revision {
  readonly engine: EngineKind;
  readonly image?: string;
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What is reserved on the node. */
  readonly resources: RevisionResources;
  /** What the engine enforces; `unlimited` is a cap that is not there. */
  readonly limits: { readonly cpuMillis: number | 'unlimited'; readonly memoryBytes: number | 'unlimited' };
  /** Whole cores of its own, and the rest on one more core. Absent: it shares the node's cores. */
  readonly cpu?: RevisionCpu;
  /** Sorted by name; absent when there are none. */
  readonly volumes?: readonly RevisionVolume[];
  readonly network?: RevisionNetwork;
  /** Sorted by path; absent when there are none. */
  readonly files?: readonly RevisionFile[];
  readonly ports: readonly RevisionPort[];
  readonly health?: HealthCheck;
  readonly stop: { readonly signal: string; readonly graceMs: number; readonly delayMs: number };
  readonly hooks?: Hooks;
  readonly restart: 'always' | 'on-failure' | 'never';
  /** Where the engine weighs instances by it. Absent: `onlinePriority`. */
  readonly priority?: number;
  /** The engine's own block (`docker: {init: true}`), normalised; absent when empty. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** `online`, which is the default. */
export const onlinePriority = 1000;

export interface RevisionResources {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly bandwidthBits: number;
  /**
   * Extended resources, in thousandths of a piece: whole pieces, or a part of one. The kind may leave the model open:
   * `gpu/a100`, `gpu/a100|v100` (either, all pieces of one model) or `gpu/*`.
   */
  readonly extended: Readonly<Record<string, number>>;
}

export interface RevisionCpu {
  readonly bind: true;
  /** `require`: cores and memory of one NUMA node · `prefer`: where there is one, else several · `none`: not looked at */
  readonly numa: 'require' | 'prefer' | 'none';
}

export interface RevisionVolume {
  readonly name: string;
  /** Absolute path inside the instance. */
  readonly mount: string;
  /** 0: not limited, and nothing is charged. */
  readonly sizeBytes: number;
  /**
   * `auto`: the tightest of the node's devices that it fits · `device`: that one · `host`: a directory of the node, not
   * charged · `network`: brought by the network, not charged; the target is what the engine mounts (`nfs://host/path`)
   */
  readonly source:
    | { readonly kind: 'auto' }
    | { readonly kind: 'device'; readonly device: string }
    | { readonly kind: 'host'; readonly path: string }
    | { readonly kind: 'network'; readonly target: string };
  /** A whole device that nobody uses; the exclusive volumes of one instance share it in proportion to their sizes. */
  readonly exclusive: boolean;
  readonly readOnly: boolean;
  readonly onRemove: 'keep' | 'delete';
  /** Rates that are reserved on the device, per second; 0: none. */
  readonly readIops: number;
  readonly writeIops: number;
  readonly readBps: number;
  readonly writeBps: number;
}

/** A file that is put into an instance before it starts. */
export interface RevisionFile {
  /** Its path inside the instance. */
  readonly name: string;
  readonly content: string;
  /** Octal. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
}

export interface RevisionNetwork {
  readonly name: string;
  /** `pool`: any free address · `keep`: one that belongs to the ordinal · an address: that one, for a single instance */
  readonly ip: 'pool' | 'keep' | (string & {});
  /** The network's pool that the address comes from; absent: the whole subnet. */
  readonly pool?: string;
}

export interface RevisionPort {
  readonly name: string;
  /** The port that the program listens on inside the instance. The process engine has one name space: there it is what is published. */
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** `auto`: a free one of the node's range · `none`: not published · a number: that one */
  readonly publish: 'auto' | 'none' | number;
}

export interface HealthCheck {
  readonly probe: HealthProbe;
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly healthyAfter: number;
  readonly unhealthyAfter: number;
}

/** Commands that Muster runs inside an instance when it starts or stops it. */
export interface Hooks {
  readonly afterStart?: Hook;
  readonly beforeStop?: Hook;
}

export interface Hook {
  /** Program and arguments: no shell. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

export type HealthProbe =
  | { readonly kind: 'http'; readonly port: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] };

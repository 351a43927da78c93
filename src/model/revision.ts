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
  readonly ports: readonly RevisionPort[];
  readonly health?: HealthCheck;
  readonly stop: { readonly signal: string; readonly graceMs: number; readonly delayMs: number };
  readonly restart: 'always' | 'on-failure' | 'never';
  /** The engine's own block (`docker: {init: true}`), normalised; absent when empty. */
  readonly options?: Readonly<Record<string, unknown>>;
}

export interface RevisionResources {
  readonly cpuMillis: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
  readonly bandwidthBits: number;
  /** Extended counted resources, `gpu/a100` → pieces. */
  readonly extended: Readonly<Record<string, number>>;
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

export type HealthProbe =
  | { readonly kind: 'http'; readonly port: string; readonly path: string }
  | { readonly kind: 'tcp'; readonly port: string }
  | { readonly kind: 'exec'; readonly command: readonly string[] };

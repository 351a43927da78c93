/**
 * What only Docker has, as `Revision.options` of a docker workload: the `docker` block of its document, normalised. What
 * is docker's own default is absent, so that writing a default out changes no revision. Lists that are sets are sorted.
 */
export interface DockerOptions {
  readonly init?: true;
  readonly user?: string;
  readonly workingDir?: string;
  readonly readOnly?: true;
  /** Absent: one behind the node, or the network that the workload names. */
  readonly network?: 'host' | 'none';
  /** Names without `CAP_`. */
  readonly capabilities?: { readonly add: readonly string[]; readonly drop: readonly string[] };
  readonly noNewPrivileges?: true;
  readonly sysctls?: Readonly<Record<string, string>>;
  /** In the units of getrlimit(2); -1: unlimited. */
  readonly ulimits?: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  /** Most processes and threads. */
  readonly pids?: number;
  readonly shmSizeBytes?: number;
  readonly tmpfs?: readonly DockerTmpfs[];
  readonly devices?: readonly DockerDevice[];
  /** Name → address, or `host-gateway`. */
  readonly extraHosts?: Readonly<Record<string, string>>;
  readonly dns?: { readonly servers: readonly string[]; readonly search: readonly string[] };
  /** Beyond the memory limit. Absent: none. */
  readonly swapBytes?: number | 'unlimited';
  /** OCI runtime. Absent: the daemon's own choice. */
  readonly runtime?: string;
  /** Most that the container's own layer may hold. */
  readonly storageSizeBytes?: number;
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
}

export interface DockerTmpfs {
  /** Where it is in the container. */
  readonly name: string;
  readonly sizeBytes: number;
  /** Octal. */
  readonly mode: string;
}

export interface DockerDevice {
  /** Its path in the container. */
  readonly name: string;
  /** Its path on the node. */
  readonly path: string;
  /** Some of `rwm`. */
  readonly permissions: string;
}

import type { ContainerCreateOptions, HostConfig, HostRestartPolicy } from 'dockerode';
import { type ClusterUid, parseAllocationId, parseWorkloadId } from '../../model/ids.ts';
import type { Revision } from '../../model/revision.ts';
import { type CreateRequest, expandVariables, instanceEnvironment } from '../engine.ts';
import { dockerNetwork, endpointOf } from './addresses.ts';
import type { DockerClient } from './client.ts';
import { pinningOf } from './cores.ts';
import { deviceRequestsOf } from './devices.ts';
import { labelsOf } from './labels.ts';
import { throttlesOf } from './throttle.ts';
import { directoriesOf, hostPath, mountsOf } from './volumes.ts';

/** What a container is created from. Pure: the same request gives the same body. */
export function containerOf(
  request: CreateRequest,
  image: string,
  cluster: ClusterUid,
  client: DockerClient,
): ContainerCreateOptions {
  const { revision, network } = request;
  const owner = { cluster: client.scope.name, allocation: request.allocation };
  const directories = directoriesOf(request, owner).map((directory) => [directory.name, hostPath(directory)]);
  const env = environmentOf(request, client);
  const expand = (text: string): string => expandVariables(text, env);
  const block = optionsOf(revision);
  return {
    Image: image,
    ...(block.network !== 'host' && { Hostname: hostnameOf(request) }),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    // As in Kubernetes: a command replaces the image's entry point, and then the image's own arguments do not apply.
    ...(revision.command.length > 0 && { Entrypoint: revision.command.map(expand), Cmd: [] }),
    ...(revision.args.length > 0 && { Cmd: revision.args.map(expand) }),
    ...(block.user !== undefined && { User: block.user }),
    ...(block.workingDir !== undefined && { WorkingDir: block.workingDir }),
    Labels: labelsOf(request, cluster, Object.fromEntries(directories)),
    StopSignal: revision.stop.signal,
    ExposedPorts: Object.fromEntries(revision.ports.map((port) => [`${port.port}/${port.protocol}`, {}])),
    HostConfig: {
      ...limitsAtCreation(revision),
      ...pinningOf(request),
      ...mountsOf(request, owner, cluster),
      ...throttlesOf(request, client.disks),
      ...deviceRequestsOf(request),
      ...(block.init !== undefined && { Init: block.init }),
      ...(block.readOnly !== undefined && { ReadonlyRootfs: block.readOnly }),
      ...(block.network !== undefined && { NetworkMode: block.network }),
      ...(network !== undefined && { NetworkMode: dockerNetwork(network) }),
      // Without a network of its own there is nothing to publish: on the host's a program listens itself.
      ...((block.network ?? 'bridge') === 'bridge' && { PortBindings: portBindings(request, client.publishAddress) }),
      RestartPolicy: restartPolicy(revision.restart),
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
    },
    ...endpointOf(request),
  };
}

/** The `docker` block of a workload, as its schema allows it. */
interface DockerOptionsBlock {
  readonly init?: boolean;
  readonly user?: string;
  readonly workingDir?: string;
  readonly readOnly?: boolean;
  readonly network?: 'bridge' | 'host' | 'none';
}

const optionsOf = (revision: Revision): DockerOptionsBlock => (revision.options ?? {}) as DockerOptionsBlock;

/** As in Kubernetes, a value may use what stands before it. Who and where an instance is cannot be overridden. */
function environmentOf(request: CreateRequest, client: DockerClient): Readonly<Record<string, string>> {
  const identity = instanceEnvironment(request, client.node);
  const env: Record<string, string> = { ...identity };
  for (const [name, value] of Object.entries(request.revision.env)) env[name] = expandVariables(value, env);
  return { ...env, ...identity };
}

/** `workload-ordinal`: the same for every generation of an instance. */
function hostnameOf(request: CreateRequest): string {
  const { workload, ordinal } = parseAllocationId(request.allocation);
  const suffix = `-${ordinal}`;
  return `${parseWorkloadId(workload).name.slice(0, longestHostname - suffix.length)}${suffix}`;
}

const longestHostname = 63;

function portBindings(
  request: CreateRequest,
  publishAddress: string,
): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of request.revision.ports) {
    const published = request.holds.ports?.[port.name];
    if (published === undefined) continue;
    const key = `${port.port}/${port.protocol}`;
    bindings[key] = [...(bindings[key] ?? []), { HostIp: publishAddress, HostPort: String(published) }];
  }
  return bindings;
}

/**
 * `unless-stopped` rather than `always`: what Muster stopped must stay stopped when the daemon restarts.
 */
export function restartPolicy(restart: Revision['restart']): HostRestartPolicy {
  switch (restart) {
    case 'always':
      return { Name: 'unless-stopped' };
    case 'on-failure':
      return { Name: 'on-failure', MaximumRetryCount: 0 };
    case 'never':
      return { Name: 'no' };
  }
}

/** The inverse of `restartPolicy`; undefined for what Muster never sets. */
export function declaredRestart(policy: HostRestartPolicy | undefined): Revision['restart'] | string {
  switch (policy?.Name) {
    case 'unless-stopped':
    case 'always':
      return 'always';
    case 'on-failure':
      return (policy.MaximumRetryCount ?? 0) === 0 ? 'on-failure' : `on-failure:${policy.MaximumRetryCount}`;
    default:
      return 'never';
  }
}

type Limits = Pick<HostConfig, 'NanoCpus' | 'CpuShares' | 'Memory' | 'MemorySwap'>;

/** Caps and weight at creation: what is not capped is left out. */
function limitsAtCreation({ limits, resources }: Revision): Limits {
  return {
    CpuShares: sharesOf(resources.cpuMillis),
    ...(limits.cpuMillis !== 'unlimited' && { NanoCpus: limits.cpuMillis * nanosPerMilli }),
    // No swap: a memory limit that swaps instead of holding is not a limit.
    ...(limits.memoryBytes !== 'unlimited' && { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
  };
}

/**
 * Caps for a live update. Docker reads a zero as "leave it", so a cap cannot be taken off: it is raised to one that
 * never holds, and is read back as none.
 */
export function limitsForUpdate({ limits, resources }: Revision, hostCpus: number): Limits {
  return {
    CpuShares: sharesOf(resources.cpuMillis),
    NanoCpus: limits.cpuMillis === 'unlimited' ? wholeHost(hostCpus) : limits.cpuMillis * nanosPerMilli,
    ...(limits.memoryBytes === 'unlimited'
      ? { Memory: endlessMemoryBytes, MemorySwap: endlessMemoryBytes }
      : { Memory: limits.memoryBytes, MemorySwap: limits.memoryBytes }),
  };
}

/** Caps as the engine has them, by pointer into the revision. */
export function declaredLimits(config: HostConfig): Readonly<Record<string, number | 'unlimited'>> {
  const {
    NanoCpus: nanos = 0,
    CpuQuota: quota = 0,
    CpuPeriod: period = 0,
    CpuShares: shares = 0,
    Memory: memory = 0,
  } = config;
  const byQuota = quota > 0 ? Math.round((quota * 1000) / (period > 0 ? period : defaultPeriodMicros)) : 'unlimited';
  const cpu = nanos > 0 ? (nanos % nanosPerMilli === 0 ? nanos / nanosPerMilli : 'unlimited') : byQuota;
  return {
    '/limits/cpuMillis': cpu,
    '/limits/memoryBytes': memory === 0 || memory >= endlessMemoryBytes ? 'unlimited' : memory,
    // At the floor several amounts share one weight: nothing can be said.
    ...(shares > leastShares && { '/resources/cpuMillis': Math.round((shares * 1000) / sharesPerCore) }),
  };
}

const nanosPerMilli = 1_000_000;
const defaultPeriodMicros = 100_000;
const sharesPerCore = 1024;
const leastShares = 2;
const endlessMemoryBytes = 2 ** 50;

const sharesOf = (cpuMillis: number): number => Math.max(leastShares, Math.round((cpuMillis * sharesPerCore) / 1000));

/** All cores but a billionth of one. No declared cap looks like it, because those are whole thousandths. */
const wholeHost = (cpus: number): number => cpus * 1e9 - 1;

import type { ContainerCreateOptions, HostRestartPolicy } from 'dockerode';
import { type ClusterUid, parseAllocationId, parseWorkloadId } from '../../model/ids.ts';
import type { Revision } from '../../model/revision.ts';
import { type CreateRequest, expandVariables, instanceEnvironment } from '../engine.ts';
import { dockerNetwork, endpointOf } from './addresses.ts';
import type { DockerClient } from './client.ts';
import { pinningOf } from './cores.ts';
import { deviceRequestsOf } from './devices.ts';
import { labelsOf } from './labels.ts';
import { limitsAtCreation } from './limits.ts';
import { hostOptionsOf, optionsOf, tmpfsMounts } from './options.ts';
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
  const options = optionsOf(revision);
  const mounts = [...mountsOf(request, owner, cluster), ...tmpfsMounts(options)];
  return {
    Image: image,
    Hostname: hostnameOf(request),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    // As in Kubernetes: a command replaces the image's entry point, and then the image's own arguments do not apply.
    ...(revision.command.length > 0 && { Entrypoint: revision.command.map(expand), Cmd: [] }),
    ...(revision.args.length > 0 && { Cmd: revision.args.map(expand) }),
    ...(options.user !== undefined && { User: options.user }),
    ...(options.workingDir !== undefined && { WorkingDir: options.workingDir }),
    Labels: labelsOf(request, cluster, Object.fromEntries(directories)),
    StopSignal: revision.stop.signal,
    ExposedPorts: Object.fromEntries(revision.ports.map((port) => [`${port.port}/${port.protocol}`, {}])),
    HostConfig: {
      ...limitsAtCreation(revision),
      ...pinningOf(request),
      ...(mounts.length > 0 && { Mounts: mounts }),
      ...throttlesOf(request, client.disks),
      ...deviceRequestsOf(request),
      ...hostOptionsOf(options),
      ...(network !== undefined && { NetworkMode: dockerNetwork(network) }),
      // Without a network of its own there is nothing to publish: on the host's a program listens itself.
      ...(options.network === undefined && { PortBindings: portBindings(request, client.publishAddress) }),
      RestartPolicy: restartPolicy(revision.restart),
    },
    ...endpointOf(request),
  };
}

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

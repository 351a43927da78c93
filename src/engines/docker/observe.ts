import type { ContainerInfo, ContainerInspectInfo } from 'dockerode';
import { clusterUid } from '../../model/ids.ts';
import type { ForeignObject, Health, ObjectState, ObservedObject } from '../../model/observed.ts';
import type { Resources } from '../../model/resources.ts';
import { objectName, type Whose } from '../engine.ts';
import { addressOf, isPlanned, networkOf } from './addresses.ts';
import type { DockerClient } from './client.ts';
import { canonicalCores } from './cores.ts';
import { unlessStatus } from './errors.ts';
import { labels, type Ownership, ownershipOf } from './labels.ts';
import { declaredLimits } from './limits.ts';
import { listUpdates } from './marks.ts';
import { scaffoldLabel } from './scaffold.ts';
import { declaredRestart } from './translate.ts';
import { declaredWeights } from './weights.ts';

/** What one container is to us; `part`: of a call that somebody is making. */
export type Found =
  | { readonly kind: 'ours'; readonly object: ObservedObject }
  | { readonly kind: 'foreign'; readonly object: ForeignObject }
  | { readonly kind: 'part' };

/** What the last update in place made of a container. */
export type Update = Pick<Ownership, 'revision' | 'probed'>;

/** A fresh look at one container of the daemon's list; undefined when it is gone since. */
export async function lookAt(
  client: DockerClient,
  container: ContainerInfo,
  { whose, update }: { readonly whose: Whose; readonly update: Update | undefined },
  signal: AbortSignal,
): Promise<Found | undefined> {
  const details = await inspect(client, container.Id, signal);
  if (details === undefined) return undefined;
  if (details.Config.Labels?.[scaffoldLabel] !== undefined) return { kind: 'part' };
  const owner = ownerOf(client, details, whose);
  if (owner === undefined) return { kind: 'foreign', object: foreignOf(container, details) };
  return { kind: 'ours', object: observedOf(client, details, { ...owner, ...update }) };
}

/** By name: as if its own uid were ours, where Muster gave it the name that it has. */
function ownerOf(client: DockerClient, details: ContainerInspectInfo, whose: Whose): Ownership | undefined {
  const { uid, name } = client.scope;
  const { Labels: found } = details.Config;
  if (whose === 'uid') return ownershipOf(found, uid);
  const owner = ownershipOf(found, clusterUid(found?.[labels.cluster] ?? ''));
  return owner !== undefined && nameOf(details.Name) === objectName(name, owner.allocation) ? owner : undefined;
}

/** One container of ours; undefined when it is gone or not ours. */
export async function observeObject(
  client: DockerClient,
  objectId: string,
  signal: AbortSignal,
): Promise<ObservedObject | undefined> {
  const details = await inspect(client, objectId, signal);
  const owner = details && ownershipOf(details.Config.Labels, client.scope.uid);
  if (details === undefined || owner === undefined) return undefined;
  const updates = await listUpdates(client, 'uid', signal);
  return observedOf(client, details, { ...owner, ...updates.get(details.Id) });
}

export const inspect = (
  client: DockerClient,
  id: string,
  signal: AbortSignal,
): Promise<ContainerInspectInfo | undefined> =>
  unlessStatus([404], client.docker.getContainer(id).inspect({ abortSignal: signal }));

function observedOf(client: DockerClient, details: ContainerInspectInfo, owner: Ownership): ObservedObject {
  const { State: state } = details;
  const startedAt = Date.parse(state.StartedAt);
  const now = stateOf(state.Status);
  return {
    node: client.node,
    engine: 'docker',
    objectId: details.Id,
    name: nameOf(details.Name),
    cluster: owner.cluster,
    allocation: owner.allocation,
    revision: owner.revision,
    ...(owner.token !== undefined && { token: owner.token }),
    state: now,
    health: healthOf(state.Health?.Status, owner.probed),
    ...((now === 'exited' || now === 'restarting') && { exitCode: state.ExitCode }),
    ...(startedAt > 0 && { startedAt }),
    restarts: details.RestartCount,
    ports: portsOf(client, details, owner),
    actual: actualOf(details, owner),
    held: heldOf(details),
  };
}

function stateOf(status: string): ObjectState {
  switch (status) {
    case 'created':
    case 'running':
    case 'paused':
    case 'restarting':
      return status;
    default:
      return 'exited'; // exited, removing, dead
  }
}

/** What the image's own HEALTHCHECK says, if it has one; Muster's probes are made elsewhere. */
function healthOf(status: string | undefined, probed: boolean): Health {
  if (status === 'healthy' || status === 'unhealthy' || status === 'starting') return status;
  return probed ? 'unknown' : 'none';
}

function portsOf(client: DockerClient, details: ContainerInspectInfo, owner: Ownership): ObservedObject['ports'] {
  const bindings = (details.HostConfig.PortBindings ?? {}) as Record<
    string,
    { HostIp: string; HostPort: string }[] | null
  >;
  if (networkOf(details) === 'host') return portsOnHost(client, owner);
  const used = new Map<string, number>();
  const ports: Record<string, { host: string; port: number }> = {};
  for (const [name, key] of Object.entries(owner.ports)) {
    // Two names may share a container port: their bindings are in the order of the names.
    const index = used.get(key) ?? 0;
    const binding = bindings[key]?.[index];
    if (binding === undefined) continue;
    used.set(key, index + 1);
    const everywhere = binding.HostIp === '' || binding.HostIp === '0.0.0.0' || binding.HostIp === '::';
    ports[name] = { host: everywhere ? client.reachableHost : binding.HostIp, port: Number(binding.HostPort) };
  }
  return ports;
}

/** There docker publishes nothing: programs listen where their labels say. */
const portsOnHost = (client: DockerClient, { ports }: Ownership): ObservedObject['ports'] =>
  Object.fromEntries(
    Object.entries(ports).map(([name, key]) => [
      name,
      { host: client.reachableHost, port: Number(key.slice(0, key.indexOf('/'))) },
    ]),
  );

/**
 * Only what somebody can change on a container that exists; everything else is fixed when it is created. The image is
 * the reference that it was made from: that its tag has been moved since is no drift, because what git declares is
 * still the tag. Pin by digest where the bytes matter.
 */
const actualOf = (details: ContainerInspectInfo, { weights }: Ownership): ObservedObject['actual'] => ({
  '/image': details.Config.Image,
  '/restart': declaredRestart(details.HostConfig.RestartPolicy),
  ...declaredLimits(details.HostConfig),
  ...declaredWeights(details.HostConfig, weights),
});

/** Cores and address can be changed on a container that exists; volumes and devices cannot. */
function heldOf(details: ContainerInspectInfo): NonNullable<ObservedObject['held']> {
  const { CpusetCpus: cores } = details.HostConfig;
  const ip = isPlanned(networkOf(details)) ? addressOf(details) : undefined;
  return { ...(cores && { cpuset: canonicalCores(cores) }), ...(ip !== undefined && { ip }) };
}

/** Charged by its limits while it runs. Without limits nothing is known that a plan could rely on. */
function foreignOf(container: ContainerInfo, details: ContainerInspectInfo): ForeignObject {
  const active = stateOf(details.State.Status) !== 'created' && stateOf(details.State.Status) !== 'exited';
  const limits = declaredLimits(details.HostConfig);
  const cpuMillis = limits['/limits/cpuMillis'];
  const memoryBytes = limits['/limits/memoryBytes'];
  const resources: Resources = {
    ...(active && typeof cpuMillis === 'number' && { cpuMillis }),
    ...(active && typeof memoryBytes === 'number' && { memoryBytes }),
  };
  const ports = container.Ports.map((port) => port.PublicPort).filter((port): port is number => port !== undefined);
  return {
    engine: 'docker',
    name: nameOf(details.Name),
    resources,
    ports: [...new Set(ports)].sort((a, b) => a - b),
    ...addressesOf(details),
  };
}

/** Of one that runs those that it has; of another the one that it asks for when it starts. */
function addressesOf({ NetworkSettings: { Networks } }: ContainerInspectInfo): Pick<ForeignObject, 'addresses'> {
  const addresses = Object.entries(Networks ?? {}).flatMap(([network, endpoint]) => {
    const ip = endpoint.IPAddress || endpoint.IPAMConfig?.IPv4Address;
    return ip && isPlanned(network) ? [{ network, ip }] : [];
  });
  return addresses.length === 0 ? {} : { addresses };
}

const nameOf = (name: string): string => name.replace(/^\//, '');

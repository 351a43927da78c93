import type { ContainerCreateOptions, ContainerInspectInfo } from 'dockerode';
import type { DesiredNetwork } from '../../model/desired.ts';
import type { CreateRequest } from '../engine.ts';

/** Docker's name of a network. */
export const dockerNetwork = ({ name, docker }: DesiredNetwork): string => docker?.network ?? name;

/** The network that a container is in, and its fixed address there; nothing where the revision names none. */
export function endpointOf({
  network,
  holds,
}: Pick<CreateRequest, 'network' | 'holds'>): Pick<ContainerCreateOptions, 'NetworkingConfig'> {
  if (network === undefined || holds.ip === undefined) return {};
  const endpoint = { IPAMConfig: { IPv4Address: holds.ip } };
  return { NetworkingConfig: { EndpointsConfig: { [dockerNetwork(network)]: endpoint } } };
}

/** The address of a container in the network that it was made for: the one that it has, or will have when it starts. */
export function addressOf(details: ContainerInspectInfo): string | undefined {
  const endpoint = details.NetworkSettings.Networks[networkOf(details)];
  // Empty while it does not run.
  return endpoint?.IPAddress || endpoint?.IPAMConfig?.IPv4Address;
}

export const networkOf = (details: ContainerInspectInfo): string => details.HostConfig.NetworkMode ?? '';

/** Networks whose addresses docker gives out as it likes. */
const unmanaged = new Set(['', 'default', 'bridge', 'host', 'none']);

/** Whether the addresses of a network can be planned. */
export const isPlanned = (network: string): boolean => !unmanaged.has(network) && !network.startsWith('container:');

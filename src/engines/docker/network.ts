import type { CreateRequest, EngineError } from '../engine.ts';
import { addressOf, dockerNetwork, networkOf } from './addresses.ts';
import type { DockerClient } from './client.ts';
import { hasNetwork } from './daemon.ts';
import { failure, messageOf } from './errors.ts';
import { inspect } from './observe.ts';

/** Docker itself would miss it only when the container starts, after what it replaces was stopped. */
export async function requireNetwork(client: DockerClient, request: CreateRequest, signal: AbortSignal): Promise<void> {
  const { network, allocation, revision } = request;
  if (network === undefined) {
    if (revision.network === undefined) return;
    throw failure(client, 'create', {
      code: 'rejected',
      message: `${allocation}: its network ${revision.network.name} is not declared`,
      retryable: false,
      hint: `declare it: {kind: Network, metadata: {name: ${revision.network.name}}}`,
    });
  }
  if (await hasNetwork(client, dockerNetwork(network), signal)) return;
  const name = dockerNetwork(network);
  const gateway = network.gateway === undefined ? '' : ` --gateway ${network.gateway}`;
  throw failure(client, 'create', {
    code: 'rejected',
    message: `${allocation}: docker on ${client.node} has no network ${name}, which is the network ${network.name} of git`,
    retryable: false,
    hint: `create it on every node of the workload: docker -H ${client.address} network create --subnet ${network.subnet}${gateway} ${name}`,
  });
}

/** A network that was removed after the container had been made; undefined for any other refusal. */
export function missingNetwork(client: DockerClient, error: unknown): EngineError | undefined {
  const name = /^network (\S+) not found$/.exec(messageOf(error))?.[1];
  if (name === undefined) return undefined;
  return failure(client, 'start', {
    code: 'rejected',
    message: `docker on ${client.node} has no network ${name} any more`,
    retryable: false,
    hint: `create it again, with the subnet that git declares: docker -H ${client.address} network create --subnet SUBNET ${name}`,
    cause: error,
  });
}

/** Who has the address that a container could not be started with; undefined for any other refusal. */
export async function addressRefused(
  client: DockerClient,
  objectId: string,
  error: unknown,
  signal: AbortSignal,
): Promise<EngineError | undefined> {
  const text = messageOf(error);
  // Not "bind: address already in use", which is about a port.
  const taken = /^address already in use$/i.test(text);
  if (
    !taken &&
    !/does not belong to any of this network's subnets|configured subnets|user specified IP address/i.test(text)
  ) {
    return undefined;
  }
  const details = await inspect(client, objectId, signal);
  const network = details === undefined ? '' : networkOf(details);
  const ip = details && addressOf(details);
  const by = taken ? await holderOf(client, { network, ip }, signal) : undefined;
  return failure(client, 'start', {
    code: 'rejected',
    message: taken
      ? `address ${ip} in network ${network} on ${client.node} is taken by ${by ?? 'something that docker does not list'}`
      : `docker on ${client.node} cannot give the address ${ip} in its network ${network}: ${text}`,
    retryable: false,
    hint: taken
      ? 'give it another address, or stop what has this one'
      : `its subnet there must be the one that git declares: docker -H ${client.address} network inspect ${network}`,
    cause: error,
  });
}

async function holderOf(
  client: DockerClient,
  { network, ip }: { readonly network: string; readonly ip: string | undefined },
  signal: AbortSignal,
): Promise<string | undefined> {
  const containers = await client.docker.listContainers({ abortSignal: signal });
  const holder = containers.find(({ NetworkSettings }) => NetworkSettings?.Networks[network]?.IPAddress === ip);
  return holder && `container ${holder.Names[0]?.replace(/^\//, '') ?? holder.Id}`;
}

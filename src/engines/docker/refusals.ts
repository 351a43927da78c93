import type { CreateRequest, EngineError } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { missingCoresHint } from './cores.ts';
import { missingDriverHint } from './devices.ts';
import { failure, messageOf, statusOf } from './errors.ts';
import { addressRefused, missingNetwork } from './network.ts';
import { refusedOption } from './refused-options.ts';
import { missingPath } from './scaffold.ts';

/**
 * Refusals of the daemon that an operator can do something about, said in the words of what was declared. The daemon has
 * few statuses and no codes: its text is all there is. Undefined for everything else.
 */
export function createRefusal(client: DockerClient, request: CreateRequest, error: unknown): EngineError | undefined {
  const text = messageOf(error);
  const { image = '' } = request.revision;
  if (statusOf(error) === 404) {
    return failure(client, 'create', {
      code: 'imageMissing',
      message: `docker on ${client.node} has no image ${image}: ${text}`,
      retryable: false,
      hint: `docker -H ${client.address} pull ${image}, or load it there`,
      cause: error,
    });
  }
  const path = missingPath(text);
  if (path !== undefined) return noSuchPath(client, 'create', path, error);
  return refusedCores(client, 'create', error) ?? refusedOption(client, 'create', error);
}

/** The same for a start. */
export async function startRefusal(
  client: DockerClient,
  objectId: string,
  error: unknown,
  signal: AbortSignal,
): Promise<EngineError | undefined> {
  const text = messageOf(error);
  const path = missingPath(text);
  if (path !== undefined) return noSuchPath(client, 'start', path, error);
  if (/task [0-9a-f]{64}: already exists|^id already in use$/i.test(text)) return leftTask(client, objectId, error);
  const address = await addressRefused(client, objectId, error, signal);
  if (address !== undefined) return address;
  if (/port is already allocated|address already in use/i.test(text)) return portTaken(client, error, signal);
  return (
    refusedCores(client, 'start', error) ??
    missingNetwork(client, error) ??
    missingDriver(client, error) ??
    refusedOption(client, 'start', error)
  );
}

const noSuchPath = (client: DockerClient, call: string, path: string, error: unknown): EngineError =>
  failure(client, call, {
    code: 'rejected',
    message: `${client.node} has no ${path}, which a volume mounts`,
    retryable: false,
    hint: 'is its disk mounted? Muster does not make what is missing, so that nothing starts on an empty directory',
    cause: error,
  });

/** What a daemon that was killed in the middle of a start leaves: containerd has a task that dockerd knows nothing of. */
const leftTask = (client: DockerClient, objectId: string, error: unknown): EngineError =>
  failure(client, 'start', {
    code: 'broken',
    message: `docker on ${client.node} can never start container ${objectId.slice(0, 12)} again, it was killed in the middle of a start: ${messageOf(error)}`,
    retryable: false,
    hint: `the next plan makes the instance anew; whether its program runs there unseen: pgrep -fa 'containerd-shim.*${objectId.slice(0, 12)}'`,
    cause: error,
  });

function refusedCores(client: DockerClient, call: string, error: unknown): EngineError | undefined {
  const text = messageOf(error);
  const hint = missingCoresHint(text);
  if (hint === undefined) return undefined;
  const message = `docker on ${client.node} refused ${call}: ${text}`;
  return failure(client, call, { code: 'rejected', message, retryable: false, hint, cause: error });
}

function missingDriver(client: DockerClient, error: unknown): EngineError | undefined {
  const text = messageOf(error);
  const hint = missingDriverHint(text);
  if (hint === undefined) return undefined;
  const message = `docker on ${client.node} has no driver for the GPUs that its node declares: ${text}`;
  return failure(client, 'start', { code: 'unsupported', message, retryable: false, hint, cause: error });
}

/** Says which port, and which container has it; where no container does, a process of the host has it. */
async function portTaken(client: DockerClient, error: unknown, signal: AbortSignal): Promise<EngineError> {
  const named = /:(\d+)(?::| failed)/.exec(messageOf(error))?.[1];
  const port = named === undefined ? undefined : Number(named);
  const containers = await client.docker.listContainers({ abortSignal: signal });
  const holder = containers.find((container) => container.Ports.some((published) => published.PublicPort === port));
  const where = `port ${port === undefined ? '' : `${port} `}on ${client.node}`;
  const taken = (message: string, hint: string): EngineError =>
    failure(client, 'start', {
      code: 'portTaken',
      message,
      retryable: false,
      hint,
      ...(port !== undefined && { port }),
      cause: error,
    });
  if (holder !== undefined) {
    const name = holder.Names[0]?.replace(/^\//, '') ?? holder.Id;
    return taken(`${where} is taken by container ${name}`, 'publish another port, or stop that container');
  }
  // Docker's own words for what it has given out itself. It loses track of some when it is killed in the middle of a start.
  if (/port is already allocated/i.test(messageOf(error)))
    return taken(
      `${where} is held by docker for no container that runs`,
      'a docker that was killed holds it until it is restarted: restart it there, or publish another port',
    );
  return taken(
    `${where} is taken by a process of that host`,
    `ss -ltnp${port === undefined ? '' : ` 'sport = :${port}'`} on that host; or publish another port`,
  );
}

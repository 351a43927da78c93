import { randomBytes } from 'node:crypto';
import type { ContainerCreateOptions } from 'dockerode';
import type { AllocationId } from '../../model/ids.ts';
import { objectName } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { failure, messageOf, statusOf, unlessStatus } from './errors.ts';
import { type TarEntry, tarOf } from './tar.ts';
import type { VolumeDirectory } from './volumes.ts';

/** Its value is the cluster's uid. Such a container is neither ours nor foreign: it is part of a call. */
export const scaffoldLabel = 'io.muster.scaffold';

/** What a scaffold is made for. */
export interface ScaffoldRequest {
  readonly call: string;
  readonly allocation: AllocationId;
  /** Any that the daemon has: nothing of it is run. */
  readonly image: string;
  readonly directories: readonly VolumeDirectory[];
}

/** A way to the directories of devices, on the daemon's machine. */
export interface Scaffold {
  has(directory: VolumeDirectory): Promise<boolean>;
  make(directory: VolumeDirectory, owner: { readonly uid: number; readonly gid: number }): Promise<void>;
  /** Deletes what is in it and leaves it empty. */
  empty(directory: VolumeDirectory): Promise<void>;
}

/**
 * Reaches directories of a machine through its daemon, wherever that is, without running anything there: a container
 * that mounts the devices is created and never started, and the daemon reads and unpacks archives in it. It is removed
 * at the end; what a crash leaves of them the next one clears away.
 */
export async function withScaffold(
  client: DockerClient,
  request: ScaffoldRequest,
  signal: AbortSignal,
  work: (scaffold: Scaffold) => Promise<void>,
): Promise<void> {
  await clearLeftovers(client, signal);
  const devices = [...new Set(request.directories.map(({ device }) => device))];
  const id = await createScaffold(client, request, devices, signal);
  const container = client.docker.getContainer(id);
  const mountOf = ({ device }: VolumeDirectory): string => mountPoint(devices.indexOf(device));
  const unpack = async (directory: VolumeDirectory, entries: readonly TarEntry[]): Promise<void> => {
    await container.putArchive(tarOf(entries), { path: mountOf(directory), abortSignal: signal });
  };
  try {
    await work({
      async has(directory) {
        const path = `${mountOf(directory)}/${directory.path}`;
        const answer = await unlessStatus([404], container.infoArchive({ path, abortSignal: signal }));
        answer?.resume();
        return answer !== undefined;
      },
      // Directories on the way to it are made by the daemon, as root's.
      make: (directory, { uid, gid }) =>
        unpack(directory, [{ kind: 'directory', path: directory.path, mode: 0o755, uid, gid }]),
      // Unpacking a file where a directory is replaces it with all that is in it, unless the request forbids that.
      empty: (directory) =>
        unpack(directory, [
          { kind: 'emptyFile', path: directory.path, mode: 0o644, uid: 0, gid: 0 },
          { kind: 'directory', path: directory.path, mode: 0o755, uid: 0, gid: 0 },
        ]),
    });
  } finally {
    await removeScaffold(client, id);
  }
}

const mountPoint = (index: number): string => `/muster-device-${index}`;

async function createScaffold(
  client: DockerClient,
  { call, allocation, image }: ScaffoldRequest,
  devices: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const name = `${objectName(client.scope.name, allocation)}.scaffold.${randomBytes(4).toString('hex')}`;
  const body = {
    Image: image,
    // Never executed; docker does not create a container without any.
    Entrypoint: ['never'],
    Labels: { [scaffoldLabel]: client.scope.uid ?? '' },
    HostConfig: {
      NetworkMode: 'none',
      Mounts: devices.map((device, index) => ({ Type: 'bind', Source: device, Target: mountPoint(index) })),
    },
  };
  try {
    const options = { _query: { name }, _body: body, abortSignal: signal } as ContainerCreateOptions;
    return (await client.docker.createContainer(options)).id;
  } catch (error) {
    const device = missingPath(messageOf(error));
    if (device === undefined) throw error;
    throw failure(client, call, {
      code: 'rejected',
      message: `${allocation}: ${client.node} has no directory ${device} for its volumes`,
      retryable: false,
      hint: 'mount the disk there, or correct capacity.volumes of the node; Muster makes directories in it, not the mount point',
      cause: error,
    });
  }
}

/** The path that the daemon could not mount because there is none; undefined for any other refusal. */
export const missingPath = (message: string): string | undefined =>
  /bind source path does not exist: (.+)$/.exec(message)?.[1];

/** Also after the call was given up: it takes no part in anything. What cannot be removed now is cleared away later. */
async function removeScaffold(client: DockerClient, id: string): Promise<void> {
  const signal = AbortSignal.timeout(removeWithinMs);
  try {
    await unlessStatus(
      [404, 409],
      client.docker.getContainer(id).remove({ v: true, force: false, abortSignal: signal }),
    );
  } catch (error) {
    // A daemon that does not answer any more: the call itself says so.
    if (statusOf(error) !== undefined && (statusOf(error) ?? 0) < 500) throw error;
  }
}

const removeWithinMs = 5_000;
/** No call takes this long. */
const leftoverAfterMs = 3_600_000;

async function clearLeftovers(client: DockerClient, signal: AbortSignal): Promise<void> {
  const filters = { label: [`${scaffoldLabel}=${client.scope.uid ?? ''}`] };
  const found = await client.docker.listContainers({ all: true, filters, abortSignal: signal });
  for (const { Id: id, Created: createdSeconds } of found) {
    if (Date.now() - createdSeconds * 1000 > leftoverAfterMs) await removeScaffold(client, id);
  }
}

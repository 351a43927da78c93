import type { ContainerInspectInfo } from 'dockerode';
import type { CreateRequest } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { failure, unlessStatus } from './errors.ts';
import { ownershipOf } from './labels.ts';
import { inspect } from './observe.ts';
import { withScaffold } from './scaffold.ts';
import { directoriesOf, directoryAt, hostPath, nfsPrefix, type VolumeDirectory } from './volumes.ts';

/** Makes the directories that are not there yet; those that are there are left as they are. */
export async function prepareVolumes(
  client: DockerClient,
  request: CreateRequest,
  image: string,
  signal: AbortSignal,
): Promise<void> {
  const { allocation } = request;
  const directories = directoriesOf(request, { cluster: client.scope.name, allocation });
  if (directories.length === 0) return;
  const owner = ownerOf(request.revision.options?.['user']);
  await withScaffold(client, { call: 'create', allocation, image, directories }, signal, async (scaffold) => {
    for (const directory of directories) {
      if (!(await scaffold.has(directory))) await scaffold.make(directory, owner);
    }
  });
}

/** `1000:1000` of `docker.user`: a program that is not root can write to its volumes. A name is known in its image alone. */
function ownerOf(user: unknown): { readonly uid: number; readonly gid: number } {
  const match = typeof user === 'string' ? /^(\d+)(?::(\d+))?$/.exec(user) : null;
  return { uid: Number(match?.[1] ?? 0), gid: Number(match?.[2] ?? 0) };
}

/** See the contract. Directories stay, empty: a path is deleted by nobody but the one who mounted the device. */
export async function eraseVolumes(
  client: DockerClient,
  objectId: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const details = await inspect(client, objectId, signal);
  const owner = details && ownershipOf(details.Config.Labels, client.scope.uid);
  if (details === undefined || owner === undefined) return;
  const { allocation } = owner;
  if (details.State.Running || details.State.Restarting) {
    throw failure(client, 'eraseVolumes', {
      code: 'rejected',
      message: `${allocation} on ${client.node} runs: its volumes are in use`,
      retryable: false,
      hint: 'stop it first',
    });
  }
  const own = names.flatMap((name) => {
    const path = owner.volumes[name];
    return (path && directoryAt(path, name, { cluster: client.scope.name, allocation })) || [];
  });
  const directories = await unshared(client, own, details.Id, signal);
  if (directories.length === 0) return;
  const request = { call: 'eraseVolumes', allocation, image: details.Image, directories };
  await withScaffold(client, request, signal, async (scaffold) => {
    for (const directory of directories) if (await scaffold.has(directory)) await scaffold.empty(directory);
  });
}

/** Those that no other container mounts, whether it runs or not, and whosever it is. */
async function unshared(
  client: DockerClient,
  directories: readonly VolumeDirectory[],
  objectId: string,
  signal: AbortSignal,
): Promise<readonly VolumeDirectory[]> {
  const containers = await client.docker.listContainers({ all: true, abortSignal: signal });
  const mounted = containers.filter(({ Id }) => Id !== objectId).flatMap(({ Mounts }) => Mounts ?? []);
  return directories.filter((directory) => {
    const path = hostPath(directory);
    return !mounted.some(({ Source }) => Source === path || Source?.startsWith(`${path}/`));
  });
}

/** Docker's volumes that mounted exports into a container that is gone, unless another one uses them. Data is on the server. */
export async function removeUnusedExports(
  client: DockerClient,
  details: ContainerInspectInfo | undefined,
  signal: AbortSignal,
): Promise<void> {
  for (const { Name: name } of details?.Mounts ?? []) {
    if (!name?.startsWith(nfsPrefix(client.scope.name))) continue;
    await unlessStatus([404, 409], client.docker.getVolume(name).remove({ abortSignal: signal }));
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerCreateOptions } from 'dockerode';
import type { ClusterUid } from '../../model/ids.ts';
import { type CreateRequest, objectName, type UpdateRequest } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { pinningOf } from './cores.ts';
import { daemonInfo } from './daemon.ts';
import { failure, statusOf, unlessStatus } from './errors.ts';
import { putFiles } from './files.ts';
import { imageOf } from './image.ts';
import { ownershipOf } from './labels.ts';
import { limitsForUpdate } from './limits.ts';
import { markRevision, removeMarks } from './marks.ts';
import { requireNetwork } from './network.ts';
import { inspect } from './observe.ts';
import { createRefusal, startRefusal } from './refusals.ts';
import { containerOf, restartPolicy } from './translate.ts';
import { prepareVolumes, removeUnusedExports } from './volume-data.ts';

/** Creates without starting. See the contract for what an existing container of that name means. */
export async function createContainer(
  client: DockerClient,
  request: CreateRequest,
  signal: AbortSignal,
): Promise<{ readonly objectId: string }> {
  const cluster = clusterOf(client, 'create');
  const image = imageOf(client, request.revision, 'create');
  const name = objectName(client.scope.name, request.allocation);
  const { files = [] } = request.revision;
  await requireNetwork(client, request, signal);
  await prepareVolumes(client, request, image, signal);
  const body = containerOf(request, image, cluster, client);
  for (let tries = 1; ; tries++) {
    try {
      // dockerode would put the whole body into the query string as well: environments do not belong into access logs.
      const options = { _query: { name }, _body: body, abortSignal: signal } as ContainerCreateOptions;
      const { id: objectId } = await client.docker.createContainer(options);
      await putFiles(client, { objectId, files }, signal);
      return { objectId };
    } catch (error) {
      if (statusOf(error) !== 409) throw createRefusal(client, request, error) ?? error;
      const existing = await existingContainer(client, request, name, signal, error);
      if (existing !== undefined) {
        // The earlier try may have died between the two.
        await putFiles(client, { ...existing, files }, signal);
        return existing;
      }
      if (tries === nameTries) throw error;
    }
    await sleep(nameWaitMs, undefined, { signal });
  }
}

/** A name is taken before its container can be seen: while an earlier call, whose reply was lost, still creates it. */
const nameTries = 30;
const nameWaitMs = 100;

/** Who has the name: an earlier try of this very allocation, or somebody else; undefined when nobody can be seen. */
async function existingContainer(
  client: DockerClient,
  request: CreateRequest,
  name: string,
  signal: AbortSignal,
  conflict: unknown,
): Promise<{ readonly objectId: string } | undefined> {
  const details = await inspect(client, name, signal);
  if (details === undefined) return undefined;
  const owner = ownershipOf(details.Config.Labels, client.scope.uid);
  if (owner?.allocation === request.allocation) return { objectId: details.Id };
  throw failure(client, 'create', {
    code: 'foreignName',
    message: `docker on ${client.node} already has a container named ${name} (${details.Id.slice(0, 12)}, image ${details.Config.Image}), which is not this cluster's`,
    retryable: false,
    hint: `Muster does not touch it. Rename or remove it: docker -H ${client.address} rename ${name} ${name}.old`,
    cause: conflict,
  });
}

/** 304 (runs already) is success; a paused container goes on. */
export async function startContainer(client: DockerClient, objectId: string, signal: AbortSignal): Promise<void> {
  const container = client.docker.getContainer(objectId);
  try {
    await unlessStatus([304], container.start({ abortSignal: signal }));
  } catch (error) {
    const details = statusOf(error) === 404 ? undefined : await inspect(client, objectId, signal);
    if (details?.State.Paused === true) {
      await container.unpause({ abortSignal: signal });
      return;
    }
    throw (await startRefusal(client, objectId, error, signal)) ?? error;
  }
}

/** Resolves when it does not run any more; what is gone or stopped already is success. */
export async function stopContainer(
  client: DockerClient,
  objectId: string,
  options: { readonly signal: string; readonly graceMs: number },
  abort: AbortSignal,
): Promise<void> {
  const container = client.docker.getContainer(objectId);
  const details = await inspect(client, objectId, abort);
  if (details === undefined) return;
  if (!details.State.Running && !details.State.Restarting) return;
  // A paused process gets no signal.
  if (details.State.Paused) await unlessStatus([304, 404, 409, 500], container.unpause({ abortSignal: abort }));
  const graceSeconds = Math.ceil(options.graceMs / 1000);
  const declared = (details.Config as { readonly StopSignal?: string }).StopSignal ?? 'SIGTERM';
  if (declared === options.signal) {
    await unlessStatus([304, 404], container.stop({ t: graceSeconds, abortSignal: abort }));
    return;
  }
  // `stop` takes a signal since API 1.42 only. So: the signal, the grace period, and then what ends it for good.
  await unlessStatus([404, 409], container.kill({ signal: options.signal, abortSignal: abort }));
  // Not the `wait` of the API: it answers its headers at once, and docker-modem never settles when the rest is cut off.
  const end = Date.now() + options.graceMs;
  while (Date.now() < end && (await inspect(client, objectId, abort))?.State.Running === true) {
    await sleep(stopPollMs, undefined, { signal: abort });
  }
  await unlessStatus([304, 404], container.stop({ t: 0, abortSignal: abort }));
}

const stopPollMs = 50;

/** Never by force: what still runs is refused by the daemon. Anonymous volumes go with it. */
export async function removeContainer(client: DockerClient, objectId: string, signal: AbortSignal): Promise<void> {
  const details = await inspect(client, objectId, signal);
  await unlessStatus(
    [404],
    client.docker.getContainer(objectId).remove({ v: true, force: false, abortSignal: signal }),
  );
  await removeMarks(client, objectId, signal);
  await removeUnusedExports(client, details, signal);
}

/** Caps, weight, cores and restart policy without a restart; checks and stop settings are Muster's own and only recorded. */
export async function updateContainer(
  client: DockerClient,
  objectId: string,
  request: UpdateRequest,
  signal: AbortSignal,
): Promise<void> {
  clusterOf(client, 'update');
  const { revision } = request;
  const { NCPU: hostCpus } = await daemonInfo(client, signal);
  await client.docker.getContainer(objectId).update({
    ...limitsForUpdate(revision, hostCpus),
    ...pinningOf(request),
    RestartPolicy: restartPolicy(revision.restart),
    abortSignal: signal,
  });
  await markRevision(client, objectId, request, signal);
}

function clusterOf(client: DockerClient, call: string): ClusterUid {
  if (client.scope.uid !== undefined) return client.scope.uid;
  throw failure(client, call, {
    code: 'rejected',
    message: `${call} on ${client.node} before the cluster has an identity: nothing could be told apart later`,
    retryable: false,
  });
}

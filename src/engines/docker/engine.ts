import { noResources } from '../../model/resources.ts';
import type { Engine, EngineFinding, EngineInfo } from '../engine.ts';
import { engineFeatures } from '../features.ts';
import { createContainer, removeContainer, startContainer, stopContainer, updateContainer } from './apply.ts';
import { type DockerOpenOptions, openClient } from './client.ts';
import { type DaemonInfo, openInfo, pingDaemon } from './daemon.ts';
import { within } from './errors.ts';
import { watchEvents } from './events.ts';
import { findingsOf } from './findings.ts';
import { pullImage } from './image.ts';
import { openListing } from './listing.ts';
import { observeObject } from './observe.ts';
import { offersOf } from './offers.ts';
import { recallObject } from './recall.ts';
import { readLogs, runCommand } from './streams.ts';
import { eraseVolumes } from './volume-data.ts';

/** One docker daemon. Connects when first asked; throws `EngineError` for an endpoint that it does not support. */
export function openDockerEngine(options: DockerOpenOptions): Engine {
  const client = openClient(options);
  const daemonInfo = openInfo(client);
  const listObjects = openListing(client, daemonInfo);
  return {
    kind: 'docker',
    node: options.node,
    features: engineFeatures.docker,
    info: (call) => within(client, 'info', call, async (signal) => infoOf(await daemonInfo(signal))),
    findings: (call) => within(client, 'findings', call, (signal) => findingsWith(daemonInfo(signal))),
    ping: (call) => within(client, 'ping', call, (signal) => pingDaemon(client, signal)),
    list: (call) => within(client, 'list', call, (signal) => listObjects('uid', signal)),
    listNamed: (call) => within(client, 'listNamed', call, (signal) => listObjects('name', signal)),
    observe: (objectId, call) => within(client, 'observe', call, (signal) => observeObject(client, objectId, signal)),
    recall: (objectId, call) => within(client, 'recall', call, (signal) => recallObject(client, objectId, signal)),
    pull: (revision, call) => within(client, 'pull', call, (signal) => pullImage(client, revision, signal)),
    create: (request, call) => within(client, 'create', call, (signal) => createContainer(client, request, signal)),
    start: (objectId, call) => within(client, 'start', call, (signal) => startContainer(client, objectId, signal)),
    stop: (objectId, stop, call) =>
      within(client, 'stop', call, (signal) => stopContainer(client, objectId, stop, signal)),
    remove: (objectId, call) => within(client, 'remove', call, (signal) => removeContainer(client, objectId, signal)),
    eraseVolumes: (objectId, names, call) =>
      within(client, 'eraseVolumes', call, (signal) => eraseVolumes(client, objectId, names, signal)),
    update: (objectId, request, call) =>
      within(client, 'update', call, (signal) => updateContainer(client, objectId, request, signal)),
    logs: (objectId, logs, call) => readLogs(client, objectId, logs, call),
    exec: (objectId, command, call) =>
      within(client, 'exec', call, (signal) => runCommand(client, objectId, command, signal)),
    events: ({ signal }) => watchEvents(client, signal),
    close: async () => client.close(),
  };
}

async function findingsWith(asked: Promise<DaemonInfo>): Promise<readonly EngineFinding[]> {
  const askedAt = Date.now();
  const info = await asked;
  return findingsOf(info, { askedAt, answeredAt: Date.now() });
}

const infoOf = (info: DaemonInfo): EngineInfo => ({
  version: info.ServerVersion,
  fingerprint: info.ID,
  // Storage is left to the node's definition: the daemon does not say how large its data root is.
  capacity: { ...noResources, cpuMillis: info.NCPU * 1000, memoryBytes: info.MemTotal },
  offers: offersOf(info),
});

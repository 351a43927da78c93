import { constants } from 'node:os';
import type { EngineEndpoint } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import { type CallSite, withDeadline } from '../deadline.ts';
import type { Call, ClusterScope, Engine, LogLine } from '../engine.ts';
import { engineFeatures } from '../features.ts';
import { createObject, removeObject, unsupportedImage, updateObject } from './apply.ts';
import { watchObjects } from './events.ts';
import { execBeside } from './exec.ts';
import { failure } from './fail.ts';
import { findObject, type StoredObject } from './objects.ts';
import { listObjects, observeObject, type ProcessNode, probe } from './observe.ts';
import { readOutput } from './output.ts';
import { startProcess } from './start.ts';
import { stopProcesses } from './stop.ts';

const defaultLogBytes = 5 * 1024 * 1024;

/**
 * Local processes as instances: detached, supervised by a small program of their own, found again by pid and start time.
 * Needs nothing installed. Linux only: it reads /proc. Memory and CPU are reserved, not limited.
 *
 * `root` is the node's own folder, absolute. `siblingRoots` are those of the cluster's other nodes on this machine.
 */
export function openProcessEngine(options: {
  readonly node: NodeName;
  readonly root: string;
  readonly siblingRoots: readonly string[];
  readonly endpoint: EngineEndpoint;
  readonly cluster: ClusterScope;
  readonly logBytes?: number;
}): Engine {
  const node: ProcessNode = { ...options, logBytes: options.logBytes ?? defaultLogBytes };
  const site = (call: string): CallSite => ({ node: options.node, engine: 'process', call });
  const within = <T>(
    name: string,
    call: Call,
    work: (site: CallSite, signal: AbortSignal) => T | Promise<T>,
  ): Promise<T> => withDeadline(site(name), call, async (signal) => await work(site(name), signal));
  const objectOf = (objectId: string, at: CallSite): StoredObject => {
    const object = findObject(node.root, node.cluster, objectId);
    if (object !== undefined) return object;
    throw failure(at, {
      code: 'notFound',
      message: `object ${objectId}: there is none of this cluster in ${node.root}`,
    });
  };

  return {
    kind: 'process',
    node: options.node,
    features: engineFeatures.process,
    info: (call) => within('info', call, () => probe(node)),
    ping: (call) => within('ping', call, () => void probe(node)),
    list: (call) => within('list', call, () => listObjects(node, 'uid')),
    listNamed: (call) => within('listNamed', call, () => listObjects(node, 'name')),
    observe: (objectId, call) => within('observe', call, () => observeObject(node, objectId)),
    recall: (objectId, call) =>
      within('recall', call, () => {
        const object = findObject(node.root, node.cluster, objectId);
        if (object === undefined) return undefined;
        const { revisionHash, revision, holds } = object.spec;
        return { revisionHash, revision, holds };
      }),
    pull: (revision, call) =>
      within('pull', call, (at) => {
        if (revision.image !== undefined) throw unsupportedImage(revision.image, at);
      }),
    create: (request, call) => within('create', call, (at) => createObject(node, request, at)),
    start: (objectId, call) => within('start', call, (at, signal) => startProcess(objectOf(objectId, at), at, signal)),
    stop: (objectId, { signal: name, graceMs }, call) =>
      within('stop', call, async (at, signal) => {
        const object = findObject(node.root, node.cluster, objectId);
        if (object === undefined) return;
        if (!isSignal(name))
          throw failure(at, { code: 'rejected', message: `${object.spec.allocation}: no signal ${name}` });
        await stopProcesses(object, { signal: name, killAt: Date.now() + graceMs }, signal);
      }),
    remove: (objectId, call) => within('remove', call, (at) => removeObject(node, objectId, at)),
    // It mounts none, so there are none.
    eraseVolumes: (_objectId, _names, call) => within('eraseVolumes', call, () => undefined),
    update: (objectId, request, call) =>
      within('update', call, (at) => updateObject(objectOf(objectId, at), request, at)),
    logs: (objectId, logOptions, call) =>
      linesUntil(call, (signal) => readOutput(objectOf(objectId, site('logs')).folder, logOptions, signal)),
    exec: (objectId, command, call) =>
      within('exec', call, (at, signal) => execBeside(objectOf(objectId, at), command, at, signal)),
    events: ({ signal }) => watchObjects(node, signal),
    close: async () => undefined,
  };
}

const isSignal = (name: string): name is NodeJS.Signals => name in constants.signals;

/** What has not come by the deadline is not waited for: a log that is followed ends there. */
async function* linesUntil(call: Call, lines: (signal: AbortSignal) => AsyncIterable<LogLine>): AsyncIterable<LogLine> {
  const deadline = AbortSignal.timeout(Math.min(call.deadlineMs, 2_147_483_647));
  yield* lines(call.signal === undefined ? deadline : AbortSignal.any([call.signal, deadline]));
}

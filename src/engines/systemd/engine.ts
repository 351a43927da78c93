import type { EngineEndpoint } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import { type CallSite, withDeadline } from '../deadline.ts';
import type { Call, ClusterScope, Engine } from '../engine.ts';
import { engineFeatures } from '../features.ts';
import type { SshHost } from '../ssh/host.ts';
import { sh } from '../ssh/script.ts';
import { createUnit, removeUnit, updateUnit } from './apply.ts';
import { watchEvents } from './events.ts';
import { execBeside } from './exec.ts';
import { readInfo } from './info.ts';
import { readLogs } from './logs.ts';
import { failure, mustRun, type SystemdNode } from './node.ts';
import { listObjects, observeObject, recallObject } from './observe.ts';
import { newReloads } from './reload.ts';
import { startUnit, stopUnit } from './run.ts';

/** Units of a machine's systemd, over SSH. The host's connection is shared with other engines, and not closed here. */
export function openSystemdEngine(options: {
  readonly node: NodeName;
  readonly cluster: ClusterScope;
  readonly endpoint: EngineEndpoint;
  readonly host: SshHost;
  /** Where published ports are reached unless the endpoint says otherwise. */
  readonly reachableHost: string;
}): Engine {
  const node: SystemdNode = { ...options, as: options.endpoint.sudo === true ? 'sudo' : 'login' };
  const reloads = newReloads(node);
  const stopped = new AbortController();
  const site = (call: string): CallSite => ({ node: options.node, engine: 'systemd', call });
  const within = <T>(name: string, call: Call, work: (site: CallSite, signal: AbortSignal) => Promise<T>): Promise<T> =>
    withDeadline(site(name), call, (signal) => work(site(name), signal));

  return {
    kind: 'systemd',
    node: options.node,
    features: engineFeatures.systemd,
    info: (call) => within('info', call, (at, signal) => readInfo(node, at, signal)),
    ping: (call) =>
      within('ping', call, async (at, signal) => {
        await mustRun(node, at, sh`systemctl show -P Version >/dev/null`, signal);
      }),
    list: (call) => within('list', call, (at, signal) => listObjects(node, at, 'uid', signal)),
    listNamed: (call) => within('listNamed', call, (at, signal) => listObjects(node, at, 'name', signal)),
    observe: (objectId, call) => within('observe', call, (at, signal) => observeObject(node, at, objectId, signal)),
    recall: (objectId, call) => within('recall', call, (at, signal) => recallObject(node, at, objectId, signal)),
    pull: (revision, call) =>
      within('pull', call, async (at) => {
        if (revision.image === undefined) return;
        const message = `${revision.image}: a systemd unit has no image`;
        throw failure(at, { code: 'unsupported', message, hint: 'remove spec.image, or use engine: docker' });
      }),
    create: (request, call) =>
      within('create', call, (at, signal) => createUnit(node, request, { site: at, reloads }, signal)),
    start: (objectId, call) =>
      within('start', call, (at, signal) => startUnit(node, objectId, { site: at, reloads }, signal)),
    stop: (objectId, stop, call) => within('stop', call, (at, signal) => stopUnit(node, objectId, stop, at, signal)),
    remove: (objectId, call) =>
      within('remove', call, (at, signal) => removeUnit(node, objectId, { site: at, reloads }, signal)),
    // It mounts none, so there are none.
    eraseVolumes: (_objectId, _names, call) => within('eraseVolumes', call, async () => undefined),
    update: (objectId, request, call) =>
      within('update', call, (at, signal) => updateUnit(node, objectId, request, { site: at, reloads }, signal)),
    logs: (objectId, logOptions, call) =>
      readLogs(node, objectId, {
        options: logOptions,
        call: { ...call, signal: call.signal ?? stopped.signal },
        site: site('logs'),
      }),
    exec: (objectId, command, call) =>
      within('exec', call, (at, signal) => execBeside(node, objectId, { command, site: at }, signal)),
    events: ({ signal }) => watchEvents(node, site('events'), AbortSignal.any([signal, stopped.signal])),
    close: async () => stopped.abort(),
  };
}

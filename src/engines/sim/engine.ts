import type { Resources } from '../../model/resources.ts';
import type { Call, ClusterScope, Engine } from '../engine.ts';
import { engineFeatures } from '../features.ts';
import { addressHolder, create, isOurs, listing, networkOf, observed, stop } from './calls.ts';
import { failure, instantly, type Machine, within } from './machine.ts';
import { readEvents, readLines } from './streams.ts';
import { erase } from './volumes.ts';
import { environmentOf, execute, type SimObject, tell } from './world.ts';

const defaultCapacity: Resources = { cpuMillis: 8_000, memoryBytes: 16 * 1024 ** 3, storageBytes: 100 * 1024 ** 3 };

/** The contract over one machine, for one cluster. */
export function openSimEngine(machine: Machine, cluster: ClusterScope): Engine {
  const { options, world } = machine;
  const at = <T>(name: string, call: Call, work: () => T): Promise<T> => instantly(machine, name, call, work);
  const ours = (objectId: string): SimObject | undefined => {
    const object = world.objects.get(objectId);
    return object !== undefined && isOurs(object, cluster) ? object : undefined;
  };
  const required = (objectId: string, call: string): SimObject => {
    const object = ours(objectId);
    if (object === undefined) throw failure(machine, call, 'notFound', `there is no object ${objectId}`);
    return object;
  };
  return {
    kind: options.kind,
    node: options.node,
    features: engineFeatures[options.kind === 'process' ? 'process' : 'docker'],
    info: (call) =>
      at('info', call, () => ({
        version: 'sim 1',
        fingerprint: `sim-${options.node}-${options.seed}`,
        capacity: options.capacity ?? defaultCapacity,
      })),
    ping: (call) => at('ping', call, () => undefined),
    list: (call) => at('list', call, () => listing(world, { cluster, whose: 'uid' }, options.kind)),
    listNamed: (call) => at('listNamed', call, () => listing(world, { cluster, whose: 'name' }, options.kind)),
    observe: (objectId, call) =>
      at('observe', call, () => {
        const object = ours(objectId);
        return object && observed(world, object, options.kind);
      }),
    recall: (objectId, call) =>
      at('recall', call, () => {
        const object = ours(objectId);
        if (object === undefined) return undefined;
        const { revisionHash, revision, holds } = object;
        return { revisionHash, revision, holds };
      }),
    pull: (revision, call) =>
      at('pull', call, () => {
        if (revision.image === undefined) return;
        if (options.images?.includes(revision.image) === false) {
          throw failure(machine, 'pull', 'imageMissing', `there is no image ${revision.image}`);
        }
        machine.pulled.add(revision.image);
      }),
    create: (request, call) =>
      at('create', call, () => {
        const { network } = request;
        const { image } = request.revision;
        const name = networkOf(request);
        if (network !== undefined && options.networks?.includes(name) === false)
          throw failure(machine, 'create', 'rejected', `there is no network ${name}`);
        if (image !== undefined && !machine.pulled.has(image))
          throw failure(machine, 'create', 'imageMissing', `${image} was not pulled`);
        return create(world, cluster, request, (code, message, port) =>
          failure(machine, 'create', code, message, port),
        );
      }),
    start: (objectId, call) =>
      at('start', call, () => {
        const object = required(objectId, 'start');
        if (object.state === 'running' || object.state === 'restarting') return;
        const holder = addressHolder(world, object);
        if (holder !== undefined)
          throw failure(machine, 'start', 'rejected', `address ${object.holds.ip} is taken by ${holder}`);
        const port = Object.values(object.holds.ports ?? {}).find((own) => world.heldPorts.has(own));
        if (port !== undefined) throw failure(machine, 'start', 'portTaken', `port ${port} is held for nobody`, port);
        execute(world, object);
      }),
    stop: (objectId, how, call) =>
      within(machine, 'stop', call, async (signal) => {
        const object = ours(objectId);
        if (object !== undefined) await stop(world, object, how, signal);
      }),
    remove: (objectId, call) =>
      at('remove', call, () => {
        const object = ours(objectId);
        if (object === undefined) return;
        if (object.state !== 'created' && object.state !== 'exited')
          throw failure(machine, 'remove', 'rejected', 'it is running');
        world.objects.delete(objectId);
        tell(world, { objectId, kind: 'removed' });
      }),
    eraseVolumes: (objectId, names, call) =>
      at('eraseVolumes', call, () => {
        const object = ours(objectId);
        if (object === undefined) return;
        if (object.state !== 'created' && object.state !== 'exited')
          throw failure(machine, 'eraseVolumes', 'rejected', 'it is running');
        erase(world, object, names);
      }),
    update: (objectId, request, call) =>
      at('update', call, () => void Object.assign(required(objectId, 'update'), request)),
    logs: (objectId, { tail, follow }, call) => readLines(world, required(objectId, 'logs'), { tail, follow }, call),
    exec: (objectId, command, call) =>
      at('exec', call, () => {
        const object = required(objectId, 'exec');
        if (object.state !== 'running') throw failure(machine, 'exec', 'rejected', 'it does not run');
        return options.exec?.(environmentOf(world, object), command) ?? { exitCode: 0, output: '' };
      }),
    events: ({ signal }) => readEvents(world, cluster, signal),
    close: async () => undefined,
  };
}

import { constants } from 'node:os';
import type { EngineKind } from '../../model/ids.ts';
import type { ForeignObject, ObservedObject } from '../../model/observed.ts';
import { resourcesOf } from '../../model/recorded.ts';
import {
  type ClusterScope,
  type CreateRequest,
  type EngineError,
  type EngineErrorCode,
  type EngineListing,
  objectName,
  type Whose,
} from '../engine.ts';
import { end, programOf, type SimObject, type SimWorld } from './world.ts';

export const isOurs = (object: SimObject, cluster: ClusterScope): boolean => object.cluster === cluster.uid;

const isNamed = (object: SimObject, cluster: ClusterScope): boolean =>
  object.name === objectName(cluster.name, object.request.allocation);

export function listing(
  world: SimWorld,
  of: { readonly cluster: ClusterScope; readonly whose: Whose },
  kind: EngineKind,
): EngineListing {
  const all = [...world.objects.values()];
  const belongs = (object: SimObject): boolean => (of.whose === 'uid' ? isOurs : isNamed)(object, of.cluster);
  const strangers: ForeignObject[] = all
    .filter((object) => !belongs(object))
    .map(({ name, holds, request }) => ({
      engine: kind,
      name,
      resources: resourcesOf(holds),
      ports: Object.values(holds.ports ?? {}),
      ...(holds.ip !== undefined && { addresses: [{ network: networkOf(request), ip: holds.ip }] }),
    }));
  return {
    objects: all.filter(belongs).map((object) => observed(world, object, kind)),
    foreign: [...world.foreign.values(), ...strangers],
  };
}

export function observed(world: SimWorld, object: SimObject, kind: EngineKind): ObservedObject {
  const { revision, holds, state, exitCode, startedAt } = object;
  return {
    node: world.node,
    engine: kind,
    objectId: object.objectId,
    name: object.name,
    cluster: object.cluster,
    allocation: object.request.allocation,
    revision: object.revisionHash,
    token: object.request.token,
    state,
    health: revision.health === undefined ? 'none' : 'unknown',
    ...(exitCode !== undefined && { exitCode }),
    ...(startedAt !== undefined && { startedAt }),
    restarts: object.restarts,
    ports: Object.fromEntries(
      Object.entries(object.holds.ports ?? {}).map(([name, port]) => [name, { host: '127.0.0.1', port }]),
    ),
    actual: { '/command': revision.command, '/args': revision.args, '/env': revision.env },
    held: {
      ...(holds.cpuset !== undefined && { cpuset: holds.cpuset }),
      ...(holds.ip !== undefined && { ip: holds.ip }),
    },
  };
}

/** Docker's name of the network that an object is in. */
export const networkOf = ({ network }: CreateRequest): string => network?.docker?.network ?? network?.name ?? '';

export function create(
  world: SimWorld,
  cluster: ClusterScope,
  request: CreateRequest,
  fail: (code: EngineErrorCode, message: string, port?: number) => EngineError,
): { readonly objectId: string } {
  if (cluster.uid === undefined) throw fail('rejected', 'the cluster has no uid yet');
  const name = objectName(cluster.name, request.allocation);
  const known = [...world.objects.values()].find((object) => object.name === name);
  if (known !== undefined && isOurs(known, cluster) && known.request.allocation === request.allocation) return known;
  if (known !== undefined || world.foreign.has(name))
    throw fail('foreignName', `${name} exists and is not of this cluster`);
  if (request.revision.network !== undefined && request.network === undefined)
    throw fail('rejected', `its network ${request.revision.network.name} is not declared`);
  for (const port of Object.values(request.holds.ports ?? {})) {
    if (isTaken(world, port)) throw fail('portTaken', `port ${port} is taken`, port);
  }
  const objectId = `sim-${world.node}-${request.allocation}`;
  world.objects.set(objectId, {
    objectId,
    name,
    cluster: cluster.uid,
    request,
    revisionHash: request.revisionHash,
    revision: request.revision,
    holds: request.holds,
    state: 'created',
    exitCode: undefined,
    startedAt: undefined,
    restarts: 0,
    executions: 0,
    output: [],
    files: new Map(),
    running: undefined,
  });
  return { objectId };
}

export async function stop(
  world: SimWorld,
  object: SimObject,
  how: { readonly signal: string; readonly graceMs: number },
  signal: AbortSignal,
): Promise<void> {
  if (object.state === 'created' || object.state === 'exited') return;
  if (object.state === 'restarting') return end(world, object, object.exitCode ?? 0);
  const killed = 128 + constants.signals.SIGKILL;
  if (how.signal === 'SIGKILL') return end(world, object, killed);
  if (programOf(object.revision).ignoresTerm !== true) return end(world, object, 0);
  await world.clock.sleep(how.graceMs, signal);
  // Killed by the engine's own clock, unless the call is over.
  if (!signal.aborted) end(world, object, killed);
}

/** Who else has the address of an object that is to start; undefined when nobody has. */
export function addressHolder(world: SimWorld, { request, holds }: SimObject): string | undefined {
  const isSame = (network: string, ip: string | undefined): boolean =>
    ip === holds.ip && network === networkOf(request);
  if (holds.ip === undefined) return undefined;
  const running = [...world.objects.values()].filter((object) => object.state === 'running');
  const stranger = [...world.foreign.values()].find(({ addresses = [] }) =>
    addresses.some(({ network, ip }) => isSame(network, ip)),
  );
  return running.find((object) => isSame(networkOf(object.request), object.holds.ip))?.name ?? stranger?.name;
}

function isTaken(world: SimWorld, port: number): boolean {
  const running = [...world.objects.values()].filter((object) => object.state === 'running');
  const taken = [...world.foreign.values()].flatMap(({ ports }) => ports);
  return [...taken, ...running.flatMap(({ holds }) => Object.values(holds.ports ?? {}))].includes(port);
}

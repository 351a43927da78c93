import { setTimeout as delay } from 'node:timers/promises';
import type { EngineKind, NodeName } from '../../model/ids.ts';
import { noResources, type Resources } from '../../model/resources.ts';
import {
  type Call,
  type ClusterScope,
  type Engine,
  EngineError,
  type EngineErrorCode,
  type EngineEvent,
  type EngineFeatures,
  type LogLine,
} from '../engine.ts';
import { engineFeatures } from '../features.ts';
import { create, isOurs, listing, observed, stop } from './calls.ts';
import { type CallFault, type FaultRates, seededFaults } from './faults.ts';
import { end, environmentOf, execute, type SimClock, type SimObject, type SimWorld, tell } from './world.ts';

/** A simulated machine, and the levers that a test has on it. */
export interface Sim {
  /** An engine of this machine for one cluster; several may be open, as several runs of Muster would be. */
  open(cluster: ClusterScope): Engine;
  /** Everything that was created and is not removed, for a test to look at. */
  objects(): readonly Readonly<SimObject>[];
  /** The next `times` calls of this name go wrong in this way. */
  inject(fault: { readonly call: string; readonly fault: CallFault; readonly times: number }): void;
  /** While unreachable, every call fails at once, and programs go on. */
  setReachable(reachable: 'reachable' | 'unreachable'): void;
  /** The program ends with this code. */
  crash(objectId: string, options: { readonly exitCode: number }): void;
  /** The object is gone, as if removed by hand. */
  vanish(objectId: string): void;
  /** Something that is not Muster's. */
  addForeign(object: {
    readonly name: string;
    readonly resources?: Resources;
    readonly ports?: readonly number[];
  }): void;
  foreignNames(): readonly string[];
}

/**
 * An engine in memory: the whole contract, with faults that a seed repeats. It passes the contract suite; `clock` may be a
 * simulation's own. `exec` answers commands; without it every command ends with 0 and no output.
 */
export function createSimEngine(options: {
  readonly node: NodeName;
  readonly kind: EngineKind;
  readonly seed: number;
  readonly faults?: FaultRates;
  readonly clock?: SimClock;
  readonly capacity?: Resources;
  /** Images that can be pulled; absent: all. */
  readonly images?: readonly string[];
  readonly exec?: (
    environment: Readonly<Record<string, string>>,
    command: readonly string[],
  ) => { readonly exitCode: number; readonly output: string };
}): Sim {
  const clock = options.clock ?? systemClock;
  const world: SimWorld = {
    node: options.node,
    clock,
    background: options.clock ?? backgroundClock,
    objects: new Map(),
    foreign: new Map(),
    listeners: new Set(),
  };
  const faults = seededFaults({ seed: options.seed, rates: options.faults ?? {} });
  const capacity = options.capacity ?? defaultCapacity;
  const state = { reachable: true, pulled: new Set<string>() };

  const fail = (call: string, code: EngineErrorCode, message: string): EngineError =>
    new EngineError({
      code,
      message: `${options.kind} on ${options.node}: cannot ${call}: ${message}`,
      retryable: code === 'unreachable' || code === 'timeout',
      node: options.node,
      engine: options.kind,
      call,
    });

  /** One call with everything that may go wrong with it. */
  const within = async <T>(name: string, call: Call, work: (signal: AbortSignal) => T | Promise<T>): Promise<T> => {
    for (const { kind, draw } of faults.world()) disturb(world, kind, draw);
    const fault = faults.next(name);
    return await byDeadline(
      { clock, call, timeout: () => fail(name, 'timeout', 'no answer in time') },
      async (signal) => {
        if (!state.reachable) throw fail(name, 'unreachable', 'no connection');
        if (fault?.kind === 'failBefore') throw fail(name, fault.code ?? 'unreachable', 'injected before it happened');
        if (fault?.kind === 'hang') await forever(signal);
        if (fault?.kind === 'slow') await clock.sleep(fault.delayMs, signal);
        signal.throwIfAborted();
        const result = await work(signal);
        if (fault?.kind === 'failAfter')
          throw fail(name, 'unreachable', 'injected after it happened: the reply is lost');
        return result;
      },
    );
  };

  const open = (cluster: ClusterScope): Engine => {
    const ours = (objectId: string): SimObject | undefined => {
      const object = world.objects.get(objectId);
      return object !== undefined && isOurs(object, cluster) ? object : undefined;
    };
    const required = (objectId: string, call: string): SimObject => {
      const object = ours(objectId);
      if (object === undefined) throw fail(call, 'notFound', `there is no object ${objectId}`);
      return object;
    };
    return {
      kind: options.kind,
      node: options.node,
      features: featuresOf(options.kind),
      info: (call) =>
        within('info', call, () => ({
          version: 'sim 1',
          fingerprint: `sim-${options.node}-${options.seed}`,
          capacity,
        })),
      ping: (call) => within('ping', call, () => undefined),
      list: (call) => within('list', call, () => listing(world, cluster, options.kind)),
      observe: (objectId, call) =>
        within('observe', call, () => {
          const object = ours(objectId);
          return object && observed(world, object, options.kind);
        }),
      pull: (revision, call) =>
        within('pull', call, () => {
          if (revision.image === undefined) return;
          if (options.images?.includes(revision.image) === false) {
            throw fail('pull', 'imageMissing', `there is no image ${revision.image}`);
          }
          state.pulled.add(revision.image);
        }),
      create: (request, call) =>
        within('create', call, () => {
          const { image } = request.revision;
          if (image !== undefined && !state.pulled.has(image))
            throw fail('create', 'imageMissing', `${image} was not pulled`);
          return create(world, cluster, request, (code, message) => fail('create', code, message));
        }),
      start: (objectId, call) =>
        within('start', call, () => {
          const object = required(objectId, 'start');
          if (object.state !== 'running' && object.state !== 'restarting') execute(world, object);
        }),
      stop: (objectId, how, call) =>
        within('stop', call, async (signal) => {
          const object = ours(objectId);
          if (object !== undefined) await stop(world, object, how, signal);
        }),
      remove: (objectId, call) =>
        within('remove', call, () => {
          const object = ours(objectId);
          if (object === undefined) return;
          if (object.state !== 'created' && object.state !== 'exited')
            throw fail('remove', 'rejected', 'it is running');
          world.objects.delete(objectId);
          tell(world, { objectId, kind: 'removed' });
        }),
      update: (objectId, request, call) =>
        within('update', call, () => void Object.assign(required(objectId, 'update'), request)),
      logs: (objectId, { tail, follow }, call) => readLines(world, required(objectId, 'logs'), { tail, follow }, call),
      exec: (objectId, command, call) =>
        within('exec', call, () => {
          const object = required(objectId, 'exec');
          if (object.state !== 'running') throw fail('exec', 'rejected', 'it does not run');
          return options.exec?.(environmentOf(world, object), command) ?? { exitCode: 0, output: '' };
        }),
      events: ({ signal }) => readEvents(world, cluster, signal),
      close: async () => undefined,
    };
  };

  return {
    open,
    objects: () => [...world.objects.values()],
    inject: (fault) => faults.inject(fault),
    setReachable: (reachable) => {
      state.reachable = reachable === 'reachable';
    },
    crash: (objectId, { exitCode }) => {
      const object = world.objects.get(objectId);
      if (object !== undefined) end(world, object, exitCode);
    },
    vanish: (objectId) => vanish(world, objectId),
    addForeign: ({ name, resources, ports }) =>
      void world.foreign.set(name, {
        engine: options.kind,
        name,
        resources: resources ?? noResources,
        ports: ports ?? [],
      }),
    foreignNames: () => [...world.foreign.keys()],
  };
}

const defaultCapacity: Resources = { cpuMillis: 8_000, memoryBytes: 16 * 1024 ** 3, storageBytes: 100 * 1024 ** 3 };
/** Events that a slow reader has not taken: beyond this it is told to look at everything. */
const maxQueuedEvents = 1_000;
const followEveryMs = 50;

const sleepFor =
  (options: { readonly ref: boolean }): SimClock['sleep'] =>
  async (ms, signal) => {
    await delay(ms, undefined, { ...options, ...(signal !== undefined && { signal }) }).catch(() => undefined);
  };

const systemClock: SimClock = { now: () => Date.now(), sleep: sleepFor({ ref: true }) };
/** A program that restarts for ever must not keep the test that forgot it from ending. */
const backgroundClock: SimClock = { ...systemClock, sleep: sleepFor({ ref: false }) };

const featuresOf = (kind: EngineKind): EngineFeatures => engineFeatures[kind === 'process' ? 'process' : 'docker'];

function disturb(world: SimWorld, kind: 'crash' | 'vanish', draw: number): void {
  const running = [...world.objects.values()].filter((object) => object.state === 'running');
  const victim = running[Math.floor(draw * running.length)];
  if (victim === undefined) return;
  if (kind === 'crash') end(world, victim, 1);
  else vanish(world, victim.objectId);
}

function vanish(world: SimWorld, objectId: string): void {
  const object = world.objects.get(objectId);
  object?.running?.abort();
  if (world.objects.delete(objectId)) tell(world, { objectId, kind: 'removed' });
}

const forever = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Like `withDeadline`, by the simulation's own clock. */
async function byDeadline<T>(
  options: { readonly clock: SimClock; readonly call: Call; readonly timeout: () => EngineError },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stopWork = new AbortController();
  const stopTimer = new AbortController();
  const outer = options.call.signal;
  const timer = AbortSignal.any([stopTimer.signal, ...(outer === undefined ? [] : [outer])]);
  const late = options.clock.sleep(options.call.deadlineMs, timer).then(async () => {
    if (stopTimer.signal.aborted) return await new Promise<never>(() => undefined);
    const error = options.timeout();
    stopWork.abort(error);
    throw error;
  });
  try {
    return await Promise.race([work(stopWork.signal), late]);
  } finally {
    stopTimer.abort();
  }
}

async function* readLines(
  world: SimWorld,
  object: SimObject,
  options: { readonly tail: number; readonly follow: boolean },
  call: Call,
): AsyncIterable<LogLine> {
  let next = Math.max(0, object.output.length - options.tail);
  const until = world.clock.now() + call.deadlineMs;
  for (;;) {
    for (; next < object.output.length; next += 1) yield object.output[next] as LogLine;
    const over = world.clock.now() >= until || call.signal?.aborted === true || !world.objects.has(object.objectId);
    if (!options.follow || over) return;
    await world.clock.sleep(followEveryMs, call.signal);
  }
}

async function* readEvents(world: SimWorld, cluster: ClusterScope, signal: AbortSignal): AsyncIterable<EngineEvent> {
  const queue: EngineEvent[] = [];
  let wake: () => void = () => undefined;
  const listen = (event: EngineEvent): void => {
    const object = world.objects.get(event.objectId);
    if (object !== undefined && !isOurs(object, cluster)) return;
    if (queue.length >= maxQueuedEvents)
      queue.splice(0, queue.length, { objectId: event.objectId, kind: 'reconnected' });
    else queue.push(event);
    wake();
  };
  const onAbort = (): void => wake();
  world.listeners.add(listen);
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const event = queue.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    world.listeners.delete(listen);
    signal.removeEventListener('abort', onAbort);
  }
}

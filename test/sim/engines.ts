import {
  type Call,
  type ClusterScope,
  type Engine,
  type EngineDirectory,
  EngineError,
} from '../../src/engines/engine.ts';
import type { Sim } from '../../src/engines/sim/sim.ts';
import type { EngineKind, NodeName } from '../../src/model/ids.ts';
import { changing, type EngineFare } from './network.ts';
import type { Actor, Scheduler } from './scheduler.ts';

/** One machine of the cluster. */
export interface Machine {
  readonly node: NodeName;
  readonly sim: Sim;
  disk: 'free' | 'full';
}

/** An engine call that changes something, as a process sends it and as it lands on the machine. */
export interface EngineCall {
  readonly node: NodeName;
  readonly call: string;
  /** Of `create`, the allocation; of all others the object. */
  readonly subject: string;
  readonly effect?: string;
  readonly token?: string;
}

export interface EngineClientOptions {
  readonly machines: ReadonlyMap<string, Machine>;
  readonly cluster: ClusterScope;
  readonly scheduler: Scheduler;
  readonly actor?: Actor;
  readonly fare: (node: string, call: string) => EngineFare;
  readonly onSend?: (call: EngineCall) => void;
  /** Right before it is carried out. */
  readonly onLand?: (call: EngineCall) => void;
}

/** The engines of a cluster, as one process reaches them over the simulated network. */
export function connectEngines(options: EngineClientOptions): EngineDirectory {
  const opened = new Map<string, Engine>();
  return {
    engineOf: async (node, kind) => {
      const machine = options.machines.get(node);
      if (machine === undefined || kind !== 'docker') throw unknownNode(node, kind);
      const engine = opened.get(node) ?? connect(options, machine);
      opened.set(node, engine);
      return engine;
    },
    close: async () => undefined,
  };
}

function connect(options: EngineClientOptions, machine: Machine): Engine {
  const { scheduler, actor, fare } = options;
  const { node } = machine;
  const engine = machine.sim.open(options.cluster);
  const failed = (call: string, code: EngineError['code'], message: string): EngineError =>
    new EngineError({
      code,
      message: `docker on ${node}: cannot ${call}: ${message}`,
      retryable: code === 'unreachable' || code === 'timeout',
      node,
      engine: 'docker',
      call,
    });

  /** The call goes there, is carried out, and its reply comes back, each in its time; by its deadline the caller is told. */
  const send = <T>(call: string, of: Call, subject: EngineCall | undefined, work: () => Promise<T>): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const { fate, thereMs, backMs } = fare(node, call);
      if (subject !== undefined) options.onSend?.(subject);
      let over = false;
      const end = (settle: () => void): void => {
        if (over) return;
        over = true;
        deadline.cancel();
        of.signal?.removeEventListener('abort', onAbort);
        settle();
      };
      const onAbort = (): void => end(() => reject(failed(call, 'timeout', 'was aborted')));
      const deadline = scheduler.after(
        of.deadlineMs,
        () => end(() => reject(failed(call, 'timeout', 'no answer in time'))),
        actor,
      );
      of.signal?.addEventListener('abort', onAbort, { once: true });
      if (fate === 'silent') return;
      if (fate === 'refused') {
        scheduler.after(thereMs, () => end(() => reject(failed(call, 'unreachable', 'no connection'))), actor);
        return;
      }
      const reply = (settle: () => void): void => {
        if (fate !== 'replyLost') scheduler.after(backMs, () => end(settle), actor);
        else scheduler.after(backMs, () => end(() => reject(failed(call, 'unreachable', 'connection reset'))), actor);
      };
      const land = async (): Promise<T> => {
        if (subject !== undefined) options.onLand?.(subject);
        if (machine.disk === 'full' && (call === 'create' || call === 'pull'))
          throw failed(call, 'noSpace', 'disk full');
        return await work();
      };
      scheduler.after(thereMs, () => {
        land().then(
          (result) => reply(() => resolve(result)),
          (error: unknown) => reply(() => reject(error)),
        );
        if (fate === 'twice') scheduler.after(backMs / 2, () => void land().catch(() => undefined));
      });
    });

  const look = <T>(call: string, of: Call, work: () => Promise<T>): Promise<T> => send(call, of, undefined, work);
  const change = <T>(call: string, of: Call, subject: string, work: () => Promise<T>): Promise<T> =>
    send(call, of, changing.has(call) ? { node, call, subject } : undefined, work);
  /** The machine's own deadline is that of the call; a caller that is gone aborts nothing. */
  const within = ({ deadlineMs }: Call): Call => ({ deadlineMs });

  return {
    kind: engine.kind,
    node,
    features: engine.features,
    info: (of) => look('info', of, () => engine.info(within(of))),
    ping: (of) => look('ping', of, () => engine.ping(within(of))),
    list: (of) => look('list', of, () => engine.list(within(of))),
    listNamed: (of) => look('listNamed', of, () => engine.listNamed(within(of))),
    observe: (id, of) => look('observe', of, () => engine.observe(id, within(of))),
    recall: (id, of) => look('recall', of, () => engine.recall(id, within(of))),
    exec: (id, command, of) => look('exec', of, () => engine.exec(id, command, within(of))),
    pull: (revision, of) => look('pull', of, () => engine.pull(revision, within(of))),
    create: (request, of) => {
      const { allocation, effect, token } = request;
      return send('create', of, { node, call: 'create', subject: allocation, effect, token }, () =>
        engine.create(request, within(of)),
      );
    },
    start: (id, of) => change('start', of, id, () => engine.start(id, within(of))),
    stop: (id, how, of) => change('stop', of, id, () => engine.stop(id, how, within(of))),
    remove: (id, of) => change('remove', of, id, () => engine.remove(id, within(of))),
    eraseVolumes: (id, names, of) => look('eraseVolumes', of, () => engine.eraseVolumes(id, names, within(of))),
    update: (id, request, of) => change('update', of, id, () => engine.update(id, request, within(of))),
    logs: (id, how, of) => engine.logs(id, { ...how, follow: false }, of),
    events: async function* ({ signal }) {
      for await (const event of engine.events({ signal })) {
        await scheduler.sleep(fare(node, 'events').thereMs, { actor, signal });
        yield event;
      }
    },
    close: async () => undefined,
  };
}

const unknownNode = (node: NodeName, engine: EngineKind): EngineError =>
  new EngineError({
    code: 'unsupported',
    message: `${node} has no ${engine}`,
    retryable: false,
    node,
    engine,
    call: 'open',
  });

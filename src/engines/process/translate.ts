import { isAbsolute, resolve } from 'node:path';
import type { EngineEndpoint } from '../../model/desired.ts';
import type { ObjectState, ObservedObject } from '../../model/observed.ts';
import { expandVariables, instanceEnvironment } from '../engine.ts';
import { type Spec, type State, workFolder } from './folder.ts';
import { isRunning } from './identity.ts';

/** What is executed: everything expanded, nothing left to a shell. */
export interface Program {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** The program of an object. Of the host's environment it gets PATH and HOME alone. */
export function programOf(folder: string, spec: Spec): Program {
  const { revision } = spec;
  const identity = instanceEnvironment(spec, spec.node);
  const host = Object.fromEntries(
    ['PATH', 'HOME'].flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name] as string]])),
  );
  // As in Kubernetes: a value may use what stands before it, and command and args may use everything.
  const env: Record<string, string> = { ...host, ...identity };
  for (const [name, value] of Object.entries(revision.env)) env[name] = expandVariables(value, env);
  Object.assign(env, identity);
  const work = workFolder(folder);
  const cwd = revision.options?.['cwd'];
  return {
    argv: [...revision.command, ...revision.args].map((text) => expandVariables(text, env)),
    env,
    cwd: typeof cwd !== 'string' ? work : isAbsolute(cwd) ? cwd : resolve(work, cwd),
  };
}

/** Lines of the environment that only processes of this object have: who they are when their leader is gone. */
export function evidenceOf(spec: Spec): readonly string[] {
  // Not the revision: an update in place changes the recorded one, and what runs keeps the environment that it got.
  const { MUSTER_WORKLOAD, MUSTER_ORDINAL, MUSTER_NODE } = instanceEnvironment(spec, spec.node);
  return Object.entries({ MUSTER_WORKLOAD, MUSTER_ORDINAL, MUSTER_NODE }).map(([name, value]) => `${name}=${value}`);
}

/** Every port that the program listens on, by name: the published one, or its own where none is published. */
export function portsOf(spec: Spec): Readonly<Record<string, number>> {
  return Object.fromEntries(spec.revision.ports.map((port) => [port.name, spec.holds.ports?.[port.name] ?? port.port]));
}

export function observedObject(options: {
  readonly name: string;
  readonly spec: Spec;
  readonly state: State | undefined;
  readonly endpoint: EngineEndpoint;
}): ObservedObject {
  const { spec, state } = options;
  const { revision } = spec;
  const host = options.endpoint.publishAddress ?? '127.0.0.1';
  const now = objectState(state);
  return {
    node: spec.node,
    engine: 'process',
    objectId: spec.objectId,
    name: options.name,
    cluster: spec.cluster,
    allocation: spec.allocation,
    revision: spec.revisionHash,
    token: spec.token,
    state: now,
    // Processes have no checks of their own: Muster probes them.
    health: revision.health === undefined ? 'none' : 'unknown',
    ...(now !== 'running' && state?.exitCode !== undefined && { exitCode: state.exitCode }),
    ...(now === 'running' && state?.startedAt !== undefined && { startedAt: state.startedAt }),
    restarts: state?.restarts ?? 0,
    ports: Object.fromEntries(Object.entries(portsOf(spec)).map(([name, port]) => [name, { host, port }])),
    actual: {
      '/command': revision.command,
      '/args': revision.args,
      '/env': revision.env,
      '/restart': revision.restart,
    },
  };
}

/** The recorded phase counts only while the processes that it speaks of run. */
export function objectState(state: State | undefined): ObjectState {
  if (state === undefined) return 'created';
  if (isRunning(state.child)) return 'running';
  if (state.phase === 'starting') return state.exitCode === undefined ? 'created' : 'exited';
  if (!isRunning(state.supervisor)) return 'exited';
  return state.phase === 'exited' || state.phase === 'failed' ? 'exited' : 'restarting';
}

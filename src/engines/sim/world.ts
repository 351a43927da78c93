import type { ClusterUid, NodeName, RevisionHash } from '../../model/ids.ts';
import type { ForeignObject, ObjectState } from '../../model/observed.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import { type CreateRequest, type EngineEvent, expandVariables, instanceEnvironment, type LogLine } from '../engine.ts';

/** Time as an input, so that a simulation can supply its own. */
export interface SimClock {
  /** Unix ms */
  now(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** What a simulated program does, from `revision.options.sim`; without it, it runs until it is told to stop. */
export interface SimProgram {
  /** Ends by itself with this code, soon after each start. */
  readonly exitCode?: number;
  readonly ignoresTerm?: boolean;
  readonly prints?: readonly LogLine[];
  /** Prints `NAME=value` of these variables, then `arg=value` of each argument. */
  readonly printsEnvironment?: readonly string[];
}

export interface SimObject {
  readonly objectId: string;
  readonly name: string;
  readonly cluster: ClusterUid;
  readonly request: CreateRequest;
  revisionHash: RevisionHash;
  revision: Revision;
  holds: Holds;
  state: ObjectState;
  exitCode: number | undefined;
  startedAt: number | undefined;
  restarts: number;
  /** How often a program was executed: what a test counts to find a doubled start. */
  executions: number;
  readonly output: LogLine[];
  /** What its program wrote outside of its volumes, by path. */
  readonly files: Map<string, string>;
  /** Ends what the present program does by itself. */
  running: AbortController | undefined;
}

/** Everything on one simulated machine. */
export interface SimWorld {
  readonly node: NodeName;
  readonly clock: SimClock;
  /** What programs do by themselves goes by this. */
  readonly background: SimClock;
  readonly objects: Map<string, SimObject>;
  readonly foreign: Map<string, ForeignObject>;
  /** Given out to nobody, and refused to everybody, as by a daemon that was killed and lost track. */
  readonly heldPorts: Set<number>;
  /** Data of volumes, by `volumeKey`: path below the mount → text. It outlives the objects. */
  readonly volumes: Map<string, Map<string, string>>;
  readonly listeners: Set<(event: EngineEvent) => void>;
}

const endsAfterMs = 5;
const firstRestartDelayMs = 20;
const maxRestartDelayMs = 1_000;
const maxOutputLines = 10_000;

export function environmentOf(world: SimWorld, object: SimObject): Readonly<Record<string, string>> {
  const env: Record<string, string> = { ...instanceEnvironment(object.request, world.node) };
  for (const [name, value] of Object.entries(object.request.revision.env)) env[name] = expandVariables(value, env);
  return env;
}

export const programOf = (revision: Revision): SimProgram => (revision.options?.['sim'] ?? {}) as SimProgram;

/** Executes the program; what it does by itself goes on in the background until it is stopped. */
export function execute(world: SimWorld, object: SimObject): void {
  object.running?.abort();
  object.running = new AbortController();
  void live(world, object, object.running.signal);
}

/** Ends the program with this code, and what it would have done by itself. */
export function end(world: SimWorld, object: SimObject, exitCode: number): void {
  object.running?.abort();
  exited(world, object, exitCode);
}

export function tell(world: SimWorld, event: EngineEvent): void {
  for (const listener of world.listeners) listener(event);
}

async function live(world: SimWorld, object: SimObject, signal: AbortSignal): Promise<void> {
  let delayMs = firstRestartDelayMs;
  // Bounded by the restart policy: `always` goes on until it is stopped.
  while (!signal.aborted) {
    run(world, object);
    const { exitCode } = programOf(object.revision);
    if (exitCode === undefined) return;
    await world.background.sleep(endsAfterMs, signal);
    if (signal.aborted) return;
    exited(world, object, exitCode);
    const { restart } = object.revision;
    if (restart === 'never' || (restart === 'on-failure' && exitCode === 0)) return;
    object.state = 'restarting';
    await world.background.sleep(delayMs, signal);
    delayMs = Math.min(delayMs * 2, maxRestartDelayMs);
    if (!signal.aborted) object.restarts += 1;
  }
}

function run(world: SimWorld, object: SimObject): void {
  object.state = 'running';
  object.exitCode = undefined;
  object.startedAt = world.clock.now();
  object.executions += 1;
  const { prints = [], printsEnvironment } = programOf(object.revision);
  const environment = environmentOf(world, object);
  const lines = [
    ...(printsEnvironment ?? []).map((name) => `${name}=${environment[name] ?? ''}`),
    ...(printsEnvironment === undefined
      ? []
      : object.revision.args.map((arg) => `arg=${expandVariables(arg, environment)}`)),
  ];
  object.output.push(...prints, ...lines.map((text) => ({ stream: 'stdout', text }) as const));
  object.output.splice(0, Math.max(0, object.output.length - maxOutputLines));
  tell(world, { objectId: object.objectId, kind: 'started' });
}

function exited(world: SimWorld, object: SimObject, exitCode: number): void {
  object.state = 'exited';
  object.exitCode = exitCode;
  object.startedAt = undefined;
  tell(world, { objectId: object.objectId, kind: 'exited' });
}

import type { DesiredNetwork } from '../model/desired.ts';
import type { InstanceFeatures } from '../model/engine-features.ts';
import type { AllocationId, ClusterUid, EngineKind, FencingToken, NodeName, RevisionHash } from '../model/ids.ts';
import type { EngineOffers, ForeignObject, ObservedObject, Origin } from '../model/observed.ts';
import type { Holds } from '../model/recorded.ts';
import type { Resources } from '../model/resources.ts';
import type { Revision } from '../model/revision.ts';

/**
 * One runtime on one node. Every engine passes `test/contract/engine.ts` against the real thing. Calls are idempotent:
 * what already is as asked is success, and `remove` of what is gone too. Objects are addressed by the engine's own id,
 * never by name. Every call ends by its deadline with a result or an `EngineError`.
 */
export interface Engine {
  readonly kind: EngineKind;
  readonly node: NodeName;
  readonly features: EngineFeatures;
  info(call: Call): Promise<EngineInfo>;
  ping(call: Call): Promise<void>;
  /** What an operator should know of the engine's machine, for `muster doctor`. Absent: nothing is looked at. */
  findings?(call: Call): Promise<readonly EngineFinding[]>;
  /** Everything on the engine; ours are objects with our cluster's uid. Cheap: one or few requests. */
  list(call: Call): Promise<EngineListing>;
  /**
   * The same where nobody can say which uid is ours, because the store is gone: ours are then the objects that Muster
   * made under our cluster's name, whatever their uid. They are only to be looked at: whose they are, nobody knows.
   */
  listNamed(call: Call): Promise<EngineListing>;
  /** A fresh look at one object; undefined when it is gone. */
  observe(objectId: string, call: Call): Promise<ObservedObject | undefined>;
  /**
   * What one of our objects was made from, updates in place included, as it is kept with the object: a store that was lost
   * or went back in time is rebuilt from it. Undefined when it is gone; what it does not tell is absent.
   */
  recall(objectId: string, call: Call): Promise<Origin | undefined>;
  /** Makes what `create` needs present: an image. Success when it already is. */
  pull(revision: Revision, call: Call): Promise<void>;
  /**
   * Creates without starting. An object of the same allocation and cluster is success and returns its id; anything else
   * of that name is `foreignName`, and is not touched.
   */
  create(request: CreateRequest, call: Call): Promise<{ readonly objectId: string }>;
  start(objectId: string, call: Call): Promise<void>;
  /** Graceful signal, then kill after the grace period; resolves when it does not run any more. */
  stop(objectId: string, options: { readonly signal: string; readonly graceMs: number }, call: Call): Promise<void>;
  /** Data of volumes stays where it is. */
  remove(objectId: string, call: Call): Promise<void>;
  /**
   * Deletes the data of these volumes of an object that does not run: those on a device of the node, which Muster made.
   * What another object mounts is kept, and so are the volumes of an object that is gone. Not to be undone.
   */
  eraseVolumes(objectId: string, names: readonly string[], call: Call): Promise<void>;
  /** Applies what can change in place (`features.liveFields`), without a restart, and records the new revision. */
  update(objectId: string, request: UpdateRequest, call: Call): Promise<void>;
  logs(objectId: string, options: LogOptions, call: Call): AsyncIterable<LogLine>;
  /** Runs a command inside the instance (process: beside it, with its environment). */
  exec(
    objectId: string,
    command: readonly string[],
    call: Call,
  ): Promise<{ readonly exitCode: number; readonly output: string }>;
  /** Changes to our objects as they happen; only ever a reason to look again. Reconnects by itself until aborted. */
  events(options: { readonly signal: AbortSignal }): AsyncIterable<EngineEvent>;
  close(): Promise<void>;
}

export interface Call {
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
}

/** What the planner may count on; what an engine lacks is refused before anything is applied. */
export interface EngineFeatures extends InstanceFeatures {
  /** JSON pointers into the revision (`/resources/memoryBytes`) that `update` changes in place. */
  readonly liveFields: readonly string[];
  readonly limits: { readonly cpu: boolean; readonly memory: boolean };
  readonly images: boolean;
  readonly exec: boolean;
}

export interface EngineInfo {
  readonly version: string;
  /** Changes when the engine behind the endpoint is another one. */
  readonly fingerprint: string;
  readonly capacity: Resources;
  readonly offers?: EngineOffers;
}

export interface EngineFinding {
  readonly state: 'ok' | 'warn';
  readonly detail: string;
  /** What to do about it. */
  readonly remedy?: string;
}

export interface EngineListing {
  readonly objects: readonly ObservedObject[];
  readonly foreign: readonly ForeignObject[];
}

/** Who the objects belong to; given when an engine is opened. */
export interface ClusterScope {
  readonly name: string;
  /** Absent before the first apply: then nothing on the engine is ours. */
  readonly uid?: ClusterUid;
}

export interface CreateRequest {
  readonly allocation: AllocationId;
  readonly revisionHash: RevisionHash;
  readonly revision: Revision;
  readonly holds: Holds;
  /** The network that the revision names, as git declares it; absent when it names none. */
  readonly network?: DesiredNetwork;
  readonly token: FencingToken;
  /** Journal key of the effect; stored with the object. */
  readonly effect: string;
}

export interface UpdateRequest {
  readonly revisionHash: RevisionHash;
  readonly revision: Revision;
  readonly holds: Holds;
}

export interface LogOptions {
  readonly tail: number;
  readonly follow: boolean;
}

export interface LogLine {
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

export interface EngineEvent {
  readonly objectId: string;
  readonly kind: 'started' | 'exited' | 'removed' | 'health' | 'reconnected';
}

export type EngineErrorCode =
  | 'unreachable'
  | 'timeout'
  | 'notFound'
  /** The object is there and can never be started again: only making it anew helps. */
  | 'broken'
  | 'foreignName'
  | 'imageMissing'
  | 'portTaken'
  | 'unsupported'
  | 'noSpace'
  | 'rejected'
  | 'internal';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly retryable: boolean;
  readonly node: NodeName;
  readonly engine: EngineKind;
  /** The contract's call: `create`, `start`, … */
  readonly call: string;
  readonly hint: string | undefined;
  /** Of `portTaken`: the host port, where it is known. */
  readonly port: number | undefined;

  constructor(options: {
    readonly code: EngineErrorCode;
    readonly message: string;
    readonly retryable: boolean;
    readonly node: NodeName;
    readonly engine: EngineKind;
    readonly call: string;
    readonly hint?: string;
    readonly port?: number;
    readonly cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retryable = options.retryable;
    this.node = options.node;
    this.engine = options.engine;
    this.call = options.call;
    this.hint = options.hint;
    this.port = options.port;
  }
}

/** What every instance learns about itself, and every engine sets: who and where it is, its ports and its devices. */
export function instanceEnvironment(
  request: Pick<CreateRequest, 'allocation' | 'revisionHash' | 'revision' | 'holds'>,
  node: NodeName,
): Readonly<Record<string, string>> {
  const [instance = ''] = request.allocation.split('#');
  const slash = instance.lastIndexOf('/');
  const ports = request.revision.ports.map((port) => [
    portVariable(port.name),
    String(listensOnPublished(request.revision) ? (request.holds.ports?.[port.name] ?? port.port) : port.port),
  ]);
  return {
    MUSTER_WORKLOAD: instance.slice(0, slash),
    MUSTER_ORDINAL: instance.slice(slash + 1),
    MUSTER_NODE: node,
    MUSTER_REVISION: request.revisionHash,
    ...Object.fromEntries(ports),
    ...deviceVariables(request.holds),
  };
}

/** In a network of its own a program listens on its own port; without one it shares the host's ports with everybody. */
export const listensOnPublished = ({ engine, options }: Pick<Revision, 'engine' | 'options'>): boolean =>
  engine === 'process' || engine === 'systemd' || (engine === 'docker' && options?.['network'] === 'host');

/** `gpu/a100: {"0": 1000, "2": 500}` → `MUSTER_DEVICES_GPU_A100=0,2`: which pieces are its own, whole or in part. */
function deviceVariables({ devices }: Pick<Holds, 'devices'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(devices ?? {}).map(([kind, pieces]) => [
      `MUSTER_DEVICES_${kind.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`,
      heldPieces(pieces).join(','),
    ]),
  );
}

/** Names of the pieces that are held, in their order. */
export const heldPieces = (pieces: Readonly<Record<string, number>>): readonly string[] =>
  Object.keys(pieces).sort((a, b) => Number(a) - Number(b));

/** `http-admin` → `PORT_HTTP_ADMIN` */
export const portVariable = (name: string): string => `PORT_${name.toUpperCase().replaceAll('-', '_')}`;

/** Kubernetes' rule: `$(NAME)` is replaced where NAME is set, `$$(NAME)` is a literal `$(NAME)`, anything else stays. */
export function expandVariables(text: string, environment: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\$|\$\(([A-Za-z_][A-Za-z0-9_.-]*)\)/g, (whole, name: string | undefined) =>
    name === undefined ? '$' : (environment[name] ?? whole),
  );
}

/** `<cluster>.<ns>.<workload>.<ordinal>.g<generation>`: the same in every run, which makes retries safe. */
export function objectName(cluster: string, allocation: AllocationId): string {
  const [instance = '', generation = ''] = allocation.split('#');
  return `${cluster}.${instance.replaceAll('/', '.')}.g${generation}`;
}

/** Which objects a listing takes for ours: `uid`, those of our cluster's uid; `name`, those under its name. */
export type Whose = 'uid' | 'name';

/** The engines of a cluster, opened when first asked for and kept open. Throws `EngineError` where a node has none of the kind. */
export interface EngineDirectory {
  engineOf(node: NodeName, kind: EngineKind): Promise<Engine>;
  close(): Promise<void>;
}

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { AllocationId, ClusterUid, FencingToken, NodeName, RevisionHash } from '../../model/ids.ts';
import type { Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { Identity } from './identity.ts';

/**
 * One directory per object. Every file has one writer at a time and is replaced as a whole: `spec.json` by the engine,
 * `stop.json` by the engine, `state.json` by the object's supervisor.
 */
export interface Spec {
  readonly formatVersion: 1;
  readonly objectId: string;
  readonly cluster: ClusterUid;
  readonly node: NodeName;
  readonly allocation: AllocationId;
  readonly revisionHash: RevisionHash;
  readonly effect: string;
  readonly token: FencingToken;
  readonly revision: Revision;
  readonly holds: Holds;
  /** Size at which its log file is rotated; two are kept. */
  readonly logBytes: number;
}

/** What the supervisor writes: who it is, what it started and how that ended. */
export interface State {
  readonly supervisor: Identity;
  /** `failed`: the command could not be executed at all. */
  readonly phase: 'starting' | 'running' | 'restarting' | 'exited' | 'failed';
  /** The program, leader of its own process group; the last one when it does not run any more. */
  readonly child?: Identity;
  /** Unix ms */
  readonly startedAt?: number;
  /** Of the last program that ended; 128 + signal number when a signal ended it. */
  readonly exitCode?: number;
  /** How often the supervisor restarted it since it was created. */
  readonly restarts: number;
  /** Why it could not be executed. */
  readonly failure?: string;
}

/** While this is there nothing is (re)started. */
export interface StopOrder {
  readonly signal: NodeJS.Signals;
  /** Unix ms after which it is killed. */
  readonly killAt: number;
  /** The process that was told already: a repeated stop does not signal it twice. */
  readonly told?: Identity;
}

const specFile = 'spec.json';
const stateFile = 'state.json';
const stopFile = 'stop.json';

export const workFolder = (folder: string): string => join(folder, 'work');

/** Undefined when there is none, or none that this engine wrote. */
export function readSpec(folder: string): Spec | undefined {
  const spec = readJson<Spec>(join(folder, specFile));
  return spec?.formatVersion === 1 && typeof spec.objectId === 'string' ? spec : undefined;
}

export const readState = (folder: string): State | undefined => readJson<State>(join(folder, stateFile));
export const readStop = (folder: string): StopOrder | undefined => readJson<StopOrder>(join(folder, stopFile));

/** On disk when this returns: without its spec, what runs here would be foreign after a power failure. */
export const writeSpec = (folder: string, spec: Spec): void => writeJson(join(folder, specFile), spec, 'durable');
export const writeState = (folder: string, state: State): void => writeJson(join(folder, stateFile), state, 'cached');
export const writeStop = (folder: string, order: StopOrder): void => writeJson(join(folder, stopFile), order, 'cached');

export function clearStop(folder: string): void {
  try {
    unlinkSync(join(folder, stopFile));
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

/** True for the error of a path that is not there. */
export const isMissing = (error: unknown): boolean =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException | undefined)?.code ?? '');

function readJson<T>(path: string): T | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch (error) {
    // What cannot be read as ours is not ours: it is shown as foreign and never touched.
    if (isMissing(error) || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** A reader sees the old text or the new one, never half of it, even when the writer is killed. */
function writeJson(path: string, value: unknown, kept: 'durable' | 'cached'): void {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.new`;
  const descriptor = openSync(temporary, 'w', 0o600);
  try {
    writeSync(descriptor, `${JSON.stringify(value, undefined, 2)}\n`);
    if (kept === 'durable') fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(temporary, path);
}

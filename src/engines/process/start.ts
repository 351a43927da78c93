import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallSite } from '../deadline.ts';
import { failure } from './fail.ts';
import { clearStop, readState, readStop, type Spec, type State } from './folder.ts';
import { groupMembers, type Identity, isRunning, signalGroup } from './identity.ts';
import type { StoredObject } from './objects.ts';
import { listeningPorts } from './ports.ts';
import { stopProcesses } from './stop.ts';
import { evidenceOf, portsOf, programOf } from './translate.ts';

const lookEveryMs = 20;
/** A supervisor is small: a leak in it must not take the machine. */
const supervisorHeapMegabytes = 64;
const supervisorLog = 'supervisor.log';

/**
 * Resolves when the program was executed, also by an earlier start that was not seen to end. Rejects when it cannot be
 * executed. Ends by the signal at the latest; the supervisor then goes on, and the next start finds it.
 */
export async function startProcess(object: StoredObject, site: CallSite, signal: AbortSignal): Promise<void> {
  const { folder, spec } = object;
  for (;;) {
    signal.throwIfAborted();
    const state = readState(folder);
    const order = readStop(folder);
    if (order !== undefined) await stopProcesses(object, order, signal);
    else if (isRunning(state?.child)) return;
    else if (isRunning(state?.supervisor)) {
      // Between two runs it starts again by itself; otherwise it is about to say more, or to leave.
      if (state?.phase === 'restarting') return;
      await sleep(lookEveryMs, undefined, { signal });
      continue;
    }
    const before = readState(folder);
    clearLeftovers(before?.child, spec);
    refuseTakenPorts(spec, site);
    refuseMissingFolder(object, site);
    clearStop(folder);
    if ((await launch(object, before, site, signal)) === 'started') return;
  }
}

/** Rejects with `portTaken` when something listens on a port of the object, which does not run itself. */
export function refuseTakenPorts(spec: Spec, site: CallSite): void {
  for (const { name, protocol } of spec.revision.ports) {
    const port = portsOf(spec)[name];
    if (port === undefined || !listeningPorts(protocol).includes(port)) continue;
    throw failure(site, {
      code: 'portTaken',
      port,
      message: `${spec.allocation}: something else on ${site.node} listens on port ${port} (${name})`,
      hint: `see what it is with: ss -lnp 'sport = :${port}'`,
    });
  }
}

/** What outlived both its leader and its supervisor: it would keep the ports. */
function clearLeftovers(leader: Identity | undefined, spec: Spec): void {
  if (leader === undefined || groupMembers(leader, evidenceOf(spec)).length === 0) return;
  signalGroup({ group: leader.pid, signal: 'SIGKILL' });
}

/** The operating system reports a missing working directory as a missing command. */
function refuseMissingFolder({ folder, spec }: StoredObject, site: CallSite): void {
  const { cwd } = programOf(folder, spec);
  if (statSync(cwd, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw failure(site, { code: 'rejected', message: `${spec.allocation}: its working directory ${cwd} does not exist` });
}

/** `again`: another supervisor was faster; look at what it does. */
async function launch(
  object: StoredObject,
  before: State | undefined,
  site: CallSite,
  signal: AbortSignal,
): Promise<'started' | 'again'> {
  const { folder, spec } = object;
  const log = join(folder, supervisorLog);
  const child = spawnSupervisor(folder, log);
  let exit: { readonly code: number | null } | undefined;
  child.once('error', () => {
    exit = { code: null };
  });
  child.once('exit', (code) => {
    exit = { code };
  });
  for (;;) {
    const ended = exit;
    const state = readState(folder);
    const fresh = state !== undefined && !sameProcess(state.supervisor, before?.supervisor);
    if (fresh && state.phase === 'failed') throw notExecutable(object, state, site);
    if (fresh && state.phase !== 'starting') return 'started';
    if (ended !== undefined) {
      if (ended.code === supervisorNotNeeded) {
        await sleep(lookEveryMs, undefined, { signal });
        return 'again';
      }
      throw failure(site, {
        code: 'internal',
        message: `${spec.allocation}: its supervisor ended before it started anything: ${lastLines(log)}`,
        hint: `see ${log}`,
      });
    }
    await sleep(lookEveryMs, undefined, { signal });
  }
}

/** Exit code by which a supervisor says that the object has one already. */
const supervisorNotNeeded = 75;

function spawnSupervisor(folder: string, log: string): ReturnType<typeof spawn> {
  // Beside this file, and of its kind: shim.js when built, shim.ts under a loader, which the supervisor then needs too.
  const shim = join(import.meta.dirname, `shim${extname(import.meta.filename)}`);
  const loader = shim.endsWith('.ts') ? loaderOptions() : [];
  const descriptor = openSync(log, 'w', 0o600);
  try {
    const child = spawn(
      process.execPath,
      [...loader, `--max-old-space-size=${supervisorHeapMegabytes}`, shim, folder],
      {
        cwd: dirname(shim),
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
        detached: true,
        stdio: ['ignore', 'ignore', descriptor],
      },
    );
    child.unref();
    return child;
  } finally {
    closeSync(descriptor);
  }
}

function loaderOptions(): readonly string[] {
  const { execArgv } = process;
  return execArgv.flatMap((option, index) => {
    if (option.startsWith('--import=') || option.startsWith('--loader=')) return [option];
    return option === '--import' || option === '--loader' ? [option, execArgv[index + 1] ?? ''] : [];
  });
}

function notExecutable({ folder, spec }: StoredObject, state: State, site: CallSite): Error {
  const command = programOf(folder, spec).argv[0] ?? '';
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: command.includes('/') ? 'does not exist' : 'is not in PATH',
    EACCES: 'is not executable',
  };
  return failure(site, {
    code: 'rejected',
    message: `${spec.allocation}: command ${JSON.stringify(command)} ${reasons[state.failure ?? ''] ?? `failed: ${state.failure}`}`,
    hint: `install it on ${site.node}, or correct spec.command`,
  });
}

const sameProcess = (a: Identity, b: Identity | undefined): boolean =>
  a.pid === b?.pid && a.startTicks === b.startTicks && a.bootId === b.bootId;

function lastLines(path: string): string {
  return readFileSync(path, 'utf8').trim().split('\n').slice(-5).join(' | ') || 'it said nothing';
}

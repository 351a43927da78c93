/**
 * The supervisor of one object, a program of its own: `node shim.js FOLDER`. Started detached, it outlives Muster and its
 * terminal, runs the object's program in a process group of its own, keeps its output, records what happens and restarts
 * it. It decides nothing: `stop.json` is the order to let it end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { constants } from 'node:os';
import { readSpec, readState, readStop, type State, writeState } from './folder.ts';
import { identityOf, isRunning, signalGroup } from './identity.ts';
import { openOutput } from './output.ts';
import { programOf } from './translate.ts';

const firstRestartDelayMs = 100;
const maxRestartDelayMs = 30_000;
/** A program that ran this long has recovered: the next restart is quick again. */
const recoveredAfterMs = 10_000;
/** How long output may go on after the program's end, where something outside its group holds the pipe. */
const drainMs = 500;
/** How often it is looked whether the object is still there. */
const lookEveryMs = 1_000;
/** Exit code that tells the starter that another supervisor has the object. */
const notNeeded = 75;

const folder = process.argv[2] ?? '';
process.chdir(folder);
await main();

async function main(): Promise<void> {
  const supervisor = identityOf(process.pid);
  const objectId = readSpec(folder)?.objectId;
  if (supervisor === undefined || objectId === undefined || !(await lock(objectId))) process.exit(notNeeded);
  const before = readState(folder);
  if (isRunning(before?.child)) process.exit(notNeeded);
  // Written before anything is executed: whoever looks from now on finds this supervisor, and no second one is started.
  let state: State = {
    supervisor,
    phase: 'starting',
    restarts: before?.restarts ?? 0,
    ...(before?.exitCode !== undefined && { exitCode: before.exitCode }),
  };
  const record = (change: Partial<State>): void => {
    state = { ...state, ...change };
    writeState(folder, state);
  };
  record({});
  await supervise(() => state, record);
  process.exit(0);
}

/** Runs the program until it may end: its restart policy, or a stop order, says so. */
async function supervise(state: () => State, record: (change: Partial<State>) => void): Promise<void> {
  const stopping = new AbortController();
  let group: number | undefined;
  // Sent by the machine's shutdown, or by a stop that found no program running: the program is told, and not restarted.
  process.on('SIGTERM', () => {
    stopping.abort();
    if (group !== undefined) signalGroup({ group, signal: readStop(folder)?.signal ?? 'SIGTERM' });
  });
  for (const ignored of ['SIGHUP', 'SIGINT', 'SIGPIPE'] as const) process.on(ignored, () => undefined);
  // Removed by hand: nobody can see or stop this program any more, and the next plan makes another.
  const looking = setInterval(() => {
    if (readSpec(folder) !== undefined) return;
    clearInterval(looking);
    if (group !== undefined) signalGroup({ group, signal: 'SIGKILL' });
    process.exit(0);
  }, lookEveryMs);
  looking.unref();
  const mayRun = (): boolean => !stopping.signal.aborted && readStop(folder) === undefined;

  let delayMs = firstRestartDelayMs;
  // Bounded by the restart policy: `always` is meant to go on for as long as the object is there.
  while (mayRun()) {
    const startedAt = Date.now();
    const ended = await runOnce((pid) => {
      group = pid;
      const child = identityOf(pid);
      record({ phase: 'running', startedAt, ...(child !== undefined && { child }) });
    });
    group = undefined;
    if (ended.kind === 'failed') {
      record({ phase: 'failed', exitCode: ended.exitCode, failure: ended.message });
      return;
    }
    if (!mayRun() || !restarts(ended.exitCode)) {
      record({ phase: 'exited', exitCode: ended.exitCode });
      return;
    }
    record({ phase: 'restarting', exitCode: ended.exitCode });
    if (Date.now() - startedAt >= recoveredAfterMs) delayMs = firstRestartDelayMs;
    await pause(delayMs, stopping.signal);
    delayMs = Math.min(delayMs * 2, maxRestartDelayMs);
    if (mayRun()) record({ restarts: state().restarts + 1 });
  }
  record({ phase: 'exited' });
}

type Ended =
  | { readonly kind: 'exited'; readonly exitCode: number }
  | { readonly kind: 'failed'; readonly exitCode: number; readonly message: string };

/** Resolves when the program and everything in its group has ended, or when it could not be executed. */
async function runOnce(onStarted: (pid: number) => void): Promise<Ended> {
  const spec = readSpec(folder);
  if (spec === undefined) return { kind: 'failed', exitCode: 127, message: `spec.json is gone from ${folder}` };
  const program = programOf(folder, spec);
  const output = openOutput(folder, { maxBytes: spec.logBytes });
  const [command = '', ...args] = program.argv;
  // `detached`: a session and process group of its own, so that a signal reaches everything that the program started.
  const child = spawn(command, args, {
    cwd: program.cwd,
    env: program.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  child.stdout.on('data', (chunk: Buffer) => keep(() => output.write('stdout', chunk)));
  child.stderr.on('data', (chunk: Buffer) => keep(() => output.write('stderr', chunk)));
  const ended = endOf(child);
  if (child.pid !== undefined) onStarted(child.pid);
  const result = await ended;
  // What the program left behind ends with it, or it would keep the ports. Its number was freed a moment ago, and numbers
  // come around only after all others: the group is still its own.
  if (child.pid !== undefined) signalGroup({ group: child.pid, signal: 'SIGKILL' });
  await drained(child);
  keep(() => output.close());
  return result;
}

function endOf(child: ChildProcess): Promise<Ended> {
  return new Promise((resolve) => {
    child.once('error', (error: NodeJS.ErrnoException) => {
      if (child.pid === undefined) {
        resolve({
          kind: 'failed',
          exitCode: error.code === 'ENOENT' ? 127 : 126,
          message: error.code ?? error.message,
        });
      }
    });
    child.once('exit', (code, signal) => {
      resolve({ kind: 'exited', exitCode: code ?? 128 + (signal === null ? 0 : constants.signals[signal]) });
    });
  });
}

async function drained(child: ChildProcess): Promise<void> {
  if (child.stdout?.closed !== false && child.stderr?.closed !== false) return;
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  await Promise.race([closed, pause(drainMs, undefined)]);
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** Read anew each time: an update in place may have changed the policy. */
function restarts(exitCode: number): boolean {
  const policy = readSpec(folder)?.revision.restart;
  return policy === 'always' || (policy === 'on-failure' && exitCode !== 0);
}

let outputLost = false;

/** A full disk loses lines; it must not lose the program. */
function keep(write: () => void): void {
  try {
    write();
  } catch (error) {
    if (!outputLost) process.stderr.write(`output lost: ${String(error)}\n`);
    outputLost = true;
  }
}

function pause(durationMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const timer = setTimeout(resolve, durationMs);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** One supervisor an object: an abstract socket belongs to one process, and the kernel frees it when that dies. */
function lock(objectId: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(`\0muster-process-${objectId}`, () => resolve(true));
    server.unref();
  });
}

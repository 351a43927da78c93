import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import type { CallSite } from '../deadline.ts';
import { failure } from './fail.ts';
import { readState } from './folder.ts';
import { isRunning, signalGroup } from './identity.ts';
import type { StoredObject } from './objects.ts';
import { programOf } from './translate.ts';

/** More output than this is dropped: a check needs its exit code, a person the first lines. */
const maxOutputBytes = 256 * 1024;

/** Runs a command beside the object, with its environment and working directory; killed with all it started by the signal. */
export async function execBeside(
  { folder, spec }: StoredObject,
  command: readonly string[],
  site: CallSite,
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  if (!isRunning(readState(folder)?.child)) {
    throw failure(site, {
      code: 'rejected',
      message: `in ${spec.allocation}: it does not run`,
      hint: 'start it first',
    });
  }
  const { env, cwd } = programOf(folder, spec);
  const [program = '', ...args] = command;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    let size = 0;
    const take = (chunk: Buffer): void => {
      const part = chunk.subarray(0, maxOutputBytes - size);
      size += part.length;
      if (part.length > 0) chunks.push(part);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const kill = (): void => {
      if (child.pid !== undefined && child.exitCode === null) signalGroup({ group: child.pid, signal: 'SIGKILL' });
      child.stdout.destroy();
      child.stderr.destroy();
    };
    signal.addEventListener('abort', kill, { once: true });
    child.once('error', (error: NodeJS.ErrnoException) => {
      reject(
        failure(site, {
          code: 'rejected',
          message: `in ${spec.allocation}: command ${JSON.stringify(program)}: ${error.code}`,
        }),
      );
    });
    child.once('close', (code, killedBy) => {
      signal.removeEventListener('abort', kill);
      const exitCode = code ?? 128 + (killedBy === null ? 0 : constants.signals[killedBy]);
      resolve({ exitCode, output: Buffer.concat(chunks).toString('utf8') });
    });
  });
}

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');
/** `MUSTER_TEST_BINARY` tests another build than the one in dist. */
const built = process.env['MUSTER_TEST_BINARY'] ?? join(root, 'dist/cli/main.js');
/** The built binary where there is one, else the sources. */
const program: readonly string[] = existsSync(built) ? [built] : ['--import', 'tsx', join(root, 'src/cli/main.ts')];

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface MusterOptions {
  readonly cwd?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Text for its stdin, which ends after it. */
  readonly input?: string;
  /** Words before the command, to run it elsewhere: in another network. */
  readonly within?: readonly string[];
}

/** Starts the real binary without a terminal and without the caller's `MUSTER_*` variables. */
export function startMuster(args: readonly string[], options: MusterOptions = {}): ChildProcess {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(MUSTER_|NO_COLOR$|FORCE_COLOR$|NODE_TEST_CONTEXT$)/.test(name)),
  );
  const [command = process.execPath, ...words] = [...(options.within ?? []), process.execPath, ...program, ...args];
  return spawn(command, words, {
    cwd: options.cwd ?? root,
    env: { ...inherited, MUSTER_CACHE_DIR: join(tmpdir(), `muster-test-cache-${process.pid}`), ...options.environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

/** Runs the real binary to its end. */
export async function muster(args: readonly string[], options: MusterOptions = {}): Promise<Finished> {
  const child = startMuster(args, options);
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin?.end(options.input ?? '');
  const code = await new Promise<number | null>((done, fail) => {
    child.once('error', fail);
    child.once('close', done);
  });
  return { code, stdout, stderr };
}

/** A fresh directory that is removed when the test ends. */
export async function scratch(t: { after(clean: () => Promise<void>): void }): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'muster-cli-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

/** The same configuration with patience for a busy machine: examples promise what an idle one does. */
export const unhurried = (yaml: string): string =>
  yaml.replaceAll(/healthyDeadline: \d+s/g, 'healthyDeadline: 60s').replaceAll(/timeout: [12]s/g, 'timeout: 20s');

/** A copy of an example cluster to change and run. */
export async function copyExample(name: string, dir: string): Promise<string> {
  const copy = join(dir, name);
  const skipState = (path: string): boolean => !path.includes('/.muster');
  await cp(join(root, 'examples/clusters', name), copy, { recursive: true, filter: skipState });
  const files = (await readdir(copy, { recursive: true })).filter((file) => file.endsWith('.yaml'));
  for (const path of files.map((file) => join(copy, file)))
    await writeFile(path, unhurried(await readFile(path, 'utf8')));
  return copy;
}

export const example = (name: string): string => join(root, 'examples/clusters', name);

export const readJson = async (path: string): Promise<Record<string, unknown>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, unknown>;

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { copyExample, type Finished, muster, startMuster } from '../cli/muster.ts';

/** A config repo and what Muster keeps for it on this machine; the real binary runs on it as a child. */
export interface Cluster {
  readonly folder: string;
  readonly repo: string;
  readonly state: string;
  /** Runs `muster …` to its end. */
  muster(args: readonly string[], environment?: Readonly<Record<string, string>>): Promise<Finished>;
  /** `within`: words before the command, that run it in another network. */
  start(args: readonly string[], environment?: Readonly<Record<string, string>>, within?: readonly string[]): Running;
  /** Rewrites files of the repo (an empty text removes one); in a git repo it is a commit. Returns what HEAD is now. */
  commit(changes: Readonly<Record<string, (before: string) => string>>): string;
  /** The programs of instances that run now, found in /proc and nowhere else. */
  programs(): readonly Program[];
}

export interface Running {
  readonly child: ChildProcess;
  /** What it has written so far. */
  output(): { readonly stdout: string; readonly stderr: string };
  readonly finished: Promise<Finished>;
}

/** One running program of an instance. */
export interface Program {
  readonly pid: number;
  /** `shop/web/0` */
  readonly instance: string;
  readonly node: string;
  readonly environment: Readonly<Record<string, string>>;
}

type Test = { after(clean: () => void | Promise<void>): void };

const binary = process.env['MUSTER_TEST_BINARY'] ?? resolve(import.meta.dirname, '../../dist/cli/main.js');

/** Tests of crashes sync to the disk more than they do anything else. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/**
 * A git repo with these files (`directory`: only a folder). Every process that was started in it, and all of its files,
 * are gone when the test ends.
 */
export async function makeCluster(
  t: Test,
  files: Readonly<Record<string, string>> | 'quickstart',
  options: { readonly source: 'git' | 'directory' } = { source: 'git' },
): Promise<Cluster> {
  assert.ok(existsSync(binary), `${binary} is missing: npm run build makes it, and npm test does so by itself`);
  const folder = mkdtempSync(join(memory, 'muster-e2e-'));
  t.after(() => clear(folder));
  const repo = join(folder, 'config');
  if (files === 'quickstart') execFileSync('mv', [await copyExample('quickstart', folder), repo]);
  else writeFiles(repo, files);
  const git = options.source === 'git';
  if (git) commitAll(repo, ['init', '-q', '-b', 'main']);
  const state = join(folder, 'state');
  const settings = (environment: Readonly<Record<string, string>>) => ({
    cwd: git ? folder : repo,
    environment: {
      MUSTER_STATE_DIR: state,
      MUSTER_CACHE_DIR: join(folder, 'cache'),
      ...(git && { MUSTER_REPO: repo, MUSTER_REF: 'main' }),
      ...environment,
    },
  });
  const start: Cluster['start'] = (args, environment = {}, within = []) =>
    follow(startMuster(args, { ...settings(environment), within }));
  return {
    folder,
    repo,
    state,
    muster: (args, environment = {}) => muster(args, settings(environment)),
    start,
    programs: () => programsIn(folder),
    commit: (changes) => {
      for (const [file, change] of Object.entries(changes)) rewrite(join(repo, file), change);
      return git ? commitAll(repo, []) : 'worktree';
    },
  };
}

function follow(child: ChildProcess): Running {
  let stdout = '';
  let stderr = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  child.stdin?.end();
  const finished = new Promise<Finished>((done, fail) => {
    child.once('error', fail);
    child.once('close', (code) => done({ code, stdout, stderr }));
  });
  return { child, output: () => ({ stdout, stderr }), finished };
}

function writeFiles(repo: string, files: Readonly<Record<string, string>>): void {
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(repo, file)), { recursive: true });
    writeFileSync(join(repo, file), text);
  }
}

function rewrite(path: string, change: (before: string) => string): void {
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const after = change(before);
  assert.notEqual(after, before, `the edit of ${path} changes nothing`);
  mkdirSync(dirname(path), { recursive: true });
  if (after === '') rmSync(path);
  else writeFileSync(path, after);
}

function commitAll(repo: string, init: readonly string[]): string {
  const git = (args: readonly string[]): string =>
    execFileSync(
      'git',
      ['-C', repo, '-c', 'user.name=T', '-c', 'user.email=t@example.org', '-c', 'commit.gpgsign=false', ...args],
      {
        encoding: 'utf8',
      },
    );
  if (init.length > 0) git(init);
  git(['add', '-A']);
  git(['commit', '-qm', 'a change']);
  return git(['rev-parse', 'HEAD']).trim();
}

function programsIn(folder: string): readonly Program[] {
  return processesIn(folder)
    .flatMap((pid): Program[] => {
      const environment = environmentOf(pid);
      const workload = environment['MUSTER_WORKLOAD'];
      if (workload === undefined || !isGroupLeader(pid)) return [];
      const { MUSTER_ORDINAL = '', MUSTER_NODE = '' } = environment;
      return [{ pid, instance: `${workload}/${MUSTER_ORDINAL}`, node: MUSTER_NODE, environment }];
    })
    .sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

/** Supervisors (they name the folder) and programs (they run in it). */
const processesIn = (folder: string): readonly number[] =>
  readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 1 && pid !== process.pid)
    .filter(
      (pid) =>
        linkOf(`/proc/${pid}/cwd`).startsWith(`${folder}/`) || textOf(`/proc/${pid}/cmdline`).includes(`${folder}/`),
    );

const environmentOf = (pid: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    textOf(`/proc/${pid}/environ`)
      .split('\0')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );

/** `/proc/PID/stat` from behind the name: state, parent, group, …, start time (20th). */
const statOf = (pid: number): readonly string[] => {
  const text = textOf(`/proc/${pid}/stat`);
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
};

const isGroupLeader = (pid: number): boolean => {
  const [state, , group] = statOf(pid);
  return Number(group) === pid && state !== 'Z' && state !== 'X';
};

const mostSweeps = 50;

/** Ends everything that runs in the folder, supervisors with what they watch, and removes it. */
async function clear(folder: string): Promise<void> {
  for (let sweep = 0; sweep < mostSweeps; sweep += 1) {
    const found = processesIn(folder).map((pid) => ({ pid, started: statOf(pid)[19] }));
    if (found.length === 0) break;
    for (const { pid, started } of found) if (statOf(pid)[19] === started) endProcess(pid);
    await sleep(20);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

export function endProcess(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

const longestMs = 120_000;
const pollMs = 50;

/** Waits until it holds; the machine may be slow. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  withinMs = longestMs,
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, `did not happen within ${withinMs} ms: ${what}`);
    await sleep(pollMs);
  }
}

import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../exit.ts';

/** Where the demo plays: a config repo, a state directory, and this same program run as a child. */
export interface Stage {
  readonly folder: string;
  readonly repo: string;
  /** Runs `muster …` with its output on the screen. A refused or failed command is part of the story: `expect` says which exit code the story needs. */
  muster(
    args: readonly string[],
    options: { readonly expect: number; readonly show: 'all' | 'brief' },
  ): Promise<string>;
  /** What a command prints, without showing it. */
  query(args: readonly string[]): Promise<string>;
  /** Starts `muster apply` and kills it with SIGKILL as soon as a line of its progress matches. */
  killDuringApply(line: RegExp): Promise<void>;
  /** Changes files of the repo and commits them. */
  commit(message: string, changes: Readonly<Record<string, (text: string) => string>>): Promise<void>;
  /** Takes the last commit back with a new one. */
  revert(): Promise<void>;
  git(args: readonly string[]): Promise<string>;
  say(text: string): void;
  heading(text: string): void;
}

const mostBriefLines = 6;

export async function openStage(options: {
  readonly folder: string;
  readonly example: string;
  readonly program: readonly string[];
  readonly write: (text: string) => void;
  readonly color: boolean;
}): Promise<Stage> {
  const { folder, example, program, write, color } = options;
  const repo = join(folder, 'config');
  mkdirSync(repo, { recursive: true });
  cpSync(example, repo, { recursive: true, filter: (path) => !path.includes('.muster') });
  const environment = {
    ...process.env,
    MUSTER_REPO: repo,
    MUSTER_REF: 'main',
    MUSTER_STATE_DIR: join(folder, 'state'),
    MUSTER_CACHE_DIR: join(folder, 'cache'),
    ...(color ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
  };
  const bold = (text: string): string => (color ? `\x1b[1m${text}\x1b[22m` : text);
  const say = (text: string): void => write(`${text}\n`);

  const git = (args: readonly string[]): Promise<string> =>
    runToEnd(
      'git',
      ['-C', repo, '-c', 'user.name=Demo', '-c', 'user.email=demo@example.org', '-c', 'commit.gpgsign=false', ...args],
      process.env,
    ).then(({ code, output }) => {
      if (code !== 0) throw new CliError(`git ${args.join(' ')} failed: ${output.trim()}`);
      return output;
    });

  const child = (args: readonly string[]) => {
    const [command = process.execPath, ...rest] = program;
    return spawn(command, [...rest, ...args], { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  };

  const muster: Stage['muster'] = async (args, { expect, show }) => {
    say(bold(`$ muster ${args.join(' ')}`));
    const running = child(args);
    let output = '';
    let told = '';
    running.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (show === 'all') write(indented(text));
    });
    running.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (show === 'all') write(indented(text));
    });
    const [code] = (await once(running, 'close')) as [number | null];
    if (show === 'brief') write(indented(lastLines(told === '' ? output : told)));
    say('');
    if (code !== expect)
      throw new CliError(
        `the demo expected exit code ${expect} of "muster ${args.join(' ')}", and got ${code}\n${output}${told}`,
      );
    return output;
  };

  const query: Stage['query'] = async (args) => {
    const [command = process.execPath, ...rest] = program;
    const { code, output } = await runToEnd(command, [...rest, ...args], environment, folder);
    if (code !== 0) throw new CliError(`"muster ${args.join(' ')}" failed in the demo: ${output}`);
    return output;
  };

  const killDuringApply: Stage['killDuringApply'] = async (line) => {
    say(bold('$ muster apply --auto-approve'));
    const running = child(['apply', '--auto-approve']);
    let killed = false;
    let told = '';
    running.stdout.resume();
    running.stderr.setEncoding('utf8').on('data', (text: string) => {
      told += text;
      if (!killed) write(indented(text));
      if (killed || !line.test(told)) return;
      killed = true;
      running.kill('SIGKILL');
    });
    await once(running, 'close');
    if (!killed)
      throw new CliError(`the demo wanted to kill Muster in the middle of a rollout, but it was over:\n${told}`);
    say(bold(`$ kill -9 ${running.pid}      # Muster is dead, in the middle of the rollout\n`));
  };

  const commit: Stage['commit'] = async (message, changes) => {
    for (const [file, change] of Object.entries(changes)) {
      const path = join(repo, file);
      const before = readText(path);
      const after = change(before);
      if (after === before) throw new CliError(`the demo's change of ${file} changes nothing`);
      if (after === '') rmSync(path);
      else writeFileSync(path, after);
    }
    await git(['add', '-A']);
    await git(['commit', '-qm', message]);
    say(bold(`$ git commit -m '${message}'`));
    const patch = await git(['show', '--format=', '--unified=0', '--no-color', 'HEAD']);
    const lines = patch.split('\n').filter((line) => /^[+-](?![+-])/.test(line) && line.trim().length > 1);
    write(
      indented(`${lines.slice(0, mostBriefLines + 2).join('\n')}${lines.length > mostBriefLines + 2 ? '\n…' : ''}\n`),
    );
    say('');
  };

  const revert = async (): Promise<void> => {
    await git(['revert', '--no-edit', 'HEAD']);
    say(bold('$ git revert HEAD\n'));
  };

  usePorts(repo);
  await git(['init', '-q', '-b', 'main']);
  await git(['add', '-A']);
  await git(['commit', '-qm', 'quickstart']);
  let chapter = 0;
  const heading = (text: string): void => {
    chapter += 1;
    say(bold(`── ${chapter}. ${text} ${'─'.repeat(Math.max(2, 72 - text.length))}`));
  };
  return { folder, repo, muster, query, killDuringApply, commit, revert, git, say, heading };
}

/** Ports of its own, so that two demos on one machine do not race for the same ones. */
function usePorts(repo: string): void {
  const path = join(repo, 'nodes', 'local.yaml');
  const base = 31_300 + randomInt(10) * 100;
  const text = readFileSync(path, 'utf8').replaceAll(
    /range: 31(\d)00-31\d99/g,
    (_, node: string) => `range: ${base + Number(node) * 30}-${base + Number(node) * 30 + 29}`,
  );
  writeFileSync(path, text);
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};

const indented = (text: string): string => text.replaceAll(/^(?=.)/gm, '  ');

const lastLines = (text: string): string => {
  const lines = text.trimEnd().split('\n');
  return `${lines.slice(-mostBriefLines).join('\n')}\n`;
};

async function runToEnd(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  cwd?: string,
): Promise<{ readonly code: number | null; readonly output: string }> {
  const running = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'], ...(cwd !== undefined && { cwd }) });
  let output = '';
  for (const stream of [running.stdout, running.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(running, 'close')) as [number | null];
  return { code, output };
}

/** What one instance of the demo runs as: read from the process engine's own notes. */
export function runningPid(stage: Pick<Stage, 'folder'>, object: string): number {
  const state = objectStates(stage).find((each) => each.object.startsWith(object) && each.phase === 'running');
  if (state?.child === undefined) throw new CliError(`the demo found no running ${object}`);
  return state.child;
}

/** Ends whatever of the demo still runs, for the case that it breaks off. Only processes that run in its folder. */
export function sweep(stage: Pick<Stage, 'folder'>): void {
  for (const { supervisor, child } of objectStates(stage)) {
    for (const pid of [supervisor, child]) {
      if (pid !== undefined && isHere(stage, pid)) process.kill(pid, 'SIGKILL');
    }
  }
}

interface ObjectState {
  readonly object: string;
  readonly phase: string;
  readonly supervisor: number | undefined;
  readonly child: number | undefined;
}

function objectStates({ folder }: Pick<Stage, 'folder'>): readonly ObjectState[] {
  const nodes = join(folder, 'state', 'nodes');
  if (!existsSync(nodes)) return [];
  return readdirSync(nodes).flatMap((node) =>
    readdirSync(join(nodes, node)).flatMap((object): readonly ObjectState[] => {
      const text = readText(join(nodes, node, object, 'state.json'));
      if (text === '') return [];
      const { phase, supervisor, child } = JSON.parse(text) as {
        readonly phase: string;
        readonly supervisor?: { readonly pid: number };
        readonly child?: { readonly pid: number };
      };
      return [{ object, phase, supervisor: supervisor?.pid, child: child?.pid }];
    }),
  );
}

/** A pid that was used again by somebody else is not ours to kill. */
function isHere({ folder }: Pick<Stage, 'folder'>, pid: number): boolean {
  return readText(`/proc/${pid}/cmdline`).includes(folder) || linkOf(`/proc/${pid}/cwd`).startsWith(folder);
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

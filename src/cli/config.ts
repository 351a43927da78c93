import { execFile } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import type { Desired } from '../model/desired.ts';
import { hasErrors } from '../model/diagnostics.ts';
import type { DiagnosticFormat } from '../render/diagnostics.ts';
import { plural } from '../render/layout.ts';
import { type LoadResult, loadDesired } from '../source/load.ts';
import type { SourceLocation } from '../source/tree.ts';
import { CliError } from './exit.ts';
import type { Terminal } from './terminal.ts';

/** Flags that every command with a config repo has. */
export interface SourceFlags {
  readonly repo?: string;
  readonly ref?: string;
  readonly path?: string;
  readonly color?: boolean;
}

/** Where the config repo is, and what belongs to it on this machine. */
export interface Place {
  readonly location: SourceLocation;
  /** Absolute; holds the embedded store and the directories of process nodes. */
  readonly stateDir: string;
  /** The way from the working directory to the repo's root, for messages. */
  readonly root: string;
}

/** Finds the config repo. Throws `CliError` with the command that was probably meant. */
export async function locate(dir: string, flags: SourceFlags): Promise<Place> {
  if (flags.repo !== undefined) {
    if (dir !== '.')
      throw new CliError(`both a directory (${dir}) and --repo were given`, {
        hint: 'Give one of them; a folder inside the repo is --path.',
      });
    const location: SourceLocation = {
      kind: 'git',
      url: flags.repo,
      ref: flags.ref ?? 'HEAD',
      path: flags.path ?? '.',
    };
    return { location, stateDir: stateDir(process.cwd()), root: '' };
  }
  for (const name of ['ref', 'path'] as const) {
    if (flags[name] !== undefined)
      throw new CliError(`--${name} needs --repo`, { hint: `For example: --repo . --${name} ${flags[name]}` });
  }
  const path = resolve(dir);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new CliError(`no such directory: ${dir}`, { hint: 'muster init DIR writes a starter repo.' });
  if (!found.isDirectory()) {
    const hint = dir.endsWith('.json')
      ? `A saved plan is shown with: muster show ${dir}, and applied with: muster apply ${dir}`
      : 'Give the directory that the file is in.';
    throw new CliError(`${dir} is a file, not the directory of a config repo`, { hint });
  }
  return { location: { kind: 'directory', path }, stateDir: stateDir(path), root: relative(process.cwd(), path) };
}

const stateDir = (base: string): string => resolve(process.env['MUSTER_STATE_DIR'] ?? join(base, '.muster'));

/** Mirrors of remote repositories and parsed documents; may be deleted at any time. */
export const cacheDir = (): string =>
  resolve(
    process.env['MUSTER_CACHE_DIR'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'muster'),
  );

/** What git declares, or nothing and the reasons. Never throws for a user's mistake. */
export const readConfig = (place: Place): Promise<LoadResult> =>
  loadDesired({ location: place.location, cacheDir: cacheDir() });

/**
 * What git declares. Mistakes are all reported, in a CI format on stdout and otherwise on stderr; then it throws. Where
 * there are only warnings they are reported as well.
 */
export async function requireDesired(
  place: Place,
  terminal: Terminal,
  format: DiagnosticFormat = 'text',
): Promise<Desired> {
  const { desired, diagnostics } = await readConfig(place);
  const failed = desired === undefined || hasErrors(diagnostics);
  if (diagnostics.length > 0 && (failed || format === 'text')) {
    const isForTools = format !== 'text';
    const { renderDiagnostics } = await import('../render/diagnostics.ts');
    const text = renderDiagnostics(diagnostics, format, { color: terminal.errorColor, root: place.root });
    if (isForTools) await terminal.result(text);
    else terminal.say(text);
  }
  if (desired === undefined || failed) {
    const errors = diagnostics.filter((diagnostic) => diagnostic.severity === 'error').length;
    throw new CliError(`the configuration has ${plural(errors, 'error')}; nothing was planned`);
  }
  return desired;
}

/** The same folder of the same repository at another ref: what `--base` names. */
export async function locateBase(place: Place, ref: string): Promise<Place> {
  const { location } = place;
  if (location.kind === 'git') return { ...place, location: { ...location, ref } };
  const options = { cwd: location.path, timeout: 10_000 };
  try {
    const { stdout } = await promisify(execFile)('git', ['rev-parse', '--show-toplevel'], options);
    const top = stdout.trim();
    return { ...place, location: { kind: 'git', url: top, ref, path: relative(top, location.path) || '.' } };
  } catch (cause) {
    throw new CliError(`--base ${ref}: ${location.path} is not in a git repository`, { cause });
  }
}

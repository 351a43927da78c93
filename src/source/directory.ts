import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve, sep } from 'node:path';
import type { Diagnostic } from '../model/diagnostics.ts';
import { type CommitSha, commitSha } from '../model/ids.ts';
import { blobIdOf } from './blob.ts';
import { SourceError } from './error.ts';
import { isSkipped, isYaml, maxFileBytes, maxFiles } from './limits.ts';
import { openStatMemo, type StatMemo } from './statmemo.ts';
import type { SourceFile, SourceTree } from './tree.ts';
import { decodeUtf8, fileProblem, linkLeaves, linkToNothing, tooLarge, tooManyFiles } from './trouble.ts';

interface DirectoryOptions {
  readonly name: string;
  readonly cacheDir: string;
  /** Another directory, by its path from the root; it must be in the same repository. */
  readonly include?: string;
}

/** A YAML file found by the walk: where it is shown to be, and where it is. */
interface Found {
  readonly path: string;
  readonly absolute: string;
}

/** How many files are looked at or read at once. */
const parallelReads = 128;

/** The YAML files below a directory as they lie, symbolic links inside the repository followed. */
export async function openDirectory(path: string, options: DirectoryOptions): Promise<SourceTree> {
  const { root, repository } = await rootsOf(path, options.include);
  const memo = await openStatMemo(options.cacheDir, root);
  const walked = await walk(root, repository);
  const diagnostics: Diagnostic[] = [...walked.diagnostics];
  if (walked.files.length > maxFiles) throw new SourceError(tooManyFiles(options.name), { retryable: false });
  const files = await mapBounded(walked.files, (found) => openFile(found, memo, diagnostics));
  await memo.save();
  return {
    name: options.name,
    commit: 'worktree',
    files: files.filter((file) => file !== undefined).sort((a, b) => comparePaths(a.path, b.path)),
    diagnostics: diagnostics.sort((a, b) => comparePaths(a.file, b.file)),
  };
}

/** Changes when a YAML file below the directory changes, appears or vanishes. Reads only files whose stat changed. */
export async function directoryFingerprint(path: string, options: DirectoryOptions): Promise<CommitSha> {
  const tree = await openDirectory(path, options);
  const hash = createHash('sha1');
  for (const file of tree.files) hash.update(`${file.blobId} ${file.path}\n`);
  for (const diagnostic of tree.diagnostics) hash.update(`${diagnostic.code} ${diagnostic.file}\n`);
  return commitSha(hash.digest('hex'));
}

/** The directory to read, and the repository that links and includes must stay in: the directory itself where there is none. */
async function rootsOf(
  path: string,
  include: string | undefined,
): Promise<{ readonly root: string; readonly repository: string }> {
  const source = await realDirectory(path, path);
  const repository = enclosingRepository(source) ?? source;
  if (include === undefined) return { root: source, repository };
  const wanted = resolve(source, include);
  if (!isInside(wanted, repository)) throw outside(include);
  const root = await realDirectory(wanted, include, 'MUS1203');
  if (!isInside(root, repository)) throw outside(include);
  return { root, repository };
}

async function realDirectory(path: string, shown: string, code = 'MUS1106'): Promise<string> {
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (error) {
    const { code: reason, message: said } = error as NodeJS.ErrnoException;
    const message =
      reason === 'ENOENT' ? `there is no directory ${shown}` : `cannot read the directory ${shown}: ${said}`;
    const hint = 'check the path';
    throw new SourceError(fileProblem({ code, message, hint }), {
      retryable: false,
      cause: error,
    });
  }
  throw new SourceError(fileProblem({ code, message: `${shown} is a file: a directory is wanted` }), {
    retryable: false,
  });
}

function outside(include: string): SourceError {
  const message = `the include ${include} leaves the repository`;
  const hint =
    'only directories of the same repository can be included; a directory without .git above it is its own repository';
  return new SourceError(fileProblem({ code: 'MUS1201', message, hint }), { retryable: false });
}

/** The nearest directory upwards with a `.git` in it. */
function enclosingRepository(directory: string): string | undefined {
  for (let at = directory; ; at = dirname(at)) {
    if (existsSync(join(at, '.git'))) return at;
    if (dirname(at) === at) return undefined;
  }
}

/**
 * Real files first, links after them: a link to something that is listed anyway adds nothing, so nothing is read twice
 * and no chain of links goes round. Bounded by the set of real directories, each of which is visited once.
 */
async function walk(
  root: string,
  repository: string,
): Promise<{ readonly files: readonly Found[]; readonly diagnostics: readonly Diagnostic[] }> {
  const files: Found[] = [];
  const links: Found[] = [];
  const diagnostics: Diagnostic[] = [];
  const seenFiles = new Set<string>();
  const seenDirectories = new Set<string>();

  const visit = async (absolute: string, path: string): Promise<void> => {
    if (seenDirectories.has(absolute) || files.length > maxFiles) return;
    seenDirectories.add(absolute);
    const entries = await entriesOf(absolute);
    if (entries === undefined) diagnostics.push(unreadable(path));
    for (const entry of (entries ?? []).sort((a, b) => comparePaths(a.name, b.name))) {
      if (isSkipped(entry.name)) continue;
      const found = { path: path === '' ? entry.name : `${path}/${entry.name}`, absolute: join(absolute, entry.name) };
      if (entry.isDirectory()) await visit(found.absolute, found.path);
      else if (entry.isSymbolicLink()) links.push(found);
      else if (entry.isFile() && isYaml(entry.name)) add(found);
    }
  };
  const add = (found: Found): void => {
    if (seenFiles.has(found.absolute)) return;
    seenFiles.add(found.absolute);
    files.push(found);
  };

  await visit(root, '');
  for (let link = links.shift(); link !== undefined; link = links.shift()) {
    const target = await followLink(link, repository);
    if (target.kind === 'diagnostic') diagnostics.push(target.diagnostic);
    else if (target.kind === 'directory') await visit(target.absolute, link.path);
    else if (target.kind === 'file' && isYaml(link.path)) add({ path: link.path, absolute: target.absolute });
  }
  return { files, diagnostics };
}

const entriesOf = (directory: string) => readdir(directory, { withFileTypes: true }).catch(() => undefined);

const unreadable = (file: string): Diagnostic =>
  fileProblem({ code: 'MUS1106', file, message: 'the directory cannot be read', hint: 'check its permissions' });

type LinkTarget =
  | { readonly kind: 'file' | 'directory'; readonly absolute: string }
  | { readonly kind: 'diagnostic'; readonly diagnostic: Diagnostic }
  | { readonly kind: 'nothing' };

/** A link to a file that is not YAML is nobody's business, unless it leaves the repository. */
async function followLink(link: Found, repository: string): Promise<LinkTarget> {
  try {
    const absolute = await realpath(link.absolute);
    if (!isInside(absolute, repository)) return { kind: 'diagnostic', diagnostic: linkLeaves(link.path, absolute) };
    return { kind: (await stat(absolute)).isDirectory() ? 'directory' : 'file', absolute };
  } catch {
    const wanted = resolve(dirname(link.absolute), await readlink(link.absolute));
    if (!isInside(wanted, repository)) return { kind: 'diagnostic', diagnostic: linkLeaves(link.path, wanted) };
    if (!isYaml(link.path)) return { kind: 'nothing' };
    return { kind: 'diagnostic', diagnostic: linkToNothing(link.path) };
  }
}

/**
 * Reads the file only when its stat is not the one remembered. Synchronously: a small file costs 20 µs so, and ten times
 * that by way of the thread pool, which adds up to a third of the parsing of thousands.
 */
async function openFile(found: Found, memo: StatMemo, diagnostics: Diagnostic[]): Promise<SourceFile | undefined> {
  try {
    const stats = statSync(found.absolute, { bigint: true });
    const sizeBytes = Number(stats.size);
    if (sizeBytes > maxFileBytes) {
      diagnostics.push(tooLarge(found.path, sizeBytes));
      return undefined;
    }
    const remembered = memo.get(found.absolute, stats);
    const bytes = remembered === undefined ? readFileSync(found.absolute) : undefined;
    const blobId = remembered ?? blobIdOf(bytes ?? Buffer.alloc(0));
    if (remembered === undefined) memo.set(found.absolute, stats, blobId);
    const read = async () => decodeUtf8(bytes ?? (await readSame(found, blobId)), found.path);
    return { path: found.path, blobId, sizeBytes, read };
  } catch (error) {
    diagnostics.push(
      fileProblem({ code: 'MUS1106', file: found.path, message: `cannot read the file: ${(error as Error).message}` }),
    );
    return undefined;
  }
}

/** What is parsed must be what was hashed, or the cache would remember it under another file's name. */
async function readSame(found: Found, blobId: string): Promise<Buffer> {
  const bytes = await readFile(found.absolute);
  if (blobIdOf(bytes) === blobId) return bytes;
  const message = 'the file changed while it was being read';
  throw new SourceError(fileProblem({ code: 'MUS1112', file: found.path, message, hint: 'run the command again' }), {
    retryable: true,
  });
}

async function mapBounded<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let start = 0; start < items.length; start += parallelReads) {
    results.push(...(await Promise.all(items.slice(start, start + parallelReads).map(work))));
  }
  return results;
}

const isInside = (path: string, folder: string): boolean => {
  const way = relative(folder, path);
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`));
};

/** By code unit: the same on every machine and in every locale. */
const comparePaths = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

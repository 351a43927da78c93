import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type CommitSha, commitSha } from '../../model/ids.ts';
import { SourceError } from '../error.ts';
import { didYouMean } from '../suggest.ts';
import { fileProblem } from '../trouble.ts';
import { displayUrl, runGit } from './client.ts';

/** A repository on this disk in which the wanted commit is present. */
export interface GitRepository {
  /** Where git is run. */
  readonly directory: string;
  /** Directories above this one are not searched for a repository. */
  readonly ceiling: string;
  readonly url: string;
}

interface GitLocation {
  readonly url: string;
  readonly ref: string;
}

/** Two processes that fetch into one mirror at once meet at git’s lock files; the later one tries again. */
const lockRetries = 20;
const lockRetryMs = 150;

/** How many branches and tags a message lists. */
const maxNamesShown = 10;

/**
 * The repository with the commit that the ref names. A repository on this disk is read where it is. Of any other one a
 * bare mirror is kept under the cache directory, into which just the wanted commit is fetched, without its history.
 */
export async function openRepository(
  location: GitLocation,
  cacheDir: string,
): Promise<{ readonly repository: GitRepository; readonly commit: CommitSha }> {
  refuseOptions(location);
  const local = localRepository(location.url);
  if (local !== undefined) return { repository: local, commit: await resolveLocal(local, location.ref) };
  const mirror = await openMirror(location.url, cacheDir);
  return { repository: mirror, commit: await fetchCommit(mirror, location.ref) };
}

/** The commit that the ref names on the server now. Nothing is fetched. */
export async function pollCommit(location: GitLocation): Promise<CommitSha> {
  refuseOptions(location);
  const { url, ref } = location;
  const local = localRepository(url);
  if (local !== undefined) return resolveLocal(local, ref);
  if (isFullSha(ref)) return commitSha(ref);
  const listing = await runGit(['ls-remote', '--', url], { directory: process.cwd(), url });
  const found = lookUp(parseRefs(listing), ref);
  if (found === undefined) throw unknownRef(url, ref, [...parseRefs(listing).keys()].map(shortName));
  return commitSha(found);
}

/** Nothing in a url or ref may be taken for an option or a command by git. */
function refuseOptions({ url, ref }: GitLocation): void {
  const bad =
    url.startsWith('-') || url.startsWith('ext::')
      ? url
      : /^-|[\s\p{Cc}:?*[\\]|\.\./u.test(ref) || ref === ''
        ? ref
        : undefined;
  if (bad === undefined) return;
  const message = `${JSON.stringify(displayUrl(bad))} is not a git url or ref`;
  throw new SourceError(fileProblem({ code: 'MUS1102', message, hint: 'a ref is a branch, a tag or a commit' }), {
    retryable: false,
  });
}

function localRepository(url: string): GitRepository | undefined {
  const path = url.startsWith('file://') ? fileURLToPath(url) : url;
  const isRemote = /^[a-z][a-z0-9+.-]*:\/\//i.test(path) || (/^[^/]*:/.test(path) && !existsSync(path));
  if (isRemote) return undefined;
  const directory = resolve(path);
  if (existsSync(directory)) return { directory, ceiling: dirname(directory), url };
  const message = `there is no git repository there: ${directory} does not exist`;
  throw new SourceError(fileProblem({ code: 'MUS1103', message, hint: 'check the path' }), { retryable: false });
}

async function resolveLocal(repository: GitRepository, ref: string): Promise<CommitSha> {
  const found = await resolveRef(repository, ref);
  if (found !== undefined) return found;
  const names = await runGit(['for-each-ref', '--format=%(refname)'], repository);
  throw unknownRef(repository.url, ref, names.split('\n').map(shortName));
}

async function resolveRef(repository: GitRepository, ref: string): Promise<CommitSha | undefined> {
  try {
    const output = await runGit(['rev-parse', '--verify', '--end-of-options', `${ref}^{commit}`], repository);
    return commitSha(output.trim());
  } catch (error) {
    if (error instanceof SourceError && error.diagnostic.code === 'MUS1105') return undefined;
    throw error;
  }
}

async function openMirror(url: string, cacheDir: string): Promise<GitRepository> {
  const name = createHash('sha256').update(displayUrl(url)).digest('hex').slice(0, 16);
  const directory = resolve(cacheDir, 'git', name);
  const mirror = { directory, ceiling: dirname(directory), url };
  if (existsSync(join(directory, 'HEAD'))) return mirror;
  // Made beside and renamed: a second process at the same moment finds a whole mirror or none.
  await mkdir(mirror.ceiling, { recursive: true });
  const beside = await mkdtemp(`${directory}.`);
  await runGit(['init', '--quiet', '--bare', '.'], { ...mirror, directory: beside });
  try {
    await rename(beside, directory);
  } catch (error) {
    await rm(beside, { recursive: true, force: true });
    if (!existsSync(join(directory, 'HEAD'))) throw error;
  }
  return mirror;
}

/** Brings the commit into the mirror, alone when the server lets us. A commit that is there already needs no network. */
async function fetchCommit(mirror: GitRepository, ref: string): Promise<CommitSha> {
  const isSha = /^[0-9a-f]{7,40}$/.test(ref);
  const known = isSha ? await resolveRef(mirror, ref) : undefined;
  if (known !== undefined) return known;
  const kept = `refs/muster/at/${createHash('sha256').update(ref).digest('hex').slice(0, 16)}`;
  const fetched = await fetchInto(mirror, ['--depth=1', '--update-shallow'], [`+${ref}:${kept}`]);
  const alone = fetched ? await resolveRef(mirror, kept) : undefined;
  if (alone !== undefined) return alone;
  // An abbreviated commit, or a server that gives out only what has a name: fetch everything that has one, with history.
  if (isSha) {
    const history = existsSync(join(mirror.directory, 'shallow')) ? ['--unshallow'] : [];
    await fetchInto(mirror, history, ['+refs/heads/*:refs/muster/heads/*', '+refs/tags/*:refs/muster/tags/*']);
    const commit = await resolveRef(mirror, ref);
    if (commit !== undefined) return commit;
  }
  const listing = await runGit(['ls-remote', '--', mirror.url], mirror);
  throw unknownRef(mirror.url, ref, [...parseRefs(listing).keys()].map(shortName));
}

/** False when the server has no such ref. */
async function fetchInto(
  mirror: GitRepository,
  options: readonly string[],
  refspecs: readonly string[],
): Promise<boolean> {
  const quiet = ['--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--progress'];
  const command = ['-c', 'gc.autoDetach=false', 'fetch', ...quiet, ...options, '--', mirror.url, ...refspecs];
  for (let attempt = 1; ; attempt += 1) {
    try {
      await runGit(command, mirror);
      return true;
    } catch (error) {
      const said = error instanceof SourceError ? String(error.cause) : '';
      if (/couldn't find remote ref|not our ref|unadvertised object|no such remote ref/i.test(said)) return false;
      // A plain web server has no git behind it: it gives out whole histories only.
      if (/dumb http transport does not support/.test(said) && options.includes('--depth=1'))
        return fetchInto(mirror, [], refspecs);
      const isLocked = /\.lock'?: File exists|cannot lock ref|shallow file has changed/.test(said);
      if (!isLocked || attempt >= lockRetries) throw error;
      await sleep(lockRetryMs);
    }
  }
}

/** Full ref name → commit, tags peeled. */
function parseRefs(listing: string): ReadonlyMap<string, string> {
  const refs = new Map<string, string>();
  for (const line of listing.split('\n')) {
    const [sha, name] = line.split('\t');
    if (sha !== undefined && name !== undefined) refs.set(name.replace(/\^\{\}$/, ''), sha);
  }
  return refs;
}

/** git’s own order for a short name: as it is, then a tag, then a branch. */
function lookUp(refs: ReadonlyMap<string, string>, ref: string): string | undefined {
  for (const name of [ref, `refs/${ref}`, `refs/tags/${ref}`, `refs/heads/${ref}`]) {
    const sha = refs.get(name);
    if (sha !== undefined) return sha;
  }
  return undefined;
}

function unknownRef(url: string, ref: string, names: readonly string[]): SourceError {
  const shorts = [...new Set(names)]
    .filter((name) => name !== '' && !name.startsWith('refs/') && name !== 'HEAD')
    .sort();
  const { hint = 'push the branch or commit first, or name another one' } = didYouMean(ref, shorts);
  return new SourceError(
    {
      ...fileProblem({
        code: 'MUS1102',
        message: `${displayUrl(url)} has no branch, tag or commit ${JSON.stringify(ref)}`,
        hint,
      }),
      found: ref,
      ...(shorts.length > 0 && { allowed: shorts.slice(0, maxNamesShown) }),
    },
    { retryable: false },
  );
}

const isFullSha = (ref: string): boolean => /^[0-9a-f]{40}$/.test(ref);

const shortName = (name: string): string => name.replace(/^refs\/(heads|tags)\//, '');

import { normalize } from 'node:path/posix';
import type { Diagnostic } from '../../model/diagnostics.ts';
import type { CommitSha } from '../../model/ids.ts';
import { SourceError } from '../error.ts';
import { isSkipped, isYaml, maxFileBytes, maxFiles } from '../limits.ts';
import type { SourceFile, SourceLocation, SourceTree } from '../tree.ts';
import { decodeUtf8, fileProblem, linkLeaves, linkToNothing, tooLarge, tooManyFiles } from '../trouble.ts';
import { openBlobReader } from './batch.ts';
import { displayUrl } from './client.ts';
import { followInTree, listTree, type TreeEntry, type TreeListing } from './listing.ts';
import { openRepository, pollCommit } from './repository.ts';

type GitLocation = Extract<SourceLocation, { readonly kind: 'git' }>;
type BlobReader = (blobId: string) => Promise<Buffer>;

/** The YAML files of a commit, read from git’s objects as they are asked for; there is never a work tree. */
export async function openGitTree(
  location: GitLocation,
  options: { readonly name: string; readonly cacheDir: string },
): Promise<SourceTree> {
  const path = treePath(location.path);
  const { repository, commit } = await openRepository(location, options.cacheDir);
  const listing = await listTree(repository, commit);
  if (!listing.directories.has(path)) throw noSuchPath(location, commit);
  const readBlob = openBlobReader(repository);
  const { found, diagnostics } = await select(listing, path, readBlob);
  if (found.size > maxFiles) throw new SourceError(tooManyFiles(options.name), { retryable: false });
  const files: SourceFile[] = [];
  for (const [shown, entry] of found) {
    if (entry.sizeBytes > maxFileBytes) diagnostics.push(tooLarge(shown, entry.sizeBytes));
    else files.push(fileOf(shown, entry, readBlob));
  }
  return {
    name: options.name,
    commit,
    files: files.sort((a, b) => comparePaths(a.path, b.path)),
    diagnostics: diagnostics.sort((a, b) => comparePaths(a.file, b.file)),
  };
}

/** The commit that the ref names now. Throws `SourceError`. */
export const pollGitRef = (location: GitLocation): Promise<CommitSha> => pollCommit(location);

function fileOf(path: string, entry: TreeEntry, readBlob: BlobReader): SourceFile {
  const { blobId, sizeBytes } = entry;
  return { path, blobId, sizeBytes, read: async () => decodeUtf8(await readBlob(blobId), path) };
}

/** The YAML files below a path, by their path from there: real ones first, then what links add to them. */
async function select(
  listing: TreeListing,
  root: string,
  readBlob: BlobReader,
): Promise<{ readonly found: Map<string, TreeEntry>; readonly diagnostics: Diagnostic[] }> {
  const found = new Map<string, TreeEntry>();
  const diagnostics: Diagnostic[] = [];
  const reached = new Set<string>();
  const links: { readonly shown: string; readonly at: string }[] = [];
  const readLink = async (entry: TreeEntry) => (await readBlob(entry.blobId)).toString();

  const visit = (directory: string, shownAs: string): void => {
    for (const [at, entry] of listing.entries) {
      const below = pathBelow(at, directory);
      if (below === undefined || below.split('/').some(isSkipped)) continue;
      const shown = shownAs === '' ? below : `${shownAs}/${below}`;
      if (entry.kind === 'file') {
        add(at, shown, entry);
      } else if (!reached.has(at)) {
        reached.add(at);
        if (entry.kind === 'link') links.push({ shown, at });
        else diagnostics.push(submodule(shown));
      }
    }
  };
  const add = (at: string, shown: string, entry: TreeEntry): void => {
    if (!isYaml(shown) || reached.has(at)) return;
    reached.add(at);
    found.set(shown, entry);
  };

  visit(root, '');
  // Every link is followed once, so this ends.
  for (let link = links.shift(); link !== undefined; link = links.shift()) {
    const end = await followInTree(link.at, listing, readLink);
    if (end.kind === 'inside') {
      const target = listing.entries.get(end.path);
      if (target === undefined) visit(end.path, link.shown);
      else if (target.kind === 'file') add(end.path, link.shown, target);
    } else if (end.kind === 'outside') {
      diagnostics.push(linkLeaves(link.shown, end.text));
    } else if (isYaml(link.shown)) {
      diagnostics.push(linkToNothing(link.shown));
    }
  }
  return { found, diagnostics };
}

function treePath(path: string): string {
  const normal = normalize(path).replace(/\/$/, '') || '.';
  if (normal !== '..' && !normal.startsWith('../') && !normal.startsWith('/')) return normal;
  const hint = 'only directories of the same repository can be read';
  throw new SourceError(fileProblem({ code: 'MUS1201', message: `the path ${path} leaves the repository`, hint }), {
    retryable: false,
  });
}

function noSuchPath(location: GitLocation, commit: CommitSha): SourceError {
  const message = `${displayUrl(location.url)} has no directory ${location.path} at ${commit.slice(0, 12)}`;
  return new SourceError(fileProblem({ code: 'MUS1203', message, hint: 'check the path, and that it is committed' }), {
    retryable: false,
  });
}

const submodule = (file: string): Diagnostic =>
  fileProblem({
    code: 'MUS1110',
    severity: 'warning',
    file,
    message: 'a git submodule is not read',
    hint: 'declare its repository under Cluster.spec.sources',
  });

const pathBelow = (path: string, directory: string): string | undefined =>
  directory === '.' ? path : path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : undefined;

const comparePaths = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

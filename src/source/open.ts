import { join } from 'node:path/posix';
import type { CommitSha } from '../model/ids.ts';
import { directoryFingerprint, openDirectory } from './directory.ts';
import type { SourceLocation, SourceTree } from './tree.ts';

export interface OpenOptions {
  /** The source's name, for messages. */
  readonly name: string;
  /** Holds mirrors of remote repositories and what is remembered between runs; made when needed. */
  readonly cacheDir: string;
}

/**
 * The YAML files of a source: a directory as it lies, or a git tree at the commit that the ref names now, without a
 * work tree. Problems of single files are the tree's diagnostics. Throws `SourceError` when nothing can be read: unknown
 * ref, server unreachable, no such directory.
 */
export async function openTree(location: SourceLocation, options: OpenOptions): Promise<SourceTree> {
  if (location.kind === 'directory') return openDirectory(location.path, options);
  // Loaded when needed: the git client costs 50 ms to import, and a plan of a directory runs without it.
  const { openGitTree } = await import('./git/tree.ts');
  return openGitTree(location, options);
}

/**
 * What the source is at now, cheaply: the commit that the ref names on the server (one `git ls-remote`, nothing is
 * fetched), or a fingerprint of a directory's content. Different from the last one means: look again. Throws `SourceError`.
 */
export async function pollRef(location: SourceLocation, options: OpenOptions): Promise<CommitSha> {
  if (location.kind === 'directory') return directoryFingerprint(location.path, options);
  const { pollGitRef } = await import('./git/tree.ts');
  return pollGitRef(location);
}

/**
 * Another directory of the same repository at the same commit, by its path from the source's root (`../base`). The
 * files' paths are relative to that root too. Throws `SourceError`, also when the path leaves the repository.
 */
export async function openInclude(
  location: SourceLocation,
  include: { readonly path: string; readonly commit: SourceTree['commit'] },
  options: OpenOptions,
): Promise<SourceTree> {
  const tree =
    location.kind === 'directory'
      ? await openDirectory(location.path, { ...options, include: include.path })
      : await openTree({ ...location, ref: include.commit, path: join(location.path, include.path) }, options);
  return { ...tree, files: tree.files.map((file) => ({ ...file, path: join(include.path, file.path) })) };
}

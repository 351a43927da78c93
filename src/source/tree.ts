import type { Diagnostic } from '../model/diagnostics.ts';
import type { CommitSha } from '../model/ids.ts';

/** The YAML files of one source at one point: a git tree at a commit, or a directory as it lies. */
export interface SourceTree {
  readonly name: string;
  readonly commit: CommitSha | 'worktree';
  /** Sorted by path; YAML files only. */
  readonly files: readonly SourceFile[];
  /** What made part of the tree unreadable: symlinks that leave it, files over the size limit. */
  readonly diagnostics: readonly Diagnostic[];
}

export interface SourceFile {
  /** Relative to the source's root, with `/`. */
  readonly path: string;
  /** git's blob id (computed the same way for a directory): the key of the parse cache. */
  readonly blobId: string;
  readonly sizeBytes: number;
  read(): Promise<string>;
}

/** Where a config repo is. */
export type SourceLocation =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'git'; readonly url: string; readonly ref: string; readonly path: string };

import { join, normalize } from 'node:path/posix';
import type { CommitSha } from '../../model/ids.ts';
import { maxLinkHops } from '../limits.ts';
import { runGit } from './client.ts';
import type { GitRepository } from './repository.ts';

/** Everything in a commit's tree, by path, and how to follow links in it. */
export interface TreeListing {
  readonly entries: ReadonlyMap<string, TreeEntry>;
  /** Paths of directories; the root is `.`. */
  readonly directories: ReadonlySet<string>;
}

export interface TreeEntry {
  readonly kind: 'file' | 'link' | 'submodule';
  readonly blobId: string;
  readonly sizeBytes: number;
}

export async function listTree(repository: GitRepository, commit: CommitSha): Promise<TreeListing> {
  const output = await runGit(['ls-tree', '-r', '-z', '-l', '--full-tree', commit], repository);
  const entries = new Map<string, TreeEntry>();
  const directories = new Set<string>(['.']);
  for (const line of output.split('\0')) {
    const match = /^(\d{6}) \w+ ([0-9a-f]{40,64}) +(\d+|-)\t(.*)$/s.exec(line);
    if (match === null) continue;
    const [, mode, blobId = '', size, path = ''] = match;
    const kind = mode === '120000' ? 'link' : mode === '160000' ? 'submodule' : 'file';
    entries.set(path, { kind, blobId, sizeBytes: size === '-' ? 0 : Number(size) });
    for (let slash = path.lastIndexOf('/'); slash > 0; slash = path.lastIndexOf('/', slash - 1)) {
      const directory = path.slice(0, slash);
      if (directories.has(directory)) break;
      directories.add(directory);
    }
  }
  return { entries, directories };
}

/** Where a link ends: at a path of the tree, outside of it, or nowhere. */
export type LinkEnd =
  | { readonly kind: 'inside'; readonly path: string }
  | { readonly kind: 'outside' | 'nowhere'; readonly text: string };

/** Follows a path through every link on its way, as the file system would. `readLink` gives the text of a link. */
export async function followInTree(
  path: string,
  listing: TreeListing,
  readLink: (entry: TreeEntry) => Promise<string>,
): Promise<LinkEnd> {
  let todo = path.split('/');
  let done = '.';
  let hops = 0;
  for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
    const here = join(done, part);
    const entry = listing.entries.get(here);
    if (entry?.kind !== 'link') {
      done = here;
      continue;
    }
    const text = await readLink(entry);
    const target = normalize(join(done, text));
    hops += 1;
    if (text.startsWith('/') || target === '..' || target.startsWith('../')) return { kind: 'outside', text };
    if (hops > maxLinkHops) return { kind: 'nowhere', text };
    // The way is walked again from the root: a link may lead through another one.
    todo = [...target.split('/'), ...todo];
    done = '.';
  }
  const exists = listing.entries.has(done) || listing.directories.has(done);
  return exists ? { kind: 'inside', path: done } : { kind: 'nowhere', text: done };
}

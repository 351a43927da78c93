import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Desired } from '../model/desired.ts';
import { writeCacheFile } from './cachefile.ts';
import type { SourceLocation, SourceTree } from './tree.ts';

/**
 * What a tree declares, by the blob ids of all of its files: a repo that has not changed at all is not even normalised
 * again. Only for trees that stand alone (no includes, no remote sources) and have nothing to say (no diagnostics).
 */
export interface DesiredCache {
  get(tree: SourceTree): Desired | undefined;
  put(tree: SourceTree, desired: Desired): Promise<void>;
}

interface CacheFile {
  readonly key: string;
  readonly desired: Desired;
}

/** One file for each location; the latest tree wins. `today`: warnings about dates that have passed begin with a day. */
export function openDesiredCache(options: {
  readonly cacheDir: string;
  readonly location: SourceLocation;
  readonly today: string;
}): DesiredCache {
  const { cacheDir, location, today } = options;
  const name = createHash('sha256').update(JSON.stringify(location)).digest('hex').slice(0, 32);
  const path = join(cacheDir, 'desired', `${name}.json`);
  return {
    get: (tree) => {
      const file = readCacheFile(path);
      if (file === undefined || file.key !== keyOf(tree, today)) return undefined;
      const commits = Object.fromEntries(Object.keys(file.desired.commits).map((source) => [source, tree.commit]));
      return { ...file.desired, commits };
    },
    put: (tree, desired) => {
      const file: CacheFile = { key: keyOf(tree, today), desired };
      return writeCacheFile(path, JSON.stringify(file));
    },
  };
}

/** Anything else than what was written whole is no entry. */
function readCacheFile(path: string): CacheFile | undefined {
  try {
    const file = JSON.parse(readFileSync(path, 'utf8')) as Partial<CacheFile> | null;
    return typeof file?.key === 'string' && file.desired !== undefined ? (file as CacheFile) : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(tree: SourceTree, today: string): string {
  const hash = createHash('sha256').update(`${programVersion()}\n${today}\n`);
  for (const { path, blobId } of tree.files) hash.update(`${blobId} ${path}\n`);
  return hash.digest('hex');
}

/** Changes with every build: what another build of the loader and its vocabulary made is made again. */
function programVersion(): string {
  const hash = createHash('sha256');
  for (const folder of [import.meta.dirname, join(import.meta.dirname, '..', 'model')]) {
    for (const name of readdirSync(folder).sort()) {
      const { mtimeMs, size } = statSync(join(folder, name));
      hash.update(`${name} ${mtimeMs} ${size}\n`);
    }
  }
  return hash.digest('hex');
}

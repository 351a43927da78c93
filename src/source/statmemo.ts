import { createHash } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeCacheFile } from './cachefile.ts';

/** Blob ids of files whose stat has not changed, so that a warm run reads no file. */
export interface StatMemo {
  get(path: string, stats: BigIntStats): string | undefined;
  set(path: string, stats: BigIntStats, blobId: string): void;
  save(): Promise<void>;
}

interface MemoFile {
  readonly formatVersion: 1;
  /** Absolute path → [size, mtime, ctime and inode, blob id] */
  readonly files: Readonly<Record<string, readonly [string, string]>>;
}

/**
 * A file that changed this shortly before it was read may change again within the same tick of the file system's clock
 * and look the same: it is not remembered (git calls such an index entry racy).
 */
const racyNs = 1_000_000_000n;

export async function openStatMemo(cacheDir: string, root: string): Promise<StatMemo> {
  const folder = join(cacheDir, 'stat');
  const path = join(folder, `${createHash('sha256').update(root).digest('hex').slice(0, 16)}.json`);
  const startedNs = BigInt(Date.now()) * 1_000_000n;
  const before = await readMemo(path);
  const after: Record<string, readonly [string, string]> = {};
  let changed = false;
  return {
    get: (file, stats) => {
      const entry = before[file];
      if (entry === undefined || entry[0] !== identity(stats)) return undefined;
      after[file] = entry;
      return entry[1];
    },
    set: (file, stats, blobId) => {
      const racySince = startedNs - racyNs;
      if (stats.mtimeNs > racySince || stats.ctimeNs > racySince) return;
      after[file] = [identity(stats), blobId];
      changed = true;
    },
    save: async () => {
      if (!changed && Object.keys(after).length === Object.keys(before).length) return;
      await writeCacheFile(path, JSON.stringify({ formatVersion: 1, files: after } satisfies MemoFile));
    },
  };
}

const identity = (stats: BigIntStats): string => `${stats.size} ${stats.mtimeNs} ${stats.ctimeNs} ${stats.ino}`;

/** Anything that is not a memo of this format is as good as none. */
async function readMemo(path: string): Promise<MemoFile['files']> {
  try {
    const memo = JSON.parse(await readFile(path, 'utf8')) as Partial<MemoFile> | null;
    return memo?.formatVersion === 1 && typeof memo.files === 'object' ? memo.files : {};
  } catch {
    return {};
  }
}

import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Writes a file of the cache beside its place and renames it, so that a reader never sees half of one and the last of
 * several writers wins. Where the cache cannot be written (a read-only disk, no space) nothing happens: that costs time at
 * the next run and is no reason to fail this one.
 */
export async function writeCacheFile(path: string, text: string): Promise<void> {
  const beside = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(beside, text);
    await rename(beside, path);
  } catch {
    await rm(beside, { force: true }).catch(() => undefined);
  }
}

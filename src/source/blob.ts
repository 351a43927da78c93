import { createHash } from 'node:crypto';

/** git's id of a file's content, so that a directory and a commit share one parse cache. */
export const blobIdOf = (bytes: Uint8Array): string =>
  createHash('sha1').update(`blob ${bytes.byteLength}\0`).update(bytes).digest('hex');

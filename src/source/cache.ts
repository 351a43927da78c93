import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { writeCacheFile } from './cachefile.ts';

/**
 * Parsed documents by git blob id, so that an unchanged file is not parsed again. One file in the cache directory, read
 * once when first needed. It is only a cache: what is damaged, of another version or missing is parsed anew.
 */
export interface DocumentCache {
  get(blobId: string): Promise<readonly CachedDocument[] | undefined>;
  /** Only documents without a problem belong here: problems are found by parsing. */
  put(blobId: string, documents: readonly CachedDocument[]): void;
  /** Writes what is new, atomically; several processes may do so at once, and the last one wins. */
  flush(): Promise<void>;
}

/** What parsing one document gives, positions left out. */
export interface CachedDocument {
  readonly index: number;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  /** 1-based line of the document's first key. */
  readonly line: number;
  readonly value: Readonly<Record<string, unknown>>;
}

const fileName = 'documents.cache';
/** Raise when what `CachedDocument` means changes. */
const formatVersion = 1;
/** An entry is dropped when this many flushes that wrote something went by without its use. */
const unusedFlushes = 8;
const maxBytes = 64 * 1024 * 1024;

interface Entry {
  /** JSON as in the file: parsed when asked for, copied as it is when flushed. */
  readonly json: string;
  /** Number of the last flush before which it was used. */
  readonly lastUsed: number;
}

export function openDocumentCache(cacheDir: string): DocumentCache {
  const path = join(cacheDir, fileName);
  const entries = new Map<string, Entry>();
  const used = new Set<string>();
  let flushes = 0;
  let changed = false;
  let loading: Promise<string> | undefined;

  /** Reads the file once; resolves to the version that it has to be of. */
  const loaded = (): Promise<string> => {
    loading ??= (async () => {
      const version = await currentVersion();
      const content = parseFile(await readOrEmpty(path), version);
      flushes = content.flushes;
      for (const [blobId, entry] of content.entries) if (!entries.has(blobId)) entries.set(blobId, entry);
      return version;
    })();
    return loading;
  };

  return {
    get: async (blobId) => {
      await loaded();
      const entry = entries.get(blobId);
      if (entry === undefined) return undefined;
      used.add(blobId);
      return JSON.parse(entry.json) as readonly CachedDocument[];
    },
    put: (blobId, documents) => {
      changed = true;
      used.add(blobId);
      entries.set(blobId, { json: JSON.stringify(documents), lastUsed: flushes });
    },
    flush: async () => {
      const version = await loaded();
      if (!changed) return;
      changed = false;
      flushes += 1;
      for (const [blobId, { json, lastUsed }] of [...entries]) {
        if (used.has(blobId)) entries.set(blobId, { json, lastUsed: flushes });
        else if (flushes - lastUsed >= unusedFlushes) entries.delete(blobId);
      }
      used.clear();
      await writeCacheFile(path, formatFile(version, flushes, entries));
    },
  };
}

/** First line: format, version, flush count, checksum of the rest. Then `blob id, flush of last use, JSON` a line, by tabs. */
function formatFile(version: string, flushes: number, entries: ReadonlyMap<string, Entry>): string {
  const lines: string[] = [];
  let bytes = 0;
  for (const [blobId, { json, lastUsed }] of [...entries].sort(([, a], [, b]) => b.lastUsed - a.lastUsed)) {
    bytes += json.length;
    if (bytes > maxBytes) break;
    lines.push(`${blobId}\t${lastUsed}\t${json}\n`);
  }
  const body = lines.join('');
  return `muster-documents\t${version}\t${flushes}\t${crc32(body)}\n${body}`;
}

function parseFile(
  text: string,
  version: string,
): { readonly flushes: number; readonly entries: ReadonlyMap<string, Entry> } {
  const headerEnd = text.indexOf('\n');
  const [format, fileVersion, flushes, checksum] = text.slice(0, Math.max(headerEnd, 0)).split('\t');
  const body = text.slice(headerEnd + 1);
  const entries = new Map<string, Entry>();
  if (format !== 'muster-documents' || fileVersion !== version || Number(checksum) !== crc32(body))
    return { flushes: 0, entries };
  for (const line of body.split('\n')) {
    const [blobId, lastUsed, json] = line.split('\t');
    if (blobId !== undefined && json !== undefined) entries.set(blobId, { json, lastUsed: Number(lastUsed) });
  }
  return { flushes: Number(flushes), entries };
}

/** Changes with the package and with every schema: what an older Muster accepted is looked at again. */
async function currentVersion(): Promise<string> {
  const root = join(import.meta.dirname, '..', '..');
  const schemaFolder = join(root, 'schema');
  const schemas = (await readdir(schemaFolder)).filter((name) => name.endsWith('.schema.json')).sort();
  const hash = createHash('sha256').update(`${formatVersion}\n`);
  for (const path of [join(root, 'package.json'), ...schemas.map((name) => join(schemaFolder, name))])
    hash.update(await readFile(path));
  return hash.digest('hex').slice(0, 16);
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch {
    return '';
  }
}

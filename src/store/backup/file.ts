import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, open, rename, rm } from 'node:fs/promises';
import type { ClusterIdentity } from '../../model/recorded.ts';
import { keys, prefixes } from '../keys.ts';
import { type KeyValue, type RangeResult, StoreError } from '../store.ts';

const backupFormat = '1.0';

/** First line of a backup. */
export interface BackupHeader {
  readonly musterBackup: string;
  readonly cluster: string;
  /** Absent when nothing was ever applied. */
  readonly uid?: string;
  readonly epoch?: number;
  /** The store revision at which everything was read. */
  readonly revision: number;
  /** ISO 8601 */
  readonly takenAt: string;
}

export interface Backup {
  readonly header: BackupHeader;
  readonly records: readonly Pick<KeyValue, 'key' | 'value'>[];
}

/** Last line of a backup: nothing is cut off, and nothing was changed. */
interface BackupFooter {
  readonly count: number;
  /** Of all lines before this one, line ends included. */
  readonly sha256: string;
}

/** What belongs to processes that are alive, not to what is recorded. */
export const isTransient = (key: string): boolean =>
  key === keys.leader || key === keys.restoring || key.startsWith(prefixes.requests);

/** Of records that were read at `revision`; `now` in Unix ms. */
export const backupHeader = (of: {
  readonly cluster: string;
  readonly identity?: ClusterIdentity | undefined;
  readonly revision: number;
  readonly now: number;
}): BackupHeader => ({
  musterBackup: backupFormat,
  cluster: of.cluster,
  ...(of.identity !== undefined && { uid: of.identity.uid, epoch: of.identity.epoch }),
  revision: of.revision,
  takenAt: new Date(of.now).toISOString(),
});

/**
 * Writes a backup: a header, a record a line, and a footer with their checksum. The file is whole or not there: it is
 * written beside, synced and renamed; only its owner may read it. Throws `StoreError` `badBackup`, also when there is a
 * file already and it is not to be overwritten.
 */
export async function writeBackup(
  file: string,
  of: {
    readonly range: RangeResult;
    readonly identity: ClusterIdentity | undefined;
    readonly cluster: string;
    /** Unix ms */
    readonly now: number;
    readonly existing: 'refuse' | 'overwrite';
  },
): Promise<BackupHeader & BackupFooter> {
  const { range, identity, cluster } = of;
  const header = backupHeader({ cluster, identity, revision: range.revision, now: of.now });
  const records = range.entries.filter(({ key }) => !isTransient(key));
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    const footer = await writeLines(temporary, header, records);
    await publish(temporary, file, of.existing);
    return { ...header, ...footer };
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw bad(`${file} cannot be written: ${message}`, 'Check that the folder exists, may be written to and has room.');
  } finally {
    await rm(temporary, { force: true });
  }
}

/** Characters that are collected before they are written. */
const blockChars = 1_000_000;

async function writeLines(file: string, header: BackupHeader, records: Backup['records']): Promise<BackupFooter> {
  await rm(file, { force: true });
  const handle = await open(file, 'wx', 0o600);
  const hash = createHash('sha256');
  try {
    let block = `${JSON.stringify(header)}\n`;
    const flush = async (): Promise<void> => {
      hash.update(block);
      await handle.writeFile(block);
      block = '';
    };
    for (const { key, value } of records) {
      block += `${JSON.stringify([key, value])}\n`;
      if (block.length > blockChars) await flush();
    }
    await flush();
    const footer: BackupFooter = { count: records.length, sha256: hash.digest('hex') };
    await handle.writeFile(`${JSON.stringify(footer)}\n`);
    await handle.sync();
    return footer;
  } finally {
    await handle.close();
  }
}

/** A link never takes the place of a file, also not of one that came a moment ago. */
async function publish(temporary: string, file: string, existing: 'refuse' | 'overwrite'): Promise<void> {
  if (existing === 'overwrite') return rename(temporary, file);
  await link(temporary, file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
    throw bad(`${file} is there already; nothing was written`, 'Name another file, or overwrite it with --force.');
  });
}

/** Reads a backup whole and proves its checksum. Throws `StoreError` `badBackup`. */
export async function readBackup(file: string): Promise<Backup> {
  const hash = createHash('sha256');
  const lines: string[] = [];
  try {
    // Not by readline: it ends lines at U+2028, too, which JSON leaves as it is.
    let rest = '';
    for await (const text of createReadStream(file, 'utf8')) {
      const parts = (rest + String(text)).split('\n');
      rest = parts.pop() ?? '';
      for (const part of parts) lines.push(part);
    }
  } catch (cause) {
    throw bad(`${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, 'Check the path.');
  }
  const footer = parse(lines.pop() ?? '') as Partial<BackupFooter> | undefined;
  const header = parse(lines[0] ?? '') as Partial<BackupHeader> | undefined;
  if (typeof header?.musterBackup !== 'string')
    throw bad(`${file} is not a backup of a Muster store`, 'Use a file that `muster store backup` wrote.');
  if (header.musterBackup.split('.')[0] !== backupFormat.split('.')[0])
    throw bad(`${file} has format ${header.musterBackup}; this muster reads ${backupFormat}`, 'Use a newer muster.');
  for (const line of lines) hash.update(`${line}\n`);
  if (footer?.count !== lines.length - 1 || footer.sha256 !== hash.digest('hex'))
    throw bad(`${file} is damaged or cut short: its checksum does not fit; nothing was changed`, 'Use another backup.');
  const records = lines.slice(1).map((line) => {
    const [key, value] = JSON.parse(line) as [string, string];
    return { key, value };
  });
  return { header: header as BackupHeader, records };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const bad = (message: string, hint: string): StoreError =>
  new StoreError({ code: 'badBackup', message, retryable: false, hint });

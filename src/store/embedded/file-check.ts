import { existsSync, readFileSync } from 'node:fs';
import { StoreError } from '../store.ts';

/** lmdb on a 64-bit little-endian machine: a page header of 24 bytes, then MDB_meta, in which each tree takes 48 bytes. */
const magic = 0xbeef_c0de;
const headerBytes = 24;
const metaBytes = 168;
const offsets = { magic: 24, pageSize: 48, freeRoot: 88, mainRoot: 136, lastPage: 144, transaction: 152 } as const;
const flags = { branch: 0x01, leaf: 0x02, overflow: 0x04 } as const;
const nodeFlags = { big: 0x01, subtree: 0x02 } as const;
const noPage = 0xffff_ffff_ffff_ffffn;
const maxDepth = 32;
/** Another process may commit while the file is read; each attempt looks at a newer state. */
const maxAttempts = 3;

interface Meta {
  readonly pageSize: number;
  readonly lastPage: number;
  readonly roots: readonly bigint[];
  readonly transaction: bigint;
}

/**
 * Looks at the file before lmdb maps it: a page that is missing would end this process by SIGBUS, a wild offset by
 * SIGSEGV. Every page that the newest state refers to must be there and be what it says. Throws `StoreError` `corrupt`.
 */
export function checkDataFile(dataFile: string): void {
  if (!existsSync(dataFile)) return;
  for (let attempt = 1; ; attempt += 1) {
    const file = readFileSync(dataFile);
    const meta = newestMeta(file);
    const problem = meta === undefined ? `it holds ${file.length} bytes and no lmdb header` : damageOf(file, meta);
    if (problem === undefined) return;
    // Pages are reused two commits after they were freed: a walk that a writer overtook says nothing.
    const overtaken = meta !== undefined && newestMeta(readFileSync(dataFile))?.transaction !== meta.transaction;
    if (!overtaken || attempt === maxAttempts) throw corruptFile(dataFile, problem);
  }
}

function newestMeta(file: Buffer): Meta | undefined {
  const first = metaAt(file, 0);
  const second = metaAt(file, first?.pageSize ?? 4096);
  if (first === undefined || second === undefined) return first ?? second;
  return first.transaction > second.transaction ? first : second;
}

function metaAt(file: Buffer, start: number): Meta | undefined {
  if (file.length < start + metaBytes || file.readUInt32LE(start + offsets.magic) !== magic) return undefined;
  const pageSize = file.readUInt32LE(start + offsets.pageSize);
  if (pageSize < 512 || pageSize > 65_536) return undefined;
  return {
    pageSize,
    lastPage: Number(file.readBigUInt64LE(start + offsets.lastPage)),
    roots: [file.readBigUInt64LE(start + offsets.freeRoot), file.readBigUInt64LE(start + offsets.mainRoot)],
    transaction: file.readBigUInt64LE(start + offsets.transaction),
  };
}

function damageOf(file: Buffer, meta: Meta): string | undefined {
  // Both headers must be there: the writer overwrites the older one.
  if (file.length < 2 * meta.pageSize) return `it was cut off after ${file.length} bytes`;
  const stack = meta.roots.filter((root) => root !== noPage).map((root) => ({ page: Number(root), depth: 0 }));
  const seen = new Set<number>();
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    const { page, depth } = next;
    if (page > meta.lastPage || (page + 1) * meta.pageSize > file.length) {
      return `it was cut off: page ${page} of ${meta.lastPage + 1} is missing (${file.length} bytes are there)`;
    }
    if (depth > maxDepth || seen.has(page)) return `page ${page} is referred to in a circle`;
    seen.add(page);
    const children = readPage(file, page, meta);
    if (children === undefined) return `page ${page} is damaged`;
    for (const child of children) stack.push({ page: child, depth: depth + 1 });
  }
  return undefined;
}

/** Pages that this one refers to; undefined when it is not a sound branch or leaf. */
function readPage(file: Buffer, page: number, { pageSize, lastPage }: Meta): readonly number[] | undefined {
  const start = page * pageSize;
  const kind = file.readUInt16LE(start + 18);
  if (Number(file.readBigUInt64LE(start)) !== page || (kind & (flags.branch | flags.leaf)) === 0) return undefined;
  const lower = file.readUInt16LE(start + 20);
  if (lower > pageSize - headerBytes || lower % 2 !== 0) return undefined;
  const children: number[] = [];
  for (let index = 0; index < lower / 2; index += 1) {
    // Node offsets count from behind the page header.
    const node = file.readUInt16LE(start + headerBytes + 2 * index) + headerBytes;
    if (node + 8 > pageSize) return undefined;
    const low = file.readUInt32LE(start + node);
    const nodeFlag = file.readUInt16LE(start + node + 4);
    const data = node + 8 + file.readUInt16LE(start + node + 6);
    if (data > pageSize) return undefined;
    if ((kind & flags.branch) !== 0) children.push(low + nodeFlag * 2 ** 32);
    else if ((nodeFlag & nodeFlags.big) !== 0) {
      if (!overflowIsThere(file, Number(file.readBigUInt64LE(start + data)), low, { pageSize, lastPage }))
        return undefined;
    } else if (data + low > pageSize) return undefined;
    else if ((nodeFlag & nodeFlags.subtree) !== 0) {
      const root = file.readBigUInt64LE(start + data + 40);
      if (root !== noPage) children.push(Number(root));
    }
  }
  return children;
}

function overflowIsThere(
  file: Buffer,
  page: number,
  bytes: number,
  meta: Pick<Meta, 'pageSize' | 'lastPage'>,
): boolean {
  const start = page * meta.pageSize;
  const pages = Math.ceil((bytes + headerBytes) / meta.pageSize);
  if (page + pages - 1 > meta.lastPage || start + headerBytes + bytes > file.length) return false;
  return Number(file.readBigUInt64LE(start)) === page && (file.readUInt16LE(start + 18) & flags.overflow) !== 0;
}

const corruptFile = (dataFile: string, problem: string): StoreError =>
  new StoreError({
    code: 'corrupt',
    message: `${dataFile} is damaged: ${problem}`,
    retryable: false,
    hint: corruptHint(dataFile),
  });

export const corruptHint = (dataFile: string): string =>
  `What runs is not touched; lost is Muster's record of it. Restore ${dataFile} from a backup, or move it away to start ` +
  'with an empty record: what still runs is then found on the engines and reported as orphans.';

export type TarEntry = (
  | { readonly kind: 'directory' | 'emptyFile' }
  | { readonly kind: 'file'; readonly content: string }
) & {
  readonly path: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
};

const blockBytes = 512;

/**
 * A tar archive (POSIX.1-2001 pax) of entries in their order. Paths and ids stand in extended headers,
 * so that they may be of any size.
 */
export function tarOf(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap((entry) => {
    const records = Buffer.from(
      [paxRecord('path', entry.path), paxRecord('uid', `${entry.uid}`), paxRecord('gid', `${entry.gid}`)].join(''),
    );
    const content = Buffer.from(entry.kind === 'file' ? entry.content : '');
    const type = entry.kind === 'directory' ? '5' : '0';
    return [
      header({ name: 'pax', type: 'x', mode: 0o644, sizeBytes: records.length }),
      padded(records),
      header({ name: 'entry', type, mode: entry.mode, sizeBytes: content.length }),
      padded(content),
    ];
  });
  return Buffer.concat([...blocks, Buffer.alloc(2 * blockBytes)]);
}

/** What the first file in an archive holds; undefined where the first thing in it is none, or it is cut off. */
export function contentIn(archive: Buffer): Buffer | undefined {
  for (let at = 0; at + blockBytes <= archive.length; ) {
    const type = archive.toString('latin1', at + 156, at + 157);
    const sizeBytes = Number.parseInt(archive.toString('latin1', at + 124, at + 135), 8);
    const begin = at + blockBytes;
    if (Number.isNaN(sizeBytes) || begin + sizeBytes > archive.length) return undefined;
    // Extended headers stand before what they are about.
    if (type !== 'x' && type !== 'g') return type === '0' ? archive.subarray(begin, begin + sizeBytes) : undefined;
    at = begin + Math.ceil(sizeBytes / blockBytes) * blockBytes;
  }
  return undefined;
}

/** `<length> <key>=<value>\n`, where the length counts itself. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  const restBytes = Buffer.byteLength(rest);
  let length = restBytes;
  while (length !== restBytes + String(length).length) length = restBytes + String(length).length;
  return `${length}${rest}`;
}

/** Fields of a ustar header that are not zero, at their offsets. */
function header(entry: {
  readonly name: string;
  readonly type: 'x' | '0' | '5';
  readonly mode: number;
  readonly sizeBytes: number;
}): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, offset: number, width: number): void =>
    void block.write(value.toString(8).padStart(width - 1, '0'), offset);
  block.write(entry.name, 0);
  octal(entry.mode, 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(entry.sizeBytes, 124, 12);
  octal(0, 136, 12);
  block.write(entry.type, 156);
  block.write('ustar\u000000', 257);
  // The checksum is that of the header with blanks in its place.
  block.write(' '.repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\u0000 `, 148);
  return block;
}

function padded(content: Buffer): Buffer {
  const bytes = Math.ceil(content.length / blockBytes) * blockBytes;
  return Buffer.concat([content, Buffer.alloc(bytes - content.length)]);
}

import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogLine, LogOptions } from '../engine.ts';

/** Longer lines are broken, so that a program without line ends cannot fill the memory. */
const maxLineLength = 16 * 1024;
const followEveryMs = 200;
const prefixes = { stdout: 'out ', stderr: 'err ' } as const;
const logFile = 'output.log';
const olderLogFile = 'output.log.1';

/** Output of a program, in one file so that the order of both streams is kept: `out text` and `err text`. */
export interface OutputWriter {
  write(stream: LogLine['stream'], chunk: Buffer): void;
  /** Writes what has no line end yet, and lets go of the file. */
  close(): void;
}

/** At most two files of `maxBytes` each: the older one is dropped when the newer is full. */
export function openOutput(folder: string, options: { readonly maxBytes: number }): OutputWriter {
  const path = join(folder, logFile);
  let descriptor = openSync(path, 'a', 0o600);
  let size = fstatSync(descriptor).size;
  const decoders = { stdout: new StringDecoder('utf8'), stderr: new StringDecoder('utf8') };
  const rest = { stdout: '', stderr: '' };

  const append = (text: string): void => {
    const bytes = Buffer.from(text);
    if (size > 0 && size + bytes.length > options.maxBytes) {
      closeSync(descriptor);
      renameSync(path, join(folder, olderLogFile));
      descriptor = openSync(path, 'a', 0o600);
      size = 0;
    }
    writeSync(descriptor, bytes);
    size += bytes.length;
  };
  return {
    write(stream, chunk) {
      const lines = `${rest[stream]}${decoders[stream].write(chunk)}`.split('\n');
      let last = lines.pop() ?? '';
      while (last.length > maxLineLength) {
        lines.push(last.slice(0, maxLineLength));
        last = last.slice(maxLineLength);
      }
      rest[stream] = last;
      for (const line of lines) append(`${prefixes[stream]}${line}\n`);
    },
    close() {
      for (const stream of ['stdout', 'stderr'] as const) {
        if (rest[stream] !== '') append(`${prefixes[stream]}${rest[stream]}\n`);
        rest[stream] = '';
      }
      closeSync(descriptor);
    },
  };
}

/** The last `tail` lines, then, when following, what comes until the signal is aborted or the folder is removed. */
export async function* readOutput(folder: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine> {
  const reader = newReader(join(folder, logFile));
  const lines = [...wholeLines(join(folder, olderLogFile)), ...reader.next()];
  yield* (options.tail <= 0 ? [] : lines.slice(-options.tail)).map(parseLine);
  while (options.follow && !signal.aborted && existsSync(folder)) {
    yield* reader.next().map(parseLine);
    await sleep(followEveryMs, undefined, { signal }).catch(() => undefined);
  }
}

/** Yields each line of a growing file once, across rotations. */
function newReader(path: string): { next(): readonly string[] } {
  let inode: number | undefined;
  let offset = 0;
  let rest = '';
  const readOn = (file: string): readonly string[] => {
    const { text, end } = readFrom(file, offset);
    offset = end;
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    return lines;
  };
  return {
    next() {
      const current = inodeOf(path);
      if (current === undefined) return [];
      let before: readonly string[] = [];
      if (inode !== undefined && current !== inode) {
        const older = path.replace(logFile, olderLogFile);
        before = inodeOf(older) === inode ? readOn(older) : [];
        offset = 0;
        rest = '';
      }
      inode = current;
      return [...before, ...readOn(path)];
    },
  };
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

function readFrom(path: string, offset: number): { readonly text: string; readonly end: number } {
  const descriptor = openSync(path, 'r');
  try {
    const length = Math.max(0, fstatSync(descriptor).size - offset);
    const buffer = Buffer.alloc(length);
    const count = readSync(descriptor, buffer, 0, length, offset);
    // Only up to the last line end: a character or line that is half written is read when it is whole.
    const end = buffer.lastIndexOf(0x0a, count - 1) + 1;
    return { text: buffer.toString('utf8', 0, count === 0 ? 0 : end), end: offset + (count === 0 ? 0 : end) };
  } finally {
    closeSync(descriptor);
  }
}

const wholeLines = (path: string): readonly string[] =>
  existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];

function parseLine(line: string): LogLine {
  return { stream: line.startsWith(prefixes.stderr) ? 'stderr' : 'stdout', text: line.slice(prefixes.stdout.length) };
}

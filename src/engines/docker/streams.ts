import type { Readable } from 'node:stream';
import type { Call, LogLine, LogOptions } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { failure, within } from './errors.ts';

/** Most output of a command that is kept: its beginning, where errors tend to be. */
const maxExecOutputBytes = 64 * 1024;
/** A line without an end is cut here. */
const maxLineBytes = 64 * 1024;
/** The exit code appears a moment after the output ends. */
const exitCodeTries = 50;
const exitCodeWaitMs = 20;

/**
 * The last lines, and with `follow` what comes after them until the container stops or the call is aborted. The
 * deadline is for what is there already; following has no end by itself.
 */
export async function* readLogs(
  client: DockerClient,
  objectId: string,
  options: LogOptions,
  call: Call,
): AsyncIterable<LogLine> {
  const what = { stdout: true, stderr: true, tail: options.tail };
  const container = client.docker.getContainer(objectId);
  if (!options.follow) {
    const bytes = await within(client, 'logs', call, (signal) =>
      container.logs({ ...what, follow: false, abortSignal: signal }),
    );
    yield* linesOf(framesOf([bytes]));
    return;
  }
  const stop = new AbortController();
  const cancel = (): void => stop.abort();
  call.signal?.addEventListener('abort', cancel, { once: true });
  try {
    const stream = await within(client, 'logs', call, () =>
      container.logs({ ...what, follow: true, abortSignal: stop.signal }),
    );
    yield* linesOf(framesOf(stream as Readable));
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    call.signal?.removeEventListener('abort', cancel);
    stop.abort(); // Also when the reader leaves early: the daemon would keep the connection.
  }
}

/** Runs a command to its end. When the deadline comes first the command goes on inside: docker cannot end it. */
export async function runCommand(
  client: DockerClient,
  objectId: string,
  command: readonly string[],
  signal: AbortSignal,
): Promise<{ readonly exitCode: number; readonly output: string }> {
  const exec = await client.docker.getContainer(objectId).exec({
    Cmd: [...command],
    AttachStdout: true,
    AttachStderr: true,
    abortSignal: signal,
  });
  const stream = await exec.start({ Detach: false, Tty: false, abortSignal: signal });
  let output = Buffer.alloc(0);
  for await (const frame of framesOf(stream)) {
    if (output.length < maxExecOutputBytes)
      output = Buffer.concat([output, frame.bytes]).subarray(0, maxExecOutputBytes);
  }
  for (let tries = 0; tries < exitCodeTries; tries++) {
    const state = await exec.inspect({ abortSignal: signal });
    if (!state.Running && state.ExitCode !== null) return { exitCode: state.ExitCode, output: output.toString('utf8') };
    await new Promise((resolve) => setTimeout(resolve, exitCodeWaitMs));
  }
  throw failure(client, 'exec', {
    code: 'internal',
    message: `docker on ${client.node} does not tell the exit code`,
    retryable: true,
  });
}

interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly bytes: Buffer;
}

const headerBytes = 8;

/** Without a terminal docker sends frames: one byte of stream, three of nothing, four of length, then the payload. */
async function* framesOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncIterable<Frame> {
  let pending: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= headerBytes) {
      const end = headerBytes + pending.readUInt32BE(4);
      if (pending.length < end) break;
      yield { stream: pending[0] === 2 ? 'stderr' : 'stdout', bytes: pending.subarray(headerBytes, end) };
      pending = pending.subarray(end);
    }
  }
}

/** Complete lines of each stream, in the order in which they end; the rest when the stream ends. */
async function* linesOf(frames: AsyncIterable<Frame>): AsyncIterable<LogLine> {
  const rest = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for await (const { stream, bytes } of frames) {
    let pending = Buffer.concat([rest[stream], bytes]);
    for (let end = pending.indexOf(newline); end >= 0; end = pending.indexOf(newline)) {
      yield { stream, text: textOf(pending.subarray(0, end)) };
      pending = pending.subarray(end + 1);
    }
    if (pending.length > maxLineBytes) {
      yield { stream, text: textOf(pending) };
      pending = Buffer.alloc(0);
    }
    rest[stream] = pending;
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (rest[stream].length > 0) yield { stream, text: textOf(rest[stream]) };
  }
}

const newline = 0x0a;
const textOf = (bytes: Buffer): string => bytes.toString('utf8').replace(/\r$/, '');

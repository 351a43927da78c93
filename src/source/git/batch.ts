import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { SourceError } from '../error.ts';
import { fileProblem } from '../trouble.ts';
import { gitEnvironment } from './client.ts';
import type { GitRepository } from './repository.ts';

/** The child ends when nothing was asked of it for this long; the next read starts another one. */
const idleMs = 2_000;
/** A blob that does not arrive within this time will not arrive. */
const blobTimeoutMs = 60_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Waiting {
  readonly blobId: string;
  resolve(bytes: Buffer): void;
  reject(error: Error): void;
}

/**
 * Reads blobs through one `git cat-file --batch` child: a process a blob would cost 11 ms each. Spawned here and not by
 * simple-git, which has no way to keep a child and talk to it. Nothing has to be closed: the child keeps the process
 * alive only while a read waits, and ends by itself when idle or when this process is gone.
 */
export function openBlobReader(repository: GitRepository): (blobId: string) => Promise<Buffer> {
  const waiting: Waiting[] = [];
  let child: Child | undefined;
  let idle: NodeJS.Timeout | undefined;
  let chunks: Buffer[] = [];
  let buffered = 0;

  const start = (): Child => {
    const started = spawn('git', ['cat-file', '--batch'], {
      cwd: repository.directory,
      env: gitEnvironment(repository.ceiling),
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    let said = '';
    started.stdout.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      buffered += chunk.length;
      deliver();
    });
    started.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-1000);
    });
    started.stdin.on('error', () => undefined); // The close below says why.
    started.on('error', (error) => end(started, error.message));
    started.on('close', () => end(started, said.trim() || 'it ended before it had answered'));
    return started;
  };

  /** Answers come in the order of the requests: `<id> blob <size>\n<bytes>\n`. */
  const deliver = (): void => {
    for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
      const data = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      chunks = [data];
      const headerEnd = data.indexOf(0x0a);
      if (headerEnd < 0) return;
      const [, kind, size] = data.subarray(0, headerEnd).toString().split(' ');
      const end = headerEnd + 1 + (kind === 'missing' ? 0 : Number(size) + 1);
      if (buffered < end) return;
      waiting.shift();
      chunks = [data.subarray(end)];
      buffered -= end;
      if (kind === 'blob') next.resolve(Buffer.from(data.subarray(headerEnd + 1, end - 1)));
      else next.reject(new SourceError(batchProblem(`object ${next.blobId} is ${kind}`), { retryable: true }));
    }
    if (child !== undefined) rest(child);
  };

  /** Nothing waits: the child may sit there for a while, but nobody waits for it. */
  const rest = (resting: Child): void => {
    setReferenced(resting, false);
    clearTimeout(idle);
    idle = setTimeout(() => {
      if (waiting.length > 0 || child !== resting) return;
      child = undefined;
      resting.stdin.end();
    }, idleMs);
    idle.unref();
  };

  const end = (ended: Child, reason: string): void => {
    if (child !== ended) return;
    child = undefined;
    chunks = [];
    buffered = 0;
    for (const { reject } of waiting.splice(0)) reject(new SourceError(batchProblem(reason), { retryable: true }));
  };

  return (blobId) =>
    new Promise<Buffer>((resolve, reject) => {
      const reader = child ?? start();
      child = reader;
      clearTimeout(idle);
      setReferenced(reader, true);
      const timer = setTimeout(() => reader.kill('SIGKILL'), blobTimeoutMs);
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          clearTimeout(timer);
          then(value);
        };
      waiting.push({ blobId, resolve: settle(resolve), reject: settle(reject) });
      reader.stdin.write(`${blobId}\n`);
    });
}

const batchProblem = (reason: string) => fileProblem({ code: 'MUS1105', message: `git cat-file failed: ${reason}` });

/** Pipes are sockets to Node, which types them as plain streams. */
function setReferenced(child: Child, isReferenced: boolean): void {
  for (const handle of [
    child,
    child.stdin,
    child.stdout,
    child.stderr,
  ] as readonly unknown[] as readonly Referenced[]) {
    if (isReferenced) handle.ref?.();
    else handle.unref?.();
  }
}

interface Referenced {
  ref?(): void;
  unref?(): void;
}

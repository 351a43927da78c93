import PQueue from 'p-queue';
import type { Client, ClientChannel } from 'ssh2';
import { addressOf, connect, type SshTarget } from './connection.ts';
import { SshFailure } from './failure.ts';
import { type ShellScript, wholeScript } from './script.ts';

/** sshd allows ten sessions on one connection by default. Eight are used: five for commands, three for what is followed. */
const commandsAtOnce = 5;
const followedAtOnce = 3;
/** Most output of a command that is kept unless it is asked for more. */
const defaultOutputBytes = 16 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;
/** Pauses between two attempts to connect. What was refused is not asked for again at once: it would be refused again. */
const firstPauseMs = 200;
const longestPauseMs = 5_000;
const refusedPauseMs = 30_000;

export interface CommandResult {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** There was more output than is kept: the rest was dropped. */
  readonly truncated: boolean;
}

export interface RunOptions {
  /** `sudo`: as root, by a sudo that asks for no password. */
  readonly as: 'login' | 'sudo';
  /** Ends the waiting. */
  readonly signal: AbortSignal;
  /** What becomes of the script then, and when the connection breaks; a change of the host goes on to its end. */
  readonly lives?: 'toItsEnd' | 'untilClosed';
  readonly outputBytes?: number;
}

/**
 * One host over one connection, which is made when first needed and again when it broke, with growing pauses. Scripts run
 * under /bin/sh with a clean environment, whatever shell the account has. Everything that is thrown is an `SshFailure`,
 * but for the signal's own reason.
 */
export interface SshHost {
  readonly address: string;
  run(script: ShellScript, options: RunOptions): Promise<CommandResult>;
  /** Standard output as it comes, while somebody reads it. Throws when the connection breaks. */
  follow(script: ShellScript, options: RunOptions): AsyncIterable<Buffer>;
  /** A stream to a Unix socket of the host. */
  forward(socketPath: string): Promise<ClientChannel>;
  close(): void;
}

export function openSshHost(target: SshTarget): SshHost {
  const link = newLink(target);
  const commands = new PQueue({ concurrency: commandsAtOnce });
  const followed = new PQueue({ concurrency: followedAtOnce });
  return {
    address: addressOf(target),
    run: (script, options) =>
      commands.add(async () => await runOn(await link.client(options.signal), target, script, options), {
        signal: options.signal,
      }),
    async *follow(script, options) {
      const freed = newGate();
      const granted = newGate();
      followed
        .add(async () => {
          granted.open();
          await freed.opened;
        }, options)
        .catch(granted.fail);
      try {
        await granted.opened;
        yield* followOn(await link.client(options.signal), target, script, options);
      } finally {
        freed.open();
      }
    },
    forward: async (socketPath) => await forwardOn(await link.client(), target, socketPath),
    close: () => link.close(),
  };
}

interface Link {
  /** The connection; made when there is none. The signal ends the waiting, not the connection, which others wait for too. */
  client(signal?: AbortSignal): Promise<Client>;
  close(): void;
}

function newLink(target: SshTarget): Link {
  let current: Promise<Client> | undefined;
  let failed: { readonly failure: SshFailure; readonly until: number } | undefined;
  let pauseMs = firstPauseMs;
  let closed = false;
  const open = async (): Promise<Client> => {
    try {
      const client = await connect(target);
      client.once('close', () => {
        current = undefined;
      });
      if (closed) client.end();
      pauseMs = firstPauseMs;
      failed = undefined;
      return client;
    } catch (error) {
      current = undefined;
      if (!(error instanceof SshFailure)) throw error;
      failed = { failure: error, until: performance.now() + (error.retryable ? pauseMs : refusedPauseMs) };
      pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      throw error;
    }
  };
  return {
    async client(signal) {
      if (closed) throw brokenFailure(target, 'it was closed');
      // Between two attempts everybody hears why the last one failed.
      if (current === undefined && failed !== undefined && performance.now() < failed.until) throw failed.failure;
      current ??= open();
      return await orAborted(current, signal);
    },
    close() {
      closed = true;
      current?.then(
        (client) => client.end(),
        () => undefined,
      );
    },
  };
}

async function runOn(
  client: Client,
  target: SshTarget,
  script: ShellScript,
  options: RunOptions,
): Promise<CommandResult> {
  const channel = await startShell(client, target, script, options);
  const stdout = newBuffer(options.outputBytes ?? defaultOutputBytes);
  const stderr = newBuffer(maxErrorBytes);
  channel.on('data', stdout.add);
  channel.stderr.on('data', stderr.add);
  const exitCode = await ended(channel, target, options.signal);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated() };
}

async function* followOn(
  client: Client,
  target: SshTarget,
  script: ShellScript,
  options: RunOptions,
): AsyncIterable<Buffer> {
  const channel = await startShell(client, target, script, { ...options, lives: 'untilClosed' });
  const end = ended(channel, target, options.signal);
  // Looked at below; until then it must not count as unhandled.
  end.catch(() => undefined);
  channel.stderr.resume();
  try {
    for await (const chunk of channel) yield chunk as Buffer;
    await end;
  } finally {
    channel.destroy();
  }
}

/** Resolves to the exit code; rejects when the connection breaks first, and when the signal says so. */
function ended(channel: ClientChannel, target: SshTarget, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let exitCode: number | undefined;
    const onAbort = (): void => {
      channel.destroy();
      reject(signal.reason as Error);
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    channel.once('exit', (code: number | null) => {
      // By a signal: what a shell says of it.
      exitCode = code ?? killedExitCode;
    });
    channel.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      if (exitCode !== undefined) resolve(exitCode);
      else reject(brokenFailure(target, 'the connection broke in the middle of a command'));
    });
  });
}

const killedExitCode = 137;

/** Clean: neither the account's profile nor sshd's variables are seen by what runs. */
const cleanShell =
  'env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER= /bin/sh -s';
const commandLines = { login: `exec ${cleanShell}`, sudo: `exec sudo -n -- ${cleanShell}` } as const;

async function startShell(
  client: Client,
  target: SshTarget,
  script: ShellScript,
  { as, signal, lives = 'toItsEnd' }: RunOptions,
): Promise<ClientChannel> {
  const channel = await opened<ClientChannel>(client, target, signal, (done) => client.exec(commandLines[as], done));
  // Standard input stays open: its end is how a script learns that nobody listens any more.
  channel.write(wholeScript(script, lives));
  return channel;
}

async function forwardOn(client: Client, target: SshTarget, socketPath: string): Promise<ClientChannel> {
  const signal = AbortSignal.timeout(forwardTimeoutMs);
  try {
    return await opened(client, target, signal, (done) => client.openssh_forwardOutStreamLocal(socketPath, done));
  } catch (error) {
    throw new SshFailure({
      code: 'unreachable',
      retryable: true,
      message: `${addressOf(target)}: ${socketPath} cannot be opened there: ${(error as Error).message}`,
      hint: `does something listen there, may ${target.user} use it, and does its sshd allow it (AllowStreamLocalForwarding)?`,
      cause: error,
    });
  }
}

/** Who waits for a stream has a deadline of his own; this keeps none for ever. */
const forwardTimeoutMs = 30_000;

/** A channel; ssh2 itself never answers when the connection goes before it does. */
function opened<T extends ClientChannel>(
  client: Client,
  target: SshTarget,
  signal: AbortSignal | undefined,
  open: (done: (error: Error | undefined, channel: T) => void) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(brokenFailure(target, 'the connection broke'));
    const onAbort = (): void => reject(signal?.reason as Error);
    const settle = (): void => {
      client.removeListener('close', onClose);
      signal?.removeEventListener('abort', onAbort);
    };
    client.once('close', onClose);
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      open((error, channel) => {
        settle();
        if (error !== undefined) reject(brokenFailure(target, `no channel: ${error.message}`, error));
        else if (signal?.aborted === true) channel.destroy();
        else resolve(channel);
      });
    } catch (error) {
      settle();
      reject(brokenFailure(target, 'the connection broke', error));
    }
  });
}

const brokenFailure = (target: SshTarget, what: string, cause?: unknown): SshFailure =>
  new SshFailure({
    code: 'unreachable',
    retryable: true,
    message: `${addressOf(target)}: ${what}`,
    hint: 'does sshd run there? A command that was under way may have been carried out',
    ...(cause !== undefined && { cause }),
  });

interface BoundedBuffer {
  readonly add: (chunk: Buffer) => void;
  text(): string;
  truncated(): boolean;
}

function newBuffer(maxBytes: number): BoundedBuffer {
  const chunks: Buffer[] = [];
  let size = 0;
  let cut = false;
  return {
    add(chunk) {
      const part = chunk.subarray(0, maxBytes - size);
      cut ||= part.length < chunk.length;
      size += part.length;
      if (part.length > 0) chunks.push(part);
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
    truncated: () => cut,
  };
}

interface Gate {
  readonly opened: Promise<void>;
  open(): void;
  fail(error: unknown): void;
}

function newGate(): Gate {
  let open: () => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const opened = new Promise<void>((resolve, reject) => {
    open = resolve;
    fail = reject;
  });
  return { opened, open, fail };
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  signal.throwIfAborted();
  const stop = new AbortController();
  try {
    return await Promise.race([
      promise,
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true, signal: stop.signal });
      }),
    ]);
  } finally {
    stop.abort();
  }
}

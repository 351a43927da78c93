import type { Client, ClientChannel } from 'ssh2';
import { addressOf, type SshTarget } from './connection.ts';
import { SshFailure } from './failure.ts';
import { type ShellScript, wholeScript } from './script.ts';

/** Most output of a command that is kept unless it is asked for more. */
const defaultOutputBytes = 16 * 1024 * 1024;
const maxErrorBytes = 64 * 1024;

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

/** A script to its end, over one session of a connection. */
export async function runOn(
  client: Client,
  target: SshTarget,
  script: ShellScript,
  options: RunOptions,
): Promise<CommandResult> {
  const { channel, ended } = await startShell(client, target, script, options);
  const stdout = newBuffer(options.outputBytes ?? defaultOutputBytes);
  const stderr = newBuffer(maxErrorBytes);
  channel.on('data', stdout.add);
  channel.stderr.on('data', stderr.add);
  const exitCode = await ended;
  return { exitCode, stdout: stdout.text(), stderr: stderr.text(), truncated: stdout.truncated() };
}

/** What a script prints as it comes; it ends with the reader. */
export async function* followOn(
  client: Client,
  target: SshTarget,
  script: ShellScript,
  options: RunOptions,
): AsyncIterable<Buffer> {
  const { channel, ended } = await startShell(client, target, script, { ...options, lives: 'untilClosed' });
  channel.stderr.resume();
  try {
    for await (const chunk of channel) yield chunk as Buffer;
    await ended;
  } finally {
    channel.destroy();
  }
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
): Promise<Shell> {
  return await opened(client, target, {
    signal,
    open: (done) => client.exec(commandLines[as], done),
    begin: (channel: ClientChannel) => {
      const ended = endOf(channel, target, signal);
      // Waited for later: until then it must not count as unhandled.
      ended.catch(() => undefined);
      // Standard input stays open: its end is how a script learns that nobody listens any more.
      channel.write(wholeScript(script, lives));
      return { channel, ended };
    },
  });
}

interface Shell {
  readonly channel: ClientChannel;
  readonly ended: Promise<number>;
}

/**
 * Resolves to the exit code; rejects when the connection breaks first, and when the signal says so. Made together with
 * the channel: the end of a shell that leaves at once comes in the same packet.
 */
function endOf(channel: ClientChannel, target: SshTarget, signal: AbortSignal): Promise<number> {
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

/** A stream to a Unix socket of the host. */
export async function forwardOn(client: Client, target: SshTarget, socketPath: string): Promise<ClientChannel> {
  const signal = AbortSignal.timeout(forwardTimeoutMs);
  try {
    return await opened(client, target, {
      signal,
      open: (done) => client.openssh_forwardOutStreamLocal(socketPath, done),
      begin: (channel: ClientChannel) => channel,
    });
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

/** What is begun on a channel; ssh2 itself never answers when the connection goes before it does. */
function opened<T>(
  client: Client,
  target: SshTarget,
  how: {
    readonly signal: AbortSignal;
    readonly open: (done: (error: Error | undefined, channel: ClientChannel) => void) => unknown;
    readonly begin: (channel: ClientChannel) => T;
  },
): Promise<T> {
  const { signal, open, begin } = how;
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(brokenFailure(target, 'the connection broke'));
    const onAbort = (): void => reject(signal.reason as Error);
    const settle = (): void => {
      client.removeListener('close', onClose);
      signal.removeEventListener('abort', onAbort);
    };
    client.once('close', onClose);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      open((error, channel) => {
        settle();
        if (error !== undefined) reject(brokenFailure(target, `no channel: ${error.message}`, error));
        else if (signal.aborted) channel.destroy();
        else resolve(begin(channel));
      });
    } catch (error) {
      settle();
      reject(brokenFailure(target, 'the connection broke', error));
    }
  });
}

export const brokenFailure = (target: SshTarget, what: string, cause?: unknown): SshFailure =>
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

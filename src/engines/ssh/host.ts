import PQueue from 'p-queue';
import type { Client, ClientChannel } from 'ssh2';
import { brokenFailure, type CommandResult, followOn, forwardOn, type RunOptions, runOn } from './channel.ts';
import { addressOf, connect, type SshTarget } from './connection.ts';
import { SshFailure } from './failure.ts';
import type { ShellScript } from './script.ts';

/** sshd allows ten sessions on one connection by default. Eight are used: five for commands, three for what is followed. */
const commandsAtOnce = 5;
const followedAtOnce = 3;
/** Pauses between two attempts to connect. What was refused is not asked for again at once: it would be refused again. */
const firstPauseMs = 200;
const longestPauseMs = 5_000;
const refusedPauseMs = 30_000;

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

import { createHash } from 'node:crypto';
import { Client, type ConnectConfig } from 'ssh2';
import { SshFailure } from './failure.ts';

/** One host as it is reached, and who it has to be. */
export interface SshTarget {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  /** `SHA256:…`, as `ssh-keygen -lf` prints it. Nothing else is talked to. */
  readonly hostKey: string;
  readonly login: SshLogin;
}

/** A private key as text, or the socket of an agent that has some; `undefined` where there is no agent. */
export type SshLogin =
  | { readonly kind: 'key'; readonly name: string; readonly privateKey: string }
  | { readonly kind: 'agent'; readonly socket: string | undefined };

/** Until a connection is ready, login included. */
const readyTimeoutMs = 8_000;
/** A host that answers none of these is gone: 15 s after its last word. */
const keepaliveIntervalMs = 5_000;
const keepaliveCountMax = 3;

/** `ssh://root@10.0.0.11:22`, for messages. */
export const addressOf = ({ user, host, port }: SshTarget): string => `ssh://${user}@${host}:${port}`;

/** A connection that is ready. Throws `SshFailure`. The caller ends it. */
export async function connect(target: SshTarget): Promise<Client> {
  const client = new Client();
  let found: string | undefined;
  const config: ConnectConfig = {
    host: target.host,
    port: target.port,
    username: target.user,
    ...loginOf(target),
    readyTimeout: readyTimeoutMs,
    keepaliveInterval: keepaliveIntervalMs,
    keepaliveCountMax,
    hostVerifier: (key: Buffer) => {
      found = `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
      return found === target.hostKey.replace(/=+$/, '');
    },
  };
  try {
    await ready(client, config);
    client.setNoDelay(true);
    return client;
  } catch (error) {
    client.destroy();
    throw failureOf(error, target, found);
  }
}

function loginOf({ login }: SshTarget): Pick<ConnectConfig, 'privateKey' | 'agent'> {
  if (login.kind === 'key') return { privateKey: login.privateKey };
  if (login.socket !== undefined) return { agent: login.socket };
  throw new SshFailure({
    code: 'rejected',
    retryable: false,
    message: 'there is neither a key nor an agent to log in with',
    hint: 'add {"ssh": {"default": {"key": "FILE"}}} to the host-local credentials file, or start an ssh-agent',
  });
}

function ready(client: Client, config: ConnectConfig): Promise<void> {
  return new Promise((resolve, reject) => {
    client.once('ready', resolve);
    // Errors may still come when it is over: without a listener they would end the process.
    client.on('error', reject);
    client.once('close', () => reject(new Error('the connection was closed')));
    client.connect(config);
  });
}

function failureOf(error: unknown, target: SshTarget, found: string | undefined): SshFailure {
  const { message, level } = error as Error & { readonly level?: string };
  const fail = (retryable: boolean, text: string, hint: string): SshFailure =>
    new SshFailure({ code: 'unreachable', retryable, message: text, hint, cause: error });
  const address = addressOf(target);
  if (found !== undefined && found !== target.hostKey.replace(/=+$/, '')) {
    return fail(
      false,
      `${address} has the host key ${found}, and ${target.hostKey} is pinned: nothing was sent to it`,
      'somebody may be in between. If the host was set up anew, compare on its console (ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub) and change hostKey in git',
    );
  }
  if (level === 'client-authentication') {
    const by = target.login.kind === 'key' ? `the key ${target.login.name}` : 'the keys of the agent';
    return fail(
      false,
      `${address} refused ${by}`,
      `is its public part in the authorized_keys of ${target.user} there? journalctl -u ssh on the host says why`,
    );
  }
  if (/parse privateKey|passphrase|private key/i.test(message)) {
    const hint = 'it has to be an unencrypted OpenSSH or PEM key; keep an encrypted one in an ssh-agent';
    return fail(false, `the key to log in to ${address} cannot be used: ${message}`, hint);
  }
  return fail(
    true,
    `${address} cannot be reached: ${message}`,
    'does sshd run there, and does it listen on that port?',
  );
}

import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import type { EtcdCredentials } from '../store/credentials.ts';
import { CliError } from './exit.ts';

/** Secrets of this machine. They come from here alone, never from git. */
export interface Credentials {
  readonly etcd?: EtcdCredentials;
  /** By the name that `tls.credential` of an engine gives. */
  readonly docker: Readonly<Record<string, { readonly ca: string; readonly cert: string; readonly key: string }>>;
  readonly ssh: SshCredentials;
}

/** How hosts are logged in to. */
export interface SshCredentials {
  /** Private keys by the name that `credential` of an engine gives. */
  readonly keys: Readonly<Record<string, string>>;
  /** Socket of the ssh-agent. Absent: there is none. */
  readonly agentSocket?: string;
}

/**
 * Reads `MUSTER_CREDENTIALS` (default `~/.config/muster/credentials.json`): JSON whose values are files with PEM text,
 * relative to it. etcd can also be given by `MUSTER_ETCD_CA`, `_CERT`, `_KEY` (files), `_USER` and `_PASSWORD`.
 *
 *     {"etcd": {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"},
 *      "docker": {"datacenter": {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}},
 *      "ssh": {"default": {"key": "id_ed25519"}}}
 */
export async function loadCredentials(environment: NodeJS.ProcessEnv): Promise<Credentials> {
  const file = await openFile(environment);
  const etcd = await etcdCredentials(section(file.content, 'etcd', file.path), environment, file.read);
  return { ...(await engineCredentials(file, environment)), ...(etcd !== undefined && { etcd }) };
}

/** Those of the engines alone: what the store needs may be missing or broken. */
export async function loadEngineCredentials(environment: NodeJS.ProcessEnv): Promise<EngineCredentials> {
  return await engineCredentials(await openFile(environment), environment);
}

export type EngineCredentials = Pick<Credentials, 'docker' | 'ssh'>;

const engineCredentials = async (
  file: CredentialsFile,
  environment: NodeJS.ProcessEnv,
): Promise<EngineCredentials> => ({
  docker: await dockerCredentials(file),
  ssh: await sshCredentials(file, environment),
});

interface CredentialsFile {
  readonly path: string;
  readonly content: Readonly<Record<string, unknown>>;
  /** The PEM text that a value names. `what` names the value in an error. */
  readonly read: (value: unknown, what: string) => Promise<string>;
}

async function openFile(environment: NodeJS.ProcessEnv): Promise<CredentialsFile> {
  const named = environment['MUSTER_CREDENTIALS'];
  const config = environment['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  const path = resolve(named ?? join(config, 'muster', 'credentials.json'));
  const content = await readJson(path, { required: named !== undefined });
  const read: CredentialsFile['read'] = (value, what) =>
    readPem(resolve(dirname(path), textOf(value, what, path)), what);
  return { path, content, read };
}

async function dockerCredentials({ path, content, read }: CredentialsFile): Promise<Credentials['docker']> {
  const docker: Record<string, { ca: string; cert: string; key: string }> = {};
  for (const [name, entry] of Object.entries(section(content, 'docker', path))) {
    const parts = section({ [name]: entry }, name, path);
    docker[name] = {
      ca: await read(parts['ca'], `docker.${name}.ca`),
      cert: await read(parts['cert'], `docker.${name}.cert`),
      key: await read(parts['key'], `docker.${name}.key`),
    };
  }
  return docker;
}

async function sshCredentials(
  { path, content, read }: CredentialsFile,
  environment: NodeJS.ProcessEnv,
): Promise<SshCredentials> {
  const keys: Record<string, string> = {};
  for (const [name, entry] of Object.entries(section(content, 'ssh', path))) {
    keys[name] = await read(section({ [name]: entry }, name, path)['key'], `ssh.${name}.key`);
  }
  const agentSocket = environment['SSH_AUTH_SOCK'];
  return { keys, ...(agentSocket !== undefined && agentSocket !== '' && { agentSocket }) };
}

async function etcdCredentials(
  entry: Readonly<Record<string, unknown>>,
  environment: NodeJS.ProcessEnv,
  read: (value: unknown, what: string) => Promise<string>,
): Promise<EtcdCredentials | undefined> {
  const fromEnvironment = (name: string): string | undefined => {
    const value = environment[name];
    return value === undefined || value === '' ? undefined : resolve(value);
  };
  const ca = fromEnvironment('MUSTER_ETCD_CA') ?? entry['ca'];
  const certificate = fromEnvironment('MUSTER_ETCD_CERT') ?? entry['certificate'];
  const key = fromEnvironment('MUSTER_ETCD_KEY') ?? entry['key'];
  const user = environment['MUSTER_ETCD_USER'] ?? entry['user'];
  const password = environment['MUSTER_ETCD_PASSWORD'] ?? entry['password'];
  const tls =
    ca === undefined
      ? undefined
      : {
          ca: await read(ca, 'etcd.ca'),
          ...(certificate !== undefined && { certificate: await read(certificate, 'etcd.certificate') }),
          ...(key !== undefined && { key: await read(key, 'etcd.key') }),
        };
  const login =
    typeof user === 'string' ? { name: user, password: typeof password === 'string' ? password : '' } : undefined;
  if (tls === undefined && login === undefined) return undefined;
  return { ...(tls !== undefined && { tls }), ...(login !== undefined && { user: login }) };
}

async function readJson(
  path: string,
  options: { readonly required: boolean },
): Promise<Readonly<Record<string, unknown>>> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (!options.required && (cause as NodeJS.ErrnoException).code === 'ENOENT') return {};
    throw new CliError(`the credentials file ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  try {
    return section({ file: JSON.parse(text) as unknown }, 'file', path);
  } catch (cause) {
    // The parser's message quotes the text, which is secret.
    if (cause instanceof CliError) throw cause;
    throw new CliError(`the credentials file ${path} is not JSON`, { cause });
  }
}

function section(
  parent: Readonly<Record<string, unknown>>,
  key: string,
  path: string,
): Readonly<Record<string, unknown>> {
  const value = parent[key];
  if (value === undefined) return {};
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return value as Readonly<Record<string, unknown>>;
  throw new CliError(`the credentials file ${path} is wrong: ${key} must be an object`);
}

function textOf(value: unknown, what: string, path: string): string {
  if (typeof value === 'string' && value !== '') return value;
  throw new CliError(`the credentials file ${path} lacks ${what}`, {
    hint: 'Its value is the path of a PEM file, relative to the credentials file.',
  });
}

async function readPem(path: string, what: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new CliError(`${what}: ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

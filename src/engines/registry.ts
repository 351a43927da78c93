import { join, resolve } from 'node:path';
import type { DesiredNode, EngineEndpoint } from '../model/desired.ts';
import type { EngineKind, NodeName } from '../model/ids.ts';
import type { TlsMaterial } from './docker/client.ts';
import { type ClusterScope, type Engine, type EngineDirectory, EngineError } from './engine.ts';
import type { SshLogin } from './ssh/connection.ts';
import type { SshAddress } from './ssh/endpoint.ts';
import type { SshHost } from './ssh/host.ts';

export interface OpenEnginesOptions {
  readonly nodes: readonly DesiredNode[];
  readonly cluster: ClusterScope;
  /** Absolute; process nodes keep their objects below it unless they name a root of their own. */
  readonly stateDir: string;
  /** TLS material by the name that an endpoint calls it by, from the host-local credentials file. */
  readonly credentials?: Readonly<Record<string, TlsMaterial>>;
  /** Private keys by the name that an endpoint calls them by, and the socket of an agent. */
  readonly ssh?: { readonly keys: Readonly<Record<string, string>>; readonly agentSocket?: string };
}

/**
 * The engines of a cluster, one per node and kind, opened when first asked for. A driver's packages are loaded with its
 * first engine: a cluster of processes never loads Docker's. A failed opening is tried again by the next call.
 */
export function openEngines(options: OpenEnginesOptions): EngineDirectory {
  const nodes = new Map(options.nodes.map((node) => [node.name, node]));
  const opened = new Map<string, Promise<Engine>>();
  const hosts = new Map<string, SshHost>();
  return {
    engineOf(name, kind) {
      const key = `${name}/${kind}`;
      const known = opened.get(key);
      if (known !== undefined) return known;
      const engine = open(nodes.get(name), { name, kind }, { ...options, hosts });
      opened.set(key, engine);
      engine.catch(() => opened.delete(key));
      return engine;
    },
    async close() {
      const engines = await Promise.allSettled(opened.values());
      opened.clear();
      await Promise.all(engines.flatMap((engine) => (engine.status === 'fulfilled' ? [engine.value.close()] : [])));
      for (const host of hosts.values()) host.close();
      hosts.clear();
    },
  };
}

/** Engines of one host share its connection. */
type OpenOptions = OpenEnginesOptions & { readonly hosts: Map<string, SshHost> };

async function open(
  node: DesiredNode | undefined,
  wanted: { readonly name: NodeName; readonly kind: EngineKind },
  options: OpenOptions,
): Promise<Engine> {
  const endpoint = node?.engines[wanted.kind];
  if (node === undefined || endpoint === undefined) {
    // Not `notFound`: what is on it may well be there.
    throw refusal(wanted, {
      code: 'unreachable',
      message:
        node === undefined
          ? `node ${wanted.name} is not declared: it cannot be reached`
          : `node ${wanted.name} declares no ${wanted.kind} engine: it cannot be reached`,
      hint: 'put it back into git until nothing of it is left there, `lifecycle: offline` empties it',
    });
  }
  switch (wanted.kind) {
    case 'process':
      return await openProcess(node, endpoint, options);
    case 'docker':
      return await openDocker(node, endpoint, options);
    case 'systemd':
      return await openSystemd(node, endpoint, options);
    case 'libvirt':
      throw refusal(wanted, {
        code: 'unsupported',
        message: `node ${wanted.name}: the ${wanted.kind} engine is not supported yet`,
        hint: 'use docker, systemd or process',
      });
  }
}

async function openProcess(node: DesiredNode, endpoint: EngineEndpoint, options: OpenEnginesOptions): Promise<Engine> {
  const { openProcessEngine } = await import('./process/process.ts');
  const rootOf = (name: NodeName, { root }: EngineEndpoint): string =>
    resolve(options.stateDir, root ?? join('process', name));
  const siblingRoots = options.nodes.flatMap((other) =>
    other.engines.process === undefined || other.name === node.name ? [] : [rootOf(other.name, other.engines.process)],
  );
  return openProcessEngine({
    node: node.name,
    root: rootOf(node.name, endpoint),
    siblingRoots,
    endpoint,
    cluster: options.cluster,
  });
}

async function openDocker(node: DesiredNode, endpoint: EngineEndpoint, options: OpenOptions): Promise<Engine> {
  const credential = endpoint.tls?.credential;
  const tls = credential === undefined ? undefined : options.credentials?.[credential];
  if (credential !== undefined && tls === undefined) {
    throw refusal(
      { name: node.name, kind: 'docker' },
      {
        code: 'rejected',
        message: `node ${node.name}: there is no credential ${JSON.stringify(credential)} for ${endpoint.endpoint}`,
        hint: 'add it to the host-local credentials file',
      },
    );
  }
  const { openDockerEngine } = await import('./docker/engine.ts');
  const reached = endpoint.endpoint.startsWith('ssh://')
    ? await hostOf({ name: node.name, kind: 'docker' }, endpoint, options)
    : undefined;
  return openDockerEngine({
    node: node.name,
    scope: options.cluster,
    endpoint,
    ...(tls !== undefined && { tls }),
    ...(reached !== undefined && { forward: reached.host.forward }),
    ...(node.disks !== undefined && { disks: node.disks }),
  });
}

async function openSystemd(node: DesiredNode, endpoint: EngineEndpoint, options: OpenOptions): Promise<Engine> {
  const wanted = { name: node.name, kind: 'systemd' } as const;
  const { openSystemdEngine } = await import('./systemd/engine.ts');
  const { host, address } = await hostOf(wanted, endpoint, options);
  return openSystemdEngine({
    node: node.name,
    cluster: options.cluster,
    endpoint,
    host,
    reachableHost: address.host,
  });
}

/** The connection to the host of an `ssh://` endpoint, shared by everybody who asks for the same. */
async function hostOf(
  wanted: { readonly name: NodeName; readonly kind: EngineKind },
  endpoint: EngineEndpoint,
  options: OpenOptions,
): Promise<{ readonly host: SshHost; readonly address: SshAddress }> {
  const [{ openSshHost }, { parseSshEndpoint }] = await Promise.all([
    import('./ssh/host.ts'),
    import('./ssh/endpoint.ts'),
  ]);
  const { hostKey, credential } = endpoint;
  const address = parseSshEndpoint(endpoint.endpoint);
  if (address === undefined || hostKey === undefined) {
    throw refusal(wanted, {
      code: 'unsupported',
      message: `node ${wanted.name}: ${endpoint.endpoint} ${address === undefined ? 'is not ssh://USER@HOST:PORT' : 'has no hostKey'}`,
      hint: 'correct the endpoint of the node in git',
    });
  }
  const key = `${address.user}@${address.host}:${address.port} ${hostKey} ${credential ?? ''}`;
  const known = options.hosts.get(key);
  if (known !== undefined) return { host: known, address };
  const host = openSshHost({ ...address, hostKey, login: loginOf(wanted, credential, options) });
  options.hosts.set(key, host);
  return { host, address };
}

function loginOf(
  wanted: { readonly name: NodeName; readonly kind: EngineKind },
  credential: string | undefined,
  { ssh }: OpenEnginesOptions,
): SshLogin {
  const name = credential ?? 'default';
  const privateKey = ssh?.keys[name];
  if (privateKey !== undefined) return { kind: 'key', name, privateKey };
  if (credential === undefined) return { kind: 'agent', socket: ssh?.agentSocket };
  throw refusal(wanted, {
    code: 'rejected',
    message: `node ${wanted.name}: there is no credential ${JSON.stringify(name)} to log in with`,
    hint: `add {"ssh": {"${name}": {"key": "FILE"}}} to the host-local credentials file`,
  });
}

function refusal(
  at: { readonly name: NodeName; readonly kind: EngineKind },
  options: Pick<EngineError, 'code' | 'message'> & { readonly hint: string },
): EngineError {
  return new EngineError({ ...options, retryable: false, node: at.name, engine: at.kind, call: 'open' });
}

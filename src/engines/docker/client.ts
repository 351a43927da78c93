import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Duplex } from 'node:stream';
import { inspect } from 'node:util';
import Docker, { type DockerOptions } from 'dockerode';
import type { EngineEndpoint, NodeDisk } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import { type ClusterScope, EngineError } from '../engine.ts';
import { negotiateApiVersion } from './api-version.ts';
import { forwardingAgent } from './forwarding.ts';
import { repeatReads } from './repeat-reads.ts';

/** TLS material of one endpoint as PEM text, from the host-local credentials file. */
export interface TlsMaterial {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface DockerOpenOptions {
  readonly node: NodeName;
  readonly scope: ClusterScope;
  readonly endpoint: EngineEndpoint;
  readonly tls?: TlsMaterial;
  /** Of an `ssh://` endpoint: opens a stream to a Unix socket of that host. */
  readonly forward?: (socketPath: string) => Promise<Duplex>;
  /** Devices of the node; absent: none. */
  readonly disks?: readonly NodeDisk[];
}

/** One daemon and who asks it: what every call of this folder works on. */
export interface DockerClient {
  readonly docker: Docker;
  readonly node: NodeName;
  readonly scope: ClusterScope;
  /** `unix:///var/run/docker.sock`, for messages. */
  readonly address: string;
  /** Host address that ports are published on. */
  readonly publishAddress: string;
  /** Where a client of Muster's machine reaches a port that is published on every address. */
  readonly reachableHost: string;
  readonly disks: readonly NodeDisk[];
  close(): void;
}

/** Requests in flight to one daemon; the rest wait in the agent. */
const maxSockets = 32;
/** Connections that stay open to a daemon that nothing is asked of: there are thousands of daemons. */
const maxFreeSockets = 4;

/** Connects to nothing yet. Throws `EngineError` for an endpoint that docker does not have. */
export function openClient(options: DockerOpenOptions): DockerClient {
  const { node, scope, endpoint, tls } = options;
  const target = parseEndpoint(options);
  const secure = target.kind === 'tcp' && tls !== undefined;
  const agent = agentFor(target, secure);
  // docker-modem formats all options of every request for a debug log that nobody reads, the agent with all its sockets
  // included: tens of milliseconds a request, unless the agent has something shorter to say.
  Object.defineProperty(agent, inspect.custom, { value: () => '[agent]' });
  // Everything that docker-modem would else take from DOCKER_HOST and DOCKER_CERT_PATH is set: an operator's shell must
  // not send the calls of this endpoint to another daemon.
  const connection: DockerOptions & { agent: HttpAgent; pathPrefix: string } = {
    socketPath: target.kind === 'unix' ? target.path : undefined,
    // Over SSH nothing is resolved: the agent has the stream.
    host: target.kind === 'tcp' ? target.host : target.kind === 'ssh' ? 'docker' : undefined,
    port: target.kind === 'tcp' ? target.port : undefined,
    protocol: secure ? 'https' : 'http',
    ca: tls?.ca,
    cert: tls?.cert,
    key: tls?.key,
    username: undefined,
    timeout: undefined,
    headers: {},
    pathPrefix: '/',
    version: undefined,
    agent,
  };
  const docker = new Docker(connection);
  negotiateApiVersion(docker);
  repeatReads(docker, { keptConnections: maxFreeSockets });
  return {
    docker,
    node,
    scope,
    address: endpoint.endpoint,
    publishAddress: endpoint.publishAddress ?? '0.0.0.0',
    reachableHost: target.kind === 'unix' ? '127.0.0.1' : target.host,
    disks: options.disks ?? [],
    close: () => agent.destroy(),
  };
}

function agentFor(target: Target, secure: boolean): HttpAgent {
  if (target.kind === 'ssh') return forwardingAgent(() => target.forward(dockerSocket));
  const options = { keepAlive: true, maxSockets, maxFreeSockets };
  return secure ? new HttpsAgent(options) : new HttpAgent(options);
}

/** Where dockerd listens on a host that is reached over SSH, as the docker CLI has it. */
const dockerSocket = '/var/run/docker.sock';

type Target =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'ssh'; readonly host: string; readonly forward: (socketPath: string) => Promise<Duplex> }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number };

function parseEndpoint({ node, endpoint, tls, forward }: DockerOpenOptions): Target {
  const refuse = (message: string, hint: string): EngineError =>
    new EngineError({ code: 'unsupported', message, retryable: false, node, engine: 'docker', call: 'open', hint });
  const unix = /^unix:\/\/(\/.+)$/.exec(endpoint.endpoint)?.[1];
  if (unix !== undefined) return { kind: 'unix', path: unix };
  if (forward !== undefined && URL.canParse(endpoint.endpoint)) {
    return { kind: 'ssh', host: hostnameOf(endpoint.endpoint), forward };
  }
  if (endpoint.endpoint.startsWith('tcp://') && URL.canParse(endpoint.endpoint)) {
    const url = new URL(endpoint.endpoint);
    if (endpoint.tls !== undefined && tls === undefined) {
      throw refuse(
        `${endpoint.endpoint}: no TLS material named "${endpoint.tls.credential}"`,
        `add "${endpoint.tls.credential}" with ca, cert and key to the credentials file of this host`,
      );
    }
    return {
      kind: 'tcp',
      host: hostnameOf(endpoint.endpoint),
      port: Number(url.port || (tls ? 2376 : 2375)),
    };
  }
  const hint = 'use unix:///path/to/docker.sock, tcp://host:port or ssh://user@host';
  throw refuse(`docker endpoint "${endpoint.endpoint}" is not supported`, hint);
}

const hostnameOf = (endpoint: string): string => new URL(endpoint).hostname.replace(/^\[(.*)\]$/, '$1');

import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';

/** Daemons that speak as much of docker's API as a look at them asks for. */
export interface FleetOptions {
  readonly endpoints: number;
  /** Of each, all made by this cluster. */
  readonly containers: number;
  /** How many take connections and never answer: the first ones. */
  readonly dead: number;
  /** How many answer each request only after a second: the next ones. */
  readonly slow: number;
  readonly uid: string;
  readonly cluster: string;
}

export interface Fleet {
  /** On loopback, one for each daemon. */
  readonly ports: readonly number[];
  stop(): void;
}

const slowMs = 1000;

/** In a process of its own: what they cost is not the cost of whoever asks. */
export async function startFleet(options: FleetOptions): Promise<Fleet> {
  const child: ChildProcess = fork(import.meta.filename, [fleetArgument]);
  child.send(options);
  const [ports] = (await once(child, 'message')) as [readonly number[]];
  return { ports, stop: () => void child.kill() };
}

const fleetArgument = 'serve-fleet';

async function serve(options: FleetOptions): Promise<readonly number[]> {
  const servers = Array.from({ length: options.endpoints }, (_, index) => daemonAt(index, options));
  await Promise.all(servers.map((server) => new Promise<void>((done) => server.listen(0, '127.0.0.1', 1024, done))));
  return servers.map((server) => (server.address() as AddressInfo).port);
}

function daemonAt(index: number, { containers, slow, dead, uid, cluster }: FleetOptions): Server {
  if (index < dead) return createTcpServer();
  const delayMs = index < dead + slow ? slowMs : 0;
  const own = Array.from({ length: containers }, (_, place) => containerOf({ index, place, uid, cluster }));
  const answers = new Map<string, string>([
    ['/version', JSON.stringify({ ApiVersion: '1.41', MinAPIVersion: '1.12' })],
    ['/volumes', JSON.stringify({ Volumes: [], Warnings: null })],
    // Nothing ever happens.
    ['/events', ''],
    ['/containers/json', JSON.stringify(own.map(({ listed }) => listed))],
    ...own.map(({ listed, inspected }) => [`/containers/${listed.Id}/json`, JSON.stringify(inspected)] as const),
  ]);
  return createServer((request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? '').split('?')[0]?.replace(/^\/v1\.\d+/, '') ?? '';
    const answer = path === '/info' ? infoOf(index) : answers.get(path);
    const reply = (): void => {
      response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(answer ?? '{}');
    };
    if (delayMs === 0) reply();
    else setTimeout(reply, delayMs);
  });
}

const infoOf = (index: number): string =>
  JSON.stringify({
    ID: `daemon-${index}`,
    NCPU: 64,
    MemTotal: 2 ** 38,
    ServerVersion: '20.10.24',
    SystemTime: new Date().toISOString(),
  });

interface Container {
  readonly listed: { readonly Id: string };
  readonly inspected: unknown;
}

/** As docker describes one that Muster made: a few kilobytes. */
function containerOf(of: {
  readonly index: number;
  readonly place: number;
  readonly uid: string;
  readonly cluster: string;
}): Container {
  const { index, place, uid, cluster } = of;
  const id = `${index.toString(16).padStart(8, '0')}${place.toString(16).padStart(8, '0')}`.padEnd(64, 'a');
  const name = `/${cluster}.shop.web-${place}.${index}.g1`;
  const port = 30_000 + place;
  const labels = {
    'io.muster.cluster': uid,
    'io.muster.allocation': `shop/web-${place}/${index}#1`,
    'io.muster.revision': 'f'.repeat(64),
    'io.muster.effect': `run-1/shop/web-${place}/create`,
    'io.muster.token': '1.7',
    'io.muster.ports': '{"http":"8080/tcp"}',
    'io.muster.definition': JSON.stringify({ filler: 'x'.repeat(900) }),
  };
  const ports = [{ IP: '0.0.0.0', PrivatePort: 8080, PublicPort: port, Type: 'tcp' }];
  const host = {
    NetworkMode: 'bridge',
    RestartPolicy: { Name: 'unless-stopped', MaximumRetryCount: 0 },
    NanoCpus: 500_000_000,
    CpuShares: 512,
    Memory: 2 ** 29,
    PortBindings: { '8080/tcp': [{ HostIp: '0.0.0.0', HostPort: String(port) }] },
    MaskedPaths: Array.from({ length: 10 }, (_, n) => `/proc/masked/${n}`),
  };
  const state = { Status: 'running', Running: true, ExitCode: 0, StartedAt: '2026-01-01T00:00:00Z' };
  const env = Array.from({ length: 12 }, (_, n) => `VARIABLE_${n}=${'v'.repeat(40)}`);
  return {
    listed: Object.assign({ Id: id }, { Names: [name], Labels: labels, Ports: ports, State: 'running' }),
    inspected: {
      Id: id,
      Name: name,
      State: state,
      RestartCount: 0,
      Config: { Image: 'registry.local/web:1', Labels: labels, Env: env },
      HostConfig: host,
      NetworkSettings: { Networks: { bridge: { IPAddress: '172.17.0.2' } }, Ports: {} },
    },
  };
}

if (process.argv[2] === fleetArgument) {
  process.once('message', async (options: FleetOptions) => process.send?.(await serve(options)));
}

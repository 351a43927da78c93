import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { docker, dockerEndpoint, testImages } from '../bed/docker.ts';
import type { EtcdServer } from '../bed/etcd.ts';
import { example, type Finished, unhurried } from '../cli/muster.ts';
import { type Cluster, makeCluster, type Running } from './cli.ts';

/** A cluster of one Docker node, recorded in an etcd of the test's own. Its containers are gone when the test ends. */
export interface DockerCluster extends Cluster {
  readonly name: string;
  /** `muster apply --auto-approve` to its end. */
  apply(environment?: Readonly<Record<string, string>>): Promise<Finished>;
  /** What Docker itself says there is of this cluster, by name. */
  containers(): Promise<readonly Container[]>;
}

export interface Container {
  readonly id: string;
  /** `shop/web/0` */
  readonly instance: string;
  readonly generation: number;
  readonly state: string;
  readonly image: string;
  /** Published host ports. */
  readonly ports: readonly number[];
}

type Test = { after(clean: () => void | Promise<void>): void };

let made = 0;

interface DockerClusterOptions {
  readonly etcd: Pick<EtcdServer, 'endpoint'>;
  /** Files of the config repo beside cluster.yaml. `example`: those of examples/clusters/docker-etcd. */
  readonly files: Readonly<Record<string, string>> | 'example';
  /** Where Muster finds the daemon; the containers are looked up at `daemon`. */
  readonly endpoint?: string;
  readonly daemon?: string;
  readonly source?: 'git' | 'directory';
  readonly environment?: Readonly<Record<string, string>>;
}

export async function makeDockerCluster(t: Test, options: DockerClusterOptions): Promise<DockerCluster> {
  const { etcd, endpoint = dockerEndpoint, daemon = endpoint, source = 'directory' } = options;
  made += 1;
  const name = `e2e-${process.pid}-${made}`;
  const firstPort = firstPortOf(made);
  const files =
    options.files === 'example'
      ? exampleFiles(name, firstPort)
      : { 'cluster.yaml': clusterFile({ name, endpoint, firstPort }), ...options.files };
  const cluster = await makeCluster(t, files, { source });
  const children: ChildProcess[] = [];
  const environment = {
    MUSTER_STORE: etcd.endpoint.replace(/^http/, 'etcd').replace(/$/, '/muster'),
    ...options.environment,
  };
  t.after(async () => {
    for (const child of children) child.kill('SIGKILL');
    const left = await containersOf(daemon, name).catch(() => []);
    if (left.length > 0) await docker(daemon, 'rm', '-fv', ...left.map(({ id }) => id));
  });
  const muster: Cluster['muster'] = (args, more = {}) => cluster.muster(args, { ...environment, ...more });
  return {
    ...cluster,
    name,
    muster,
    start: (args, more = {}, within = []): Running => {
      const running = cluster.start(args, { ...environment, ...more }, within);
      children.push(running.child);
      return running;
    },
    apply: (more = {}) => muster(applyNow, more),
    containers: () => containersOf(daemon, name),
  };
}

export const applyNow = ['apply', '--auto-approve'];

/** Of this test process alone, below the ports of all other tests and those that the kernel gives to connections. */
const firstPortOf = (count: number): number => 11_000 + (process.pid % 80) * 100 + (count % 10) * 10;

const clusterFile = (options: {
  readonly name: string;
  readonly endpoint: string;
  readonly firstPort: number;
}): string => `apiVersion: muster/v1
kind: Cluster
metadata: {name: ${options.name}}
spec:
  prune: {stopAfter: 0s, deleteAfter: 0s}
---
apiVersion: muster/v1
kind: Pod
metadata: {name: local}
spec: {}
---
apiVersion: muster/v1
kind: Node
metadata: {name: d1}
spec:
  pod: local
  engines: {docker: {endpoint: "${options.endpoint}", publishAddress: 127.0.0.1}}
  capacity: {cpu: 8, memory: 4GiB, storage: 8GiB}
  ports: {range: ${options.firstPort}-${options.firstPort + 9}}
`;

/** The example as it lies, under a name and with ports of the test's own: tests run side by side, and beside the example itself. */
function exampleFiles(name: string, firstPort: number): Readonly<Record<string, string>> {
  const root = example('docker-etcd');
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) =>
    statSync(join(root, file)).isFile(),
  );
  return Object.fromEntries(
    files
      .filter((file) => file.endsWith('.yaml'))
      .map((file) => [
        file,
        unhurried(readFileSync(join(root, file), 'utf8'))
          .replace('name: docker-etcd', `name: ${name}`)
          .replace('32100-32199', `${firstPort}-${firstPort + 48}`)
          .replace('32200', String(firstPort + 49)),
      ]),
  );
}

/** A small web server; `extra` are further lines of its spec. */
export function server(options: {
  readonly name: string;
  readonly replicas: number;
  readonly image?: string;
  readonly version?: string;
  readonly update?: string;
  readonly extra?: readonly string[];
}): string {
  const { name, replicas, image = testImages.first, version = '1', extra = [] } = options;
  const { update = '{groups: [100%], observe: 0s, healthyDeadline: 60s}' } = options;
  return `apiVersion: muster/v1
kind: Workload
metadata: {name: ${name}}
spec:
  engine: docker
  image: ${image}
  env: {VERSION: "${version}"}
  replicas: ${replicas}
  resources: {cpu: 10m, memory: 16MiB}
  restart: always
  stop: {grace: 1s}
  update: ${update}
${extra.map((line) => `  ${line}\n`).join('')}`;
}

async function containersOf(daemon: string, cluster: string): Promise<readonly Container[]> {
  const filters = encodeURIComponent(JSON.stringify({ name: [`^/${cluster}[.]`] }));
  const found = (await askDocker(daemon, `/containers/json?all=true&filters=${filters}`)) as readonly {
    readonly Id: string;
    readonly Names: readonly string[];
    readonly State: string;
    readonly Image: string;
    readonly Ports: readonly { readonly PublicPort?: number }[];
  }[];
  return found
    .map(({ Id: id, Names: names, State: state, Image: image, Ports: ports }) => {
      const [, namespace, workload, ordinal, generation] = (names[0] ?? '').split('.');
      return {
        id,
        instance: `${namespace}/${workload}/${ordinal}`,
        generation: Number(generation?.slice(1)),
        state,
        image,
        ports: ports.flatMap(({ PublicPort: port }) => port ?? []),
      };
    })
    .sort((a, b) => (a.instance < b.instance ? -1 : 1));
}

/** One GET at the daemon's socket: milliseconds, where the docker command takes a good part of a second on a busy machine. */
function askDocker(daemon: string, path: string): Promise<unknown> {
  const socketPath = daemon.slice('unix://'.length);
  return new Promise((resolve, reject) => {
    const call = request(
      { socketPath, path: `/v1.41${path}`, headers: { Host: 'docker' }, timeout: 60_000 },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        reply.on('end', () => {
          if (reply.statusCode === 200) resolve(JSON.parse(text));
          else reject(new Error(`GET ${path}: ${reply.statusCode} ${text}`));
        });
        reply.on('error', reject);
      },
    );
    call.on('timeout', () => call.destroy(new Error(`GET ${path}: no answer`)));
    call.on('error', reject);
    call.end();
  });
}

interface Inspected {
  readonly Id: string;
  readonly Config: { readonly Env: readonly string[] };
  readonly State: { readonly StartedAt: string; readonly Running: boolean };
  readonly HostConfig: { readonly NanoCpus: number; readonly Memory: number };
}

export const inspect = async (id: string, daemon = dockerEndpoint): Promise<Inspected> =>
  (await askDocker(daemon, `/containers/${id}/json`)) as Inspected;

/** `shop/web/0`, `shop/web/1`, … */
export const instancesOf = (workload: string, replicas: number): readonly string[] =>
  Array.from({ length: replicas }, (_, ordinal) => `${workload}/${ordinal}`);

/** Exactly these instances run, each once, and there is nothing left to do. */
export async function assertConverged(cluster: DockerCluster, instances: readonly string[], what = ''): Promise<void> {
  const containers = await cluster.containers();
  assert.deepEqual(
    containers.map(({ instance }) => instance),
    [...instances].sort(),
    what,
  );
  assert.deepEqual(
    new Set(containers.map(({ state }) => state)),
    new Set(instances.length === 0 ? [] : ['running']),
    what,
  );
  const plan = await cluster.muster(['plan', '--detailed-exitcode']);
  assert.equal(plan.code, 0, `${what}: ${plan.stdout}${plan.stderr}`);
  assert.match(plan.stdout, /^No changes\./m, what);
}

/** What an HTTP server on loopback answers, or undefined. */
export async function answerOf(port: number | undefined, path = '/'): Promise<string | undefined> {
  try {
    const reply = await fetch(`http://127.0.0.1:${port}${path}`, { signal: AbortSignal.timeout(15_000) });
    return reply.ok ? await reply.text() : undefined;
  } catch {
    return undefined;
  }
}

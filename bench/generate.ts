import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { createRandom, type Random } from './random.ts';

/**
 * Config repos of any size, the same bytes for the same seed:
 *   node --import tsx bench/generate.ts --nodes 1000 --instances 20000 --workloads 1000 --seed 1 --out DIR
 *     [--snapshot FILE] [--fresh] [--git]
 * `--snapshot` writes the world that a plan for the repo leads to, so that planning on it changes nothing; with `--fresh`
 * a world in which nothing runs yet. `--git` commits the repo.
 */
export interface RepoSize {
  readonly nodes: number;
  readonly instances: number;
  readonly workloads: number;
  readonly seed: number;
}

/** Path → text. About 60 % of the nodes are in pod web, 30 % in batch (tainted), 10 % in data (labelled). */
export function generateRepo(size: RepoSize): ReadonlyMap<string, string> {
  const random = createRandom(size.seed);
  const shares = poolShares(size.nodes);
  const files = new Map<string, string>();
  files.set('cluster.yaml', document('Cluster', { name: 'bench' }, { apply: { parallelism: 64 } }));
  for (const { pool, nodes } of shares) {
    files.set(`pods/${pool.name}.yaml`, document('Pod', { name: pool.name }, { strategy: pool.strategy }));
    files.set(`nodes/${pool.name}.yaml`, nodeSet(pool, nodes));
  }
  files.set('policies/default.yaml', defaultPolicy);
  for (let index = 0; index < namespaceCount; index++) {
    const name = namespaceOf(index);
    files.set(
      `namespaces/${name}.yaml`,
      document('Namespace', { name }, { owner: `team-${index}`, contact: `mailto:team-${index}@example.org` }),
    );
    const limits = { cpu: Math.max(64, size.nodes * 8), instances: Math.max(100, size.instances) };
    files.set(`quotas/${name}.yaml`, document('Quota', { name }, { scope: { namespace: name }, limits }));
  }
  for (const workload of workloads(size, shares, random)) {
    files.set(`workloads/${workload.namespace}/${workload.name}.yaml`, workloadDocument(workload));
  }
  return files;
}

export async function writeRepo(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  const folders = new Set([...files.keys()].map((path) => dirname(join(folder, path))));
  for (const path of folders) await mkdir(path, { recursive: true });
  for (const [path, text] of files) await writeFile(join(folder, path), text);
}

const namespaceCount = 20;
const namespaceOf = (index: number): string => `team-${String(index % namespaceCount).padStart(2, '0')}`;

interface Pool {
  readonly name: string;
  readonly strategy: 'auto' | 'fill';
  readonly share: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly tainted: boolean;
}

const pools: readonly Pool[] = [
  { name: 'web', strategy: 'auto', share: 0.6, labels: { disk: 'ssd' }, cores: 32, memoryGiB: 128, tainted: false },
  { name: 'batch', strategy: 'fill', share: 0.3, labels: { disk: 'hdd' }, cores: 64, memoryGiB: 256, tainted: true },
  { name: 'data', strategy: 'auto', share: 0.1, labels: { disk: 'nvme' }, cores: 48, memoryGiB: 384, tainted: false },
];

interface PoolNodes {
  readonly pool: Pool;
  readonly nodes: number;
}

function poolShares(nodes: number): readonly PoolNodes[] {
  const batch = Math.floor(nodes * 0.3);
  const data = Math.floor(nodes * 0.1);
  const counts: Readonly<Record<string, number>> = { web: nodes - batch - data, batch, data };
  return pools.map((pool) => ({ pool, nodes: counts[pool.name] ?? 0 })).filter(({ nodes: count }) => count > 0);
}

/** Two zones; an odd one out goes to zone a. A node of each pool is cordoned where there are many. */
function nodeSet(pool: Pool, nodes: number): string {
  const perZone = [Math.ceil(nodes / 2), Math.floor(nodes / 2)];
  const digits = String(perZone[0]).length;
  return ['a', 'b']
    .flatMap((zone, index) => {
      const count = perZone[index] ?? 0;
      if (count === 0) return [];
      const pad = (value: number): string => String(value).padStart(digits, '0');
      const spec = {
        names: `${pool.name}-${zone}-[${pad(1)}:${pad(count)}]`,
        zone,
        template: {
          pod: pool.name,
          labels: pool.labels,
          engines: { docker: { endpoint: 'tcp://{name}:2376', tls: { credential: 'bench' } } },
          capacity: { cpu: pool.cores, memory: `${pool.memoryGiB}GiB`, storage: '2TiB' },
          reserved: { cpu: 1, memory: '4GiB' },
          ...(pool.tainted && { taints: [{ key: 'pool', value: pool.name, effect: 'NoSchedule' }] }),
        },
        ...(count >= 50 && { overrides: [{ names: `${pool.name}-${zone}-${pad(count)}`, lifecycle: 'cordoned' }] }),
      };
      return [document('NodeSet', { name: `${pool.name}-${zone}` }, spec)];
    })
    .join('---\n');
}

const defaultPolicy = document(
  'Policy',
  { name: 'default' },
  {
    scope: { namespaces: ['*'] },
    disruption: [{ below: 5, max: 1 }, { upTo: 20, max: 2 }, { max: '10%' }],
  },
);

interface GeneratedWorkload {
  readonly namespace: string;
  readonly name: string;
  readonly pool: Pool;
  readonly replicas: number;
  readonly cpuMillis: number;
  readonly memoryMiB: number;
  readonly version: number;
}

/** Replicas add up to `instances`; sizes are such that about two thirds of the nodes' memory is used. */
function workloads(
  { instances, workloads: count, nodes }: RepoSize,
  shares: readonly PoolNodes[],
  random: Random,
): readonly GeneratedWorkload[] {
  const weights = Array.from({ length: count }, () => 1 + random.below(4));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let left = instances;
  return weights.map((weight, index) => {
    const replicas = index === count - 1 ? left : Math.min(left, Math.max(1, Math.round((instances * weight) / total)));
    left -= replicas;
    const share = shares[pick(shares, random, nodes)] ?? shares[0];
    if (share === undefined) throw new Error('a repo needs at least one node');
    const perInstance = (share.pool.memoryGiB * 1024 * nodes) / Math.max(1, instances) / 4;
    const unit = Math.max(16, Math.min(512, Math.floor(perInstance / 4)));
    return {
      namespace: namespaceOf(index),
      name: `app-${String(index).padStart(String(count).length, '0')}`,
      pool: share.pool,
      replicas,
      cpuMillis: 50 * (1 + random.below(4)),
      memoryMiB: unit * (1 + random.below(4)),
      version: 1 + random.below(9),
    };
  });
}

/** A pool, as often as it has nodes. */
function pick(shares: readonly PoolNodes[], random: Random, nodes: number): number {
  let at = random.below(nodes);
  return Math.max(
    0,
    shares.findIndex(({ nodes: count }) => {
      at -= count;
      return at < 0;
    }),
  );
}

function workloadDocument({
  namespace,
  name,
  pool,
  replicas,
  cpuMillis,
  memoryMiB,
  version,
}: GeneratedWorkload): string {
  return document(
    'Workload',
    { name, namespace, labels: { team: namespace } },
    {
      type: 'stateless',
      engine: 'docker',
      image: `registry.local/${namespace}/${name}:1.${version}`,
      args: ['--port', '$(PORT_HTTP)'],
      env: { LOG_LEVEL: 'info', REGION: 'eu', FEATURE_SET: `v${version}` },
      replicas,
      resources: { cpu: `${cpuMillis}m`, memory: `${memoryMiB}MiB` },
      ports: [{ name: 'http', port: 8080, publish: 'auto' }],
      health: { http: { port: 'http', path: '/healthz' }, interval: '5s' },
      placement: {
        pods: [pool.name],
        ...(pool.name === 'data' && { require: pool.labels }),
        ...(pool.tainted && { tolerate: [{ key: 'pool', value: pool.name }] }),
      },
      update: { groups: [1, '10%', '100%'], observe: '30s' },
      priority: pool.tainted ? 'offline' : 'online',
    },
  );
}

/** As a person would write it: block maps, flow lists. */
function document(kind: string, metadata: object, spec: object): string {
  return `apiVersion: muster/v1\nkind: ${kind}\nmetadata: ${JSON.stringify(metadata)}\nspec:\n${block(spec, '  ')}`;
}

function block(value: object, indent: string): string {
  return Object.entries(value)
    .map(([key, member]: [string, unknown]) => {
      const nested = typeof member === 'object' && member !== null && !Array.isArray(member);
      return nested
        ? `${indent}${key}:\n${block(member, `${indent}  `)}`
        : `${indent}${key}: ${JSON.stringify(member)}\n`;
    })
    .join('');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '1000' },
      instances: { type: 'string', default: '20000' },
      workloads: { type: 'string', default: '1000' },
      seed: { type: 'string', default: '1' },
      out: { type: 'string' },
      snapshot: { type: 'string' },
      fresh: { type: 'boolean', default: false },
      git: { type: 'boolean', default: false },
    },
  });
  if (values.out === undefined) throw new Error('--out DIR says where to write the repo');
  const count = (name: 'nodes' | 'instances' | 'workloads' | 'seed'): number => {
    const number = Number(values[name]);
    if (!Number.isSafeInteger(number) || number < (name === 'seed' ? 0 : 1))
      throw new Error(`--${name} ${values[name]} is not a count`);
    return number;
  };
  const size = {
    nodes: count('nodes'),
    instances: count('instances'),
    workloads: count('workloads'),
    seed: count('seed'),
  };
  const files = generateRepo(size);
  await writeRepo(values.out, files);
  if (values.git) commit(values.out);
  if (values.snapshot !== undefined) {
    const { generateSnapshot } = await import('./world.ts');
    await generateSnapshot({ folder: values.out, file: values.snapshot, kind: values.fresh ? 'fresh' : 'noChange' });
  }
  console.log(`${files.size} files in ${values.out}`);
}

function commit(folder: string): void {
  const identity = ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', '-c', 'commit.gpgsign=false'];
  for (const args of [
    ['init', '-q', '-b', 'main'],
    ['add', '-A'],
    [...identity, 'commit', '-q', '-m', 'generated'],
  ]) {
    const { status, stderr } = spawnSync('git', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(`git ${args.join(' ')} failed: ${stderr}`);
  }
}

if (import.meta.filename === process.argv[1]) await main();

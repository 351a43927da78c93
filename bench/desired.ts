import type { Desired, DesiredNode, DesiredQuota, DesiredWorkload, Placement } from '../src/model/desired.ts';
import { namespaceName, nodeName, podName, revisionHash, workloadId } from '../src/model/ids.ts';
import type { Revision } from '../src/model/revision.ts';
import { createRandom, type Random } from './random.ts';

/**
 * What a large config repo declares, made in memory, the same for the same size: labels, taints, zones, racks, spread
 * and quotas on. Somewhat more than half of the nodes' memory is asked for, so that a lost zone finds room.
 */
export interface WorldSize {
  readonly nodes: number;
  readonly instances: number;
  readonly workloads: number;
  readonly seed: number;
  /** `mixed`: every fourth workload has affinity, bound cores, NUMA and a volume, too. */
  readonly kind: 'plain' | 'mixed';
}

export function generateDesired(size: WorldSize): Desired {
  return {
    cluster: {
      name: 'bench',
      drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
      prune: { stopAfterMs: 600_000, deleteAfterMs: 86_400_000, max: { sharePercent: 10, atLeast: 3 } },
      apply: { parallelism: 64, perNode: 4 },
    },
    commits: { bench: 'worktree' },
    incompleteSources: [],
    policies: [
      {
        name: 'default',
        namespaces: ['*'],
        disruption: [
          { below: 5, max: { kind: 'count', count: 1 } },
          { upTo: 20, max: { kind: 'count', count: 2 } },
          { max: { kind: 'percent', percent: 10 } },
        ],
      },
    ],
    namespaces: namespaces.map((name) => namespaceName(name)),
    pods: pools.map(({ name, strategy }) => ({ name: podName(name), strategy })),
    nodes: pools.flatMap((pool) => nodesOf(pool, size)),
    quotas: quotasOf(size),
    workloads: workloadsOf(size),
    refactors: [],
  };
}

interface Pool {
  readonly name: string;
  readonly strategy: 'auto' | 'fill';
  readonly share: number;
  readonly disk: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly taint?: string;
}

/** Sorted by name, as everything in a Desired is. */
const pools: readonly Pool[] = [
  { name: 'batch', strategy: 'fill', share: 0.3, disk: 'hdd', cores: 64, memoryGiB: 256, taint: 'batch' },
  { name: 'data', strategy: 'auto', share: 0.1, disk: 'nvme', cores: 48, memoryGiB: 384 },
  { name: 'web', strategy: 'auto', share: 0.6, disk: 'ssd', cores: 32, memoryGiB: 128 },
];

const zones = ['a', 'b', 'c'];
const nodesPerRack = 40;
const namespaces = Array.from({ length: 20 }, (_, index) => `team-${String(index).padStart(2, '0')}`);
const MiB = 1024 ** 2;
const GiB = 1024 ** 3;
const reservedMemoryBytes = 4 * GiB;
/** Share of the nodes' memory that the instances ask for. */
const wantedShare = 0.55;

/** Equal counts in every zone; where a zone has many, its last node is cordoned. */
function nodesOf(pool: Pool, size: WorldSize): readonly DesiredNode[] {
  const total = Math.round(size.nodes * pool.share);
  return zones.flatMap((zone, z) => {
    const count = Math.floor((total + zones.length - 1 - z) / zones.length);
    return Array.from({ length: count }, (_, index) => nodeOf(pool, { zone, index, last: index === count - 1 }));
  });
}

function nodeOf(
  pool: Pool,
  at: { readonly zone: string; readonly index: number; readonly last: boolean },
): DesiredNode {
  const { zone, index, last } = at;
  const name = `${pool.name}-${zone}-${String(index + 1).padStart(5, '0')}`;
  const half = pool.cores / 2;
  return {
    name: nodeName(name),
    pod: podName(pool.name),
    zone,
    rack: `${zone}-${pool.name}-${Math.floor(index / nodesPerRack)}`,
    labels: { disk: pool.disk, hardware: `v${1 + (index % 3)}` },
    lifecycle: last && index >= 50 ? 'cordoned' : 'online',
    engines: { docker: { endpoint: `tcp://${name}:2376`, tls: { credential: 'bench' } } },
    capacity: {
      cpuMillis: pool.cores * 1000,
      memoryBytes: pool.memoryGiB * GiB,
      storageBytes: 2048 * GiB,
      bandwidthBits: 10_000_000_000,
    },
    reserved: { cpuMillis: 1000, memoryBytes: reservedMemoryBytes },
    numa: [0, half].map((first) => ({
      cpus: Array.from({ length: half }, (_, core) => first + core),
      memoryBytes: (pool.memoryGiB / 2) * GiB,
    })),
    disks: ['/data1', '/data2', '/data3', '/data4'].map((device) => ({
      device,
      sizeBytes: 512 * GiB,
      readIops: 80_000,
    })),
    overcommitCpuMilli: 1000,
    taints: pool.taint === undefined ? [] : [{ key: 'pool', value: pool.taint, effect: 'NoSchedule' }],
    portRange: { first: 30_000, last: 32_767 },
    portDomain: name,
  };
}

/** One for each namespace under one for all; nobody reaches them, and everybody is charged. */
function quotasOf({ nodes, instances }: WorldSize): readonly DesiredQuota[] {
  const limits = { cpuMillis: nodes * 30_000, memoryBytes: nodes * 120 * GiB, instances: instances * 2 };
  return [
    { name: 'everybody', limits: { ...limits, storageBytes: nodes * 2048 * GiB } },
    ...namespaces.map((name) => ({ name, namespace: namespaceName(name), parent: 'everybody', limits })),
  ];
}

/** Replicas add up to `instances`. */
function workloadsOf(size: WorldSize): readonly DesiredWorkload[] {
  const random = createRandom(size.seed);
  const weights = Array.from({ length: size.workloads }, () => 1 + random.below(4));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const made: DesiredWorkload[] = [];
  let left = size.instances;
  for (const [index, weight] of weights.entries()) {
    const share = Math.max(1, Math.round((size.instances * weight) / total));
    const replicas = index === size.workloads - 1 ? left : Math.min(left, share);
    left -= replicas;
    made.push(workloadOf(size, { index, replicas, random }));
  }
  return made.sort((a, b) => (a.id < b.id ? -1 : 1));
}

interface Draw {
  readonly index: number;
  readonly replicas: number;
  readonly random: Random;
}

function workloadOf(size: WorldSize, draw: Draw): DesiredWorkload {
  const { index, replicas, random } = draw;
  const pool = pickPool(random);
  const { namespace, name } = nameOf(index);
  const special = size.kind === 'mixed' && index % 4 === 3;
  return {
    id: workloadId(namespace, name),
    namespace: namespaceName(namespace),
    name,
    labels: { team: namespace },
    type: 'stateless',
    replicas,
    revisionHash: revisionHash(index.toString(16).padStart(16, 'b')),
    revision: { ...revisionOf(size, { pool, name, random }), ...(special && boundAndStored(index, random)) },
    after: [],
    placement: { ...placementOf(pool, draw), ...(special && nearAndFar(index)) },
    update: {
      groups: [
        { kind: 'count', count: 1 },
        { kind: 'percent', percent: 10 },
        { kind: 'percent', percent: 100 },
      ],
      observeMs: 30_000,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 300_000,
    },
    maxUnavailable: { kind: 'policy' },
    onLost: 'auto',
    priority: pool.taint === undefined ? 1000 : 100,
    declaredAt: `workloads/${namespace}/${name}.yaml:1`,
  };
}

const nameOf = (index: number): { readonly namespace: string; readonly name: string } => ({
  namespace: namespaces[index % namespaces.length] ?? 'team-00',
  name: `app-${String(index).padStart(5, '0')}`,
});

function pickPool(random: Random): Pool {
  const at = random.below(100);
  const [batch, data, web] = pools as readonly [Pool, Pool, Pool];
  return at < 60 ? web : at < 90 ? batch : data;
}

function revisionOf(
  size: WorldSize,
  { pool, name, random }: { readonly pool: Pool; readonly name: string; readonly random: Random },
): Revision {
  const cpuMillis = 100 * (1 + random.below(8));
  const perNode = size.instances / size.nodes;
  const wanted = ((pool.memoryGiB * GiB - reservedMemoryBytes) * wantedShare) / perNode;
  const memoryBytes = Math.max(16, Math.floor(wanted / 2.5 / MiB)) * (1 + random.below(4)) * MiB;
  const version = 1 + random.below(9);
  return {
    engine: 'docker',
    image: `registry.local/${name}:1.${version}`,
    command: [],
    args: ['--port', '$(PORT_HTTP)'],
    env: { FEATURE_SET: `v${version}`, LOG_LEVEL: 'info', REGION: 'eu' },
    resources: { cpuMillis, memoryBytes, storageBytes: GiB, bandwidthBits: 10_000_000, extended: {} },
    limits: { cpuMillis, memoryBytes },
    ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' }],
    health: {
      probe: { kind: 'http', port: 'http', path: '/healthz' },
      intervalMs: 5000,
      timeoutMs: 2000,
      healthyAfter: 2,
      unhealthyAfter: 3,
    },
    stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
    restart: 'on-failure',
  };
}

/** A label is required in `data`; of the others every second workload is spread over zones, every eighth over racks. */
function placementOf(pool: Pool, { index, replicas }: Draw): Placement {
  const byZone = index % 2 === 0 && replicas > 1;
  const byRack = index % 8 === 0 && replicas > 2;
  return {
    pods: [podName(pool.name)],
    require: pool.name === 'data' ? { disk: pool.disk } : {},
    tolerate: pool.taint === undefined ? [] : [{ key: 'pool', value: pool.taint }],
    partial: true,
    ...(byZone && {
      spread: [
        ...(byRack ? [{ by: 'rack', minDomains: 2 } as const] : []),
        { by: 'zone', minDomains: Math.min(replicas, 2) },
      ],
    }),
  };
}

function boundAndStored(index: number, random: Random): Pick<Revision, 'cpu' | 'volumes'> {
  return {
    cpu: { bind: true, numa: index % 8 === 3 ? 'require' : 'prefer' },
    volumes: [
      {
        name: 'data',
        mount: '/data',
        sizeBytes: (1 + random.below(8)) * GiB,
        source: { kind: 'auto' },
        exclusive: index % 80 === 3,
        readOnly: false,
        onRemove: 'keep',
        readIops: 100 * (1 + random.below(4)),
        writeIops: 0,
        readBps: 0,
        writeBps: 0,
      },
    ],
  };
}

/** In the zones of one other workload, never on a node with a second, and rather on new hardware. */
function nearAndFar(index: number): Pick<Placement, 'affinity' | 'antiAffinity' | 'prefer'> {
  const to = (other: number) => {
    const { namespace, name } = nameOf(other);
    return workloadId(namespace, name);
  };
  return {
    affinity: [{ to: to(index - 1), by: 'zone', required: false }],
    antiAffinity: [{ to: to(index - 2), by: 'node', required: true }],
    prefer: [{ labels: { hardware: 'v3' }, weight: 10 }],
  };
}

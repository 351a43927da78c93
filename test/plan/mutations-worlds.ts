import type { DesiredNode, DesiredPolicy, DesiredQuota, DesiredWorkload } from '../../src/model/desired.ts';
import { instanceId, nodeName, revisionHash, stepId, unitOf } from '../../src/model/ids.ts';
import type { Plan, Step } from '../../src/model/plan.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { planOf } from './verify-world.ts';
import { GiB, namespaceName, node, podName, revision, withRunning, workload, world } from './world.ts';

/**
 * Worlds with everything switched on, each from a seed: cores, NUMA, disks, devices, addresses, quotas, spread, affinity,
 * preemption, drains. A seed is a story: everything is placed anew, git changes, a node leaves, somebody needs room.
 */
export interface Scene {
  readonly name: string;
  readonly inputs: PlanInputs;
  readonly plan: Plan;
}

export const seeds: readonly number[] = [1, 2, 3, 4];

export function scenesOf(seed: number): readonly Scene[] {
  const random = createRandom(seed);
  const first = firstCommit(random);
  const fresh = planned(`${seed}: placed anew`, first);
  const settled = apply(fresh);
  const changed = planned(`${seed}: git changed`, { ...settled, desired: changedCommit(settled.desired, random) });
  const urgent = planned(`${seed}: somebody needs room`, { ...settled, desired: urgentCommit(settled.desired) });
  const broken = planned(`${seed}: things break`, trouble(settled, random));
  const over = planned(`${seed}: the quota shrinks`, { ...settled, desired: shrunkCommit(settled.desired) });
  return [fresh, changed, urgent, broken, over];
}

/** Some objects are gone, some do not run, some are ill; a node is lost, another is forced off. */
function trouble(inputs: PlanInputs, random: Random): PlanInputs {
  const { desired, observed } = inputs;
  const objects = observed.objects.flatMap((object): typeof observed.objects => {
    const fate = random.below(12);
    if (fate === 0) return [];
    if (fate === 1) return [{ ...object, state: 'exited', exitCode: 1, health: 'none' }];
    return [fate === 2 ? { ...object, health: 'unhealthy' } : object];
  });
  const lost = nodeName(`n${random.below(3)}`);
  const seen = new Map(observed.nodes);
  const known = seen.get(lost);
  if (known !== undefined) seen.set(lost, { ...known, liveness: 'lost' });
  const forced = `n${3 + random.below(6)}`;
  const drain = { force: true, deadline: inputs.now - 1 };
  const nodes = desired.nodes.map((node) =>
    node.name === forced ? ({ ...node, lifecycle: 'offline', drain } as const) : node,
  );
  return { ...inputs, desired: { ...desired, nodes }, observed: { ...observed, nodes: seen, objects } };
}

/** What is over a lowered limit goes, the least urgent first. */
const shrunkCommit = (desired: Desired): Desired => ({
  ...desired,
  quotas: desired.quotas.map((quota) => ({ ...quota, limits: { ...quota.limits, instances: 5 }, drainToQuota: true })),
});

/** Room that one wave makes and the next one fills: written by hand, so that it is there whatever the planner prefers. */
export function roomMadeByHand(): Scene {
  const web = 'payments/web';
  const small = { cpuMillis: 1000, memoryBytes: GiB };
  const inputs = withRunning(
    world({
      nodes: ['n0', 'n1'].map((name) => node(name, { capacity: small })),
      workloads: [workload(web, { replicas: 2 })],
    }),
    [
      { workload: web, ordinal: 0, node: 'n0' },
      { workload: web, ordinal: 2, node: 'n1' },
    ],
  );
  const holds = { cpuMillis: 500, memoryBytes: GiB, storageBytes: 0 };
  const common = { node: nodeName('n1'), engine: 'docker', unit: unitOf(workload(web).id), class: 'none' } as const;
  const about = { cause: 'scale', revision: revisionHash('r1'), changes: [], reason: 'by hand', holds } as const;
  const leaves: Step = {
    ...common,
    ...about,
    id: stepId('s1'),
    kind: 'remove',
    instance: instanceId(workload(web).id, 2),
    generation: 3,
    wave: 0,
    undo: 'final',
    order: 'in-place',
  };
  const comes: Step = {
    ...common,
    ...about,
    id: stepId('s2'),
    kind: 'create',
    instance: instanceId(workload(web).id, 1),
    generation: 4,
    wave: 1,
    undo: 'reversible',
    order: 'create-first',
  };
  const plan = { ...planOf([leaves, comes]), cluster: inputs.desired.cluster.name };
  return { name: 'by hand: room that is made', inputs, plan };
}

const planned = (name: string, inputs: PlanInputs): Scene => ({ name, inputs, plan: createPlan(inputs) });
const apply = ({ inputs, plan }: Scene): PlanInputs => ({ ...inputs, ...worldAfter(inputs, plan) });

interface Random {
  below(bound: number): number;
  one<Value>(values: readonly Value[]): Value;
}

/** The minimal standard generator: the same seed, the same world. */
function createRandom(seed: number): Random {
  let state = seed;
  const below = (bound: number): number => {
    state = (state * 48_271) % 2_147_483_647;
    return state % bound;
  };
  return { below, one: (values) => values[below(values.length)] as (typeof values)[number] };
}

const zones = ['a', 'b', 'c'];

/** Nine nodes in three zones, each with two NUMA nodes, three disks and some GPUs; and two for another pod. */
function nodes(random: Random): readonly DesiredNode[] {
  const numa = [
    { cpus: [0, 1, 2, 3, 4, 5, 6, 7], memoryBytes: 16 * GiB },
    { cpus: [8, 9, 10, 11, 12, 13, 14, 15], memoryBytes: 16 * GiB },
  ];
  const rates = { readIops: 1000, writeIops: 1000, readBps: GiB, writeBps: GiB };
  const web = Array.from({ length: 9 }, (_, index) =>
    node(`n${index}`, {
      zone: zones[index % 3] as string,
      rack: `r${index % 6}`,
      labels: { disk: index < 8 ? 'ssd' : 'hdd' },
      capacity: {
        cpuMillis: 16_000,
        memoryBytes: 32 * GiB,
        storageBytes: 100 * GiB,
        bandwidthBits: 1_000_000_000,
        ...(index < 6 && { [index < 4 ? 'gpu/a100' : 'gpu/v100']: 4000 }),
      },
      overcommitCpuMilli: random.one([1000, 2000]),
      numa,
      disks: ['/data1', '/data2', '/data3'].map((device, disk) => ({
        device,
        sizeBytes: (100 + 10 * disk) * GiB,
        ...rates,
      })),
    }),
  );
  const other = node('other', { pod: podName('db'), zone: 'a', rack: 'r0', labels: { disk: 'ssd' } });
  const tainted = node('tainted', {
    zone: 'a',
    rack: 'r1',
    labels: { disk: 'ssd' },
    taints: [{ key: 'pool', value: 'offline', effect: 'NoSchedule' }],
  });
  return [...web, other, tainted];
}

const volume = (name: string, change: Partial<RevisionVolume> = {}): RevisionVolume => ({
  name,
  mount: `/${name}`,
  sizeBytes: 10 * GiB,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
  ...change,
});

type Asks = Partial<Revision['resources']>;

const asking = (resources: Asks, change: Partial<Revision> = {}): Revision =>
  revision({
    ...change,
    resources: {
      cpuMillis: 500,
      memoryBytes: GiB,
      storageBytes: GiB,
      bandwidthBits: 10_000_000,
      extended: {},
      ...resources,
    },
  });

/** Each with a revision of its own. */
const workloads = (random: Random): readonly DesiredWorkload[] =>
  asked(random).map((known) => ({ ...known, revisionHash: revisionHash(`${known.name}-1`) }));

/** Everything that an instance may hold is held by some of them. */
function asked(random: Random): readonly DesiredWorkload[] {
  const base = workload('payments/web').placement;
  const ssd = { ...base, require: { disk: 'ssd' } };
  const http = { name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' } as const;
  const dns = { name: 'dns', port: 53, protocol: 'udp', publish: 'auto' } as const;
  const onDisk = asking(
    {},
    { volumes: [volume('data', { readIops: 300, writeBps: GiB / 4 }), volume('log', { onRemove: 'delete' })] },
  );
  const spread = [{ by: 'zone', minDomains: 2 }] as const;
  return [
    workload('payments/web', {
      replicas: 6 + random.below(4),
      revision: asking({}, { ports: [http, dns] }),
      placement: { ...ssd, spread },
    }),
    workload('payments/api', {
      replicas: 2,
      revision: asking({}, { ports: [{ ...http, publish: 9000 }] }),
      after: [workload('payments/web').id],
      placement: {
        ...base,
        perNode: 1,
        antiAffinity: [{ to: workload('payments/cache').id, by: 'node', required: true }],
      },
    }),
    workload('payments/near', {
      replicas: 2,
      revision: asking({}),
      placement: { ...base, affinity: [{ to: workload('payments/cache').id, by: 'zone', required: true }] },
    }),
    workload('payments/cache', { replicas: 1, revision: asking({}) }),
    workload('payments/bound', {
      replicas: 3,
      revision: asking({ cpuMillis: random.one([2500, 3250]) }, { cpu: { bind: true, numa: 'require' } }),
    }),
    workload('payments/train', { replicas: 2, revision: asking({ extended: { 'gpu/a100|v100': 2000 } }) }),
    workload('payments/infer', { replicas: 3, revision: asking({ extended: { 'gpu/a100': 500 } }) }),
    workload('payments/db', {
      type: 'stateful',
      replicas: 3,
      revision: { ...onDisk, network: { name: 'lan', ip: 'keep' } },
    }),
    workload('payments/pool', {
      replicas: 2,
      revision: asking({}, { network: { name: 'lan', ip: 'pool', pool: 'web' } }),
    }),
    workload('payments/fast', {
      type: 'static',
      replicas: 1,
      revision: asking({}, { volumes: [volume('all', { exclusive: true })], network: { name: 'lan', ip: '10.0.0.9' } }),
    }),
    workload('payments/agent', {
      type: 'daemon',
      replicas: 1,
      revision: asking({ cpuMillis: 100 }),
      update: {
        ...workload('payments/web').update,
        groups: [25, 100].map((percent) => ({ kind: 'percent', percent })),
      },
    }),
    workload('batch/low', {
      replicas: 8,
      priority: 100,
      revision: asking({ memoryBytes: 8 * GiB }),
      maxUnavailable: { kind: 'count', count: 3 },
    }),
  ];
}

const quotas: readonly DesiredQuota[] = [
  {
    name: 'payments',
    namespace: namespaceName('payments'),
    limits: { instances: 60, cpuMillis: 60_000, storageBytes: 400 * GiB, 'gpu/a100': 8000 },
  },
  { name: 'batch', namespace: namespaceName('batch'), limits: { instances: 20 }, parent: 'payments' },
];

const policies: readonly DesiredPolicy[] = [
  {
    name: 'default',
    namespaces: ['*'],
    disruption: [],
    require: [{ spread: { by: 'node', minDomains: 2 }, replicasFrom: 2 }],
  },
];

function firstCommit(random: Random): PlanInputs {
  const inputs = world({
    nodes: nodes(random),
    workloads: workloads(random),
    pods: ['web', 'db'].map((name) => ({ name: podName(name), strategy: 'auto' })),
    quotas,
    policies,
    networks: [
      {
        name: 'lan',
        subnet: '10.0.0.0/24',
        gateway: '10.0.0.1',
        pools: [{ name: 'web', first: '10.0.0.100', last: '10.0.0.120' }],
      },
    ],
    cluster: { prune: { stopAfterMs: 0, deleteAfterMs: 0, max: { sharePercent: 100, atLeast: 10 } } },
  });
  const { observed } = inputs;
  const seen = new Map(observed.nodes);
  const [first] = inputs.desired.nodes;
  const known = first && seen.get(first.name);
  if (first === undefined || known === undefined) throw new Error('a world has nodes');
  const cron = { engine: 'docker', name: 'cron', resources: { cpuMillis: 100 }, ports: [30_005] } as const;
  seen.set(first.name, { ...known, foreign: [cron] });
  return { ...inputs, observed: { ...observed, nodes: seen } };
}

type Desired = PlanInputs['desired'];

/** New revisions of most, changes in place of one, one fewer of another, one workload gone, two nodes drained. */
function changedCommit(desired: Desired, random: Random): Desired {
  const first = 3 + random.below(3);
  // Two of one zone.
  const drained = [`n${first}`, `n${first - 3}`];
  return {
    ...desired,
    nodes: desired.nodes.map((known) =>
      drained.includes(known.name) ? { ...known, lifecycle: 'maintenance' } : known,
    ),
    workloads: desired.workloads
      .filter(({ name }) => name !== 'cache' && name !== 'near')
      .map((known): DesiredWorkload => {
        switch (known.name) {
          case 'pool':
            return changed(known, { resources: { ...known.revision.resources, memoryBytes: 2 * GiB } });
          case 'train':
            return { ...known, replicas: known.replicas - 1 };
          case 'infer':
            return known;
          default:
            return changed(known, { image: 'registry.local/app@sha256:02' });
        }
      }),
  };
}

const changed = (known: DesiredWorkload, change: Partial<Revision>): DesiredWorkload => ({
  ...known,
  revision: { ...known.revision, ...change },
  revisionHash: revisionHash(`${known.name}-2`),
});

/** Someone of a higher priority needs more memory than is free anywhere. */
function urgentCommit(desired: Desired): Desired {
  const urgent = workload('payments/urgent', {
    replicas: 1,
    priority: 2000,
    preemption: 'lower',
    revision: asking({ memoryBytes: 26 * GiB }),
    hash: 'urgent',
    placement: { ...workload('payments/urgent').placement, require: { disk: 'ssd' } },
  });
  const tight = desired.nodes.map((known) => ({
    ...known,
    capacity: { ...known.capacity, memoryBytes: Math.min(known.capacity.memoryBytes ?? 0, 28 * GiB) },
  }));
  return { ...desired, nodes: tight, workloads: [...desired.workloads, urgent] };
}

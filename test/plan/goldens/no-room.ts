import type { InstanceId } from '../../../src/model/ids.ts';
import { GiB, node, podName, revision, spread, withNode, withRunning, workload, world } from '../world.ts';
import {
  app,
  asking,
  big,
  bound,
  type Cases,
  changed,
  db,
  inPod,
  large,
  network,
  newer,
  onOne,
  placed,
  running,
  ssd,
  volume,
  withPort,
} from './parts.ts';

const a100 = (milli: number, kind = 'gpu/a100') => asking({ extended: { [kind]: milli } });

/** MUS4001 for every reason that can keep an instance off a node: what is missing, how much, and where it is least. */
export const noRoom: Cases = {
  'refused: no cpu': () => onOne(asking({ cpuMillis: 9500 })),
  'refused: no memory': () => onOne(asking({ memoryBytes: 17.25 * GiB })),
  'refused: no storage': () => onOne(asking({ storageBytes: 101 * GiB })),
  'refused: no bandwidth': () => onOne(asking({ bandwidthBits: 1_500_000_000 })),
  'refused: no capacity, the rest is placed': () =>
    world({
      nodes: [node('n1', ssd), node('n2', ssd), node('n3')],
      workloads: [workload(app, { replicas: 5, revision: big, ...placed({ require: { disk: 'ssd' } }) })],
    }),
  'refused: no capacity, partial is off': () =>
    world({ workloads: [workload(app, { replicas: 5, revision: big, ...placed({ partial: false, pods: [] }) })] }),
  'refused: every reason is counted': () =>
    world({
      nodes: [
        node('n1', { lifecycle: 'cordoned' }),
        node('n2', { lifecycle: 'maintenance' }),
        node('n3', { taints: [{ key: 'pool', value: 'offline', effect: 'NoSchedule' }] }),
        node('n4', { engines: {} }),
        node('n5', { capacity: { cpuMillis: 100 } }),
        node('n6', { portRange: { first: 1, last: 0 } }),
        node('n7', inPod('db')),
      ],
      workloads: [workload(app, { replicas: 1, revision: withPort('auto') })],
    }),
  'refused: no whole cores': () =>
    withRunning(
      world({
        nodes: [node('n1')],
        workloads: [
          workload(app, { replicas: 1, revision: bound(1000) }),
          workload(db, { replicas: 8, revision: bound(500) }),
        ],
      }),
      spread(db, 8, ['n1']).map((instance, index) => ({
        ...instance,
        holds: { cpuset: `${index}`, cpuFragments: { [index]: 500 } },
      })),
      { revisions: { r1: bound(500) } },
    ),
  'refused: no NUMA node has enough': () => onOne(bound(5000, 'require'), large),
  'refused: no NUMA node has memory and cores': () =>
    onOne(asking({ cpuMillis: 2000, memoryBytes: 20 * GiB }, { cpu: { bind: true, numa: 'require' } }), large),
  'refused: no NUMA nodes are declared': () => onOne(bound(2000, 'require')),
  'refused: no device is large enough': () => onOne(revision({ volumes: [volume('data', 120 * GiB)] }), large),
  'refused: no device is unused': () =>
    withRunning(
      world({
        nodes: [node('n1', large)],
        workloads: [
          workload(app, {
            replicas: 1,
            revision: revision({ volumes: [volume('data', 60 * GiB, { exclusive: true })] }),
          }),
          workload(db, { replicas: 1, revision: revision({ volumes: [volume('data', 5 * GiB)] }) }),
        ],
      }),
      spread(db, 1, ['n1'], { holds: { volumes: [{ name: 'data', device: '/data1', bytes: 5 * GiB }] } }),
      { revisions: { r1: revision({ volumes: [volume('data', 5 * GiB)] }) } },
    ),
  'refused: no disks at all': () => onOne(revision({ volumes: [volume('data', GiB)] })),
  'refused: volumes fit one by one, not together': () =>
    onOne(revision({ volumes: [volume('data', 90 * GiB), volume('log', 60 * GiB)] }), large),
  'refused: too few devices are free': () => onOne(a100(3000), large),
  'refused: no device of the kind': () => onOne(a100(1000, 'gpu/v100'), large),
  'refused: no device has so much free': () =>
    withRunning(
      world({
        nodes: [node('n1', large)],
        workloads: [
          workload(app, { replicas: 1, revision: a100(500) }),
          workload(db, { replicas: 2, revision: a100(750) }),
        ],
      }),
      spread(db, 2, ['n1']).map((instance, index) => ({
        ...instance,
        holds: { devices: { 'gpu/a100': { [index]: 750 } } },
      })),
      { revisions: { r1: a100(750) } },
    ),
  'refused: a fixed port is taken': () =>
    withNode(onOne(withPort(443)), 'n1', {
      foreign: [{ engine: 'docker', name: 'nginx', resources: {}, ports: [443] }],
    }),
  'refused: no free port': () => onOne(withPort('auto'), { portRange: { first: 1, last: 0 } }),
  'refused: the pool of addresses is used up': () =>
    world({
      networks: [network],
      workloads: [
        workload(app, { replicas: 4, revision: revision({ network: { name: 'prod', ip: 'pool', pool: 'web' } }) }),
      ],
    }),
  'refused: the address is taken': () =>
    withRunning(
      world({
        networks: [network],
        workloads: [
          workload(app, { replicas: 1, revision: revision({ network: { name: 'prod', ip: '10.1.0.4' } }) }),
          workload(db, { replicas: 1, revision: revision({ network: { name: 'prod', ip: 'keep' } }) }),
        ],
      }),
      spread(db, 1, ['n1'], { holds: { ip: '10.1.0.4' } }),
      { revisions: { r1: revision({ network: { name: 'prod', ip: 'keep' } }) } },
    ),
  'refused: no node has the labels': () =>
    world({ workloads: [workload(app, { replicas: 1, ...placed({ require: { disk: 'ssd' } }) })] }),
  'refused: all nodes are tainted': () =>
    onOne(revision(), { taints: [{ key: 'pool', value: 'offline', effect: 'NoSchedule' }] }),
  'refused: no node accepts anything': () =>
    world({
      nodes: [
        node('n1', { lifecycle: 'spare' }),
        node('n2', { lifecycle: 'cordoned' }),
        node('n3', { lifecycle: 'offline' }),
      ],
      workloads: [workload(app, { replicas: 1 })],
    }),
  'refused: no node answers': () =>
    withNode(
      withNode(world({ nodes: [node('n1'), node('n2')], workloads: [workload(app, { replicas: 1 })] }), 'n1', {
        liveness: 'suspect',
      }),
      'n2',
      { engines: { docker: { kind: 'unreachable', reason: 'connection refused' } } },
    ),
  'refused: no node of the pod': () =>
    world({ workloads: [workload(app, { replicas: 1, ...placed({ pods: [podName('db')] }) })] }),
  'refused: no node has the engine': () => onOne(revision({ engine: 'process', command: ['/bin/app'] })),
  'refused: the spread cannot be kept': () =>
    world({
      nodes: [
        node('a1', { zone: 'a' }),
        node('b1', { zone: 'b', capacity: { cpuMillis: 0, memoryBytes: 0 } }),
        node('c1'),
      ],
      workloads: [workload(app, { replicas: 3, ...placed({ spread: [{ by: 'zone', minDomains: 2 }] }) })],
    }),
  'refused: nobody to be near to': () =>
    world({
      workloads: [workload(app, { replicas: 1, ...placed({ affinity: [{ to: db, by: 'zone', required: true }] }) })],
    }),
  'refused: kept apart from what is everywhere': () =>
    withRunning(
      world({
        nodes: [node('n1'), node('n2')],
        workloads: [
          workload(app, { replicas: 1, ...placed({ antiAffinity: [{ to: db, by: 'node', required: true }] }) }),
          workload(db, { replicas: 2 }),
        ],
      }),
      spread(db, 2, ['n1', 'n2']),
    ),
  'refused: others keep away from it': () =>
    withRunning(
      world({
        nodes: [node('n1')],
        workloads: [
          workload(app, { replicas: 1 }),
          workload(db, {
            replicas: 1,
            ...placed({ antiAffinity: [{ to: workload(app).id, by: 'node', required: true }] }),
          }),
        ],
      }),
      spread(db, 1, ['n1']),
    ),
  'refused: so many on every node': () =>
    world({ workloads: [workload(app, { replicas: 4, ...placed({ perNode: 1 }) })] }),
  'refused: strategy each takes a node whole or not at all': () =>
    world({
      nodes: [node('n1'), node('n2', { capacity: { cpuMillis: 1000, memoryBytes: GiB } })],
      workloads: [workload(app, { replicas: 4, ...placed({ strategy: 'each', perNode: 2 }) })],
    }),
  'refused: everything but the node that is to be left is full': () => {
    const inputs = withRunning(
      world({
        nodes: [node('n1'), node('n2', { capacity: { cpuMillis: 100, memoryBytes: GiB } })],
        workloads: [workload(app, { replicas: 1 })],
      }),
      running(1),
    );
    const relocate = new Map([
      [`${app}/0` as InstanceId, { cause: 'rebalance' as const, reason: 'n1 is to be empty' }],
    ]);
    return { ...inputs, relocate };
  },
  'refused: volumes bind it to a node that is full': () =>
    changed(
      {
        before: revision({ volumes: [volume('data', 20 * GiB)] }),
        after: asking({ memoryBytes: 40 * GiB }, { volumes: [volume('data', 20 * GiB)] }),
      },
      {
        node: large,
        holds: { volumes: [{ name: 'data', device: '/data2', bytes: 20 * GiB }] },
        workload: { type: 'stateful' },
      },
    ),
  'refused: the device of its volume is too small to grow': () =>
    changed(
      {
        before: revision({ volumes: [volume('data', 20 * GiB)] }),
        after: revision({ volumes: [volume('data', 80 * GiB)] }),
      },
      {
        node: large,
        holds: { volumes: [{ name: 'data', device: '/data2', bytes: 20 * GiB }] },
        workload: { type: 'stateful' },
      },
    ),
  'refused: others cannot make room': () =>
    withRunning(
      world({
        nodes: [node('n1', { capacity: { cpuMillis: 1000, memoryBytes: 4 * GiB } })],
        workloads: [
          workload(app, { replicas: 2, preemption: 'lower' }),
          workload('batch/report', { replicas: 2, priority: 100 }),
        ],
      }),
      spread('batch/report', 2, ['n1']),
    ),
  'refused: a rollout that finds no room': () =>
    withRunning(
      world({
        nodes: [node('n1')],
        workloads: [
          workload(app, {
            replicas: 2,
            hash: 'r2',
            revision: { ...newer, resources: { ...big.resources, memoryBytes: 9 * GiB } },
          }),
        ],
      }),
      spread(app, 2, ['n1']),
    ),
};

import { type InstanceId, revisionHash, type WorkloadId, workloadId } from '../../../src/model/ids.ts';
import { GiB, node, now, revision, spread, withRunning, workload, world } from '../world.ts';
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
  update,
  volume,
  withPort,
} from './parts.ts';

const liveOfDocker = ['/resources/cpuMillis', '/resources/memoryBytes', '/limits', '/restart', '/cpu'];

/** Every kind of step, for every cause that has nothing to do with nodes. */
export const steps: Cases = {
  'nothing to do': () => withRunning(world({ workloads: [workload(app)] }), running(3)),
  'create with automatic ports': () => world({ workloads: [workload(app, { revision: withPort('auto') })] }),
  'create with cores, NUMA, volumes, devices and an address': () =>
    onOne(
      asking(
        { cpuMillis: 2500, memoryBytes: 8 * GiB, extended: { 'gpu/a100': 500 } },
        {
          cpu: { bind: true, numa: 'require' },
          volumes: [volume('data', 20 * GiB), volume('log', 10 * GiB, { exclusive: true }), volume('tmp', 0)],
          network: { name: 'prod', ip: 'keep', pool: 'web' },
        },
      ),
      large,
    ),
  'scale up': () => withRunning(world({ workloads: [workload(app, { replicas: 5 })] }), running(3)),
  'scale down': () => withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), running(3)),
  'replace in waves, create first': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 6, hash: 'r2', revision: newer })] }), running(6)),
  'replace and scale up: the new ones come last': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 3, hash: 'r2', revision: newer })] }), running(2)),
  'fixed port forces stop first': () =>
    withRunning(
      world({ workloads: [workload(app, { replicas: 2, hash: 'r2', revision: withPort(80) })] }),
      spread(app, 2, ['n1', 'n2'], { hash: 'r1', holds: { ports: { http: 80 } } }),
      { revisions: { r1: withPort(80, { image: 'old' }) } },
    ),
  'kept address forces stop first': () =>
    changed(
      {
        before: revision({ image: 'old', network: { name: 'prod', ip: 'keep' } }),
        after: revision({ network: { name: 'prod', ip: 'keep' } }),
      },
      { holds: { ip: '10.1.0.4' } },
    ),
  'no room for both: stop first': () =>
    changed(
      { before: big, after: { ...big, image: 'new' } },
      { node: { capacity: { cpuMillis: 8000, memoryBytes: 16 * GiB } } },
    ),
  'quota leaves no room for a surge: stop first': () =>
    withRunning(
      world({
        workloads: [workload(app, { replicas: 3, hash: 'r2', revision: newer })],
        quotas: [{ name: 'payments', namespace: workload(app).namespace, limits: { instances: 3 } }],
      }),
      running(3),
    ),
  'update in place': () =>
    withRunning(
      world({ workloads: [workload(app, { hash: 'r2', revision: revision({ restart: 'always' }) })] }),
      running(3),
    ),
  'grow in place where there is room': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 1, hash: 'r2', revision: big })] }), running(1)),
  'grow where there is no room: it is made anew elsewhere': () =>
    withRunning(
      world({
        nodes: [node('n1', { capacity: { cpuMillis: 8000, memoryBytes: 8 * GiB } }), node('n2')],
        workloads: [workload(app, { replicas: 1, hash: 'r2', revision: big })],
      }),
      running(1),
    ),
  'more cores in place': () =>
    changed(
      { before: bound(1500), after: bound(3500) },
      { holds: { cpuset: '0-1', cpuFragments: { '1': 500 } }, liveFields: liveOfDocker },
    ),
  'unbound in place': () =>
    changed(
      { before: bound(2000), after: asking({ cpuMillis: 2000 }) },
      { holds: { cpuset: '2-3' }, liveFields: liveOfDocker },
    ),
  'a volume grows in place': () =>
    changed(
      {
        before: revision({ volumes: [volume('data', 20 * GiB)] }),
        after: revision({ volumes: [volume('data', 40 * GiB)] }),
      },
      {
        node: large,
        holds: { volumes: [{ name: 'data', device: '/data2', bytes: 20 * GiB }] },
        liveFields: ['/volumes/*/sizeBytes'],
      },
    ),
  'a volume comes and another goes': () =>
    changed(
      {
        before: revision({ volumes: [volume('cache', 5 * GiB), volume('data', 20 * GiB)] }),
        after: revision({ volumes: [volume('data', 20 * GiB), volume('log', 10 * GiB)] }),
      },
      {
        node: large,
        holds: {
          volumes: [
            { name: 'cache', device: '/data2', bytes: 5 * GiB },
            { name: 'data', device: '/data2', bytes: 20 * GiB },
          ],
        },
      },
    ),
  'heal what is gone, dead and unhealthy': () =>
    withRunning(world({ workloads: [workload(app)] }), [
      { workload: app, ordinal: 0, node: 'n1', object: 'gone' },
      { workload: app, ordinal: 1, node: 'n2', object: { state: 'exited', exitCode: 137, health: 'none' } },
      { workload: app, ordinal: 2, node: 'n1', object: { health: 'unhealthy' } },
    ]),
  'heal drift of a field': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 2 })] }), [
      { workload: app, ordinal: 0, node: 'n1', object: { actual: { '/image': 'other', '/restart': 'on-failure' } } },
      { workload: app, ordinal: 1, node: 'n2', object: { actual: { '/resources/memoryBytes': 5 } } },
    ]),
  'rolled back: git returns to what failed, and the last good one comes back': () =>
    withRunning(
      world({ workloads: [workload(app, { replicas: 2, hash: 'r2', revision: newer })] }),
      [
        { workload: app, ordinal: 0, node: 'n1', hash: 'r2' },
        { workload: app, ordinal: 1, node: 'n2', hash: 'r1' },
      ],
      {
        revisions: { r1: revision(), r2: newer },
        workloads: {
          [app]: {
            lastGood: revisionHash('r1'),
            failed: [{ revision: revisionHash('r2'), at: now, reason: 'GET /healthz answered 503' }],
          },
        },
      },
    ),
  'moved since its node no longer matches': () =>
    withRunning(
      world({
        nodes: [node('n1'), node('n2', ssd), node('n3', ssd)],
        workloads: [workload(app, { replicas: 2, ...placed({ require: { disk: 'ssd' } }) })],
      }),
      running(2),
    ),
  'moved to even out': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 2 })] }), spread(app, 2, ['n1']));
    const reason = 'n1 has 2 instances of payments/checkout, n2 has none';
    return { ...inputs, relocate: new Map([[`${app}/1` as InstanceId, { cause: 'rebalance', reason }]]) };
  },
  'preempted: somebody less urgent moves and the urgent one comes after it': () =>
    withRunning(
      world({
        nodes: [
          node('n1', { ...ssd, capacity: { cpuMillis: 1000, memoryBytes: 4 * GiB } }),
          node('n2', { capacity: { cpuMillis: 1000, memoryBytes: 4 * GiB } }),
        ],
        workloads: [
          workload(app, { replicas: 1, preemption: 'lower', ...placed({ require: { disk: 'ssd' } }) }),
          workload('batch/report', { replicas: 2, priority: 100 }),
        ],
      }),
      spread('batch/report', 2, ['n1']),
    ),
  'preempted: somebody less urgent has no other place and goes': () =>
    withRunning(
      world({
        nodes: [node('n1', { capacity: { cpuMillis: 1000, memoryBytes: 4 * GiB } })],
        workloads: [
          workload(app, { replicas: 1, preemption: 'lower' }),
          workload('batch/report', { replicas: 2, priority: 100 }),
        ],
      }),
      spread('batch/report', 2, ['n1']),
    ),
  'preempted and drained: one unit within one budget': () =>
    withRunning(
      world({
        nodes: [
          node('n1', { capacity: { cpuMillis: 1000, memoryBytes: 4 * GiB } }),
          node('n2', { lifecycle: 'maintenance' }),
          node('n3', inPod('db')),
        ],
        workloads: [
          workload(app, { replicas: 1, preemption: 'lower' }),
          workload('batch/report', {
            replicas: 2,
            priority: 100,
            ...placed({ pods: [] }),
            update: { ...update, order: 'stop-first' },
          }),
        ],
      }),
      [
        { workload: 'batch/report', ordinal: 0, node: 'n1', holds: { cpuMillis: 1000 } },
        { workload: 'batch/report', ordinal: 1, node: 'n2' },
      ],
    ),
  'left git: stopped': () =>
    withRunning(world({ workloads: [workload('a/b', { replicas: 0 })] }), running(2), {
      workloads: { [app]: { missingSince: now - 600_000 } },
    }),
  'left git: deleted after a while': () =>
    withRunning(
      world({ workloads: [workload('a/b', { replicas: 0 })] }),
      [
        {
          workload: app,
          ordinal: 0,
          node: 'n1',
          state: 'held',
          heldSince: now - 90_000_000,
          object: { state: 'exited' },
        },
      ],
      { workloads: { [app]: { missingSince: now - 99_000_000 } } },
    ),
  'left git: removed at once by a Refactor': () =>
    withRunning(world({ refactors: [{ name: 'r', removed: [{ from: app as WorkloadId }] }] }), running(2)),
  'declared again: what was held is made anew': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), [
      {
        workload: app,
        ordinal: 0,
        node: 'n1',
        state: 'held',
        heldSince: now,
        object: { state: 'exited', health: 'none' },
      },
    ]),
  'left over reservation is released': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), [
      { workload: app, ordinal: 0, node: 'n1', state: 'reserved', generation: 1, object: 'gone' },
      { workload: app, ordinal: 1, node: 'n1', state: 'reserved', generation: 2, object: 'gone' },
    ]),
  'abandoned rollout: what it had stopped comes first, and counts as missing': () => {
    const holds = { ports: { http: 80 } };
    const zero = { workload: app, ordinal: 0, node: 'n1', holds };
    return withRunning(
      world({ workloads: [workload(app, { replicas: 2, hash: 'r2', revision: withPort(80) })] }),
      [
        { ...zero, generation: 1, state: 'stopping', object: { state: 'exited', health: 'none' } },
        { ...zero, generation: 3, hash: 'r2', state: 'reserved', object: { state: 'created', health: 'none' } },
        { workload: app, ordinal: 1, node: 'n2', generation: 2, holds },
      ],
      { revisions: { r1: withPort(80, { image: 'old' }), r2: withPort(80) } },
    );
  },
  'abandoned creation: what runs already without being recorded as made is made anew': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 3 })] }), [
      ...running(2),
      {
        workload: app,
        ordinal: 2,
        node: 'n3',
        generation: 3,
        state: 'stopping',
        object: { state: 'exited', health: 'none' },
      },
      { workload: app, ordinal: 2, node: 'n3', generation: 6, state: 'reserved' },
    ]),
  'abandoned rollout: what was only reserved of an older revision is brought along in its group': () =>
    withRunning(
      world({ workloads: [workload(app, { replicas: 3, hash: 'r2', revision: newer })] }),
      [{ workload: app, ordinal: 0, node: 'n1', state: 'reserved', object: 'gone' }, ...running(3).slice(1)],
      { revisions: { r1: revision(), r2: newer } },
    ),
  'forgotten: not wanted, and gone already': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), [
      ...running(1),
      { workload: app, ordinal: 1, node: 'n2', object: 'gone' },
    ]),
  'after: in the order of git': () =>
    world({
      networks: [network],
      workloads: [workload(app, { after: [workloadId('payments', 'db')] }), workload(db, { replicas: 1 })],
    }),
  'a quota was lowered: the least urgent go': () =>
    withRunning(
      world({
        workloads: [workload(app, { replicas: 3 }), workload(db, { replicas: 2, priority: 100 })],
        quotas: [
          { name: 'payments', namespace: workload(app).namespace, limits: { instances: 4 }, drainToQuota: true },
        ],
      }),
      [...spread(app, 3, ['n1', 'n2', 'n3']), ...spread(db, 2, ['n1', 'n2'])],
    ),
  'daemon: one on each matching node': () =>
    withRunning(
      world({
        nodes: [
          node('n1'),
          node('n2'),
          node('n3'),
          node('n4', { labels: { gpu: 'no' } }),
          node('n5', { lifecycle: 'spare' }),
        ],
        workloads: [workload(app, { type: 'daemon', replicas: 1 })],
      }),
      spread(app, 1, ['n2']),
    ),
  'stop first within the budget of twelve': () =>
    withRunning(
      world({
        workloads: [
          workload(app, { replicas: 12, hash: 'r2', revision: newer, update: { ...update, order: 'stop-first' } }),
        ],
      }),
      spread(app, 12, ['n1', 'n2', 'n3']),
    ),
};

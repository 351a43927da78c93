import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runId, unitOf, type WorkloadId, workloadId } from '../../src/model/ids.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { assertGolden } from '../golden.ts';
import { smallWorld } from './verify-world.ts';
import {
  GiB,
  namespaceName,
  node,
  now,
  planText,
  podName,
  revision,
  spread,
  withNode,
  withRunning,
  workload,
  world,
} from './world.ts';

const app = 'payments/checkout';
const running = (count: number) => spread(app, count, ['n1', 'n2']);
const withPort = (publish: 'auto' | number) =>
  revision({ ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish }] });
const newer = revision({ image: 'registry.local/app@sha256:02', env: { LOG_LEVEL: 'debug' } });
const big = revision({
  resources: { cpuMillis: 500, memoryBytes: 10 * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
});
const placement = workload(app).placement;
const update = workload(app).update;

/** One world for each kind of step and each refusal: `test/golden/planner/<name>.txt` is what is planned for it. */
const cases: Readonly<Record<string, () => PlanInputs>> = {
  'create with automatic ports': () => world({ workloads: [workload(app, { revision: withPort('auto') })] }),
  'nothing to do': () => withRunning(world({ workloads: [workload(app)] }), running(3)),
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
      { revisions: { r1: { ...withPort(80), image: 'old' } } },
    ),
  'no room for both: stop first': () =>
    withRunning(
      world({
        nodes: [node('n1')],
        workloads: [workload(app, { replicas: 1, hash: 'r2', revision: { ...big, image: 'new' } })],
      }),
      spread(app, 1, ['n1']),
      { revisions: { r1: big } },
    ),
  'update in place': () =>
    withRunning(
      world({ workloads: [workload(app, { hash: 'r2', revision: revision({ restart: 'always' }) })] }),
      running(3),
    ),
  'grow in place where there is room': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 1, hash: 'r2', revision: big })] }), running(1)),
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
  'lost node: stateless is made anew elsewhere, stateful waits': () =>
    withNode(
      withRunning(
        world({
          workloads: [workload(app, { replicas: 2 }), workload('payments/db', { type: 'stateful', replicas: 1 })],
        }),
        [...running(2), { workload: 'payments/db', ordinal: 0, node: 'n1' }],
      ),
      'n1',
      { liveness: 'lost' },
    ),
  'unreachable node: nothing is concluded': () =>
    withNode(
      withRunning(world({ workloads: [workload(app, { replicas: 2, hash: 'r2', revision: newer })] }), running(2)),
      'n1',
      {
        liveness: 'suspect',
      },
    ),
  'drain in waves, daemon last, static stays': () =>
    withRunning(
      world({
        nodes: [node('n1', { lifecycle: 'maintenance' }), node('n2'), node('n3')],
        workloads: [
          workload(app, { replicas: 4 }),
          workload('payments/agent', { type: 'daemon' }),
          workload('payments/disk', { type: 'static', replicas: 1 }),
        ],
      }),
      [
        ...spread(app, 4, ['n1', 'n2']),
        ...spread('payments/agent', 3, ['n1', 'n2', 'n3']),
        { workload: 'payments/disk', ordinal: 0, node: 'n1' },
      ],
    ),
  'drain without room is blocked': () =>
    withRunning(
      world({
        nodes: [node('n1', { lifecycle: 'offline' }), node('n2', { lifecycle: 'cordoned' })],
        workloads: [workload(app, { replicas: 1 })],
      }),
      running(1),
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
  'left git: waits': () => withRunning(world({ workloads: [workload('a/b', { replicas: 0 })] }), running(1)),
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
  'after: in the order of git': () =>
    world({
      workloads: [workload(app, { after: [workloadId('payments', 'db')] }), workload('payments/db', { replicas: 1 })],
    }),
  'in flight: left alone': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 5 })] }), running(3));
    const inFlight = [{ run: runId('run-1'), unit: unitOf(app as WorkloadId), status: 'running' }];
    return { ...inputs, recorded: { ...inputs.recorded, inFlight } };
  },
  'failed revision: stays on the last good one': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 4, hash: 'r2', revision: newer })] }), running(3), {
      workloads: {
        [app]: {
          lastGood: workload(app).revisionHash,
          failed: [{ revision: workload(app, { hash: 'r2' }).revisionHash, at: now, reason: 'unhealthy' }],
        },
      },
    }),
  'refused: failed revision without a good one': () =>
    withRunning(world({ workloads: [workload(app, { hash: 'r2', revision: newer })] }), [], {
      workloads: {
        [app]: { failed: [{ revision: workload(app, { hash: 'r2' }).revisionHash, at: now, reason: 'unhealthy' }] },
      },
    }),
  'refused: no capacity, the rest is placed': () =>
    world({
      nodes: [node('n1', { labels: { disk: 'ssd' } }), node('n2', { labels: { disk: 'ssd' } }), node('n3')],
      workloads: [workload(app, { replicas: 5, revision: big, placement: { ...placement, require: { disk: 'ssd' } } })],
    }),
  'refused: no capacity, partial is off': () =>
    world({
      workloads: [
        workload(app, {
          replicas: 5,
          revision: big,
          placement: { pods: [], require: {}, tolerate: [], partial: false },
        }),
      ],
    }),
  'refused: every reason is counted': () =>
    world({
      nodes: [
        node('n1', { lifecycle: 'cordoned' }),
        node('n2', { lifecycle: 'maintenance' }),
        node('n3', { taints: [{ key: 'pool', value: 'offline', effect: 'NoSchedule' }] }),
        node('n4', { engines: {} }),
        node('n5', { capacity: { cpuMillis: 100 } }),
        node('n6', { portRange: { first: 1, last: 0 } }),
        node('n7', { pod: podName('db') }),
      ],
      workloads: [workload(app, { replicas: 1, revision: withPort('auto') })],
    }),
  'refused: quota of instances and cores': () =>
    withRunning(
      world({
        workloads: [workload(app, { replicas: 6 })],
        quotas: [
          { name: 'payments', namespace: namespaceName('payments'), limits: { instances: 5 } },
          { name: 'web', pod: podName('web'), limits: { cpuMillis: 100_000 } },
        ],
      }),
      running(3),
    ),
  'quota leaves no room for a surge: stop first': () =>
    withRunning(
      world({
        workloads: [workload(app, { replicas: 3, hash: 'r2', revision: newer })],
        quotas: [{ name: 'payments', namespace: namespaceName('payments'), limits: { instances: 3 } }],
      }),
      running(3),
    ),
  'refused: create first with a fixed port': () =>
    withRunning(
      world({
        workloads: [
          workload(app, {
            replicas: 1,
            hash: 'r2',
            revision: withPort(80),
            update: { ...update, order: 'create-first' },
          }),
        ],
      }),
      spread(app, 1, ['n1'], { holds: { ports: { http: 80 } } }),
      { revisions: { r1: { ...withPort(80), image: 'old' } } },
    ),
  'refused: no unavailability is allowed': () =>
    withRunning(
      world({
        workloads: [
          workload(app, {
            type: 'stateful',
            replicas: 1,
            hash: 'r2',
            revision: newer,
            maxUnavailable: { kind: 'count', count: 0 },
          }),
        ],
      }),
      running(1),
    ),
  'refused: what comes after something refused': () =>
    world({
      workloads: [
        workload('payments/db', {
          replicas: 1,
          revision: { ...big, resources: { ...big.resources, memoryBytes: 99 * GiB } },
        }),
        workload(app, { after: [workloadId('payments', 'db')] }),
      ],
    }),
  'refused: everything left git': () => withRunning(world({ workloads: [] }), running(2)),
  'refused: too many workloads left git': () =>
    withRunning(world({ workloads: [workload('a/b', { replicas: 0 })] }), [
      ...spread('x/a', 1, ['n1']),
      ...spread('x/b', 1, ['n1']),
      ...spread('x/c', 1, ['n2']),
    ]),
  'refused: a node left git with what it holds': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 2 })] }), running(2));
    const nodes = new Map([...inputs.observed.nodes].filter(([name]) => name !== 'n1'));
    return {
      ...inputs,
      desired: { ...inputs.desired, nodes: inputs.desired.nodes.filter(({ name }) => name !== 'n1') },
      observed: { ...inputs.observed, nodes },
    };
  },
  'budget is used up: the rollout waits': () =>
    withNode(
      withRunning(
        world({
          workloads: [
            workload(app, { replicas: 3, hash: 'r2', revision: newer, update: { ...update, order: 'stop-first' } }),
          ],
        }),
        spread(app, 3, ['n1', 'n2', 'n3']),
      ),
      'n3',
      { engines: { docker: { kind: 'unreachable', reason: 'timeout' } } },
    ),
  'orphan is reported': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), running(2));
    return { ...inputs, recorded: { ...inputs.recorded, allocations: inputs.recorded.allocations.slice(0, 1) } };
  },
  'foreign load is charged': () =>
    withNode(
      world({
        nodes: [node('n1'), node('n2')],
        workloads: [workload(app, { replicas: 2, revision: withPort('auto') })],
      }),
      'n1',
      { foreign: [{ engine: 'docker', name: 'postgres', resources: { memoryBytes: 16 * GiB }, ports: [5432] }] },
    ),
};

for (const [name, make] of Object.entries(cases)) {
  test(`plan: ${name}`, () => {
    assertGolden(`planner/${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.txt`, planText(createPlan(make())));
  });
}

test('capacity and quota rows say before, peak and after', () => {
  const plan = createPlan(
    withRunning(
      world({
        nodes: [node('n1')],
        workloads: [workload(app, { replicas: 1, hash: 'r2', revision: newer })],
        quotas: [{ name: 'payments', namespace: namespaceName('payments'), limits: { cpuMillis: 4000 } }],
      }),
      spread(app, 1, ['n1']),
    ),
  );
  assert.deepEqual(plan.quota, [
    { name: 'payments', dimension: 'cpuMillis', before: 500, peak: 1000, after: 500, limit: 4000 },
  ]);
  assert.deepEqual(
    plan.capacity.find((row) => row.dimension === 'cpuMillis'),
    { pod: 'web', dimension: 'cpuMillis', before: 500, peak: 1000, after: 500, total: 8000 },
  );
});

test('what is refused is not in the peaks', () => {
  const inputs = smallWorld();
  const huge = workload('payments/huge', {
    replicas: 50,
    placement: { pods: [], require: {}, tolerate: [], partial: false },
  });
  const plan = createPlan({
    ...inputs,
    desired: { ...inputs.desired, workloads: [...inputs.desired.workloads, huge] },
  });
  assert.ok(plan.refusals.some(({ subject }) => subject === huge.id));
  const without = createPlan(inputs);
  assert.deepEqual(plan.steps, without.steps);
  assert.deepEqual(plan.quota, without.quota);
  assert.deepEqual(plan.capacity, without.capacity);
});

test('a rollout takes the room of one wave more, not that of all instances', () => {
  // Each node has room for three: two run, so that one may be created before one is stopped.
  const nodes = ['n1', 'n2'].map((name) => node(name, { capacity: { cpuMillis: 1500, memoryBytes: 8 * GiB } }));
  const inputs = withRunning(
    world({ nodes, workloads: [workload(app, { replicas: 4, hash: 'r2', revision: newer })] }),
    spread(app, 4, ['n1', 'n2']),
  );
  const plan = createPlan(inputs);
  assert.deepEqual(plan.refusals, []);
  assert.deepEqual(
    plan.steps.map(({ order }) => order),
    ['create-first', 'create-first', 'create-first', 'create-first'],
  );
  const cpu = plan.capacity.find(({ dimension }) => dimension === 'cpuMillis');
  assert.ok((cpu?.peak ?? 0) <= 3000, `peak ${cpu?.peak} of 3000`);
});

test('the id depends on what is planned, not on when or on the store revision', () => {
  const inputs = world({ workloads: [workload(app)] });
  const plan = createPlan(inputs);
  const later = createPlan({ ...inputs, now: now + 5000, recorded: { ...inputs.recorded, storeRevision: 99 } });
  assert.equal(later.id, plan.id);
  assert.notEqual(later.createdAt, plan.createdAt);
  assert.notEqual(createPlan(world({ workloads: [workload(app, { replicas: 4 })] })).id, plan.id);
});

test('the basis names touched workloads and nodes by the hash of their definition, and the engines that answered', () => {
  const { basis } = createPlan(
    world({ nodes: [node('n1')], workloads: [workload(app, { replicas: 1 }), workload('a/b', { replicas: 0 })] }),
  );
  assert.deepEqual(Object.keys(basis.workloads), [app]);
  assert.deepEqual(Object.keys(basis.nodes), ['n1']);
  assert.deepEqual(basis.engines, { 'n1/docker': 'fp-n1' });
});

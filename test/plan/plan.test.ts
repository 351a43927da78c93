import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPlan } from '../../src/plan/plan.ts';
import { smallWorld } from './verify-world.ts';
import { GiB, namespaceName, node, now, revision, spread, withRunning, workload, world } from './world.ts';

const app = 'payments/checkout';
const newer = revision({ image: 'registry.local/app@sha256:02', env: { LOG_LEVEL: 'debug' } });

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

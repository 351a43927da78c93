import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredNetwork } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { RevisionPort, RevisionVolume } from '../../src/model/revision.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { GiB, namespaceName, node, revision, withNode, withRunning, workload, world } from './world.ts';

/** Volumes, addresses and ports in whole plans; each resource by itself is tested in `resources/`. */

function soundPlan(inputs: PlanInputs): Plan {
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan;
}

const app = 'payments/app';

const volume = (name: string, gibibytes: number): RevisionVolume => ({
  name,
  mount: `/${name}`,
  sizeBytes: gibibytes * GiB,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
});

const disks = ['/a', '/b'].map((device) => ({ device, sizeBytes: 100 * GiB }));

/** A database with 50 GiB on /a of n1, where another 50 GiB are taken, that is to have `gibibytes`. */
function growing(gibibytes: number): PlanInputs {
  const [r1, r2] = [50, gibibytes].map((size) => revision({ volumes: [volume('data', size)] }));
  assert.ok(r1 !== undefined && r2 !== undefined);
  const inputs = world({
    nodes: [node('n1', { disks }), node('n2', { disks })],
    workloads: [
      workload(app, { type: 'stateful', replicas: 1, hash: 'r2', revision: r2 }),
      workload('payments/other', { replicas: 1, hash: 'r1', revision: r1 }),
    ],
  });
  const on = (device: string) => ({ volumes: [{ name: 'data', device, bytes: 50 * GiB }] });
  return withRunning(
    inputs,
    [
      { workload: app, ordinal: 0, node: 'n1', holds: on('/a') },
      { workload: 'payments/other', ordinal: 0, node: 'n1', holds: on('/a') },
    ],
    { revisions: { r1, r2 } },
  );
}

test('a volume that cannot grow where it is: the refusal says where, and how much is missing', () => {
  const plan = soundPlan(growing(90));
  assert.deepEqual(plan.steps, []);
  assert.deepEqual(
    plan.refusals.map(({ message, byReason }) => [message, byReason]),
    [
      [
        `${app}: 1 of 1 instance does not fit: ${app}/0 stays on n1 (its volumes are on that node), ` +
          'which has no 40 GiB more on /a, where data is',
        { volumes: 1 },
      ],
    ],
  );
});

test('what stays where it is and asks for more than there is: the refusal says how much is missing', () => {
  const big = revision({ resources: { ...revision().resources, memoryBytes: 20 * GiB } });
  const inputs = world({
    workloads: [workload(app, { type: 'static', replicas: 1, hash: 'r2', revision: big })],
  });
  const plan = soundPlan(
    withRunning(inputs, [{ workload: app, ordinal: 0, node: 'n1' }], { revisions: { r1: revision(), r2: big } }),
  );
  assert.equal(
    plan.refusals[0]?.message,
    `${app}: 1 of 1 instance does not fit: ${app}/0 stays on n1 (it is static and never moves), which lacks memory (4 GiB more)`,
  );
  assert.deepEqual(plan.refusals[0]?.nearest, { node: 'n1', missing: { memoryBytes: 4 * GiB } });
});

test('volumes count as storage: a refusal says what they would come to', () => {
  const inputs = growing(95);
  const quota = { name: 'payments', namespace: namespaceName('payments'), limits: { storageBytes: 120 * GiB } };
  const roomy = inputs.desired.nodes.map((one) => ({ ...one, disks: [{ device: '/a', sizeBytes: 500 * GiB }] }));
  const plan = soundPlan({ ...inputs, desired: { ...inputs.desired, nodes: roomy, quotas: [quota] } });
  assert.match(
    plan.refusals[0]?.message ?? '',
    /1 of 1 instance is beyond quota payments: 100 GiB → 145 GiB of 120 GiB storage/,
  );
});

test('a volume that does not grow stays on its device, however full that is', () => {
  const [step] = soundPlan(growing(50)).steps;
  assert.deepEqual(step?.holds.volumes, [{ name: 'data', device: '/a', bytes: 50 * GiB }]);
});

const prod: DesiredNetwork = { name: 'prod', subnet: '10.0.0.0/29', gateway: '10.0.0.1', pools: [] };
const networked = (ip: string) => revision({ network: { name: 'prod', ip } });

function inNetwork(ip: string, type: 'stateless' | 'stateful'): PlanInputs {
  const inputs = world({
    networks: [prod],
    nodes: [node('n1', { lifecycle: 'maintenance' }), node('n2')],
    workloads: [workload(app, { type, replicas: 2, revision: networked(ip) })],
  });
  return withRunning(
    inputs,
    ['10.0.0.5', '10.0.0.3'].map((address, ordinal) => ({
      workload: app,
      ordinal,
      node: 'n1',
      holds: { ip: address },
    })),
    { revisions: { r1: networked(ip) } },
  );
}

const addressesOf = (plan: Plan): readonly (string | undefined)[] => plan.steps.map(({ holds }) => holds.ip);

test('an address that belongs to the ordinal goes where its instance goes', () => {
  const plan = soundPlan(inNetwork('keep', 'stateful'));
  assert.deepEqual(
    plan.steps.map(({ kind, node: to }) => [kind, to]),
    [
      ['move', 'n2'],
      ['move', 'n2'],
    ],
  );
  assert.deepEqual(addressesOf(plan), ['10.0.0.5', '10.0.0.3']);
});

test('two that run at once have two addresses', () => {
  assert.deepEqual(addressesOf(soundPlan(inNetwork('pool', 'stateless'))), ['10.0.0.2', '10.0.0.4']);
});

test('a network that is full places what it has addresses for, and says so', () => {
  const inputs = world({
    networks: [prod],
    workloads: [workload(app, { replicas: 7, revision: networked('pool') })],
  });
  const plan = soundPlan(inputs);
  assert.deepEqual(new Set(addressesOf(plan)).size, 5);
  assert.equal(
    plan.refusals[0]?.message,
    `${app}: 2 of 7 instances do not fit: 3 of 3 nodes have no free address in network prod`,
  );
});

test('an address that is asked for by number is not given to who comes first and will do with any', () => {
  const inputs = world({
    networks: [prod],
    workloads: [
      workload('payments/a', { replicas: 1, revision: networked('pool') }),
      workload('payments/z', { replicas: 1, type: 'static', hash: 'fixed', revision: networked('10.0.0.2') }),
    ],
  });
  assert.deepEqual(addressesOf(soundPlan(inputs)), ['10.0.0.3', '10.0.0.2']);
});

test('what an engine of somebody else publishes on one node of a machine is taken on the others', () => {
  const http: RevisionPort = { name: 'http', port: 80, protocol: 'tcp', publish: 'auto' };
  const shared = { portDomain: 'machine', portRange: { first: 30_000, last: 30_001 } };
  const inputs = world({
    nodes: [node('n1', shared), node('n2', { ...shared, lifecycle: 'cordoned' })],
    workloads: [workload(app, { replicas: 2, revision: revision({ ports: [http] }) })],
  });
  const foreign = [{ engine: 'docker', name: 'postgres', resources: {}, ports: [30_000] } as const];
  const plan = soundPlan(withNode(inputs, 'n2', { foreign }));
  assert.deepEqual(
    plan.steps.map(({ node: on, holds }) => [on, holds.ports]),
    [['n1', { http: 30_001 }]],
  );
  assert.match(plan.refusals[0]?.message ?? '', /1 lacks a free port$/);
});

test('once the plan is done there is nothing left to do', () => {
  for (const inputs of [growing(50), inNetwork('keep', 'stateful'), inNetwork('pool', 'stateless')]) {
    const after = { ...inputs, ...worldAfter(inputs, createPlan(inputs)) };
    assert.deepEqual(createPlan(after).steps, []);
  }
});

test('an address that somebody else is recorded with, too, is kept by neither: whoever is made anew has another', () => {
  const kept = revision({ network: { name: 'prod', ip: 'keep' } });
  const inputs = world({
    nodes: [node('n1')],
    workloads: [workload(app, { replicas: 1, hash: 'r2', revision: { ...kept, image: 'app:2' } })],
    networks: [{ name: 'prod', subnet: '10.1.0.0/28', pools: [] }],
  });
  const one = { workload: app, ordinal: 0, node: 'n1', holds: { ip: '10.1.0.3' } };
  const running = withRunning(
    inputs,
    [
      { ...one, generation: 1 },
      // What an unfinished run left.
      { ...one, generation: 2, state: 'reserved', object: 'gone' },
    ],
    { revisions: { r1: kept } },
  );
  assert.deepEqual(
    soundPlan(running).steps.map(({ kind, generation, holds }) => `${kind} #${generation} ${holds.ip}`),
    ['replace #3 10.1.0.1', 'forget #2 10.1.0.3'],
  );
});

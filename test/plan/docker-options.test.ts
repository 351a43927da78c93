import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveFields } from '../../src/engines/features.ts';
import type { DockerOptions } from '../../src/model/docker-options.ts';
import type { Plan } from '../../src/model/plan.ts';
import { noResources } from '../../src/model/resources.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { node, revision, withNode, withRunning, workload, world } from './world.ts';

const app = 'payments/checkout';
const bodyWith = (options: DockerOptions | undefined) =>
  revision(options === undefined ? {} : { options: { ...options } });

/** From a revision with one block to one with another; a plan that the verifier agrees with. */
function planFrom(before: DockerOptions | undefined, after: DockerOptions | undefined): Plan {
  const definition = workload(app, { hash: 'r2', revision: bodyWith(after), replicas: 1 });
  const inputs = withRunning(
    { ...world({ nodes: [node('n1')], workloads: [definition] }), liveFields },
    [{ workload: app, ordinal: 0, node: 'n1' }],
    { revisions: { r1: bodyWith(before), r2: bodyWith(after) } },
  );
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan;
}

const told = ({ steps }: Plan): unknown =>
  steps.map(({ kind, class: worst, changes }) => [kind, worst, changes.map(({ path }) => path)]);

test('what docker changes in place of its block is an update, also where it is the first option or the last', () => {
  const update = (...paths: readonly string[]) => [['update', 'live', paths]];
  assert.deepEqual(told(planFrom(undefined, { pids: 100 })), update('/options/pids'));
  assert.deepEqual(
    told(planFrom({ pids: 100, swapBytes: 1 }, undefined)),
    update('/options/pids', '/options/swapBytes'),
  );
  assert.deepEqual(told(planFrom({ init: true, swapBytes: 1 }, { init: true })), update('/options/swapBytes'));
});

test('another priority is another weight, in place, from number to number', () => {
  const offline = revision({ priority: 100 });
  const definition = workload(app, { hash: 'r2', revision: offline, replicas: 1, priority: 100 });
  const inputs = withRunning(
    { ...world({ nodes: [node('n1')], workloads: [definition] }), liveFields },
    [{ workload: app, ordinal: 0, node: 'n1' }],
    { revisions: { r1: revision(), r2: offline } },
  );
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  assert.deepEqual(
    plan.steps.map(({ kind, changes }) => [kind, changes]),
    [['update', [{ path: '/priority', before: 1000, after: 100, class: 'live' }]]],
  );
});

test('everything else of the block takes a new container, and each field is told', () => {
  const replace = (...paths: readonly string[]) => [['replace', 'recreate', paths]];
  assert.deepEqual(told(planFrom({ pids: 5 }, { pids: 6, init: true })), replace('/options/init', '/options/pids'));
  const tmpfs = (sizeBytes: number): DockerOptions => ({ tmpfs: [{ name: '/run', sizeBytes, mode: '1777' }] });
  assert.deepEqual(told(planFrom(tmpfs(1), tmpfs(2))), replace('/options/tmpfs/0/sizeBytes'));
  assert.deepEqual(
    told(planFrom({ sysctls: { 'net.ipv4.ip_forward': '0' } }, { sysctls: { 'net.ipv4.ip_forward': '1' } })),
    replace('/options/sysctls/net.ipv4.ip_forward'),
  );
});

const crun = revision({ options: { runtime: 'crun' } });
const offering = (...runtimes: readonly string[]) => ({
  engines: {
    docker: {
      kind: 'reachable' as const,
      version: '1',
      fingerprint: 'f',
      capacity: noResources,
      offers: { '/options/runtime': runtimes, '/options/storageSizeBytes': [] },
    },
  },
});

/** Three nodes of which the second alone has crun; of the third nothing is known where `third` is not said. */
function onThree(definition: Parameters<typeof workload>[1], third: readonly string[] | undefined): PlanInputs {
  const nodes = ['n1', 'n2', 'n3'].map((name) => node(name));
  const app0 = workload(app, { hash: 'r2', revision: crun, ...definition });
  const inputs = { ...world({ nodes, workloads: [app0] }), liveFields };
  const two = withNode(withNode(inputs, 'n1', offering('runc')), 'n2', offering('crun', 'runc'));
  return third === undefined ? two : withNode(two, 'n3', offering(...third));
}

const placed = (inputs: PlanInputs): readonly string[] => {
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan.steps.map((step) => step.node).sort();
};

test('what not every docker has goes where it is, or where nothing is known', () => {
  assert.deepEqual(placed(onThree({ replicas: 4 }, ['runc'])), ['n2', 'n2', 'n2', 'n2']);
  assert.deepEqual(placed(onThree({ replicas: 4 }, undefined)), ['n2', 'n2', 'n3', 'n3']);
  assert.deepEqual(placed(onThree({ type: 'daemon' }, ['runc'])), ['n2']);
  assert.deepEqual(placed(onThree({ revision: revision() }, ['runc'])), ['n1', 'n2', 'n3'], 'who asks for nothing');
});

test('what no docker has is refused before anything is changed, and the field is named', () => {
  const nowhere = onThree({ revision: revision({ options: { storageSizeBytes: 1 } }) }, ['runc']);
  const { refusals, steps } = createPlan(nowhere);
  assert.deepEqual(steps, []);
  assert.deepEqual(
    refusals.map(({ message, byReason }) => [message, byReason]),
    [[`${app}: 3 of 3 instances do not fit: 3 of 3 nodes lack docker.storageSize`, { 'docker.storageSize': 3 }]],
  );
});

test('what cannot leave its node is refused there, and the field is named', () => {
  const running = withRunning(
    onThree({ type: 'static', replicas: 1 }, ['runc']),
    [{ workload: app, ordinal: 0, node: 'n1' }],
    { revisions: { r1: revision(), r2: crun } },
  );
  const { refusals, steps } = createPlan(running);
  assert.deepEqual(steps, []);
  assert.match(
    refusals[0]?.message ?? '',
    /payments\/checkout\/0 stays on n1 \(it is static .*\), which lacks docker\.runtime crun$/,
  );
});

test('a plan that puts something where its engine does not offer it does not verify', () => {
  const plan = createPlan(onThree({ replicas: 3 }, ['crun']));
  const violations = verifyPlan(onThree({ replicas: 3 }, ['runc']), plan);
  assert.match(
    JSON.stringify(violations),
    /may not be made on n3: its docker engine does not offer \/options\/runtime crun/,
  );
});

test('a limit that the machine of a node cannot hold is refused there by the field that asks for it; without it there is nothing to hold', () => {
  const capped = revision({ engine: 'systemd' });
  const bare = { engines: { systemd: { ...offering().engines.docker, offers: { '/limits/memoryBytes': [] } } } };
  const planWith = (limits: typeof capped.limits): Plan => {
    const nodes = [node('n1', { engines: { systemd: { endpoint: 'ssh://n1' } } })];
    const definition = workload(app, { hash: 'r2', revision: { ...capped, limits }, replicas: 1 });
    const inputs = withNode({ ...world({ nodes, workloads: [definition] }), liveFields }, 'n1', bare);
    const plan = createPlan(inputs);
    assert.deepEqual(verifyPlan(inputs, plan), []);
    return plan;
  };
  const refused = planWith({ cpuMillis: 'unlimited', memoryBytes: 1 << 30 });
  assert.deepEqual([refused.steps, refused.refusals.map(({ byReason }) => byReason)], [[], [{ 'limits.memory': 1 }]]);
  const placed = planWith({ cpuMillis: 1000, memoryBytes: 'unlimited' });
  assert.deepEqual(
    placed.steps.map(({ kind }) => kind),
    ['create'],
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveFields } from '../../src/engines/features.ts';
import type { DockerOptions } from '../../src/model/docker-options.ts';
import type { Plan } from '../../src/model/plan.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { node, revision, withRunning, workload, world } from './world.ts';

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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApprovalRule, Desired, DesiredPolicy } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import {
  approvalStates,
  approvalText,
  forgetApprovals,
  putApproval,
  readApprovals,
  unapproved,
} from '../../src/reconcile/approvals.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Bench, desiredOf, workloadOf } from './harness.ts';
import { nodes, openWeb, web } from './worlds.ts';

const hourMs = 3_600_000;
const policy = (...approvals: readonly ApprovalRule[]): DesiredPolicy => ({
  name: 'eyes',
  namespaces: ['default'],
  disruption: [],
  approvals,
});
const twoFor = (when: ApprovalRule['when']): ApprovalRule => ({ when, approvers: 2, expiresMs: hourMs });

const governed = (desired: Desired, ...policies: readonly DesiredPolicy[]): Desired => ({ ...desired, policies });

async function statesOf(bench: Bench, desired: Desired, plan: Plan) {
  const recorded = await loadRecorded(bench.store);
  return await approvalStates(bench.store, plan, { desired, recorded, now: bench.clock.now() });
}

test('as many different people as it takes, not expired, for exactly this plan', async (t) => {
  const bench = await openWeb(t);
  await bench.run(desiredOf(nodes, [web('1')]));
  const wanted = governed(desiredOf(nodes, [web('2')]), policy(twoFor('recreate')));
  const plan = await bench.plan(wanted);
  assert.match(
    plan.warnings[0]?.message ?? '',
    /policy eyes asks for 2 approvals .* for replacements: default\/web \(3 steps\)/,
  );
  const approve = (actor: string) => putApproval(bench.store, { plan: plan.id, actor, at: bench.clock.now() });
  const open = async (of: Plan = plan) => [...unapproved(await statesOf(bench, wanted, of))];

  assert.deepEqual(await open(), ['default/web']);
  await approve('alice@build-7');
  await approve('alice@laptop');
  assert.deepEqual(await open(), ['default/web'], 'one person at two desks is one person');
  bench.leap(hourMs / 2);
  await approve('bob@desk');
  assert.deepEqual(await open(), []);
  const [state] = await statesOf(bench, wanted, plan);
  assert.match(state === undefined ? '' : approvalText(state), /2 of 2 given: alice@laptop \(2.*\), bob@desk \(2/);
  assert.deepEqual(await open(await bench.plan(governed(desiredOf(nodes, [web('3')]), policy(twoFor('recreate'))))), [
    'default/web',
  ]);

  bench.leap(hourMs / 2 + 1);
  assert.deepEqual(await open(), ['default/web'], 'the first has expired');
  bench.leap(8 * 24 * hourMs);
  await bench.lead(wanted, forgetApprovals);
  assert.deepEqual(await readApprovals(bench.store, plan.id), []);
});

test('the id of a plan is the same before and after it was approved, and another under another policy', async (t) => {
  const bench = await openWeb(t);
  const wanted = (...rules: readonly ApprovalRule[]) => governed(desiredOf(nodes, [web('1')]), policy(...rules));
  const plan = await bench.plan(wanted(twoFor('any')));
  await putApproval(bench.store, { plan: plan.id, actor: 'alice@desk', at: bench.clock.now() });
  assert.equal((await bench.plan(wanted(twoFor('any')))).id, plan.id);
  assert.notEqual((await bench.plan(wanted({ ...twoFor('any'), approvers: 3 }))).id, plan.id);
});

test('a class of change is what it says, in the namespaces of its policy; heals and rollbacks wait for nobody', async (t) => {
  const bench = await openWeb(t);
  const api = workloadOf('api', { replicas: 2, version: '1' });
  await bench.run(desiredOf(nodes, [web('1'), api]));
  const every: readonly ApprovalRule['when'][] = ['any', 'live', 'restart', 'recreate', 'move', 'remove', 'dataLoss'];
  const asked = async (desired: Desired): Promise<readonly string[]> => {
    const world = governed(desired, policy(...every.map(twoFor)), { ...policy(twoFor('any')), namespaces: ['other'] });
    const states = await statesOf(bench, world, await bench.plan(world));
    return states.map(({ policy: name, when, units }) => `${name} ${when} ${[...units.keys()].join()}`);
  };
  const scaled = desiredOf(nodes, [web('1', { replicas: 5 }), api]);
  assert.deepEqual(await asked(scaled), ['eyes any default/web']);
  const replaced = desiredOf(nodes, [web('2'), api]);
  assert.deepEqual(
    await asked(replaced),
    ['any', 'live', 'restart', 'recreate'].map((when) => `eyes ${when} default/web`),
  );
  const fewer = desiredOf(nodes, [web('1'), { ...api, replicas: 1 }]);
  assert.deepEqual(await asked(fewer), ['eyes any default/api', 'eyes remove default/api']);
  for (const sim of bench.sims.values()) for (const { objectId } of sim.objects()) sim.crash(objectId, { exitCode: 1 });
  const healing = desiredOf(nodes, [web('1'), api]);
  assert.equal((await bench.plan(healing)).steps.length, 5);
  assert.deepEqual(await asked(healing), []);
});

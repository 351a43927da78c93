import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { liveFields } from '../../src/engines/features.ts';
import type { Desired } from '../../src/model/desired.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { openPlanning, planAndVerify } from '../../src/reconcile/planning.ts';
import { openLook } from '../../src/reconcile/reconcile.ts';
import { shareUnchanged } from '../../src/source/share.ts';
import { type Bench, engineDirectory, openBench, workloadOf } from './harness.ts';
import { holderOf, only } from './worlds.ts';

/** Passes of one process, one after the other: nothing is worked out twice, and nothing is concluded from what was. */
describe('pass after pass', () => {
  it('sees the very same as long as nothing changes, and else only what changed as new', async (t) => {
    const { bench, look } = await open(t);
    const first = await look();
    const second = await look();
    assert.equal(second.recorded, first.recorded);
    assert.equal(second.observed, first.observed);

    const { sim, object } = holderOf(bench, 'web/1');
    sim.crash(object.objectId, { exitCode: 3 });
    const third = await look();
    assert.equal(third.recorded, first.recorded);
    const changed = third.observed.objects.filter((seen, index) => seen !== first.observed.objects[index]);
    assert.deepEqual(
      changed.map(({ allocation, exitCode }) => [allocation, exitCode]),
      [['default/web/1#2', 3]],
    );
    assert.equal(third.observed.nodes, first.observed.nodes);

    await bench.run(world());
    assert.notEqual((await look()).recorded, first.recorded);
  });

  it('plans what a first pass would plan, whatever happened between', async (t) => {
    const { bench, look } = await open(t);
    const plan = openPlanning();
    let desired = world();
    const pass = async (next: Desired): Promise<readonly string[]> => {
      desired = shareUnchanged(desired, structuredClone(next));
      const inputs: PlanInputs = { ...(await look()), desired, now: Date.now(), expiresAfterMs: 60_000, liveFields };
      const made = plan(inputs);
      assert.deepEqual(made.plan, planAndVerify({ ...inputs, desired: structuredClone(desired) }).plan);
      return made.plan.steps.map(({ kind, instance }) => `${kind} ${instance}`);
    };
    assert.deepEqual(await pass(world()), []);
    assert.deepEqual(await pass(world({ api: 2 })), ['create default/api/1']);
    assert.deepEqual(await pass(world()), [], 'what was planned and not done is planned anew');
    const { sim, object } = holderOf(bench, 'web/1');
    sim.crash(object.objectId, { exitCode: 1 });
    assert.deepEqual(await pass(world()), ['replace default/web/1']);
    assert.deepEqual(await pass(world({ api: 0 })), ['remove default/api/0', 'replace default/web/1']);
    await bench.run(world({ api: 0 }));
    assert.deepEqual(await pass(world({ api: 0 })), []);
  });
});

async function open(t: TestContext) {
  const bench: Bench = await openBench(['n1', 'n2', 'n3']);
  t.after(() => bench.close());
  await bench.run(world());
  const lookNow = openLook(bench.store);
  const options = { desired: world(), engines: engineDirectory(bench.sims), clock: bench.clock };
  return { bench, look: () => lookNow(options) };
}

const world = ({ api = 1 }: { readonly api?: number } = {}): Desired =>
  only(workloadOf('web', { replicas: 3, version: '1' }), workloadOf('api', { replicas: api, version: '1' }));

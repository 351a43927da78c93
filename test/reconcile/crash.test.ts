import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { type Death, Died } from '../store/dying.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';

const nodes = ['n1', 'n2', 'n3'];
const before = desiredOf(nodes, [workloadOf('web', { replicas: 3, version: '1' })]);
const after = desiredOf(nodes, [workloadOf('web', { replicas: 4, version: '2' })]);

/** Far more transactions than the rollout has; reaching it means that the death never comes. */
const mostTransactions = 400;

test('a run that dies at any store transaction is finished by the next one: nothing doubled, nothing lost', async () => {
  let survived = false;
  let deaths = 0;
  for (let atTransaction = 1; atTransaction < mostTransactions && !survived; atTransaction += 1) {
    for (const moment of ['before', 'after'] as const) {
      survived = await dieAndRecover({ atTransaction, moment });
      if (!survived) deaths += 1;
    }
  }
  assert.ok(survived, 'the last run was not cut off');
  assert.ok(deaths > 60, `${deaths} deaths`);
});

/** True when the run ended before its death came. */
async function dieAndRecover(death: Death): Promise<boolean> {
  const bench = await openBench(nodes);
  try {
    await bench.run(before);
    const died = await bench.run(after, { death }).then(
      () => false,
      (error: unknown) => {
        assert.ok(error instanceof Died, `unexpected ${String(error)}`);
        return true;
      },
    );
    const { outcome } = await bench.run(after);
    assert.deepEqual(
      outcome.units.filter(({ state }) => state !== 'done'),
      [],
      `after ${JSON.stringify(death)}`,
    );
    await assertSettled(bench, after, death);
    return !died;
  } finally {
    await bench.close();
  }
}

async function assertSettled(bench: Bench, desired: Desired, death: Death): Promise<void> {
  const what = JSON.stringify(death);
  const objects = [...bench.sims.values()].flatMap((sim) => sim.objects());
  assert.equal(objects.length, 4, `${what}: ${objects.map(({ name }) => name).join(', ')}`);
  assert.deepEqual(new Set(objects.map(({ state }) => state)), new Set(['running']), what);
  const plan = await bench.plan(desired);
  assert.deepEqual(
    plan.steps.map(({ kind, instance, reason }) => ({ kind, instance, reason })),
    [],
    what,
  );
}

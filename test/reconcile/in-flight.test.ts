import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { unitOf } from '../../src/model/ids.ts';
import type { ProgressEvent } from '../../src/reconcile/progress.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';

const GiB = 2 ** 30;
const nodes = ['n0', 'n1'];

const ofSize = (memoryBytes: number) => ({
  resources: { cpuMillis: 100, memoryBytes, storageBytes: 0, bandwidthBits: 0, extended: {} },
});

/** One instance a node, brought a node at a time; its second revision needs more memory. */
const web = (version: '1' | '2', env = {}) =>
  workloadOf('web', {
    replicas: 2,
    version,
    revision: { ...ofSize(version === '1' ? GiB : 3 * GiB), env },
    update: {
      groups: [
        { kind: 'count', count: 1 },
        { kind: 'percent', percent: 100 },
      ],
      observeMs: 0,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 2_000,
    },
  });
/** As large as what is free on a node (of 8 GiB) while the rollout is not everywhere. */
const batch = workloadOf('batch', { replicas: 2, version: '1', revision: ofSize(5 * GiB) });
const unit = unitOf(web('1').id);

async function memoryOn(bench: Bench): Promise<readonly number[]> {
  const { allocations } = await loadRecorded(bench.store);
  return nodes.map((name) =>
    allocations.filter(({ node }) => node === name).reduce((sum, { holds }) => sum + holds.memoryBytes, 0),
  );
}

async function pausedAfterFirstWave(t: { after(clean: () => Promise<void>): void }): Promise<Bench> {
  const bench = await openBench(nodes);
  t.after(bench.close);
  await bench.run(desiredOf(nodes, [web('1')]));
  const wanted = desiredOf(nodes, [web('2')]);
  const pause = async (event: ProgressEvent): Promise<void> => {
    if (event.kind !== 'waveStarted' || event.wave !== 0) return;
    const [inFlight] = (await loadRecorded(bench.store)).inFlight;
    assert.ok(inFlight);
    await bench.tell(wanted, { kind: 'pauseRun', run: inFlight.run });
  };
  const { outcome } = await bench.run(wanted, { onEvent: (event) => void pause(event) });
  assert.deepEqual(
    outcome.units.map(({ state }) => state),
    ['paused'],
  );
  return bench;
}

const resume = async (bench: Bench, desired: Desired) => {
  const [inFlight] = (await loadRecorded(bench.store)).inFlight;
  assert.ok(inFlight);
  return bench.tell(desired, { kind: 'resumeRun', run: inFlight.run });
};

describe('while a rollout is paused between two waves', () => {
  test('nobody takes the room that its next wave needs, and once it is through the rest is given out', async (t) => {
    const bench = await pausedAfterFirstWave(t);
    const wanted = desiredOf(nodes, [web('2'), batch]);
    const { plan } = await bench.run(wanted);
    assert.deepEqual(plan.steps, []);
    assert.match(plan.refusals.map(({ message }) => message).join(), /default\/batch/);

    const { units } = await resume(bench, wanted);
    assert.deepEqual(units, [{ unit, state: 'done' }]);
    await bench.run(wanted);
    assert.deepEqual(await memoryOn(bench), [8 * GiB, 8 * GiB]);
  });

  test('what fits beside it is placed, and it goes on', async (t) => {
    const bench = await pausedAfterFirstWave(t);
    const small = workloadOf('batch', { replicas: 2, version: '1', revision: ofSize(4 * GiB) });
    const wanted = desiredOf(nodes, [web('2'), small]);
    const { outcome } = await bench.run(wanted);
    assert.deepEqual(
      outcome.units.map(({ unit: name, state }) => `${name} ${state}`),
      ['default/batch done'],
    );
    assert.deepEqual((await resume(bench, wanted)).units, [{ unit, state: 'done' }]);
    assert.deepEqual(await memoryOn(bench), [7 * GiB, 7 * GiB]);
    assert.deepEqual((await bench.plan(wanted)).steps, []);
  });
});

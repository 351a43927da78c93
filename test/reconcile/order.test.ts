import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type WorkloadId, workloadId } from '../../src/model/ids.ts';
import { cluster, workloadOf } from './harness.ts';
import { checked, holderOf, only, openWeb, running, web } from './worlds.ts';

const callFor = { deadlineMs: 5_000 };
const api: WorkloadId = workloadId('default', 'api');
const apiOf = (env: Readonly<Record<string, string>>, version = '1') =>
  workloadOf('api', { replicas: 1, version, revision: { health: checked, env: { VERSION: version, ...env } } });

test('a unit that comes after another begins when that one has committed', async (t) => {
  const bench = await openWeb(t);
  const { outcome } = await bench.run(only(apiOf({}), web('1', { after: [api] })));
  assert.ok(outcome.units.every(({ state }) => state === 'done'));
  const at = (kind: string, unit: string): number =>
    bench.events.findIndex((event) => event.kind === kind && 'unit' in event && event.unit === unit);
  assert.ok(at('unitEnded', 'default/api') < at('unitStarted', 'default/web'));
});

test('a unit whose predecessor failed is not started, and says so', async (t) => {
  const bench = await openWeb(t);
  const { outcome } = await bench.run(only(apiOf({ BROKEN: 'yes' }), web('1', { after: [api] })));
  const [first, second] = [...outcome.units].sort((a, b) => (a.unit < b.unit ? -1 : 1));
  assert.equal(first?.state, 'undone');
  assert.equal(second?.state, 'skipped');
  assert.match(second?.reason ?? '', /default\/api, which it comes after, is undone/);
  assert.deepEqual(running(bench), []);
});

const stopFirst = {
  ...web('1').update,
  order: 'stop-first' as const,
  groups: [{ kind: 'percent', percent: 100 } as const],
  maxSurge: { kind: 'count', count: 0 } as const,
  healthyDeadlineMs: 5_000,
};

test('before each stop a fresh look: what crashed meanwhile uses up the budget, and the rollout waits until it is back', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { update: stopFirst })));
  let crashed: string | undefined;
  let waited = 0;
  const { outcome, plan } = await bench.run(only(web('2', { update: stopFirst })), {
    onEvent: (event) => {
      if (event.kind === 'effectDone' && event.effect.kind === 'await' && crashed === undefined) {
        // The first one is new and serves; of the two old ones the later dies by itself.
        crashed = 'web/2';
        const { sim, object } = holderOf(bench, crashed);
        sim.crash(object.objectId, { exitCode: 1 });
      }
      if (event.kind !== 'waiting' || event.instance === undefined) return;
      waited += 1;
      assert.match(event.what, /1 of 3 instances are unavailable \(default\/web\/2\); at most 1 may be/);
      if (waited < 3 || crashed === undefined) return;
      const { sim, object } = holderOf(bench, crashed);
      void sim.open(cluster).start(object.objectId, callFor);
    },
  });
  assert.deepEqual(
    plan.steps.map(({ order }) => order),
    ['stop-first', 'stop-first', 'stop-first'],
  );
  assert.ok(waited >= 3, `waited ${waited} times`);
  assert.equal(outcome.units[0]?.state, 'done');
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
});

test('when the budget stays used up until the deadline, the rollout is undone and the revision is not blamed', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { update: stopFirst })));
  let crashed = false;
  const { outcome } = await bench.run(only(web('2', { update: stopFirst })), {
    onEvent: (event) => {
      if (event.kind !== 'effectDone' || event.effect.kind !== 'await' || crashed) return;
      crashed = true;
      const { sim, object } = holderOf(bench, 'web/2');
      sim.crash(object.objectId, { exitCode: 1 });
    },
  });
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.match(outcome.units[0]?.reason ?? '', /default\/web\/1 was not stopped: 1 of 3 instances are unavailable/);
  assert.deepEqual(running(bench), ['web/0 1 running', 'web/1 1 running', 'web/2 1 exited']);
  const again = await bench.run(only(web('2', { update: stopFirst })));
  assert.equal(again.outcome.units[0]?.state, 'done', 'tried again at once');
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
});

test('a first Ctrl-C finishes the steps that were begun and begins no other; the next run goes on', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { update: stopFirst })));
  const stop = new AbortController();
  const { outcome } = await bench.run(only(web('2', { update: stopFirst })), {
    stop: stop.signal,
    onEvent: (event) => {
      if (event.kind === 'effectStarted' && event.effect.kind === 'stop') stop.abort();
    },
  });
  assert.equal(outcome.units[0]?.state, 'paused');
  assert.equal(
    running(bench).filter((line) => line.endsWith('running')).length,
    3,
    'nobody is left without the old and the new',
  );
  await bench.run(only(web('2', { update: stopFirst })));
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
});

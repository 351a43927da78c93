import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instanceId } from '../../src/model/ids.ts';
import { keys, prefixes } from '../../src/store/keys.ts';
import { workloadOf } from './harness.ts';
import { holderOf, objectsOf, only, openWeb, running, simOf, web } from './worlds.ts';

for (const call of ['pull', 'create', 'start', 'stop', 'remove', 'update', 'observe', 'list']) {
  for (const kind of ['failAfter', 'failBefore'] as const) {
    test(`${kind === 'failAfter' ? 'a lost reply of' : 'an outage before'} ${call} doubles nothing and loses nothing`, async (t) => {
      const bench = await openWeb(t);
      // The second workload changes in place only.
      const tuned = (cpuMillis: number) =>
        workloadOf('tuned', {
          replicas: 1,
          version: String(cpuMillis),
          revision: {
            image: 'image:1',
            env: { VERSION: '-' },
            resources: { cpuMillis, memoryBytes: 2 ** 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
          },
        });
      await bench.run(only(tuned(100), web('1')));
      // A listing that fails is an unreachable engine to the planner, which then waits: that is another test.
      const during = call !== 'list';
      if (during) for (const sim of bench.sims.values()) sim.inject({ call, fault: { kind }, times: 2 });
      const { outcome } = await bench.run(only(tuned(200), web('2', { replicas: 2 })), {
        onEvent: ({ kind: event }) => {
          if (!during && event === 'runStarted')
            for (const sim of bench.sims.values()) sim.inject({ call, fault: { kind }, times: 2 });
        },
      });
      assert.deepEqual(
        outcome.units.map(({ state }) => state),
        ['done', 'done'],
        JSON.stringify(outcome.units),
      );
      assert.deepEqual(running(bench), ['tuned/0 - running', 'web/0 2 running', 'web/1 2 running']);
      assert.deepEqual(
        objectsOf(bench).map(({ executions }) => executions),
        [1, 1, 1],
        'nothing was started twice',
      );
      assert.deepEqual((await bench.plan(only(tuned(200), web('2', { replicas: 2 })))).steps, []);
    });
  }
}

test('checks that an engine does not carry out say nothing against a revision, nor against what runs', async (t) => {
  const bench = await openWeb(t);
  const outage = (times: number): void => {
    for (const sim of bench.sims.values()) sim.inject({ call: 'exec', fault: { kind: 'failBefore' }, times });
  };
  // Longer than the gate's deadline.
  outage(9);
  const { outcome } = await bench.run(only(web('1', { replicas: 1 })));
  assert.deepEqual(
    outcome.units.map(({ state, reason }) => [state, reason]),
    [['done', undefined]],
  );
  outage(100);
  assert.deepEqual((await bench.plan(only(web('1', { replicas: 1 })))).steps, []);
});

test('an engine that does not answer pauses its unit, not the others; the next run finishes it', async (t) => {
  const bench = await openWeb(t);
  const other = (version: string) =>
    workloadOf('other', { replicas: 1, version, revision: { env: { VERSION: version } } });
  await bench.run(only(other('1'), web('1')));
  const { sim: away } = holderOf(bench, 'web/0');
  const otherIsThere = holderOf(bench, 'other/0').sim === away;
  const { outcome } = await bench.run(only(other('2'), web('2')), {
    onEvent: (event) => {
      if (event.kind === 'effectDone' && event.unit === 'default/web' && event.effect.kind === 'reserve')
        away.setReachable('unreachable');
    },
  });
  const states = new Map(outcome.units.map(({ unit, state, reason }) => [String(unit), { state, reason }]));
  assert.equal(states.get('default/web')?.state, 'paused');
  assert.match(states.get('default/web')?.reason ?? '', /docker on node n\d does not answer/);
  if (!otherIsThere) assert.equal(states.get('default/other')?.state, 'done');
  const { entries } = await bench.store.range(prefixes.runs);
  assert.ok(entries.length > 0, 'the journal stays');

  away.setReachable('reachable');
  const next = await bench.run(only(other('2'), web('2')));
  assert.ok(next.outcome.units.every(({ state }) => state === 'done'));
  assert.deepEqual(running(bench), ['other/0 2 running', 'web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
  assert.deepEqual((await bench.store.range(prefixes.runs)).entries, []);
});

test('nothing is concluded about a node that cannot be seen: no step touches it, and its instances stay', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1')));
  simOf(bench, 'n1').setReachable('unreachable');
  const plan = await bench.plan(only(web('1')));
  assert.deepEqual(plan.steps, []);
  assert.ok(plan.warnings.length > 0, 'it is said');
  simOf(bench, 'n1').setReachable('reachable');
  assert.equal(running(bench).length, 3);
});

test('who has lost the lease writes nothing more, and the new leader finishes the run', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1')));
  let taken: Promise<unknown> | undefined;
  let starts = 0;
  const { outcome } = await bench.run(only(web('2')), {
    onEvent: ({ kind }) => {
      starts += kind === 'effectStarted' ? 1 : 0;
      if (starts !== 7 || taken !== undefined) return;
      // What an expired lease and a faster process do, in one transaction.
      taken = bench.store
        .txn({ compares: [], operations: [{ kind: 'delete', key: keys.leader }] })
        .then(() => bench.store.txn({ compares: [], operations: [{ kind: 'put', key: keys.leader, value: '{}' }] }))
        .then(async ({ revision }) => ({ revision, entries: (await bench.store.range('')).entries }));
    },
  });
  const then = (await taken) as { revision: number; entries: readonly unknown[] };
  assert.equal(outcome.units[0]?.state, 'paused');
  assert.match(outcome.units[0]?.reason ?? '', /another process has become leader; this one writes nothing more/);
  const now = await bench.store.range('');
  assert.deepEqual(now.entries, then.entries, 'not one record has changed since');
  assert.equal(
    (JSON.parse((await bench.store.get(keys.leader))?.value ?? '1') as unknown) instanceof Object,
    true,
    'the new leader keeps its key',
  );

  await bench.store.txn({ compares: [], operations: [{ kind: 'delete', key: keys.leader }] });
  await bench.run(only(web('2')));
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
  assert.deepEqual((await bench.plan(only(web('2')))).steps, []);
});

test('a foreign object of the same name is never touched: clear error, unit undone', async (t) => {
  const bench = await openWeb(t);
  const name = `test.${instanceId(web('1').id, 0).replaceAll('/', '.')}.g1`;
  for (const sim of bench.sims.values()) sim.addForeign({ name });
  const { outcome } = await bench.run(only(web('1', { replicas: 1 })));
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.match(outcome.units[0]?.reason ?? '', /exists and is not of this cluster/);
  assert.deepEqual(
    [...bench.sims.values()].map((sim) => sim.foreignNames()),
    [[name], [name], [name]],
  );
  assert.deepEqual(objectsOf(bench), []);
});

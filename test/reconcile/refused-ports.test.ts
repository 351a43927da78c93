import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredWorkload } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import { type Bench, workloadOf } from './harness.ts';
import { holderOf, objectsOf, only, openWeb, running, simOf } from './worlds.ts';

const hourMs = 3_600_000;

test('a port that an engine refuses is not given out again: the next run takes another one', async (t) => {
  const bench = await openWeb(t);
  for (const { sim } of nodesOf(bench)) sim.holdPort(20_000);
  const refused = await bench.run(only(site('1')));
  assert.deepEqual(
    refused.outcome.units.map(({ state }) => state),
    ['undone'],
  );
  assert.match(refused.outcome.units[0]?.reason ?? '', /port 20000 is held.*takes another port.*for an hour.*MUS3006/);
  const { plan, outcome } = await bench.run(only(site('1')));
  assert.deepEqual([portsOf(plan), outcome.units[0]?.state], [[20_001], 'done']);
  assert.deepEqual(running(bench), ['site/0 1 running']);
  assert.deepEqual((await bench.plan(only(site('1')))).steps, []);
});

test('every port that is refused at the same time is remembered', async (t) => {
  const bench = await openWeb(t);
  for (const { sim } of nodesOf(bench)) for (const port of [20_000, 20_001, 20_002]) sim.holdPort(port);
  await bench.run(only(site('1', { replicas: 9 })));
  const { plan } = await bench.run(only(site('1', { replicas: 9 })));
  assert.deepEqual([...new Set(portsOf(plan))], [20_003, 20_004, 20_005]);
  assert.equal(running(bench).length, 9);
});

test('it is told by whom, why and until when, and given out again after an hour', async (t) => {
  const bench = await openWeb(t);
  for (const { sim } of nodesOf(bench)) sim.holdPort(20_000);
  await bench.run(only(site('1')));
  const { recorded, observed } = await bench.look(only(site('1')));
  const [override] = recorded.overrides;
  assert.deepEqual([recorded.overrides.length, override?.kind, override?.actor], [1, 'port', 'muster']);
  assert.match(override?.target ?? '', /^n\d:20000$/);
  assert.match(override?.reason ?? '', /port 20000 is held/);
  const foreign = [...observed.nodes.values()].flatMap((node) => node.foreign.map(({ name }) => name));
  assert.deepEqual(foreign, ['port 20000, which was refused']);
  bench.leap(hourMs);
  assert.deepEqual(portsOf(await bench.plan(only(site('1')))), [20_000]);
});

test('an instance whose own port is refused when it is healed gets another one, and the plan says which', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(site('1')));
  const { sim, object } = holderOf(bench, 'site/0');
  sim.holdPort(20_000);
  sim.crash(object.objectId, { exitCode: 137 });
  await bench.run(only(site('1')));
  const { plan } = await bench.run(only(site('1')));
  const [step] = plan.steps;
  assert.deepEqual([step?.replaces?.holds.ports, step?.holds.ports], [{ http: 20_000 }, { http: 20_001 }]);
  assert.deepEqual(running(bench), ['site/0 1 running']);
});

test('what cannot be started again by an undo does not leave the unit stuck: it is made anew with another port', async (t) => {
  const bench = await openWeb(t);
  const stopFirst = (version: string) => site(version, { order: 'stop-first' });
  await bench.run(only(stopFirst('1')));
  holderOf(bench, 'site/0').sim.holdPort(20_000);
  const { outcome } = await bench.run(only(stopFirst('2')));
  assert.deepEqual(
    outcome.units.map(({ state }) => state),
    ['undone'],
    JSON.stringify(outcome.units),
  );
  const { plan } = await bench.run(only(stopFirst('2')));
  assert.deepEqual(portsOf(plan), [20_001]);
  assert.deepEqual(running(bench), ['site/0 2 running']);
  assert.deepEqual((await bench.plan(only(stopFirst('2')))).steps, []);
});

test('a fixed port is what git says: nothing is remembered, and the engine’s words stay', async (t) => {
  const bench = await openWeb(t);
  for (const { sim } of nodesOf(bench)) sim.holdPort(8_080);
  const fixed = site('1', { publish: 8_080 });
  const { outcome } = await bench.run(only(fixed));
  assert.match(outcome.units[0]?.reason ?? '', /port 8080 is held/);
  assert.doesNotMatch(outcome.units[0]?.reason ?? '', /another port/);
  assert.deepEqual((await bench.look(only(fixed))).recorded.overrides, []);
  assert.deepEqual(portsOf(await bench.plan(only(fixed))), [8_080]);
  assert.deepEqual(objectsOf(bench), []);
});

const nodesOf = (bench: Bench) => ['n1', 'n2', 'n3'].map((node) => ({ node, sim: simOf(bench, node) }));

const portsOf = ({ steps }: Plan): readonly number[] => steps.flatMap(({ holds }) => Object.values(holds.ports ?? {}));

function site(
  version: string,
  options: {
    readonly replicas?: number;
    readonly publish?: 'auto' | number;
    readonly order?: DesiredWorkload['update']['order'];
  } = {},
): DesiredWorkload {
  const { replicas = 1, publish = 'auto', order = 'auto' } = options;
  return workloadOf('site', {
    replicas,
    version,
    revision: { env: { VERSION: version }, ports: [{ name: 'http', port: 8_080, protocol: 'tcp', publish }] },
    update: {
      groups: [{ kind: 'percent', percent: 100 }],
      observeMs: 0,
      order,
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 2_000,
    },
  });
}

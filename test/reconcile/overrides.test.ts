import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Desired, DesiredWorkload } from '../../src/model/desired.ts';
import type { Override } from '../../src/model/recorded.ts';
import { type HistoryEntry, readHistory } from '../../src/reconcile/history.ts';
import { dropOverride, forgetEnded, overrideId, putOverrides, readOverrides } from '../../src/reconcile/overrides.ts';
import { type WayBack, wayBack, waysBackOfRun, wayTo } from '../../src/reconcile/rollback.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Bench, desiredOf, workloadOf } from './harness.ts';
import { nodes, only, openWeb, running, web } from './worlds.ts';

const id = web('1').id;
const one = 3_600_000;

const override = (bench: Bench, of: Pick<Override, 'kind' | 'target'> & Partial<Override>): Override => ({
  id: overrideId(of),
  actor: 'alice@desk',
  reason: 'INC-812',
  until: bench.clock.now() + one,
  ...of,
});

const worldOf = async (bench: Bench, desired: Desired) => ({
  desired,
  recorded: await loadRecorded(bench.store),
  now: bench.clock.now(),
});

/** What `muster rollback` does with a way back. */
async function pin(bench: Bench, way: WayBack): Promise<void> {
  assert.equal(way.kind, 'pin', way.kind === 'none' ? way.reason : '');
  if (way.kind === 'pin')
    await putOverrides(bench.store, [override(bench, { kind: 'pin', target: way.workload, revision: way.to })]);
}

const all = (version: string, count = 3): readonly string[] =>
  Array.from({ length: count }, (_, ordinal) => `web/${ordinal} ${version} running`);

describe('rollback', () => {
  test('goes back to the good revision of before as a plan of its own, and stays there until it expires', async (t) => {
    const bench = await openWeb(t);
    for (const version of ['1', '2']) await bench.run(only(web(version)));
    const wanted = only(web('2'));
    await pin(bench, wayBack(await worldOf(bench, wanted), id));
    const { plan, outcome } = await bench.run(wanted);
    assert.deepEqual(new Set(plan.steps.map(({ cause }) => cause)), new Set(['rollback']));
    assert.equal(plan.units[0]?.maxUnavailable, 1, 'within the budget');
    assert.equal(outcome.units[0]?.state, 'done');
    assert.deepEqual(running(bench), all('1'));

    const more = await bench.run(only(web('2', { replicas: 4 })));
    assert.match(
      more.plan.warnings[0]?.message ?? '',
      /pinned to web-1 until .* by alice@desk \(INC-812\); git asks for web-2/,
    );
    assert.deepEqual(running(bench), all('1', 4), 'counts follow git');
    await bench.run(only(web('3', { replicas: 4 })));
    assert.deepEqual(running(bench), all('1', 4), 'so does no newer revision, while it is pinned');

    bench.leap(one);
    await bench.run(only(web('3', { replicas: 4 })));
    assert.deepEqual(running(bench), all('3', 4));
  });

  test('typed twice goes back once, and names what is further back', async (t) => {
    const bench = await openWeb(t);
    for (const version of ['0', '1', '2']) await bench.run(only(web(version)));
    const wanted = only(web('2'));
    await pin(bench, wayBack(await worldOf(bench, wanted), id));
    const early = wayBack(await worldOf(bench, wanted), id);
    await bench.run(wanted);
    const late = wayBack(await worldOf(bench, wanted), id);
    for (const way of [early, late]) {
      assert.match(
        way.kind === 'none' ? way.reason : '',
        /on web-1 already.*further back: muster rollback default\/web --to web-0/,
      );
    }
    await pin(bench, await wayTo(bench.store, await worldOf(bench, wanted), id, 'web-0'));
    await bench.run(wanted);
    assert.deepEqual(running(bench), all('0'));
  });

  test('of what fell back by itself is refused: it is there already', async (t) => {
    const bench = await openWeb(t);
    for (const version of ['0', '1']) await bench.run(only(web(version)));
    const broken = only(web('2', { env: { BROKEN: 'yes' } }));
    await bench.run(broken);
    const way = wayBack(await worldOf(bench, broken), id);
    assert.match(way.kind === 'none' ? way.reason : '', /it is on web-1 already, not on web-2, which git declares/);
  });

  test('without anything good before it says so; --to takes only what is recorded, and not what git declares', async (t) => {
    const bench = await openWeb(t);
    const wanted = only(web('1'));
    const reason = (way: WayBack): string => (way.kind === 'none' ? way.reason : 'a pin');
    assert.match(reason(wayBack(await worldOf(bench, wanted), id)), /nothing is recorded of it/);
    await bench.run(wanted);
    const world = await worldOf(bench, wanted);
    assert.match(reason(wayBack(world, id)), /no good revision before web-1 is recorded/);
    assert.match(reason(await wayTo(bench.store, world, id, 'web-9')), /no recorded revision web-9; there is web-1/);
    assert.match(reason(await wayTo(bench.store, world, id, 'web-1')), /is what git declares/);
  });

  test('ends when git catches up, and does not come back with the next commit', async (t) => {
    const bench = await openWeb(t);
    for (const version of ['1', '2']) await bench.run(only(web(version)));
    await pin(bench, wayBack(await worldOf(bench, only(web('2'))), id));
    const reverted = only(web('1'));
    await bench.lead(reverted, async (leader) => forgetEnded(leader, reverted, await loadRecorded(bench.store)));
    assert.deepEqual(await readOverrides(bench.store), []);
    await bench.run(only(web('3')));
    assert.deepEqual(running(bench), all('3'));
  });

  test('is lifted by retry', async (t) => {
    const bench = await openWeb(t);
    for (const version of ['1', '2']) await bench.run(only(web(version)));
    const wanted = only(web('2'));
    await pin(bench, wayBack(await worldOf(bench, wanted), id));
    await bench.run(wanted);
    const { message } = await bench.tell(wanted, { kind: 'retryWorkload', workload: id });
    assert.match(message, /Lifted: the pin to web-1\./);
    await bench.run(wanted);
    assert.deepEqual(running(bench), all('2'));
  });

  test('of a run takes back every revision that it brought and that is still in force', async (t) => {
    const bench = await openWeb(t);
    const api = (version: string): DesiredWorkload => workloadOf('api', { replicas: 1, version });
    const before = desiredOf(nodes, [web('1'), api('1')]);
    const after = desiredOf(nodes, [web('2'), api('2'), workloadOf('young', { replicas: 1, version: '1' })]);
    await bench.run(before);
    const { outcome } = await bench.run(after);
    const entry = (await readHistory(bench.store)).find(({ run }) => run === outcome.run) as HistoryEntry;
    const ways = async (desired: Desired) =>
      waysBackOfRun(await worldOf(bench, desired), entry.revisions ?? {})
        .map((way) => `${way.workload}: ${way.kind === 'pin' ? `${way.from} → ${way.to}` : way.reason}`)
        .sort();
    assert.deepEqual(await ways(after), [
      'default/api: api-2 → api-1',
      'default/web: web-2 → web-1',
      'default/young: the run brought it for the first time: take it out of git instead',
    ]);
    const later = desiredOf(nodes, [web('3'), api('2')]);
    await bench.run(later);
    assert.deepEqual((await ways(later)).slice(0, 2), [
      'default/api: api-2 → api-1',
      'default/web: it has moved on to web-3 since',
    ]);
  });
});

test('a frozen namespace is left alone, heals included, until it is thawed', async (t) => {
  const bench = await openWeb(t);
  const wanted = only(web('1', { replicas: 2 }));
  await bench.run(wanted);
  await putOverrides(bench.store, [override(bench, { kind: 'freeze', target: 'default' })]);
  for (const sim of bench.sims.values()) for (const { objectId } of sim.objects()) sim.crash(objectId, { exitCode: 1 });
  assert.deepEqual((await bench.run(only(web('2', { replicas: 2 })))).plan.steps, []);
  assert.equal((await dropOverride(bench.store, overrideId({ kind: 'freeze', target: 'default' })))?.reason, 'INC-812');
  await bench.run(wanted);
  assert.deepEqual(running(bench), all('1', 2));
});

test('a cordoned node keeps what it has and accepts nothing new', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { replicas: 3 })));
  await putOverrides(bench.store, [override(bench, { kind: 'cordon', target: 'n1' })]);
  await bench.run(only(web('1', { replicas: 6 })));
  assert.deepEqual(
    [...bench.sims].map(([node, sim]) => `${node} ${sim.objects().length}`),
    ['n1 1', 'n2 3', 'n3 2'],
  );
});

test('there is one override of a kind on a target: a new one replaces the old one and returns it', async (t) => {
  const bench = await openWeb(t);
  const first = override(bench, { kind: 'cordon', target: 'n1' });
  const second = { ...first, reason: 'again' };
  assert.deepEqual(await putOverrides(bench.store, [first]), []);
  assert.deepEqual(await putOverrides(bench.store, [second]), [first]);
  assert.deepEqual(await readOverrides(bench.store), [second]);
  assert.equal(await dropOverride(bench.store, 'cordon/n2'), undefined);
});

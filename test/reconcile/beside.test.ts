import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { readHistory } from '../../src/reconcile/history.ts';
import type { LoopEvent } from '../../src/reconcile/loop.ts';
import type { ProgressEvent } from '../../src/reconcile/progress.ts';
import { Died } from '../store/dying.ts';
import type { Bench } from './harness.ts';
import { workloadOf } from './harness.ts';
import { type Loop, startLoop } from './loop.ts';
import { holderOf, only, openWeb, running, simOf, web } from './worlds.ts';

/** A rollout is no barrier: whatever else there is to do is done while it is under way. In real time: it is about when. */
type Event = LoopEvent | ProgressEvent;
type Ended = Extract<Event, { kind: 'unitEnded' }>;
type Started = Extract<Event, { kind: 'waveStarted' }>;

const ended =
  (unit: string) =>
  (event: Event): event is Ended =>
    event.kind === 'unitEnded' && event.unit === unit;

const inWave =
  (unit: string, wave: number) =>
  (event: Event): event is Started =>
    event.kind === 'waveStarted' && event.unit === unit && event.wave === wave;

/** One instance first, then looked at for two seconds, then the others. */
const slow = (version: string, replicas = 3) =>
  web(version, {
    replicas,
    update: {
      groups: [
        { kind: 'count', count: 1 },
        { kind: 'percent', percent: 100 },
      ],
      observeMs: 2_000,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 5_000,
    },
  });
const api = (version: string, replicas = 1) =>
  workloadOf('api', { replicas, version, revision: { env: { VERSION: version } } });

async function rollingOut(t: TestContext, replicas = 3): Promise<{ readonly bench: Bench; readonly loop: Loop }> {
  const bench = await openWeb(t);
  await bench.run(only(slow('1', replicas), api('1')));
  const loop = startLoop(bench, only(slow('2', replicas), api('1')));
  t.after(loop.stop);
  await loop.until(inWave('default/web', 0), 'the rollout begins');
  return { bench, loop };
}

/** Its leader died in the middle of the rollout, and one of its nodes does not answer any more. */
async function leftOpen(t: TestContext): Promise<Bench> {
  const bench = await openWeb(t);
  await bench.run(only(slow('1'), api('1')));
  const dying = bench.run(only(slow('2'), api('1')), { death: { atTransaction: 8, moment: 'after' } });
  await assert.rejects(dying, Died);
  const { recorded } = await bench.look(only(slow('2'), api('1')));
  const [step] = recorded.inFlight.flatMap(({ waves = [] }) => waves.flat());
  assert.ok(step?.after);
  simOf(bench, step.after.node).setReachable('unreachable');
  return bench;
}

/** Running instances of `web` by version. */
function versions(bench: Bench): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of running(bench)) {
    const [name = '', version = '', state] = line.split(' ');
    if (name.startsWith('web/') && state === 'running') counts[version] = (counts[version] ?? 0) + 1;
  }
  return counts;
}

/** Allocations of `web` whose objects were made, in their order. */
const created = ({ told }: Loop): readonly string[] =>
  told.flatMap((event) =>
    event.kind === 'effectStarted' && event.effect.kind === 'create' && event.unit === 'default/web'
      ? [event.effect.allocation]
      : [],
  );

const endings = ({ told }: Loop): readonly string[] =>
  told.flatMap((event) => (event.kind === 'unitEnded' ? [`${event.unit} ${event.result.state}`] : []));

describe('while a rollout is under way', () => {
  test('what crashes elsewhere is healed', async (t) => {
    const { bench, loop } = await rollingOut(t);
    const { sim, object } = holderOf(bench, 'api/0');
    sim.crash(object.objectId, { exitCode: 3 });
    await loop.until(ended('default/web'), 'the rollout is through');
    assert.deepEqual(endings(loop), ['default/api done', 'default/web done']);
    assert.deepEqual(running(bench), ['api/0 1 running', 'web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
  });

  test('a newer commit is applied to everything else', async (t) => {
    const { bench, loop } = await rollingOut(t);
    loop.push(only(slow('2'), api('2', 2)));
    await loop.until(ended('default/web'), 'the rollout is through');
    assert.deepEqual(endings(loop), ['default/api done', 'default/web done']);
    assert.deepEqual(running(bench).slice(0, 2), ['api/0 2 running', 'api/1 2 running']);
  });

  test('what comes after it waits for its commit', async (t) => {
    const { bench, loop } = await rollingOut(t);
    loop.push(only(slow('2'), { ...api('2'), after: [web('2').id] }));
    await loop.until(ended('default/api'), 'its turn comes');
    assert.deepEqual(endings(loop), ['default/web done', 'default/api done']);
    const waits = loop.told.flatMap((event) => (event.kind === 'planned' ? event.plan.warnings : []));
    assert.ok(waits.some(({ message }) => /default\/api waits: it comes after default\/web/.test(message)));
    assert.equal(running(bench).length, 4);
  });

  test('that its leader left open on a node that does not answer, others are gone on with', async (t) => {
    const bench = await leftOpen(t);
    const loop = startLoop(bench, only(slow('2'), api('2')));
    t.after(loop.stop);
    const began = performance.now();
    await loop.until(ended('default/api'), 'the other workload is brought');
    assert.ok(performance.now() - began < 15_000, 'nobody waits for the node');
    assert.deepEqual(endings(loop), ['default/api done']);
    for (const sim of bench.sims.values()) sim.setReachable('reachable');
    await loop.until(ended('default/web'), 'the rollout is through');
    assert.deepEqual(running(bench), ['api/0 2 running', 'web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
    // The end of its run is still written; the store is closed before what `after` asks for.
    await loop.stop();
  });

  test('a newer commit of it takes over at the next wave, and nothing more of the old one is made', async (t) => {
    const { bench, loop } = await rollingOut(t, 10);
    loop.push(only(slow('3', 10), api('1')));
    const { result } = await loop.until(ended('default/web'), 'the first rollout ends');
    assert.deepEqual(result.state, 'superseded');
    assert.match(result.reason ?? '', /^superseded by main \(working tree\) after 1 wave$/);
    assert.deepEqual(versions(bench), { 1: 9, 2: 1 });
    await loop.until(
      (event): event is Ended => event.kind === 'unitEnded' && event.result.state === 'done',
      'the second is through',
    );
    assert.deepEqual(versions(bench), { 3: 10 });
    assert.equal(created(loop).length, 1 + 10, 'one of the second revision, all of the third');
    const history = (await readHistory(bench.store)).flatMap(({ units }) => units.map(({ state }) => state));
    assert.equal(history.filter((state) => state === 'superseded').length, 1);
    const warnings = loop.told.flatMap((event) => (event.kind === 'planned' ? event.plan.warnings : []));
    assert.ok(
      warnings.some(({ message }) => /git has changed it since: main \(working tree\) takes over/.test(message)),
    );
  });

  test('a newer commit that fails goes back to what was there before both', async (t) => {
    const { bench, loop } = await rollingOut(t, 10);
    const broken = web('3', { replicas: 10, env: { BROKEN: 'yes' } });
    loop.push(only({ ...broken, update: { ...slow('3', 10).update, healthyDeadlineMs: 500 } }, api('1')));
    await loop.until(
      (event): event is Ended => event.kind === 'unitEnded' && event.result.state === 'undone',
      'the second rollout fails',
    );
    await loop.until(
      (event): event is Ended => event.kind === 'unitEnded' && event.result.state === 'done',
      'it goes back',
    );
    assert.deepEqual(versions(bench), { 1: 10 });
    const { recorded } = await bench.look(only(slow('3', 10), api('1')));
    assert.equal(recorded.workloads.get(broken.id)?.lastGood, slow('1', 10).revisionHash);
    assert.deepEqual(
      recorded.workloads.get(broken.id)?.failed.map(({ revision }) => revision),
      [broken.revisionHash],
    );
  });

  test('a commit that changes nothing of it does not end it', async (t) => {
    const { bench, loop } = await rollingOut(t);
    loop.push(only({ ...slow('2'), declaredAt: 'another file' }, api('2')));
    const { result } = await loop.until(ended('default/web'), 'the rollout is through');
    assert.equal(result.state, 'done');
    assert.deepEqual(versions(bench), { 2: 3 });
  });

  test('a node that does not answer any more holds up nothing but what is on it', async (t) => {
    const { bench, loop } = await rollingOut(t);
    const { sim } = holderOf(bench, 'api/0');
    const away = ['n1', 'n2', 'n3'].find((name) => simOf(bench, name) !== sim) ?? 'n1';
    simOf(bench, away).setReachable('unreachable');
    const { object } = holderOf(bench, 'api/0');
    sim.crash(object.objectId, { exitCode: 3 });
    await loop.until(ended('default/api'), 'it is healed');
    assert.ok(!endings(loop).includes('default/web done'));
    simOf(bench, away).setReachable('reachable');
    await loop.until(ended('default/web'), 'the rollout is through');
  });
});

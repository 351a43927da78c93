import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DesiredWorkload } from '../../src/model/desired.ts';
import type { Hooks } from '../../src/model/revision.ts';
import { Died } from '../store/dying.ts';
import { type Bench, openBench, workloadOf } from './harness.ts';
import { checked, nodes, only, running } from './worlds.ts';

const hooks: Hooks = {
  afterStart: { command: ['warm-up'], timeoutMs: 1_000 },
  beforeStop: { command: ['leave'], timeoutMs: 1_000 },
};

const webWith = (version: string, options: 'hooked' | 'bare' = 'hooked'): DesiredWorkload =>
  workloadOf('web', {
    replicas: 2,
    version: `${version}${options}`,
    revision: {
      image: `image:${version}`,
      health: checked,
      env: { VERSION: version },
      ...(options === 'hooked' && { hooks }),
    },
  });

/** A bench that notes what is run in which instance, and where `fails` names a command of a version it ends with 3. */
async function openHooked(
  t: { after(clean: () => Promise<void>): void },
  fails: readonly string[] = [],
): Promise<{ readonly bench: Bench; readonly ran: string[] }> {
  const ran: string[] = [];
  const bench = await openBench(nodes, {
    exec: (environment, command) => {
      const what = `${environment['VERSION']} ${command.join(' ')}`;
      ran.push(`${environment['MUSTER_ORDINAL']} ${what}`);
      return fails.includes(what) ? { exitCode: 3, output: 'no\n' } : { exitCode: 0, output: '' };
    },
  });
  t.after(() => bench.close());
  return { bench, ran };
}

const of = (ran: readonly string[], ordinal: number): readonly string[] =>
  ran.filter((line) => line.startsWith(`${ordinal} `)).map((line) => line.slice(2));

/** Without those that follow one like them. */
const turns = (lines: readonly string[]): readonly string[] => lines.filter((line, index) => line !== lines[index - 1]);

test('a hook runs after the start and before the first check, and another before the stop', async (t) => {
  const { bench, ran } = await openHooked(t);
  await bench.run(only(webWith('1')));
  for (const ordinal of [0, 1]) assert.deepEqual(turns(of(ran, ordinal)), ['1 warm-up', '1 check']);
  ran.length = 0;
  await bench.run(only(webWith('2')));
  for (const ordinal of [0, 1]) {
    const own = of(ran, ordinal).filter((line) => !line.endsWith('check'));
    assert.deepEqual([...own].sort(), ['1 leave', '2 warm-up'], `each once: ${own}`);
  }
});

test('a hook that fails after the start fails the rollout: it is undone, and not tried again', async (t) => {
  const { bench } = await openHooked(t, ['2 warm-up']);
  await bench.run(only(webWith('1')));
  const { outcome } = await bench.run(only(webWith('2')));
  assert.deepEqual(
    outcome.units.map(({ state }) => state),
    ['undone'],
  );
  assert.match(outcome.units[0]?.reason ?? '', /web\/\d#\d on n\d: hook afterStart: warm-up exited 3: no/);
  assert.deepEqual(running(bench), ['web/0 1 running', 'web/1 1 running']);
  assert.deepEqual((await bench.plan(only(webWith('2')))).steps, []);
});

test('a hook that fails before the stop is told, and the stop goes on', async (t) => {
  const { bench } = await openHooked(t, ['1 leave']);
  await bench.run(only(webWith('1')));
  const { outcome } = await bench.run(only(webWith('2')));
  assert.deepEqual(
    outcome.units.map(({ state }) => state),
    ['done'],
  );
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running']);
  const told = bench.events.flatMap((event) => (event.kind === 'hookFailed' ? [event.error] : []));
  assert.deepEqual(told, ['leave exited 3: no', 'leave exited 3: no']);
});

test('other hooks are taken over while the instance runs', async (t) => {
  const { bench, ran } = await openHooked(t);
  await bench.run(only(webWith('1', 'bare')));
  const { plan } = await bench.run(only(webWith('1')));
  assert.deepEqual(
    plan.steps.map(({ kind, class: worst }) => [kind, worst]),
    [
      ['update', 'live'],
      ['update', 'live'],
    ],
  );
  assert.ok(!ran.some((line) => line.endsWith('warm-up')), 'nothing was started');
  await bench.run(only({ ...webWith('1'), replicas: 1 }));
  assert.deepEqual(
    ran.filter((line) => line.endsWith('leave')),
    ['1 1 leave'],
  );
});

test('after a death at any record every start has had its hook: at least once, mostly no more', async (t) => {
  let survived = false;
  let deaths = 0;
  for (let at = 1; !survived && at < 100; at += 1) {
    const { bench, ran } = await openHooked(t);
    survived = await bench.run(only(webWith('1')), { death: { atTransaction: at, moment: 'after' } }).then(
      () => true,
      (error: unknown) => {
        assert.ok(error instanceof Died, String(error));
        deaths += 1;
        return false;
      },
    );
    while ((await bench.run(only(webWith('1')))).plan.steps.length > 0);
    assert.deepEqual(running(bench), ['web/0 1 running', 'web/1 1 running']);
    for (const ordinal of [0, 1]) {
      const times = of(ran, ordinal).filter((line) => line === '1 warm-up').length;
      assert.ok(times === 1 || times === 2, `${times} times after a death at ${at}`);
    }
  }
  assert.ok(survived && deaths > 5, `${deaths} deaths`);
});

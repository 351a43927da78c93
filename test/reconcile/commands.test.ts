import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { type RunId, unitOf } from '../../src/model/ids.ts';
import { openDesk } from '../../src/reconcile/desk.ts';
import { readHistory } from '../../src/reconcile/history.ts';
import { readOpenUnits } from '../../src/reconcile/journal.ts';
import type { ProgressEvent } from '../../src/reconcile/progress.ts';
import { awaitAnswer, type Request, readRequests, writeRequest } from '../../src/reconcile/requests.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { Died } from '../store/dying.ts';
import { type Bench, desiredOf, workloadOf } from './harness.ts';
import { nodes, objectsOf, only, openWeb, running, web } from './worlds.ts';

const unit = unitOf(web('1').id);
const alice = { actor: 'alice@desk', reason: 'the database is down' };
const versionOf = (bench: Bench): readonly string[] =>
  running(bench).map((line) => line.split(' ').slice(0, 2).join(' '));
const allOf = (version: string): readonly string[] => ['web/0', 'web/1', 'web/2'].map((name) => `${name} ${version}`);

const broken = only(web('2', { replicas: 1, env: { BROKEN: 'yes' } }));

/** One instance whose new revision fails its gate, and whose node refuses to remove what is to go `times` times. */
async function stuck(t: { after(clean: () => Promise<void>): void }, times = 1): Promise<Bench> {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { replicas: 1 })));
  for (const sim of bench.sims.values())
    sim.inject({ call: 'remove', fault: { kind: 'failBefore', code: 'rejected' }, times });
  const { outcome } = await bench.run(broken);
  assert.equal(outcome.units[0]?.state, 'stuck');
  return bench;
}

describe('a stuck unit', () => {
  test('holds up its own workload and nothing else, and is told of by every run', async (t) => {
    const bench = await stuck(t);
    const other = workloadOf('api', { replicas: 1, version: '1' });
    const { outcome } = await bench.run(desiredOf(nodes, [...broken.workloads, other]));
    assert.deepEqual(
      outcome.units.map(({ unit: name, state }) => `${name} ${state}`),
      ['default/api done'],
    );
    assert.equal((await readOpenUnits(bench.store)).begun[0]?.ledger.status.state, 'stuck');
  });

  test('tried again while the engine still refuses is stuck again, and says so', async (t) => {
    const bench = await stuck(t, 2);
    const { units } = await bench.tell(broken, { kind: 'retryUnit', unit });
    assert.equal(units[0]?.state, 'stuck');
    assert.equal(units[0]?.waitsFor, 'operator');
    assert.equal((await bench.tell(broken, { kind: 'retryUnit', unit })).units[0]?.state, 'undone');
    assert.deepEqual(running(bench), ['web/0 1 running']);
  });

  test('skipped leaves the step that fails, recorded and charged; the next plan takes away what was left', async (t) => {
    const bench = await stuck(t);
    const { message, units } = await bench.tell(broken, { kind: 'skipUnit', unit }, alice);
    assert.match(message, /goes on without default\/web\/0, which is left as it is/);
    assert.equal(units[0]?.state, 'undone');
    assert.match(units[0]?.reason ?? '', /left as it was: default\/web\/0/);
    assert.deepEqual(running(bench), ['web/0 1 running', 'web/0 2 exited'], 'nothing was removed');
    const { allocations, inFlight } = await loadRecorded(bench.store);
    assert.deepEqual(
      allocations.map(({ id }) => id),
      ['default/web/0#1', 'default/web/0#2'],
    );
    assert.deepEqual(inFlight, []);

    const { outcome } = await bench.run(broken);
    assert.equal(outcome.units[0]?.state, 'done');
    assert.deepEqual(running(bench), ['web/0 1 running']);
    assert.deepEqual((await bench.plan(broken)).steps, []);
  });

  test('abandoned is closed without touching anything; its revision stays a failed one, and the next plan cleans up', async (t) => {
    const bench = await stuck(t);
    const before = running(bench);
    const { kind, units } = await bench.tell(broken, { kind: 'abandonUnit', unit }, alice);
    assert.deepEqual([kind, units], ['done', []]);
    assert.deepEqual(running(bench), before);
    const [entry] = await readHistory(bench.store);
    assert.deepEqual(entry?.units, [
      { unit, state: 'abandoned', reason: 'abandoned by alice@desk (the database is down)' },
    ]);
    assert.deepEqual((await readOpenUnits(bench.store)).begun, []);

    await bench.run(broken);
    assert.deepEqual(running(bench), ['web/0 1 running']);
  });

  test('that could not clean up after its commit goes on serving when the step is skipped', async (t) => {
    const bench = await openWeb(t);
    await bench.run(only(web('1', { replicas: 1 })));
    for (const sim of bench.sims.values())
      sim.inject({ call: 'remove', fault: { kind: 'failBefore', code: 'rejected' }, times: 1 });
    const wanted = only(web('2', { replicas: 1 }));
    assert.equal((await bench.run(wanted)).outcome.units[0]?.state, 'stuck');
    const { units } = await bench.tell(wanted, { kind: 'skipUnit', unit });
    assert.equal(units[0]?.state, 'done');
    assert.equal((await loadRecorded(bench.store)).workloads.get(web('1').id)?.lastGood, web('2').revisionHash);
    assert.deepEqual(running(bench), ['web/0 1 exited', 'web/0 2 running']);
    await bench.run(wanted);
    assert.deepEqual(running(bench), ['web/0 2 running']);
  });
});

test('a unit that is abandoned after any record of its journal leaves a world that the next plan brings to what git wants', async (t) => {
  let survived = false;
  let tried = 0;
  for (let atTransaction = 4; !survived; atTransaction += 3) {
    const bench = await openWeb(t);
    await bench.run(only(web('1', { replicas: 2 })));
    const wanted = only(web('2', { replicas: 2 }));
    try {
      await bench.run(wanted, { death: { atTransaction, moment: 'after' } });
      survived = true;
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      const { kind } = await bench.tell(wanted, { kind: 'abandonUnit', unit });
      tried += kind === 'done' ? 1 : 0;
      // What an abandoned unit left may take a plan to clean up and another to go on.
      for (let pass = 0; pass < 3; pass += 1) await bench.run(wanted);
      assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running'], `died at ${atTransaction}`);
      assert.deepEqual((await bench.plan(wanted)).steps, [], `died at ${atTransaction}`);
    }
  }
  assert.ok(tried > 5, `${tried} units were abandoned`);
});

/** One by one, so that there are boundaries. */
const oneByOne = (version: string, env: Readonly<Record<string, string>> = {}): Desired =>
  only(
    web(version, {
      env,
      update: {
        ...web('1').update,
        groups: [
          { kind: 'count', count: 1 },
          { kind: 'percent', percent: 100 },
        ],
      },
    }),
  );

/** Tells the run something when its first wave has begun. */
function onFirstWave(bench: Bench, desired: Desired, kind: 'pauseRun' | 'cancelRun') {
  let answer: Promise<unknown> | undefined;
  let run: RunId | undefined;
  const onEvent = (event: ProgressEvent): void => {
    if (event.kind === 'runStarted') run = event.run;
    if (event.kind !== 'waveStarted' || run === undefined || answer !== undefined) return;
    answer = bench.tell(desired, { kind, run }, alice);
  };
  return {
    onEvent,
    run: async (): Promise<RunId> => {
      await answer;
      assert.ok(run !== undefined);
      return run;
    },
  };
}

describe('a run', () => {
  test('paused stops at the next step boundary and keeps its units in flight; resumed it goes on', async (t) => {
    const bench = await openWeb(t);
    await bench.run(oneByOne('1'));
    const wanted = oneByOne('2');
    const word = onFirstWave(bench, wanted, 'pauseRun');
    const { outcome } = await bench.run(wanted, { onEvent: word.onEvent });
    assert.deepEqual(outcome.units, [
      { unit, state: 'paused', reason: 'paused by alice@desk (the database is down)', waitsFor: 'operator' },
    ]);
    assert.deepEqual(versionOf(bench).filter((line) => line.endsWith(' 2')).length, 1, 'the first step was finished');
    assert.equal(objectsOf(bench).filter(({ state }) => state === 'running').length, 3, 'and nothing is missing');
    assert.equal((await loadRecorded(bench.store)).inFlight[0]?.status, 'paused');

    const between = await bench.run(wanted);
    assert.deepEqual(between.plan.steps, [], 'no run goes on with it by itself');

    const run = await word.run();
    const { message, units } = await bench.tell(wanted, { kind: 'resumeRun', run });
    assert.deepEqual(units, [{ unit, state: 'done' }], message);
    assert.deepEqual(versionOf(bench), allOf('2'));
    const entry = (await readHistory(bench.store)).find((each) => each.run === run);
    assert.deepEqual(entry?.units, [{ unit, state: 'done' }]);
    assert.deepEqual((await bench.plan(wanted)).steps, []);
  });

  test('paused keeps what it had not begun from being begun by others; resumed that is planned anew', async (t) => {
    const bench = await openWeb(t);
    await bench.run(oneByOne('1'));
    const later = workloadOf('later', { replicas: 1, version: '1', after: [web('1').id] });
    const wanted = desiredOf(nodes, [...oneByOne('2').workloads, later]);
    const word = onFirstWave(bench, wanted, 'pauseRun');
    const { outcome } = await bench.run(wanted, { onEvent: word.onEvent });
    assert.deepEqual(outcome.units.map(({ unit: name, state, waitsFor }) => `${name} ${state} ${waitsFor}`).sort(), [
      'default/later paused operator',
      'default/web paused operator',
    ]);
    assert.deepEqual((await bench.run(wanted)).plan.steps, []);
    const { message, units } = await bench.tell(wanted, { kind: 'resumeRun', run: await word.run() });
    assert.match(message, /a unit that had not begun is planned anew/);
    assert.deepEqual(units, [{ unit, state: 'done' }]);
    const { plan } = await bench.run(wanted);
    assert.deepEqual(
      plan.steps.map(({ instance }) => instance),
      ['default/later/0'],
    );
  });

  test('cancelled is undone at once, and what it brought is not tried again until somebody says so', async (t) => {
    const bench = await openWeb(t);
    await bench.run(oneByOne('1'));
    const wanted = oneByOne('2');
    const word = onFirstWave(bench, wanted, 'cancelRun');
    const { outcome } = await bench.run(wanted, { onEvent: word.onEvent });
    assert.deepEqual(outcome.units, [
      { unit, state: 'undone', reason: 'cancelled by alice@desk (the database is down)' },
    ]);
    assert.deepEqual(
      running(bench),
      allOf('1').map((line) => `${line} running`),
    );
    const next = await bench.run(wanted);
    assert.deepEqual(next.plan.steps, []);
    assert.match(next.plan.warnings[0]?.message ?? '', /cancelled by alice@desk \(the database is down\)/);

    const { message } = await bench.tell(wanted, { kind: 'retryWorkload', workload: web('1').id });
    assert.match(message, /^Forgotten: web-2\./);
    await bench.run(wanted);
    assert.deepEqual(versionOf(bench), allOf('2'));
  });

  test('paused and then cancelled is undone from where it was', async (t) => {
    const bench = await openWeb(t);
    await bench.run(oneByOne('1'));
    const wanted = oneByOne('2');
    const word = onFirstWave(bench, wanted, 'pauseRun');
    await bench.run(wanted, { onEvent: word.onEvent });
    const { units } = await bench.tell(wanted, { kind: 'cancelRun', run: await word.run() }, alice);
    assert.equal(units[0]?.state, 'undone');
    assert.deepEqual(
      running(bench),
      allOf('1').map((line) => `${line} running`),
    );
    assert.deepEqual((await bench.run(wanted)).plan.steps, []);
  });

  test('that was told to pause or cancel stays so when its leader dies at any write after that', async (t) => {
    const outcomes = new Map<string, number>();
    for (const kind of ['pauseRun', 'cancelRun'] as const) {
      for (let atTransaction = 8; atTransaction < 26; atTransaction += 2) {
        const bench = await openWeb(t);
        await bench.run(oneByOne('1'));
        const wanted = oneByOne('2');
        const word = onFirstWave(bench, wanted, kind);
        const options = { onEvent: word.onEvent, death: { atTransaction, moment: 'after' } } as const;
        const died = await bench.run(wanted, options).then(
          () => false,
          (error: unknown) => error instanceof Died,
        );
        const heard = await word.run().then(
          () => true,
          () => false,
        );
        if (!died || !heard) continue;
        await bench.run(wanted);
        const state = (await readOpenUnits(bench.store)).begun.map(({ ledger }) => ledger.status.paused?.actor).join();
        const versions = new Set(versionOf(bench).map((line) => line.slice(-1)));
        if (kind === 'pauseRun') assert.equal(state, 'alice@desk', `${kind} ${atTransaction}`);
        else assert.deepEqual(versionOf(bench), allOf('1'), `${kind} ${atTransaction}`);
        assert.ok(versions.has('1'), 'it did not go on to its end');
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
      }
    }
    assert.ok(
      (outcomes.get('pauseRun') ?? 0) > 2 && (outcomes.get('cancelRun') ?? 0) > 2,
      JSON.stringify([...outcomes]),
    );
  });

  test('left by a crash may be paused before anybody goes on with it', async (t) => {
    const bench = await openWeb(t);
    await bench.run(oneByOne('1'));
    const wanted = oneByOne('2');
    await assert.rejects(bench.run(wanted, { death: { atTransaction: 9, moment: 'after' } }), Died);
    const run = (await readOpenUnits(bench.store)).begun[0]?.run as RunId;
    assert.equal((await bench.tell(wanted, { kind: 'pauseRun', run }, alice)).kind, 'done');
    const before = running(bench);
    assert.deepEqual((await bench.run(wanted)).plan.steps, []);
    assert.deepEqual(running(bench), before);
    assert.equal((await bench.tell(wanted, { kind: 'resumeRun', run })).units[0]?.state, 'done');
    assert.deepEqual(versionOf(bench), allOf('2'));
  });
});

test('what does not fit the state of a unit or run is refused, and says what would', async (t) => {
  const bench = await stuck(t);
  const run = (await readOpenUnits(bench.store)).begun[0]?.run as RunId;
  const refusal = async (command: Parameters<Bench['tell']>[1]): Promise<string> => {
    const { kind, message } = await bench.tell(broken, command);
    assert.equal(kind, 'refused');
    return message;
  };
  assert.match(await refusal({ kind: 'resumeRun', run }), /nothing of it is paused.*muster unit show default\/web/);
  assert.match(await refusal({ kind: 'cancelRun', run }), /muster unit show default\/web/);
  assert.match(await refusal({ kind: 'pauseRun', run: 'x' as RunId }), /no run x is in flight/);
  assert.match(
    await refusal({ kind: 'retryWorkload', workload: web('1').id }),
    /first `muster unit retry default\/web`/,
  );
  await bench.tell(broken, { kind: 'retryUnit', unit });
  assert.match(await refusal({ kind: 'skipUnit', unit }), /no unit of default\/web is in flight/);
});

test('a leader takes up what others ask of it, once, answers, and refuses what is too old', async (t) => {
  const bench = await stuck(t);
  const request = (id: string, until: number): Request => ({
    id,
    command: { kind: 'retryUnit', unit },
    actor: 'alice@desk',
    at: bench.clock.now(),
    until,
  });
  const old = request('old', bench.clock.now() - 1);
  const fresh = request('fresh', bench.clock.now() + 60_000);
  await writeRequest(bench.store, old);
  const revision = await writeRequest(bench.store, fresh);
  await bench.lead(broken, async (dependencies) => {
    const desk = openDesk(() => dependencies);
    await desk.takeUp();
    const wait = { revision, waitMs: 10_000, signal: new AbortController().signal };
    const answered = await awaitAnswer(bench, fresh, wait);
    assert.deepEqual(answered.kind === 'answered' && answered.answer.message, 'default/web goes on where it was');
    const refused = await awaitAnswer(bench, old, wait);
    assert.match(refused.kind === 'answered' ? refused.answer.message : '', /too long ago; nothing was changed/);
    await desk.close();
  });
  assert.deepEqual((await readRequests(bench.store)).requests, []);
  assert.deepEqual(running(bench), ['web/0 1 running']);
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { unitOf } from '../../src/model/ids.ts';
import type { LateCall } from '../../src/model/recorded.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Death, Died } from '../store/dying.ts';
import { type Bench, openBench, workloadOf } from './harness.ts';
import { checked, holderOf, nodes, objectsOf, only, openWeb, running, web } from './worlds.ts';

const allOld = ['web/0 1 running', 'web/1 1 running', 'web/2 1 running'];

test('a revision that fails its gate is undone, remembered and not tried again; the last good one serves', async (t) => {
  const bench = await openWeb(t);
  const broken = only(web('2', { env: { BROKEN: 'yes' } }));
  await bench.run(only(web('1')));
  const { outcome } = await bench.run(broken);
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.match(
    outcome.units[0]?.reason ?? '',
    /default\/web\/\d#\d+ on n\d: not healthy within 2 s: check exited 1: not well/,
  );
  assert.deepEqual(running(bench), allOld);
  const workload = (await loadRecorded(bench.store)).workloads.get(web('1').id);
  assert.equal(workload?.lastGood, web('1').revisionHash);
  assert.deepEqual(
    workload?.failed.map(({ revision }) => revision),
    [web('2').revisionHash],
  );

  const again = await bench.run(broken);
  assert.deepEqual(again.plan.steps, []);
  assert.ok(
    again.plan.warnings.some(({ message }) => /failed/.test(message)),
    JSON.stringify(again.plan.warnings),
  );

  const mended = await bench.run(only(web('3')));
  assert.equal(mended.outcome.units[0]?.state, 'done');
  assert.deepEqual(running(bench), ['web/0 3 running', 'web/1 3 running', 'web/2 3 running']);
});

test('counts go on following git while a failed revision is pinned away', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1')));
  await bench.run(only(web('2', { env: { BROKEN: 'yes' } })));
  await bench.run(only(web('2', { env: { BROKEN: 'yes' }, replicas: 4 })));
  assert.deepEqual(running(bench), [...allOld, 'web/3 1 running']);
});

test('what falls ill while it is observed, after its gate, is undone as well', async (t) => {
  let checks = 0;
  const bench = await openBench(nodes, {
    exec: ({ VERSION }) => {
      if (VERSION === '2') checks += 1;
      return { exitCode: VERSION === '2' && checks > 4 ? 1 : 0, output: '' };
    },
  });
  t.after(() => bench.close());
  const update = { ...web('1').update, groups: [{ kind: 'count', count: 1 } as const], observeMs: 10_000 };
  await bench.run(only(web('1', { update })));
  const { outcome } = await bench.run(only(web('2', { update })));
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.match(outcome.units[0]?.reason ?? '', /unhealthy while observed/);
  assert.deepEqual(running(bench), allOld);
});

test('an engine error says nothing about the revision: undone, not remembered, tried again', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1')));
  for (const sim of bench.sims.values())
    sim.inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 });
  const { outcome } = await bench.run(only(web('2')));
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.match(outcome.units[0]?.reason ?? '', /^docker on n\d: .*cannot create/);
  assert.deepEqual(running(bench), allOld);
  const workload = (await loadRecorded(bench.store)).workloads.get(web('1').id);
  assert.deepEqual(workload?.failed, []);
  const results = [];
  // Each node refuses once.
  for (let attempt = 0; attempt < nodes.length; attempt += 1)
    results.push((await bench.run(only(web('2')))).outcome.units[0]?.state);
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running', 'web/2 2 running'], `${results}`);
});

test('a heal commits alone: it stays when the rest of its unit is undone', async (t) => {
  const bench = await openBench(nodes, {
    exec: ({ MUSTER_ORDINAL }) => ({ exitCode: MUSTER_ORDINAL === '3' ? 1 : 0, output: '' }),
  });
  t.after(() => bench.close());
  await bench.run(only(web('1')));
  const { sim, object } = holderOf(bench, 'web/2');
  sim.vanish(object.objectId);
  const { plan, outcome } = await bench.run(only(web('1', { replicas: 4 })));
  assert.deepEqual(plan.steps.map(({ cause }) => cause).sort(), ['heal', 'scale']);
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.deepEqual(running(bench), allOld);
});

/** Version 2 does not work as the second instance. */
const worksButAs1 = (environment: Readonly<Record<string, string>>) => ({
  exitCode: environment['VERSION'] === '2' && environment['MUSTER_ORDINAL'] === '1' ? 1 : 0,
  output: '',
});

test('what a repair had brought of a revision that failed goes back, and the failed one is not taken for good', async (t) => {
  const bench = await openBench(nodes, { exec: worksButAs1 });
  t.after(() => bench.close());
  const recordOf = async () => (await loadRecorded(bench.store)).workloads.get(web('1').id);
  await bench.run(only(web('1')));
  const { sim, object } = holderOf(bench, 'web/0');
  sim.crash(object.objectId, { exitCode: 1 });
  const { plan, outcome } = await bench.run(only(web('2')));
  assert.deepEqual(
    plan.steps.filter(({ instance }) => instance.endsWith('/0')).map(({ cause }) => cause),
    ['heal'],
  );
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 1 running', 'web/2 1 running']);

  const back = await bench.run(only(web('2')));
  assert.deepEqual(
    back.plan.steps.map(({ instance, cause }) => `${instance} ${cause}`),
    ['default/web/0 rollback'],
  );
  assert.deepEqual(running(bench), allOld);
  assert.deepEqual(
    [(await recordOf())?.lastGood, (await recordOf())?.failed.map(({ revision }) => revision)],
    [web('1').revisionHash, [web('2').revisionHash]],
  );
  assert.deepEqual((await bench.plan(only(web('2')))).steps, []);
});

test('a revision that fails in repairs alone is remembered as well: it is not tried for ever', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { replicas: 1 })));
  const { sim, object } = holderOf(bench, 'web/0');
  sim.crash(object.objectId, { exitCode: 1 });
  const broken = only(web('2', { replicas: 1, env: { BROKEN: 'yes' } }));
  const { plan, outcome } = await bench.run(broken);
  assert.deepEqual(
    plan.steps.map(({ cause }) => cause),
    ['heal'],
  );
  assert.equal(outcome.units[0]?.state, 'undone');
  const next = await bench.run(broken);
  assert.deepEqual(
    next.plan.steps.map(({ revision }) => revision),
    [web('1').revisionHash],
  );
  assert.deepEqual(running(bench), ['web/0 1 running']);
});

describe('what somebody removed while it was stopped for a rollout that goes back', () => {
  test('is made again before the next one is stopped: no more are down than may be', async (t) => {
    const bench = await openGoingBack(t);
    const { outcome, fewest } = await goBackWithout(bench, 'web/1');
    assert.equal(outcome.units[0]?.state, 'undone');
    assert.deepEqual(running(bench), allOld);
    assert.equal(fewest, 2);
    assert.deepEqual((await bench.plan(only(oneByOne('2')))).steps, []);
  });

  test('is left to the next plan where the engine does not make it again', async (t) => {
    const bench = await openGoingBack(t);
    const { outcome } = await goBackWithout(bench, 'web/1', {
      meanwhile: (sim) => sim.inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 }),
    });
    assert.equal(outcome.units[0]?.state, 'undone');
    assert.deepEqual(running(bench), ['web/0 1 running', 'web/2 1 running']);
    await bench.run(only(oneByOne('2')));
    assert.deepEqual(running(bench), allOld);
  });

  test('is there once, wherever the run that goes back dies', async () => {
    let survived = false;
    let deaths = 0;
    const mayComeLate = new Set<LateCall>();
    // From about the last wave on.
    for (let atTransaction = 36; atTransaction < 300 && !survived; atTransaction += 1) {
      for (const moment of ['before', 'after'] as const) {
        const { died, lateCalls } = await dieAndRecover({ atTransaction, moment });
        for (const late of lateCalls) mayComeLate.add(late);
        if (died) deaths += 1;
        else survived = true;
      }
    }
    assert.ok(survived, 'the last run was not cut off');
    assert.ok(deaths > 50, `${deaths} deaths`);
    assert.deepEqual(mayComeLate, new Set(['create', 'start']), 'a dead leader may have asked for both');
  });
});

test('an undo that the engine refuses leaves the unit stuck with its reason, until somebody says how it goes on', async (t) => {
  const bench = await openWeb(t);
  await bench.run(only(web('1', { replicas: 1 })));
  const broken = only(web('2', { replicas: 1, env: { BROKEN: 'yes' } }));
  for (const sim of bench.sims.values())
    sim.inject({ call: 'remove', fault: { kind: 'failBefore', code: 'rejected' }, times: 1 });
  const { outcome } = await bench.run(broken);
  assert.equal(outcome.units[0]?.state, 'stuck');
  assert.match(outcome.units[0]?.reason ?? '', /not healthy within .*; and could not be undone: .*cannot remove/);
  assert.ok(running(bench).includes('web/0 1 running'), 'the old one serves');
  assert.equal((await loadRecorded(bench.store)).inFlight.length, 1, 'its workload is frozen');

  const next = await bench.run(broken);
  assert.deepEqual(next.plan.steps, []);
  assert.ok(running(bench).includes('web/0 2 exited'), 'no run tries again by itself');

  const { units } = await bench.tell(broken, { kind: 'retryUnit', unit: unitOf(web('1').id) });
  assert.deepEqual(units, [
    { unit: 'default/web', state: 'undone', reason: outcome.units[0]?.reason?.split('; and could not')[0] },
  ]);
  assert.deepEqual(running(bench), ['web/0 1 running']);
  assert.deepEqual((await loadRecorded(bench.store)).inFlight, []);
});

test('an image that is missing undoes the unit, with the engine and node in the reason', async (t) => {
  const bench = await openBench(nodes);
  t.after(() => bench.close());
  for (const sim of bench.sims.values())
    sim.inject({ call: 'pull', fault: { kind: 'failBefore', code: 'imageMissing' }, times: 1 });
  const { outcome } = await bench.run(
    only(workloadOf('web', { replicas: 2, version: '1', revision: { health: checked } })),
  );
  assert.equal(outcome.units[0]?.state, 'undone');
  assert.match(outcome.units[0]?.reason ?? '', /docker on n\d: .*cannot pull/);
  assert.deepEqual(running(bench), []);
});

/** Version 2 does not work as the third instance, the last one to be replaced. */
const worksButAs2 = ({ VERSION, MUSTER_ORDINAL }: Readonly<Record<string, string>>) => ({
  exitCode: VERSION === '2' && MUSTER_ORDINAL === '2' ? 1 : 0,
  output: '',
});

async function openGoingBack(t: { after(clean: () => Promise<void>): void }): Promise<Bench> {
  const bench = await openBench(nodes, { exec: worksButAs2 });
  t.after(() => bench.close());
  return bench;
}

const oneByOne = (version: string) => web(version, { update: { ...web(version).update, order: 'stop-first' } });

/**
 * A rollout that fails at its last instance, while the old object of another one is removed by hand. `fewest`: how many
 * served at the worst moment from then on.
 */
async function goBackWithout(
  bench: Bench,
  lost: string,
  {
    meanwhile,
    death,
  }: { readonly meanwhile?: (sim: ReturnType<typeof holderOf>['sim']) => void; readonly death?: Death } = {},
) {
  await bench.run(only(oneByOne('1')));
  const { sim, object } = holderOf(bench, lost);
  let fewest = 3;
  let isGone = false;
  const result = await bench.run(only(oneByOne('2')), {
    ...(death && { death }),
    onEvent: (event) => {
      if (event.kind === 'unitFailed') {
        sim.vanish(object.objectId);
        meanwhile?.(sim);
        isGone = true;
      }
      if (isGone) fewest = Math.min(fewest, servingIn(bench));
    },
  });
  assert.ok(isGone);
  return { ...result, fewest };
}

const servingIn = (bench: Bench): number =>
  objectsOf(bench).filter(({ state, revision, name }) => {
    const { VERSION = '' } = revision.env;
    return state === 'running' && !(VERSION === '2' && name.includes('.web.2.'));
  }).length;

async function dieAndRecover(death: Death) {
  const bench = await openBench(nodes, { exec: worksButAs2 });
  try {
    const died = await goBackWithout(bench, 'web/1', { death }).then(
      () => false,
      (error: unknown) => {
        assert.ok(error instanceof Died, `unexpected ${String(error)}`);
        return true;
      },
    );
    await bench.run(only(oneByOne('2')));
    assert.deepEqual(running(bench), allOld, JSON.stringify(death));
    const { inFlight, allocations } = await loadRecorded(bench.store);
    assert.deepEqual(inFlight, []);
    return { died, lateCalls: allocations.find(({ instance }) => instance === 'default/web/1')?.lateCalls ?? [] };
  } finally {
    await bench.close();
  }
}

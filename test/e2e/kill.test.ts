import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { liveFields } from '../../src/engines/features.ts';
import { openEngines } from '../../src/engines/registry.ts';
import { systemClock } from '../../src/reconcile/clock.ts';
import { planAndVerify } from '../../src/reconcile/planning.ts';
import { look } from '../../src/reconcile/reconcile.ts';
import { loadDesired } from '../../src/source/load.ts';
import { keys, prefixes } from '../../src/store/keys.ts';
import { openStore } from '../../src/store/open.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Cluster, makeCluster } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

/**
 * The real binary is killed with SIGKILL right after its Nth journal record, for every N until it survives. Going back and
 * forth between two worlds makes each turn cost two short runs, and lets no damage stay unseen in the next.
 */
const applyNow = ['apply', '--auto-approve'];
/** Far more journal records than an apply here writes: reaching it means that the failpoint never fires. */
const mostRecords = 400;
const directory = { source: 'directory' } as const;
const quick = '{groups: [100%], observe: 0s, healthyDeadline: 60s}';

/** From one to the other is a plan of ten steps and of every kind: create, update in place, replace, remove. */
const worlds = [
  { roll: '1', left: 3, right: 1, tune: '10m' },
  { roll: '2', left: 1, right: 3, tune: '20m' },
] as const;
type World = (typeof worlds)[number];
const stepsOfAPlan = 10;

const filesOf = ({ roll, left, right, tune }: World): Readonly<Record<string, string>> => ({
  'roll.yaml': sleeper({ name: 'roll', replicas: 1, version: roll, update: quick }),
  'left.yaml': sleeper({ name: 'left', replicas: left, update: quick }),
  'right.yaml': sleeper({ name: 'right', replicas: right, update: quick }),
  'tune.yaml': sleeper({ name: 'tune', replicas: 5, update: quick }).replace('cpu: 10m', `cpu: ${tune}`),
});

const ordinals = (name: string, replicas: number, version: string): readonly string[] =>
  Array.from({ length: replicas }, (_, ordinal) => `default/${name}/${ordinal} ${version}`);

const programsOf = ({ roll, left, right }: World): readonly string[] => [
  ...ordinals('left', left, '1'),
  ...ordinals('right', right, '1'),
  ...ordinals('roll', 1, roll),
  ...ordinals('tune', 5, '1'),
];

describe('kill -9 of the real binary at each journal record', { concurrency: 3 }, () => {
  for (const lane of [1, 2]) {
    test(`of an apply of ten steps, at records ${lane}, ${lane + 2}, …: the next apply finishes it, nothing doubled, nothing lost`, async (t) => {
      const files = { 'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'] }), ...filesOf(worlds[0]) };
      const cluster = await makeCluster(t, files, directory);
      const first = await cluster.muster(applyNow);
      assert.equal(first.code, 0, first.stderr);
      let record = lane;
      for (let turn = 1; ; turn += 1, record += 2) {
        const world = worlds[turn % 2 === 0 ? 0 : 1];
        cluster.commit(Object.fromEntries(Object.entries(filesOf(world)).map(([file, text]) => [file, () => text])));
        const { survived, next } = await killAndGoOn(cluster, record);
        assert.equal(next.code, 0, `after record ${record}: ${next.stderr}`);
        assert.deepEqual(running(cluster), programsOf(world), `killed at record ${record}`);
        await assertSettled(cluster, { allocations: stepsOfAPlan, what: `killed at record ${record}` });
        if (survived) break;
      }
      t.diagnostic(`the apply writes ${record - 1} or ${record - 2} records`);
      assert.ok(record > 60, `a ten-step apply writes more than ${record} records`);
    });
  }

  test('of a rollout that fails its gate and is undone: it ends rolled back, the old revision serves', async (t) => {
    const files = {
      'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'] }),
      'web.yaml': checked({ version: 'good', check: 'true', deadline: '20s' }),
    };
    const cluster = await makeCluster(t, files, directory);
    const first = await cluster.muster(applyNow);
    assert.equal(first.code, 0, first.stderr);
    let record = 1;
    for (; ; record += 1) {
      // A new one each time: a failed revision is not tried again.
      cluster.commit({ 'web.yaml': () => checked({ version: `bad-${record}`, check: 'false', deadline: '500ms' }) });
      const { survived, next } = await killAndGoOn(cluster, record);
      // 0 where the kill came after the last of the unit's records: there was nothing left to undo.
      assert.ok(
        next.code === 6 || (next.code === 0 && record > 15),
        `after record ${record}: ${next.code} ${next.stderr}`,
      );
      assert.deepEqual(running(cluster), ordinals('web', 2, 'good'), `killed at record ${record}`);
      await assertSettled(cluster, { allocations: 2, what: `killed at record ${record}` });
      if (survived) break;
    }
    t.diagnostic(`the rollout and its undo write ${record - 1} records`);
    assert.ok(record > 15, `a rollout and its undo write more than ${record} records`);
  });
});

/** Stop first, so that the undo has to start the old one again. */
const checked = (of: { readonly version: string; readonly check: string; readonly deadline: string }): string =>
  sleeper({
    name: 'web',
    replicas: 2,
    version: of.version,
    update: `{groups: [100%], observe: 0s, healthyDeadline: ${of.deadline}, order: stop-first}`,
    extra: [
      `health: {exec: {command: ["${of.check}"]}, interval: 100ms, timeout: 20s, healthyAfter: 1, unhealthyAfter: 2}`,
    ],
  });

async function killAndGoOn(cluster: Cluster, record: number) {
  assert.ok(record < mostRecords, 'the failpoint fires');
  const died = await cluster.muster(applyNow, { MUSTER_FAILPOINT: `journal:${record}` });
  if (died.code !== null) return { survived: true, next: died };
  return { survived: false, next: await cluster.muster(applyNow) };
}

const running = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

/** Nothing is left to do and no run is left in the store, which records exactly what runs. */
async function assertSettled(
  cluster: Cluster,
  expected: { readonly allocations: number; readonly what: string },
): Promise<void> {
  const { what } = expected;
  const { desired, diagnostics } = await loadDesired({
    location: { kind: 'directory', path: cluster.repo },
    cacheDir: join(cluster.folder, 'cache'),
  });
  assert.ok(desired, JSON.stringify(diagnostics));
  const location = { kind: 'embedded', path: join(cluster.state, 'store') } as const;
  const store = await openStore({ location, cluster: 'tiny', mode: 'read' });
  try {
    assert.deepEqual((await store.range(prefixes.runs)).entries, [], what);
    assert.equal(await store.get(keys.leader), undefined, 'nobody holds the lease');
    const { identity, allocations } = await loadRecorded(store);
    assert.deepEqual(
      allocations.map(({ state }) => state),
      Array(expected.allocations).fill('live'),
      what,
    );
    assert.ok(identity, what);
    const engines = openEngines({
      nodes: desired.nodes,
      cluster: { name: 'tiny', uid: identity.uid },
      stateDir: cluster.state,
    });
    const seen = await look({ desired, store, engines, clock: systemClock });
    assert.equal(seen.observed.objects.length, expected.allocations, what);
    const { plan } = planAndVerify({ desired, ...seen, now: Date.now(), expiresAfterMs: 60_000, liveFields });
    assert.deepEqual(plan.steps, [], what);
  } finally {
    await store.close();
  }
}

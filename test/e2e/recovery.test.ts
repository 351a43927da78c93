import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import type { Store } from '../../src/store/store.ts';
import { type Cluster, makeCluster } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];
const inWaves = '{groups: [1, 100%], observe: 0s, healthyDeadline: 60s}';
const web = (version: string): string => sleeper({ name: 'web', replicas: 4, version, update: inWaves });
const diesAt = (record: number) => ({ MUSTER_FAILPOINT: `journal:${record}` });

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

const all = (version: string): readonly string[] => [0, 1, 2, 3].map((ordinal) => `default/web/${ordinal} ${version}`);

describe('kill -9 of an apply, and the world is another one when it is gone on with', { concurrency: 2 }, () => {
  test('a node was drained and another one added in git: the unit is finished first, then the nodes are as declared', async (t) => {
    const cluster = await crashed(t, { firstPort: 28_100 });
    cluster.commit({
      'cluster.yaml': () =>
        clusterFile({ nodes: ['n1', 'n2', 'n3'], firstPort: 28_100 }).replace(
          'metadata: {name: n2}\nspec:\n',
          'metadata: {name: n2}\nspec:\n  lifecycle: maintenance\n',
        ),
    });
    const { code, stderr } = await cluster.muster(applyNow);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /default\/web.*done/s);
    assert.deepEqual(versions(cluster), all('2'));
    assert.ok(cluster.programs().every(({ node }) => node !== 'n2'));
    await assertAtRest(cluster);
  });

  test('a node that it has begun something on has left git: it is stuck and says so; put back, it is undone and tried again', async (t) => {
    const cluster = await crashed(t, { firstPort: 28_140, record: 19 });
    cluster.commit({ 'cluster.yaml': () => clusterFile({ nodes: ['n1'], firstPort: 28_140 }) });
    const left = await cluster.muster(applyNow);
    assert.equal(left.code, 7, left.stdout + left.stderr);
    assert.match(
      unwrapped(left.stderr),
      /default\/web is stuck: .*node n2 is not declared: it cannot be reached \(put it back/,
    );
    assert.match(unwrapped(left.stdout), /node n2 left git, but holds 3 allocations/);
    assert.deepEqual(versions(cluster), all('1'), 'what could be undone is, and everybody serves');
    cluster.commit({ 'cluster.yaml': () => clusterFile({ nodes: ['n1', 'n2'], firstPort: 28_140 }) });
    const undone = await cluster.muster(['unit', 'retry', 'default/web']);
    assert.equal(undone.code, 6, undone.stderr);
    const { code, stderr } = await cluster.muster(applyNow);
    assert.equal(code, 0, stderr);
    assert.deepEqual(versions(cluster), all('2'));
    await assertAtRest(cluster);
  });

  test('a newer version began the run: its unit is left alone by name, everything else goes on; an older one’s is finished', async (t) => {
    const cluster = await crashed(t, { firstPort: 28_180 });
    const between = cluster.programs().map(({ pid }) => pid);
    await changeRuns(cluster, (meta) => ({ ...meta, format: 3 }), { kind: 'teleported', token: 'x', at: 0 });
    cluster.commit({ 'other.yaml': () => sleeper({ name: 'other', replicas: 1 }) });
    const { code, stdout, stderr } = await cluster.muster(applyNow);
    assert.equal(code, 1, stdout + stderr);
    assert.match(unwrapped(stderr), /default\/web .*was begun by a newer muster \(its journal has format 3/);
    assert.deepEqual(
      versions(cluster).filter((line) => line.startsWith('default/other')),
      ['default/other/0 1'],
    );
    assert.ok(
      between.every((pid) => cluster.programs().some((program) => program.pid === pid)),
      'nothing of it was touched',
    );
    const list = await cluster.muster(['unit', 'list']);
    assert.match(unwrapped(list.stdout), /default\/web begun by a newer muster .*1 unit waits for an operator/);
    assert.equal((await cluster.muster(['unit', 'show', 'default/web'])).code, 0);
    const refused = await cluster.muster(['unit', 'abandon', 'default/web', '--reason', 'x']);
    assert.equal(refused.code, 1);
    assert.match(unwrapped(refused.stderr), /begun by a newer muster .*nothing was changed/);

    await changeRuns(cluster, ({ format: _, ...meta }) => meta);
    const finished = await cluster.muster(applyNow);
    assert.equal(finished.code, 0, finished.stderr);
    assert.deepEqual(versions(cluster), ['default/other/0 1', ...all('2')]);
    await assertAtRest(cluster);
  });

  test('its saved plan is given again after git has changed: the run is finished first, then the plan is stale', async (t) => {
    const cluster = await applied(t, 28_220);
    cluster.commit({ 'web.yaml': () => web('2') });
    const file = join(cluster.folder, 'plan.json');
    assert.equal((await cluster.muster(['plan', '--out', file])).code, 0);
    assert.equal((await cluster.muster(['apply', file], diesAt(14))).code, null);
    cluster.commit({ 'web.yaml': () => web('3') });
    const stale = await cluster.muster(['apply', file]);
    assert.equal(stale.code, 5, stale.stderr);
    assert.deepEqual(versions(cluster), all('2'), 'what was begun is finished, and nothing else is done');
    const { code, stderr } = await cluster.muster(applyNow);
    assert.equal(code, 0, stderr);
    assert.deepEqual(versions(cluster), all('3'));
    await assertAtRest(cluster);
  });
});

async function applied(t: Parameters<typeof makeCluster>[0], firstPort: number): Promise<Cluster> {
  const cluster = await makeCluster(t, {
    'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }),
    'web.yaml': web('1'),
  });
  const { code, stderr } = await cluster.muster(applyNow);
  assert.equal(code, 0, stderr);
  return cluster;
}

/** A rollout that died after this record: with the first wave (on n1) through, in the middle of the second one (on n2) from 15 on. */
async function crashed(
  t: Parameters<typeof makeCluster>[0],
  { firstPort, record = 14 }: { readonly firstPort: number; readonly record?: number },
): Promise<Cluster> {
  const cluster = await applied(t, firstPort);
  cluster.commit({ 'web.yaml': () => web('2') });
  const { code, stderr } = await cluster.muster(applyNow, diesAt(record));
  assert.equal(code, null, stderr);
  assert.equal(new Set(versions(cluster).map((line) => line.at(-1))).size, 2, 'some are through, and some are not');
  return cluster;
}

/** As another version would have written them; `entry` comes after the last one of each unit's journal. */
async function changeRuns(
  cluster: Cluster,
  change: (meta: Readonly<Record<string, unknown>>) => Readonly<Record<string, unknown>>,
  entry?: Readonly<Record<string, unknown>>,
): Promise<void> {
  const store = await openStore({
    location: { kind: 'embedded', path: join(cluster.state, 'store') },
    cluster: 'tiny',
    mode: 'write',
  });
  try {
    for (const { key, value } of (await store.range('run/')).entries)
      if (key.endsWith('/meta')) await put(store, key, change(JSON.parse(value)));
    const last = (await store.range('run/')).entries.filter(({ key }) => key.includes('/journal/')).at(-1);
    assert.ok(last !== undefined, 'a unit is in flight');
    const key = last.key.replace(/\d+$/, (index) => String(Number(index) + 1).padStart(index.length, '0'));
    if (entry !== undefined) await put(store, key, entry);
    else if (JSON.parse(last.value).kind === 'teleported')
      await store.txn({ compares: [], operations: [{ kind: 'delete', key: last.key }] });
  } finally {
    await store.close();
  }
}

const put = (store: Store, key: string, value: Readonly<Record<string, unknown>>) =>
  store.txn({ compares: [], operations: [{ kind: 'put', key, value: JSON.stringify(value) }] });

async function assertAtRest(cluster: Cluster): Promise<void> {
  assert.equal((await cluster.muster(['unit', 'list'])).stdout, 'No unit is in flight.\n');
  const { code, stdout } = await cluster.muster(['plan', '--detailed-exitcode']);
  assert.equal(code, 0, stdout);
  assert.match((await cluster.muster(['store', 'check'])).stdout, /Sound/);
}

const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');

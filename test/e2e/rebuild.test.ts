import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StoreRebuild } from '../../src/model/store-rebuild.ts';
import { needsDocker, testImages } from '../bed/docker.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type Cluster, makeCluster, until } from './cli.ts';
import { assertConverged, inspect, instancesOf, makeDockerCluster, server } from './containers.ts';
import { clusterFile, sleeper } from './repo.ts';

type Rebuilt = StoreRebuild & { readonly written: boolean; readonly complete: boolean; readonly epoch?: number };

/** Runs `muster …`, which has to end with this code; returns both outputs. */
async function ended(cluster: Pick<Cluster, 'muster'>, args: readonly string[], code = 0): Promise<string> {
  const { code: got, stdout, stderr } = await cluster.muster(args);
  assert.equal(got, code, `muster ${args.join(' ')}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

const rebuildNow = ['store', 'rebuild', '--from-engines', '--auto-approve'];

/** Every command that would act, or say what it would do, stops; what runs and what is recorded is as it was. */
async function everythingStops(cluster: Cluster, running: () => Promise<unknown>): Promise<void> {
  const before = await running();
  const refused = /error\[MUS2013\]: .* is older than what runs: .*#\d+ on \w+ is running, and made after this store/;
  for (const args of [['apply', '--auto-approve'], ['plan'], ['explain', 'default/web/0'], ['snapshot']])
    assert.match(await ended(cluster, args, 1), refused, args.join(' '));
  const status = await ended(cluster, ['status']);
  assert.match(status, /The store went back in time[\s\S]*store rebuild --from-engines[\s\S]*Nothing is applied until/);
  assert.deepEqual(await running(), before);
}

const firstVersion = { 'web.yaml': sleeper({ name: 'web', replicas: 2 }) };
const secondVersion = {
  'web.yaml': sleeper({ name: 'web', replicas: 3, version: '2' }),
  'api.yaml': sleeper({ name: 'api', replicas: 1, extra: ['ports: [{name: http, port: 80, publish: auto}]'] }),
};

/** Applied, backed up, applied again: the backup does not know what runs now. */
async function backedUp(
  t: Parameters<typeof makeCluster>[0],
  firstPort: number,
): Promise<Cluster & { backup: string }> {
  const files = { 'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }), ...firstVersion };
  const cluster = await makeCluster(t, files);
  const backup = join(cluster.folder, 'backup');
  await ended(cluster, ['apply', '--auto-approve']);
  await ended(cluster, ['store', 'backup', backup]);
  cluster.commit(Object.fromEntries(Object.entries(secondVersion).map(([file, text]) => [file, () => text])));
  await ended(cluster, ['apply', '--auto-approve']);
  return { ...cluster, backup };
}

const restoreOld = ({ backup }: { readonly backup: string }): readonly string[] => [
  ...['store', 'restore', backup, '--replace', '--auto-approve'],
];

const programsOf = (cluster: Cluster) => async (): Promise<unknown> =>
  cluster.programs().map(({ pid, instance, node }) => [pid, instance, node]);

async function isAsBefore(cluster: Cluster, before: unknown): Promise<void> {
  assert.match(await ended(cluster, ['plan', '--detailed-exitcode']), /^No changes\./m);
  assert.match(await ended(cluster, ['apply', '--auto-approve']), /No changes\./);
  assert.match(await ended(cluster, ['status', '--detailed-exitcode']), /Everything is as declared\./);
  assert.match(await ended(cluster, ['store', 'check']), /Sound/);
  assert.deepEqual(await programsOf(cluster)(), before, 'nothing was restarted, nothing is there twice');
}

describe('a store that went back in time', () => {
  test('stops everything, and is rebuilt from what runs', async (t) => {
    const cluster = await backedUp(t, 27_600);
    const before = await programsOf(cluster)();
    await ended(cluster, restoreOld(cluster));
    await everythingStops(cluster, programsOf(cluster));

    const shown = await ended(cluster, ['store', 'rebuild', '--from-engines']);
    assert.match(shown, /\+ default\/api\/0#1\s+process on n\d .* runs, and the store did not know it/);
    assert.match(shown, /- default\/web\/0#1 .* nothing of it is on its engine/);
    assert.match(shown, /Nothing was changed: --auto-approve writes it/);
    await everythingStops(cluster, programsOf(cluster));

    const told = JSON.parse((await cluster.muster([...rebuildNow, '-o', 'json'])).stdout) as Rebuilt;
    assert.deepEqual([told.written, told.complete, told.epoch], [true, true, 3], JSON.stringify(told));
    await isAsBefore(cluster, before);
    // Life goes on: nothing that was handed out before is handed out again.
    cluster.commit({ 'web.yaml': () => sleeper({ name: 'web', replicas: 3, version: '3' }) });
    await ended(cluster, ['apply', '--auto-approve']);
    assert.deepEqual(
      cluster.programs().map(({ instance }) => instance),
      ['default/api/0', ...instancesOf('default/web', 3)],
    );
    assert.match(await ended(cluster, ['rollback', 'default/web', '--reason', 'test', '--for', '1h']), /default\/web/);
  });

  test('a store that was lost whole is rebuilt from what runs', async (t) => {
    const cluster = await backedUp(t, 27_620);
    const before = await programsOf(cluster)();
    rmSync(join(cluster.state, 'store'), { recursive: true });
    for (const args of [['apply', '--auto-approve'], ['plan'], ['status']])
      assert.match(
        await ended(cluster, args, 1),
        /error\[MUS2013\]: .* knows nothing of cluster tiny, whose objects are/,
      );
    assert.deepEqual(await programsOf(cluster)(), before);
    await ended(cluster, rebuildNow);
    await isAsBefore(cluster, before);
  });

  test(
    'muster run makes nothing on it, lets go of the lease, and goes on once it is rebuilt',
    needsEtcd(),
    async (t) => {
      const etcd = await startEtcd();
      t.after(() => etcd.stop());
      const store = { MUSTER_STORE: `${etcd.endpoint.replace('http', 'etcd')}/time` };
      const files = { 'cluster.yaml': clusterFile({ nodes: ['n1'], firstPort: 27_640 }), ...firstVersion };
      const plain = await makeCluster(t, files);
      const cluster: Cluster = {
        ...plain,
        muster: (args, environment = {}) => plain.muster(args, { ...store, ...environment }),
        start: (args, environment = {}) => plain.start(args, { ...store, ...environment }),
      };
      const backup = join(cluster.folder, 'backup');
      await ended(cluster, ['apply', '--auto-approve']);
      await ended(cluster, ['store', 'backup', backup]);
      cluster.commit({ 'web.yaml': () => sleeper({ name: 'web', replicas: 3, version: '2' }) });
      await ended(cluster, ['apply', '--auto-approve']);
      await ended(cluster, restoreOld({ backup }));
      const before = await programsOf(cluster)();

      const running = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '300ms']);
      t.after(() => running.child.kill('SIGKILL'));
      await until('it says so', () => /pass failed/.test(running.output().stdout));
      assert.match(running.output().stdout, /is older than what runs/);
      await ended(cluster, [...rebuildNow, '--lock-timeout', '60s']);
      cluster.commit({ 'web.yaml': () => sleeper({ name: 'web', replicas: 4, version: '2' }) });
      await until('it goes on', () => cluster.programs().length === 4);
      const after = (await programsOf(cluster)()) as readonly unknown[];
      assert.deepEqual(after.slice(0, 3), before, 'what ran before was not touched');
      running.child.kill('SIGTERM');
      assert.equal((await running.finished).code, 0);
    },
  );
});

describe('a store that went back in time, over Docker and etcd', { ...needsEtcd(), ...(await needsDocker()) }, () => {
  const web = (version: string, memory = '16MiB'): string =>
    server({
      name: 'web',
      replicas: 2,
      version,
      image: version === '1' ? testImages.first : testImages.second,
      extra: ['ports: [{name: http, port: 80, publish: auto}]'],
    }).replace('memory: 16MiB', `memory: ${memory}`);

  test('0 containers restarted, 0 doubled, and the plan is empty', async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': web('1') } });
    const backup = join(cluster.folder, 'backup');
    await ended(cluster, ['apply', '--auto-approve']);
    await ended(cluster, ['store', 'backup', backup]);
    // New generations, new instances, and an update in place of one of them.
    cluster.commit({ 'web.yaml': () => web('2'), 'api.yaml': () => server({ name: 'api', replicas: 3 }) });
    await ended(cluster, ['apply', '--auto-approve']);
    cluster.commit({ 'web.yaml': () => web('2', '24MiB') });
    await ended(cluster, ['apply', '--auto-approve']);
    const containers = await cluster.containers();
    const started = async (): Promise<unknown> =>
      Promise.all(containers.map(async ({ id }) => [id, (await inspect(id)).State.StartedAt]));
    const before = await started();

    await ended(cluster, restoreOld({ backup }));
    await everythingStops(cluster, async () => [await cluster.containers(), await started()]);
    await ended(cluster, rebuildNow);
    await assertConverged(cluster, [...instancesOf('default/api', 3), ...instancesOf('default/web', 2)]);
    assert.deepEqual(await cluster.containers(), containers);
    assert.deepEqual(await started(), before);
    assert.match(await ended(cluster, ['store', 'check']), /Sound/);
    assert.match(await ended(cluster, ['apply', '--auto-approve']), /No changes\./);
  });

  test('an etcd that lost everything is rebuilt; what does not answer is not guessed', async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': web('1') } });
    await ended(cluster, ['apply', '--auto-approve']);
    const containers = await cluster.containers();
    etcd.ctl('del', '--prefix', `/muster/${cluster.name}/`);
    const silent = `---\napiVersion: muster/v1\nkind: Node\nmetadata: {name: d2}\nspec:\n  pod: local\n  engines: {docker: {endpoint: "unix:///nowhere.sock"}}\n  capacity: {cpu: 1, memory: 1GiB, storage: 1GiB}\n`;
    cluster.commit({ 'cluster.yaml': (text) => text + silent });
    assert.match(
      await ended(cluster, rebuildNow, 1),
      /error\[MUS2014\]: .*nothing was changed\s+docker on d2 does not answer/,
    );
    await ended(cluster, [...rebuildNow, '--partial']);
    await assertConverged(cluster, instancesOf('default/web', 2));
    assert.deepEqual(await cluster.containers(), containers);
    cluster.commit({ 'web.yaml': () => web('2') });
    await ended(cluster, ['apply', '--auto-approve']);
    for (const { generation } of await cluster.containers())
      assert.ok(generation > 1_000, 'no generation that the silent node may have is given out again');
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { docker, dockerEndpoint, needsDocker, testImages } from '../bed/docker.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import { assertConverged, instancesOf, makeDockerCluster, server } from './containers.ts';

describe('what dockerd makes late', { ...needsEtcd(), ...(await needsDocker()) }, () => {
  test('is told as a zombie, taken away by muster run a minute after it was seen, and nothing else is touched', {
    timeout: 240_000,
  }, async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': server({ name: 'web', replicas: 2 }) } });
    for (const version of ['2', '3']) {
      assert.equal((await cluster.apply()).code, 0);
      cluster.commit({ 'web.yaml': () => server({ name: 'web', replicas: 2, version }) });
    }
    assert.equal((await cluster.apply()).code, 0);
    const serving = await cluster.containers();

    // The creation of the first generation once more, as a daemon that had been stuck would carry it out.
    const labels = JSON.parse(
      await docker(dockerEndpoint, 'inspect', '--format', '{{json .Config.Labels}}', serving[0]?.id ?? ''),
    ) as Readonly<Record<string, string>>;
    const late = { ...labels, 'io.muster.allocation': 'default/web/0#1' };
    await docker(
      dockerEndpoint,
      ...['create', '--name', `${cluster.name}.default.web.0.g1`],
      ...Object.entries(late).flatMap(([name, value]) => ['--label', `${name}=${value}`]),
      ...[testImages.first, 'true'],
    );
    assert.equal((await cluster.containers()).length, 3);
    assert.match((await cluster.muster(['status'])).stdout, /zombie: created, but its allocation had ended/);

    const startedAt = Date.now();
    const running = cluster.start(['run', '--listen', '127.0.0.1:0']);
    await until('it is taken away', async () => (await cluster.containers()).length === 2);
    const tookMs = Date.now() - startedAt;
    assert.ok(tookMs >= 60_000, `taken away after ${tookMs} ms: the call that made it might have been under way still`);
    await until('it says so', () => running.output().stdout.includes('removed what a late call had made'));
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0);
    assert.deepEqual(await cluster.containers(), serving);
    await assertConverged(cluster, instancesOf('default/web', 2));
    assert.equal(etcd.ctl('get', '--prefix', '--keys-only', `/muster/${cluster.name}/zombie/`).trim(), '');
  });
});

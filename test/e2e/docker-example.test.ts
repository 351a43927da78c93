import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { docker, dockerEndpoint, needsDocker, testImages } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import { answerOf, assertConverged, type Container, inspect, makeDockerCluster } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };
const web = 'workloads/web.yaml';

describe('examples/clusters/docker-etcd on a real daemon and a real etcd', needs, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  test('its README is what happens: apply, rollout, rollback, in place, drift, refusal, take down', async (t) => {
    const cluster = await makeDockerCluster(t, { etcd, files: 'example' });
    const all = ['shop/admin/0', 'shop/api/0', 'shop/web/0', 'shop/web/1'];
    const find = async (instance: string): Promise<Container> => {
      const found = (await cluster.containers()).filter((container) => container.instance === instance);
      const [one] = found;
      assert.ok(one !== undefined && found.length === 1, `${found.length} containers of ${instance}`);
      return one;
    };

    const valid = await cluster.muster(['validate']);
    assert.equal(valid.code, 0, valid.stderr);
    const plan = await cluster.muster(['plan', '--detailed-exitcode']);
    assert.equal(plan.code, 2, plan.stderr);
    assert.match(plan.stdout, /^Plan: 4 to create, 0 to update/m);
    assert.deepEqual(await cluster.containers(), [], 'a plan touches nothing');

    const first = await cluster.apply();
    assert.equal(first.code, 0, first.stderr);
    await assertConverged(cluster, all);
    const status = JSON.parse((await cluster.muster(['status', '-o', 'json'])).stdout) as Status;
    assert.equal(status.asDeclared, true);
    assert.equal(await answerOf(portOf(status, 'shop/web/1')), 'version 1\n');
    // Its check looks at the file that it serves, which is there a moment before the server.
    const admin = 'admin of shop/admin on local-1\n';
    await until('admin answers', async () => (await answerOf((await find('shop/admin/0')).ports[0])) === admin);

    const serving = watchService(cluster.containers, 'shop/web/');
    cluster.commit({ [web]: (text) => text.replace('muster-example/web:1', testImages.second) });
    const rollout = await cluster.apply();
    assert.equal(rollout.code, 0, rollout.stderr);
    const { looks, least } = await serving.stop();
    assert.ok(looks > 0 && least >= 1, `of ${looks} looks during the rollout one found ${least} instances that answer`);
    assert.equal(await answerOf((await find('shop/web/0')).ports[0]), 'version 2\n');
    assert.equal(await answerOf((await find('shop/web/1')).ports[0]), 'version 2\n');

    const before = [await find('shop/web/0'), await find('shop/web/1')].map(({ id }) => id);
    cluster.commit({ [web]: (text) => text.replace(testImages.second, testImages.broken) });
    const broken = await cluster.apply();
    assert.equal(broken.code, 6, broken.stderr);
    assert.match(broken.stderr, /shop\/web failed and was rolled back: .*(not healthy|crash loop|exited)/s);
    assert.deepEqual(
      [await find('shop/web/0'), await find('shop/web/1')].map(({ id }) => id),
      before,
    );
    assert.equal(await answerOf((await find('shop/web/0')).ports[0]), 'version 2\n', 'the old one serves');
    cluster.commit({ [web]: (text) => text.replace(testImages.broken, testImages.second) });
    await assertConverged(cluster, all);

    const startedAt = (await inspect((await find('shop/web/0')).id)).State.StartedAt;
    cluster.commit({
      [web]: (text) => text.replace('{ cpu: 500m, memory: 32MiB }', '{ cpu: 250m, memory: 48MiB }'),
    });
    const inPlace = await cluster.apply();
    assert.equal(inPlace.code, 0, inPlace.stderr);
    const updated = await inspect((await find('shop/web/0')).id);
    assert.equal(updated.State.StartedAt, startedAt);
    assert.equal(updated.HostConfig.NanoCpus, 250_000_000);
    assert.equal(updated.HostConfig.Memory, 48 * 1024 * 1024);

    await docker(dockerEndpoint, 'update', '--cpus', '1', updated.Id);
    await docker(dockerEndpoint, 'rm', '-f', (await find('shop/web/1')).id);
    const drifted = await cluster.muster(['status']);
    assert.match(drifted.stdout, /missing/);
    assert.match(drifted.stdout, /cpu/);
    const healed = await cluster.apply();
    assert.equal(healed.code, 0, healed.stderr);
    assert.equal((await inspect(updated.Id)).HostConfig.NanoCpus, 250_000_000, 'what was changed by hand is put right');
    assert.equal((await inspect(updated.Id)).State.StartedAt, startedAt);
    await assertConverged(cluster, all);

    cluster.commit({ [web]: (text) => text.replace('replicas: 2', 'replicas: 40') });
    const refused = await cluster.muster(['plan', '--detailed-exitcode']);
    assert.equal(refused.code, 3, refused.stdout);
    assert.match(refused.stdout, /of 10 instances/);
    cluster.commit({ [web]: (text) => text.replace('replicas: 40', 'replicas: 2') });
    await assertConverged(cluster, all);

    cluster.commit({ [web]: () => '', 'workloads/api.yaml': () => '', 'workloads/admin.yaml': () => '' });
    const everything = await cluster.apply();
    assert.equal(everything.code, 3, everything.stdout);
    assert.equal(
      (await cluster.containers()).filter(({ state }) => state === 'running').length,
      4,
      'nothing is removed',
    );
    cluster.commit({ 'refactor.yaml': () => takeDown });
    const down = await cluster.apply();
    assert.equal(down.code, 0, down.stdout + down.stderr);
    await assertConverged(cluster, []);
  });
});

const takeDown = `apiVersion: muster/v1
kind: Refactor
metadata: {name: take-down}
spec: {removed: [{from: shop/web}, {from: shop/api}, {from: shop/admin}]}
`;

interface Status {
  readonly asDeclared: boolean;
  readonly workloads: readonly {
    readonly instances: readonly { readonly id: string; readonly endpoints: readonly string[] }[];
  }[];
}

/** `http 127.0.0.1:32101` → 32101 */
function portOf(status: Status, instance: string): number {
  const found = status.workloads.flatMap(({ instances }) => instances).find(({ id }) => id === instance);
  return Number(found?.endpoints[0]?.split(':').at(-1));
}

/** Looks again and again how many instances answer. */
function watchService(containers: () => Promise<readonly Container[]>, prefix: string) {
  let looks = 0;
  let least = Number.POSITIVE_INFINITY;
  let stopped = false;
  const running = async (): Promise<readonly Container[]> =>
    (await containers()).filter(({ instance, state }) => instance.startsWith(prefix) && state === 'running');
  const watching = (async () => {
    while (!stopped) {
      const own = await running();
      const answers = await Promise.all(own.map(({ ports }) => answerOf(ports[0])));
      // What was replaced between the list and the question cannot answer: a look counts when nothing was.
      if (isDeepStrictEqual(await running(), own)) {
        looks += 1;
        least = Math.min(least, answers.filter((answer) => answer !== undefined).length);
      }
      await new Promise((done) => setTimeout(done, 100));
    }
  })();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return { looks, least };
    },
  };
}

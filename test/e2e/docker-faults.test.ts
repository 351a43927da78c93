import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request as askHttp, createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { docker, dockerEndpoint, dockerSocket, freePort, needsDocker, testImages } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import { answerOf, assertConverged, inspect, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };

describe('what a Docker engine refuses or loses', { ...needs, concurrency: 2 }, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  test('an image that is missing: undone with a hint, the others are done, and it goes on once the image is there', async (t) => {
    const files = {
      'good.yaml': server({ name: 'good', replicas: 2 }),
      'bad.yaml': server({ name: 'bad', replicas: 2, image: 'muster-test/never-made:1' }),
    };
    const cluster = await makeDockerCluster(t, { etcd, files });
    const failed = await cluster.apply();
    assert.equal(failed.code, 6, failed.stderr);
    assert.match(
      unwrapped(failed.stderr),
      /default\/bad failed and was rolled back: .*no image muster-test\/never-made:1/,
    );
    assert.match(unwrapped(failed.stderr), /docker load/, 'what to do');
    assert.match(failed.stderr, /MUS\d{4}/);
    assert.deepEqual(
      (await cluster.containers()).map(({ instance }) => instance),
      instancesOf('default/good', 2),
    );

    cluster.commit({ 'bad.yaml': (text) => text.replace('muster-test/never-made:1', testImages.second) });
    const good = await cluster.apply();
    assert.equal(good.code, 0, good.stderr);
    await assertConverged(cluster, [...instancesOf('default/bad', 2), ...instancesOf('default/good', 2)]);
  });

  test('a port that a process of the host has: undone, the process is named as such; free again, it is applied', async (t) => {
    const port = await freePort();
    const files = { 'web.yaml': withPort(port) };
    const cluster = await makeDockerCluster(t, { etcd, files });
    const listener = createServer().listen(port, '127.0.0.1');
    t.after(() => void listener.close());
    await once(listener, 'listening');
    const failed = await cluster.apply();
    assert.equal(failed.code, 6, failed.stderr);
    assert.match(unwrapped(failed.stderr), new RegExp(`port ${port} on d1 is taken by a process of that host`));
    assert.deepEqual(await cluster.containers(), [], 'nothing is left of it');
    listener.close();
    const good = await cluster.apply();
    assert.equal(good.code, 0, good.stderr);
    await until('it serves there', async () => (await answerOf(port)) === 'version 1\n');
    await assertConverged(cluster, ['default/web/0']);
  });

  test('an automatic port that a process of the host has: told, and the next apply takes another one by itself', async (t) => {
    const files = { 'web.yaml': server({ name: 'web', replicas: 1, extra: [automatic] }) };
    const cluster = await makeDockerCluster(t, { etcd, files });
    const first = Number(/range: (\d+)-/.exec(readFileSync(join(cluster.repo, 'cluster.yaml'), 'utf8'))?.[1]);
    const listener = createServer().listen(first, '127.0.0.1');
    t.after(() => void listener.close());
    await once(listener, 'listening');
    const failed = await cluster.apply();
    assert.equal(failed.code, 6, failed.stderr);
    assert.match(
      unwrapped(failed.stderr),
      new RegExp(`port ${first} on d1 is taken by .*the next plan takes another port`),
    );
    const { stdout } = await cluster.muster(['status']);
    assert.match(
      unwrapped(stdout),
      new RegExp(`port d1:${first} is not given out until .*, by muster \\(port ${first}`),
    );
    const good = await cluster.apply();
    assert.equal(good.code, 0, good.stderr);
    assert.deepEqual(
      (await cluster.containers()).map(({ ports }) => ports),
      [[first + 1]],
    );
    assert.equal(listener.listening, true);
    await assertConverged(cluster, ['default/web/0']);
  });

  test('a port that a container of somebody else has: refused with the port, and left alone', async (t) => {
    const port = await freePort();
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': withPort(port) } });
    const other = `foreign-${cluster.name}`;
    const publish = `127.0.0.1:${port}:8080`;
    t.after(async () => void (await docker(dockerEndpoint, 'rm', '-f', other)));
    const id = await docker(dockerEndpoint, 'run', '-d', '--name', other, '-p', publish, testImages.second);
    const startedAt = (await inspect(id)).State.StartedAt;
    const failed = await cluster.apply();
    assert.equal(failed.code, 3, failed.stderr);
    assert.match(unwrapped(failed.stdout), new RegExp(`port ${port} in use already`));
    assert.deepEqual(await cluster.containers(), []);
    assert.equal((await inspect(id)).State.StartedAt, startedAt);
    await until('the other one answers', async () => (await answerOf(port)) === 'version 2\n');
    await docker(dockerEndpoint, 'rm', '-f', other);
    const good = await cluster.apply();
    assert.equal(good.code, 0, good.stderr);
    await assertConverged(cluster, ['default/web/0']);
  });

  test('a foreign container with the name of an instance is never touched: the error says whose name it is', async (t) => {
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': server({ name: 'web', replicas: 2 }) } });
    const name = `${cluster.name}.default.web.1.g2`;
    const id = await docker(dockerEndpoint, 'run', '-d', '--name', name, testImages.second);
    const { StartedAt: startedAt } = (await inspect(id)).State;
    const failed = await cluster.apply();
    assert.equal(failed.code, 6, failed.stderr);
    assert.match(unwrapped(failed.stderr), new RegExp(`already has a container named ${name}`));
    assert.match(unwrapped(failed.stderr), /Muster does not touch it/);
    const now = (await inspect(id)).State;
    assert.deepEqual(now, { ...now, StartedAt: startedAt, Running: true });
    assert.deepEqual(
      (await cluster.containers()).map((each) => each.id),
      [id],
      'ours are undone, the foreign one is left',
    );
    // Generations are never used twice, so the next try has other names.
    const again = await cluster.apply();
    assert.equal(again.code, 0, again.stderr);
    assert.equal((await inspect(id)).State.StartedAt, startedAt);
    const plan = await cluster.muster(['plan', '--detailed-exitcode']);
    assert.match(plan.stdout, /^No changes\./m);
    const ours = (await cluster.containers()).filter((each) => each.id !== id);
    assert.deepEqual(
      ours.map(({ instance }) => instance),
      instancesOf('default/web', 2),
    );
  });

  for (const [what, path] of [
    ['create', /\/containers\/create/],
    ['start', /\/containers\/[0-9a-f]+\/start/],
    ['stop', /\/containers\/[0-9a-f]+\/stop/],
  ] as const) {
    test(`the reply to a ${what} is lost after it was carried out: nothing is doubled`, async (t) => {
      const proxy = await cuttingProxy(t, path);
      const files = { 'web.yaml': server({ name: 'web', replicas: 3, version: '1' }) };
      const cluster = await makeDockerCluster(t, { etcd, files, endpoint: proxy.endpoint, daemon: dockerEndpoint });
      assert.equal((await cluster.muster(['validate'])).code, 0);
      if (what === 'stop') {
        const first = await cluster.apply();
        assert.equal(first.code, 0, first.stderr);
        cluster.commit({ 'web.yaml': () => server({ name: 'web', replicas: 3, version: '2' }) });
      }
      proxy.cut(2);
      const applied = await cluster.apply();
      assert.equal(applied.code, 0, applied.stderr);
      assert.equal(proxy.left(), 0, 'two replies were cut off');
      assert.match(applied.stderr, new RegExp(`d1/docker: ${what} failed, again in`), 'and it is said');
      await assertConverged(cluster, instancesOf('default/web', 3));
    });
  }
});

const automatic = 'ports: [{name: http, port: 8080, publish: auto}]';

const withPort = (port: number): string =>
  server({ name: 'web', replicas: 1, extra: [`ports: [{name: http, port: 8080, publish: ${port}}]`] });

/** Long messages are wrapped; what they say is not a matter of line ends. */
const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** A way to the daemon that, when told to, breaks the connection once the daemon has carried out what was asked. */
async function cuttingProxy(t: { after(clean: () => void): void }, path: RegExp) {
  let left = 0;
  const forward = createHttpServer((asked, answer) => {
    const cut = left > 0 && asked.method === 'POST' && path.test(asked.url ?? '');
    if (cut) left -= 1;
    const { url, method, headers } = asked;
    const call = askHttp(
      { socketPath: dockerSocket, path: url, method, headers, agent: false },
      (reply: IncomingMessage) => {
        if (cut) {
          reply.resume();
          reply.once('end', () => asked.socket.destroy());
          return;
        }
        answer.writeHead(reply.statusCode ?? 500, reply.headers);
        // A stream of events has headers long before its first line.
        answer.flushHeaders();
        reply.pipe(answer);
      },
    );
    call.once('error', () => answer.destroy());
    answer.once('close', () => call.destroy());
    asked.pipe(call);
  });
  const socket = join('/tmp', `muster-proxy-${process.pid}-${Math.random().toString(36).slice(2)}.sock`);
  forward.listen(socket);
  await once(forward, 'listening');
  t.after(() => {
    forward.close();
    forward.closeAllConnections();
  });
  return {
    endpoint: `unix://${socket}`,
    cut: (replies: number) => {
      left = replies;
    },
    left: () => left,
  };
}

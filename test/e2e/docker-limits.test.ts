import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as askHttp, createServer as createHttpServer } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { docker, dockerEndpoint, dockerSocket, needsDocker, testImages } from '../bed/docker.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { needsRegistry, startRegistry } from '../bed/registry.ts';
import { assertConverged, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };
const perNode = 8;
const replicas = 8;
/** Of 400 ms: on a busy machine the way to the daemon is not always equally long. */
const leastPauseMs = 300;

describe('limits of an apply, as the daemon sees them', needs, () => {
  test('`engine/docker: {batch, every}` bounds what is changed at once and how soon after another; without it more is', async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const daemon = await watchedDaemon(t);
    const web = (version: string): string => server({ name: 'web', replicas, version });
    const cluster = await makeDockerCluster(t, {
      etcd,
      files: { 'web.yaml': web('1') },
      endpoint: daemon.endpoint,
      daemon: dockerEndpoint,
    });
    const limit = (limits: string): void =>
      void cluster.commit({
        'cluster.yaml': (text) =>
          text.replace(/spec:\n(?: {2}apply.*\n)?/, `spec:\n  apply: {perNode: ${perNode}${limits}}\n`),
      });

    limit('');
    assert.equal((await cluster.apply()).code, 0);
    const free = daemon.forget();
    assert.ok(free.most > 2 && free.most <= perNode, `without a limit ${free.most} at once`);

    limit(', limits: {engine/docker: {batch: 2}}');
    cluster.commit({ 'web.yaml': () => '', 'api.yaml': () => server({ name: 'api', replicas }) });
    cluster.commit({ 'refactor.yaml': () => removal });
    assert.equal((await cluster.apply()).code, 0);
    const two = daemon.forget();
    assert.equal(two.most, 2, `with a limit of two ${two.most} at once`);

    limit(', limits: {engine/docker: {batch: 2, every: 400ms}}');
    cluster.commit({ 'api.yaml': () => server({ name: 'api', replicas: replicas + 3 }) });
    assert.equal((await cluster.apply()).code, 0);
    const slow = daemon.forget();
    assert.ok(slow.most <= 2);
    const pauses = pausesOf(slow.starts);
    assert.equal(pauses.length, 2);
    for (const pause of pauses) assert.ok(pause > leastPauseMs, `two starts ${pause.toFixed(0)} ms after each other`);
    await assertConverged(cluster, instancesOf('default/api', replicas + 3));
    t.diagnostic(
      `at once: ${free.most} without a limit, ${two.most} with 2; ${pauses.map((ms) => ms.toFixed(0)).join(' and ')} ms apart with 400`,
    );
  });

  test('`registry: {batch, every}` bounds pulls, from a real registry', needsRegistry(), async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    const registry = await startRegistry();
    t.after(() => registry.stop());
    const daemon = await watchedDaemon(t);
    const names = ['a1', 'a2', 'a3', 'a4', 'b1', 'b2', 'b3', 'b4'];
    await registry.publish(testImages.first, names);
    const images = names.map((name) => `${registry.address}/${name}`);
    t.after(async () => void (await docker(dockerEndpoint, 'rmi', '-f', ...images)));
    const pulling = (letter: string) =>
      Object.fromEntries(
        [1, 2, 3, 4].map((number) => {
          const name = `${letter}${number}`;
          return [`${name}.yaml`, server({ name, replicas: 1, image: `${registry.address}/${name}` })];
        }),
      );
    const cluster = await makeDockerCluster(t, {
      etcd,
      files: pulling('a'),
      endpoint: daemon.endpoint,
      daemon: dockerEndpoint,
    });
    cluster.commit({ 'cluster.yaml': (text) => text.replace('spec:\n', `spec:\n  apply: {perNode: ${perNode}}\n`) });
    assert.equal((await cluster.apply()).code, 0);
    const free = daemon.forget();
    assert.equal(free.pulls.length, 4);
    assert.ok(free.mostPulls > 1, `without a limit ${free.mostPulls} pulls at once`);

    const limits = 'limits: {registry: {batch: 1, every: 400ms}}';
    cluster.commit({
      'cluster.yaml': (text) => text.replace(`perNode: ${perNode}`, `perNode: ${perNode}, ${limits}`),
      ...Object.fromEntries(Object.entries(pulling('b')).map(([file, text]) => [file, () => text])),
    });
    assert.equal((await cluster.apply()).code, 0);
    const slow = daemon.forget();
    assert.deepEqual([slow.pulls.length, slow.mostPulls], [4, 1]);
    const pauses = pausesOf(slow.pulls);
    for (const pause of pauses) assert.ok(pause > leastPauseMs, `two pulls ${pause.toFixed(0)} ms after each other`);
    await assertConverged(
      cluster,
      names.map((name) => `default/${name}/0`),
    );
    t.diagnostic(
      `pulls at once: ${free.mostPulls} without a limit; ${pauses.map((ms) => ms.toFixed(0)).join(', ')} ms apart`,
    );
  });
});

const pausesOf = (times: readonly number[]): readonly number[] =>
  times.slice(1).map((at, index) => at - (times[index] ?? 0));

const removal = `apiVersion: muster/v1
kind: Refactor
metadata: {name: web-goes}
spec: {removed: [{from: default/web}]}
`;

interface Seen {
  /** Requests that change something, under way at the same time. */
  readonly most: number;
  /** When starts came in (ms). */
  readonly starts: readonly number[];
  /** The same of pulls. */
  readonly mostPulls: number;
  readonly pulls: readonly number[];
}

let watchers = 0;

/** The way to the daemon, with somebody who looks on. */
async function watchedDaemon(t: { after(clean: () => void): void }) {
  let under = 0;
  let most = 0;
  let starts: number[] = [];
  let pulling = 0;
  let mostPulls = 0;
  let pulls: number[] = [];
  const forward = createHttpServer((asked, answer) => {
    const { url, method, headers } = asked;
    const changes = method !== 'GET' && method !== 'HEAD';
    if (changes) {
      under += 1;
      most = Math.max(most, under);
      answer.once('close', () => {
        under -= 1;
      });
    }
    if (/\/start$/.test(url ?? '')) starts.push(performance.now());
    if (method === 'POST' && /\/images\/create\?/.test(url ?? '')) {
      pulls.push(performance.now());
      pulling += 1;
      mostPulls = Math.max(mostPulls, pulling);
      answer.once('close', () => {
        pulling -= 1;
      });
    }
    const call = askHttp({ socketPath: dockerSocket, path: url, method, headers, agent: false }, (reply) => {
      answer.writeHead(reply.statusCode ?? 500, reply.headers);
      // A stream of events has headers long before its first line.
      answer.flushHeaders();
      reply.pipe(answer);
    });
    call.once('error', () => answer.destroy());
    answer.once('close', () => call.destroy());
    asked.pipe(call);
  });
  watchers += 1;
  const socket = join('/tmp', `muster-limits-${process.pid}-${watchers}.sock`);
  forward.listen(socket);
  await once(forward, 'listening');
  t.after(() => {
    forward.close();
    forward.closeAllConnections();
  });
  const forget = (): Seen => {
    const seen = { most, starts, mostPulls, pulls };
    [most, starts, mostPulls, pulls] = [0, [], 0, []];
    return seen;
  };
  return { endpoint: `unix://${socket}`, forget };
}

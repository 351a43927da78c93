import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as askHttp, createServer as createHttpServer } from 'node:http';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { dockerEndpoint, dockerSocket, needsDocker } from '../bed/docker.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { assertConverged, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };
const perNode = 8;
const replicas = 8;

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
    const pauses = slow.starts.slice(1).map((at, index) => at - (slow.starts[index] ?? 0));
    assert.equal(pauses.length, 2);
    for (const pause of pauses) assert.ok(pause > 390, `two starts ${pause.toFixed(0)} ms after each other`);
    await assertConverged(cluster, instancesOf('default/api', replicas + 3));
    t.diagnostic(
      `at once: ${free.most} without a limit, ${two.most} with 2; ${pauses.map((ms) => ms.toFixed(0)).join(' and ')} ms apart with 400`,
    );
  });
});

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
}

/** The way to the daemon, with somebody who looks on. */
async function watchedDaemon(t: { after(clean: () => void): void }) {
  let under = 0;
  let most = 0;
  let starts: number[] = [];
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
  const socket = join('/tmp', `muster-limits-${process.pid}.sock`);
  forward.listen(socket);
  await once(forward, 'listening');
  t.after(() => {
    forward.close();
    forward.closeAllConnections();
  });
  const forget = (): Seen => {
    const seen = { most, starts };
    [most, starts] = [0, []];
    return seen;
  };
  return { endpoint: `unix://${socket}`, forget };
}

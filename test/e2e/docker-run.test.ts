import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { docker, dockerEndpoint, needsDocker } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type Running, until } from './cli.ts';
import { answerOf, assertConverged, type DockerCluster, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };
const runWords = ['run', '--listen', '127.0.0.1:0', '--interval', '300ms'];
/** The lease's own time, after which another takes over. */
const leaseTtlMs = 10_000;
/** What a machine that is busy with other tests may take on top. */
const slackMs = 15_000;
/** Half of the time between two regular looks at the engines: what is always seen sooner is seen by its event. */
const byEventMs = 15_000;

describe('muster run on etcd and Docker', { ...needs, concurrency: 2 }, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  test('a commit is applied; a container that is killed or removed comes back; SIGTERM ends it and frees the lease', async (t) => {
    const files = { 'web.yaml': web({ version: '1', replicas: 2 }) };
    const cluster = await makeDockerCluster(t, { etcd, source: 'git', files });
    const running = cluster.start(runWords);
    await until('the first commit is applied', () => told(running, 'applied').length === 1);
    await converged(cluster, 2);

    const committedAt = Date.now();
    cluster.commit({ 'web.yaml': () => web({ version: '2', replicas: 3 }) });
    await until('the next commit is applied', () => told(running, 'applied').length === 2);
    t.diagnostic(`commit → applied: ${timeOf(told(running, 'applied')[1]) - committedAt} ms`);
    await converged(cluster, 3);
    for (const { id } of await cluster.containers()) assert.match(await environmentOf(id), /VERSION=2/);

    for (const [word, ...words] of [['kill'], ['rm', '-f']]) {
      const [victim] = await cluster.containers();
      assert.ok(victim !== undefined && word !== undefined);
      const at = Date.now();
      await docker(dockerEndpoint, word, ...words, victim.id);
      await until(`${victim.instance} is back after docker ${word}`, async () => {
        const same = (await cluster.containers()).filter(({ instance }) => instance === victim.instance);
        return same.length === 1 && same[0]?.id !== victim.id && (await answerOf(same[0]?.ports[0])) !== undefined;
      });
      const back = Date.now() - at;
      const seen = told(running, 'drift').find((line) => timeOf(line) >= at);
      t.diagnostic(`docker ${word} → detected in ${timeOf(seen) - at} ms, back in ${back} ms`);
      assert.ok(timeOf(seen) - at < byEventMs, 'seen by its event');
      await converged(cluster, 3);
    }

    const address = String(told(running, 'serving /healthz and /metrics')[0]?.['address']);
    const health = await (await fetch(`${address}/healthz`)).text();
    assert.match(health, /"status":"ok","role":"leader"/);
    const metrics = async (): Promise<string> => await (await fetch(`${address}/metrics`)).text();
    assert.match(await metrics(), /^muster_leader\{[^}]*\} 1$/m);
    const counted = /^muster_units_total\{[^}]*state="done"[^}]*\} [4-9]$/m;
    await until('every run is counted', async () => counted.test(await metrics()));

    assert.notEqual(leaderOf(etcd, cluster), '');
    running.child.kill('SIGTERM');
    const { code, stderr } = await running.finished;
    assert.equal(code, 0, stderr);
    assert.equal(leaderOf(etcd, cluster), '', 'the lease is released, not left to run out');
    for (const line of running.output().stdout.trim().split('\n')) JSON.parse(line);
    assert.deepEqual(
      (await cluster.containers()).map(({ state }) => state),
      ['running', 'running', 'running'],
    );
  });

  test('the second stands by; when the first is killed in a rollout, it takes over within the lease and finishes it', async (t) => {
    const slow = '{groups: [1, 100%], observe: 3s, healthyDeadline: 60s}';
    const files = { 'web.yaml': web({ version: '1', replicas: 2, update: slow }) };
    const cluster = await makeDockerCluster(t, { etcd, source: 'git', files });
    const first = cluster.start(runWords);
    await until('the first leads and applies', () => told(first, 'applied').length === 1);
    const second = cluster.start(runWords);
    await until('the second waits', () => told(second, 'waiting for the leader lease').length === 1);
    const standby = String(told(second, 'serving /healthz and /metrics')[0]?.['address']);
    assert.match(await (await fetch(`${standby}/healthz`)).text(), /"status":"ok","role":"standby"/);
    assert.match(await (await fetch(`${standby}/metrics`)).text(), /^muster_leader\{[^}]*\} 0$/m);

    cluster.commit({ 'web.yaml': () => web({ version: '2', replicas: 2, update: slow }) });
    await until('the rollout is under way', () => progress(first, /observing/).length > 1);
    assert.equal(told(second, 'leading').length, 0, 'one leader at a time');
    first.child.kill('SIGKILL');
    const killedAt = Date.now();
    await until('the second leads', () => told(second, 'leading').length === 1);
    const tookOver = timeOf(told(second, 'leading')[0]) - killedAt;
    t.diagnostic(`kill -9 of the leader → the other leads in ${tookOver} ms`);
    assert.ok(tookOver < leaseTtlMs + 1_000 + slackMs, `${tookOver} ms`);
    await until('it finishes the rollout', () => told(second, 'finished what an earlier run left').length === 1);
    await converged(cluster, 2);
    for (const { id } of await cluster.containers()) assert.match(await environmentOf(id), /VERSION=2/);
    second.child.kill('SIGTERM');
    assert.equal((await second.finished).code, 0);
  });
});

const web = (options: { readonly version: string; readonly replicas: number; readonly update?: string }): string =>
  server({
    name: 'web',
    ...options,
    extra: [
      'ports: [{name: http, port: 8080, publish: auto}]',
      'health: {http: {port: http, path: /healthz}, interval: 200ms, timeout: 20s, healthyAfter: 1}',
    ],
  });

async function converged(cluster: DockerCluster, replicas: number): Promise<void> {
  // A pass may be under way that tidies up after what is seen already.
  await until('nothing is left to do', async () => {
    const containers = await cluster.containers();
    return containers.length === replicas && containers.every(({ state }) => state === 'running');
  });
  await assertConverged(cluster, instancesOf('default/web', replicas));
}

type LogLine = Readonly<Record<string, unknown>>;

const linesOf = (running: Running): readonly LogLine[] =>
  running
    .output()
    .stdout.split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as LogLine);

const told = (running: Running, message: string): readonly LogLine[] =>
  linesOf(running).filter((line) => line['msg'] === message);

const progress = (running: Running, text: RegExp): readonly LogLine[] =>
  told(running, 'progress').filter((line) => text.test(String(line['text'])));

const timeOf = (line: LogLine | undefined): number => Number(line?.['time']);

const leaderOf = (etcd: EtcdServer, cluster: DockerCluster): string =>
  etcd.ctl('get', '--print-value-only', `/muster/${cluster.name}/leader`).trim();

const environmentOf = (id: string): Promise<string> =>
  docker(dockerEndpoint, 'inspect', '-f', '{{json .Config.Env}}', id);

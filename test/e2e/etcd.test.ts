import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { needsDocker } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import { applyNow, assertConverged, type DockerCluster, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };

async function ownEtcd(t: { after(clean: () => Promise<void>): void }, options: { readonly tls?: boolean } = {}) {
  const etcd = await startEtcd(options);
  t.after(async () => {
    etcd.resume();
    await etcd.stop();
  });
  return etcd;
}

/** Waves of one, so that a fault comes between two of them. */
const slowly = '{groups: [1, 100%], observe: 1s, healthyDeadline: 60s}';
const web = (version: string, update = slowly): string => server({ name: 'web', replicas: 3, version, update });
const instances = instancesOf('default/web', 3);

describe('etcd under an apply to Docker', { ...needs, concurrency: 4 }, () => {
  test('killed in the middle and back at once: the apply waits for it and ends well', async (t) => {
    const etcd = await ownEtcd(t);
    const cluster = await begun(t, etcd);
    const apply = cluster.start(applyNow);
    await until('the rollout is under way', () => apply.output().stderr.includes('observing'));
    await etcd.kill();
    await etcd.restart();
    const { code, stderr } = await apply.finished;
    // With a slow restart the lease may be over: then it says so and the next one goes on.
    if (code !== 0) assert.match(stderr, /stopped at a safe point; the next apply goes on from there: .*lease/s);
    await finishes(cluster);
  });

  test('killed and away: the apply stops at a safe point and says so; the next one finishes', async (t) => {
    const etcd = await ownEtcd(t);
    const cluster = await begun(t, etcd);
    const apply = cluster.start(applyNow);
    await until('the rollout is under way', () => apply.output().stderr.includes('observing'));
    await etcd.kill();
    const { code, stderr } = await apply.finished;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /stopped at a safe point; the next apply goes on from there: .*lease/s);
    const without = await cluster.muster(['status']);
    assert.equal(without.code, 1, without.stdout);
    assert.match(without.stderr, /127\.0\.0\.1:\d+/, 'where it was looked for');
    await etcd.restart();
    await finishes(cluster);
  });

  test('frozen for longer than the lease: the apply writes nothing more; thawed, the next one finishes', async (t) => {
    const etcd = await ownEtcd(t);
    const cluster = await begun(t, etcd);
    const apply = cluster.start(applyNow);
    await until('the rollout is under way', () => apply.output().stderr.includes('observing'));
    await etcd.pause();
    const { code, stderr } = await apply.finished;
    assert.equal(code, 1, stderr);
    assert.match(stderr, /stopped at a safe point; the next apply goes on from there: .*lease/s);
    etcd.resume();
    await finishes(cluster);
  });

  test('away for longer than the lease: muster run lives on, leads again, and applies what was committed meanwhile', async (t) => {
    const etcd = await ownEtcd(t);
    const cluster = await begun(t, etcd);
    const running = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '300ms']);
    const told = (message: string): number => running.output().stdout.split(`"msg":"${message}"`).length - 1;
    await until('it has applied', () => told('applied') === 1);
    await etcd.kill();
    await until('it notices', () => told('the leader lease was lost; waiting for it again') === 1);
    cluster.commit({ 'web.yaml': () => server({ name: 'web', replicas: 2, version: '2', update: slowly }) });
    await etcd.restart();
    await until('it leads again and has applied', () => told('leading') === 2 && told('applied') === 2);
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0, running.output().stderr);
    await assertConverged(cluster, instancesOf('default/web', 2));
  });

  test('two applies at once: the second says who holds the lock since when, or waits for it as long as it is told', async (t) => {
    const etcd = await ownEtcd(t);
    const cluster = await begun(t, etcd);
    // Once it is observing, there is time for the other two to come.
    cluster.commit({ 'web.yaml': () => web('3', '{groups: [100%], observe: 15s, healthyDeadline: 60s}') });
    const first = cluster.start(applyNow);
    await until('the rollout is under way', () => first.output().stderr.includes('observing'));
    const [atOnce, waiting] = await Promise.all([
      cluster.apply(),
      cluster.muster([...applyNow, '--lock-timeout', '120s']),
    ]);
    assert.equal(atOnce.code, 4, atOnce.stderr);
    assert.match(
      atOnce.stderr,
      new RegExp(`muster apply of .* \\(process ${first.child.pid} on .*\\) holds the lock since 2\\d{3}-`),
    );
    assert.equal(waiting.code, 0, waiting.stderr);
    assert.match(waiting.stdout, /^No changes\./m, 'the first had done it all');
    assert.equal((await first.finished).code, 0, first.output().stderr);
    await assertConverged(cluster, instances);
  });

  test('TLS with client certificates, from a credentials file or from the environment; without them a clear error', async (t) => {
    const etcd = await ownEtcd(t, { tls: true });
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': server({ name: 'web', replicas: 1 }) } });
    assert.ok(etcd.certificates !== undefined);
    const folder = join(cluster.folder, 'secrets');
    mkdirSync(folder);
    const { ca, certificate, key } = etcd.certificates;
    for (const [name, text] of Object.entries({ 'ca.pem': ca, 'client.pem': certificate, 'client.key': key }))
      writeFileSync(join(folder, name), text, { mode: 0o600 });
    const file = join(folder, 'credentials.json');
    writeFileSync(file, '{"etcd": {"ca": "ca.pem", "certificate": "client.pem", "key": "client.key"}}');
    const variables = {
      MUSTER_ETCD_CA: join(folder, 'ca.pem'),
      MUSTER_ETCD_CERT: join(folder, 'client.pem'),
      MUSTER_ETCD_KEY: join(folder, 'client.key'),
    };

    const applied = await cluster.apply({ MUSTER_CREDENTIALS: file });
    assert.equal(applied.code, 0, applied.stderr);
    const store = `etcds://${etcd.endpoint.replace('https://', '')}/muster`;
    const seen = await cluster.muster(['status', '--detailed-exitcode', '--store', store], variables);
    assert.equal(seen.code, 0, seen.stderr);
    assert.match(seen.stdout, /default\/web {2}desired 1 · recorded 1 · running 1/);

    const stranger = await cluster.apply();
    assert.equal(stranger.code, 1, stranger.stdout);
    assert.match(stranger.stderr, /certificate/i);
    const anonymous = await cluster.apply({ MUSTER_ETCD_CA: variables.MUSTER_ETCD_CA });
    assert.equal(anonymous.code, 1, anonymous.stdout);
    assert.match(anonymous.stderr, /error.*127\.0\.0\.1/s);
    for (const { stderr } of [stranger, anonymous]) assert.doesNotMatch(stderr, /BEGIN|unexpected/);
  });
});

/** Three servers run; git wants another version of them. */
async function begun(t: { after(clean: () => void | Promise<void>): void }, etcd: EtcdServer): Promise<DockerCluster> {
  const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': web('1') } });
  const first = await cluster.apply();
  assert.equal(first.code, 0, first.stderr);
  cluster.commit({ 'web.yaml': () => web('2') });
  return cluster;
}

async function finishes(cluster: DockerCluster): Promise<void> {
  // A lease that nobody could release runs out by itself.
  const next = await cluster.muster([...applyNow, '--lock-timeout', '60s']);
  assert.equal(next.code, 0, next.stderr);
  await assertConverged(cluster, instances);
}

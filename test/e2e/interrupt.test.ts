import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Cluster, makeCluster, until } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];
const rollout = (version: string, observeMs: number): string =>
  sleeper({
    name: 'a',
    replicas: 3,
    version,
    update: `{groups: [1, 100%], observe: ${observeMs}ms, healthyDeadline: 10s}`,
  });

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

const all = (version: string): readonly string[] => [0, 1, 2].map((ordinal) => `default/a/${ordinal} ${version}`);

async function midRollout(
  t: Parameters<typeof makeCluster>[0],
  of: { readonly firstPort: number; readonly observeMs: number },
) {
  const { firstPort, observeMs } = of;
  const files = { 'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }), 'a.yaml': rollout('1', observeMs) };
  const cluster = await makeCluster(t, files, { source: 'directory' });
  assert.equal((await cluster.muster(applyNow)).code, 0);
  cluster.commit({ 'a.yaml': () => rollout('2', observeMs) });
  const running = cluster.start(applyNow);
  await until('the first instance is being replaced', () => /wave 1 of [\s\S]*started/.test(running.output().stderr));
  return { cluster, running };
}

describe('Ctrl-C in the middle of a rollout', { concurrency: 2 }, () => {
  test('once: what was begun is finished, nothing else is begun, it says what is where; the next apply goes on', async (t) => {
    const { cluster, running } = await midRollout(t, { firstPort: 24_300, observeMs: 2_000 });
    running.child.kill('SIGINT');
    const { code, stderr } = await running.finished;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /Stopping at a safe point: what was begun is finished\. Ctrl-C again stops at once\./);
    assert.match(
      stderr.replaceAll(/\s+/g, ' '),
      /default\/a stopped at a safe point; the next apply goes on from there/,
    );
    assert.deepEqual(versions(cluster), ['default/a/0 2', 'default/a/1 1', 'default/a/2 1'], 'each serves, old or new');
    const status = await cluster.muster(['status']);
    assert.equal(status.code, 0);
    const next = await cluster.muster(applyNow);
    assert.equal(next.code, 0, next.stderr);
    assert.deepEqual(versions(cluster), all('2'));
    assert.equal((await cluster.muster(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('twice: it stops at once and leaves a state that the next apply finishes', async (t) => {
    const { cluster, running } = await midRollout(t, { firstPort: 24_340, observeMs: 5_000 });
    running.child.kill('SIGINT');
    await until('it has heard the first', () => running.output().stderr.includes('Stopping at a safe point'));
    const startedAt = Date.now();
    running.child.kill('SIGINT');
    const { code, stderr } = await running.finished;
    assert.equal(code, 130, stderr);
    assert.ok(Date.now() - startedAt < 4_000, 'it did not wait for the observation');
    assert.match(stderr, /Stopping now\. The journal says how far it got/);
    assert.equal(
      new Set(cluster.programs().map(({ instance }) => instance)).size,
      3,
      'nobody is left without the old and the new',
    );
    const next = await cluster.muster(applyNow);
    assert.equal(next.code, 0, next.stderr);
    assert.deepEqual(versions(cluster), all('2'));
    assert.equal((await cluster.muster(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('while it waits for the lock: nothing was changed, exit code 130', async (t) => {
    const { cluster, running } = await midRollout(t, { firstPort: 24_380, observeMs: 4_000 });
    const waiting = cluster.start([...applyNow, '--lock-timeout', '60s']);
    await until('it waits', () => waiting.output().stderr.includes('Waiting:'));
    waiting.child.kill('SIGINT');
    const { code, stderr } = await waiting.finished;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /interrupted while waiting for the lock; nothing was changed/);
    assert.equal((await running.finished).code, 0);
    assert.deepEqual(versions(cluster), all('2'));
  });
});

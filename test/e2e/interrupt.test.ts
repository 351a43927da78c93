import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Cluster, makeCluster, until } from './cli.ts';
import { clusterFile, heldUntil, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];
const update = '{groups: [1, 100%], observe: 0s, healthyDeadline: 10m}';
const web = { name: 'a', replicas: 3, update };

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

const all = (version: string): readonly string[] => [0, 1, 2].map((ordinal) => `default/a/${ordinal} ${version}`);

/** An apply that has replaced the first instance, and stands at its health gate until `goOn`. */
async function midRollout(t: Parameters<typeof makeCluster>[0], firstPort: number) {
  const files = { 'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }), 'a.yaml': sleeper(web) };
  const cluster = await makeCluster(t, files, { source: 'directory' });
  assert.equal((await cluster.muster(applyNow)).code, 0);
  const go = join(cluster.folder, 'go');
  cluster.commit({ 'a.yaml': () => sleeper({ ...web, version: '2', extra: [heldUntil(go)] }) });
  const running = cluster.start(applyNow);
  await until('the first instance is being replaced', () => /wave 1 of [\s\S]*started/.test(running.output().stderr));
  return { cluster, running, goOn: () => writeFileSync(go, '') };
}

describe('Ctrl-C in the middle of a rollout', { concurrency: 2 }, () => {
  test('once: what was begun is finished, nothing else is begun, it says what is where; the next apply goes on', async (t) => {
    const { cluster, running, goOn } = await midRollout(t, 24_300);
    running.child.kill('SIGINT');
    await until('it has heard', () => running.output().stderr.includes('Stopping at a safe point'));
    goOn();
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
    const { cluster, running, goOn } = await midRollout(t, 24_340);
    running.child.kill('SIGINT');
    await until('it has heard the first', () => running.output().stderr.includes('Stopping at a safe point'));
    running.child.kill('SIGINT');
    // The gate is still closed: what was begun cannot have been finished.
    const { code, stderr } = await running.finished;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /Stopping now\. The journal says how far it got/);
    assert.equal(
      new Set(cluster.programs().map(({ instance }) => instance)).size,
      3,
      'nobody is left without the old and the new',
    );
    goOn();
    const next = await cluster.muster(applyNow);
    assert.equal(next.code, 0, next.stderr);
    assert.deepEqual(versions(cluster), all('2'));
    assert.equal((await cluster.muster(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('while it waits for the lock: nothing was changed, exit code 130', async (t) => {
    const { cluster, running, goOn } = await midRollout(t, 24_380);
    const waiting = cluster.start([...applyNow, '--lock-timeout', '60s']);
    await until('it waits', () => waiting.output().stderr.includes('Waiting:'));
    waiting.child.kill('SIGINT');
    const { code, stderr } = await waiting.finished;
    assert.equal(code, 130, stderr);
    assert.match(stderr, /interrupted while waiting for the lock; nothing was changed/);
    goOn();
    assert.equal((await running.finished).code, 0);
    assert.deepEqual(versions(cluster), all('2'));
  });
});

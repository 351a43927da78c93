import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Cluster, makeCluster, until } from './cli.ts';
import { clusterFile, heldUntil, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];

const member = (name: string, version: string, extra: readonly string[] = []): string =>
  sleeper({
    name,
    replicas: 1,
    version,
    update: '{groups: [100%], observe: 0s, healthyDeadline: 25s}',
    extra: ['transaction: release', ...extra],
  });

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

const allAt = (version: string): readonly string[] => [`default/api/0 ${version}`, `default/worker/0 ${version}`];

/** An apply that dies by SIGKILL when api has passed its last gate and worker has not. */
async function killedBetween(t: Parameters<typeof makeCluster>[0], firstPort: number) {
  const files = {
    'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }),
    'api.yaml': member('api', '1'),
    'worker.yaml': member('worker', '1'),
  };
  const cluster = await makeCluster(t, files, { source: 'directory' });
  const first = await cluster.muster(applyNow);
  assert.equal(first.code, 0, first.stderr);
  const verdict = join(cluster.folder, 'verdict');
  cluster.commit({
    'api.yaml': () => member('api', '2'),
    'worker.yaml': () => member('worker', '2', [heldUntil(verdict)]),
  });
  const preview = await cluster.muster(['plan']);
  assert.match(preview.stdout.replaceAll(/\s+/g, ' '), /default\/api .* together with default\/worker/);
  const running = cluster.start(applyNow);
  let shown = '';
  await until('api waits for worker', async () => {
    shown = (await cluster.muster(['unit', 'show', 'default/api'])).stdout;
    return /waits for default\/worker \(transaction default\/release\)/.test(shown);
  });
  const status = await cluster.muster(['status']);
  assert.match(status.stdout.replaceAll(/\s+/g, ' '), /waits for the others of transaction default\/release/);
  running.child.kill('SIGKILL');
  await running.finished;
  return { cluster, heal: () => writeFileSync(verdict, '') };
}

describe('kill -9 between the last gate of one workload and the commit of its transaction', { concurrency: 2 }, () => {
  test('and the other one passes: the next apply brings both', async (t) => {
    const { cluster, heal } = await killedBetween(t, 25_300);
    heal();
    const next = await cluster.muster(applyNow);
    assert.equal(next.code, 0, next.stderr);
    assert.deepEqual(versions(cluster), allAt('2'));
    assert.equal((await cluster.muster(['plan', '--detailed-exitcode'])).code, 0);
    const back = await cluster.muster(['rollback', 'default/worker', '--reason', 'INC-1']);
    assert.equal(back.code, 0, back.stderr);
    assert.equal((await cluster.muster(applyNow)).code, 0);
    assert.deepEqual(versions(cluster), allAt('1'), 'they go back together, too');
  });

  test('and the other one never gets healthy: the next apply takes both back', async (t) => {
    const { cluster } = await killedBetween(t, 25_340);
    const next = await cluster.muster(applyNow);
    assert.equal(next.code, 6, next.stderr);
    assert.match(
      next.stderr.replaceAll(/\s+/g, ' '),
      /transaction default\/release goes back whole, since default\/worker failed/,
    );
    assert.deepEqual(versions(cluster), allAt('1'));
    const again = await cluster.muster(['plan', '--detailed-exitcode']);
    assert.equal(again.code, 0, again.stdout);
    assert.match(again.stdout.replaceAll(/\s+/g, ' '), /default\/api stays on its last good revision: default\/worker/);
  });
});

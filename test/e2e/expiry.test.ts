import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, makeCluster, until } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];
const quick = '{groups: [100%], observe: 0s, healthyDeadline: 60s}';
const one = (name: string, version: string, extra: readonly string[] = []): string =>
  sleeper({ name, replicas: 1, version, update: quick, extra });

const versions = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, environment }) => `${instance} ${environment['VERSION']}`);

describe('what operators set for a while, and what they have to break up themselves', { concurrency: 2 }, () => {
  test('a whole run is rolled back; when its pins end, git wins again by itself', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1'], firstPort: 28_340 }),
      'web.yaml': one('web', '1'),
      'api.yaml': one('api', '1'),
    });
    await ok(cluster, applyNow);
    cluster.commit({ 'web.yaml': () => one('web', '2'), 'api.yaml': () => one('api', '2') });
    await ok(cluster, applyNow);
    const [run] = JSON.parse(await ok(cluster, ['runs', 'list', '-o', 'json'])) as readonly { readonly run: string }[];
    const said = await ok(cluster, ['rollback', run?.run ?? '', '--reason', 'INC-812', '--for', '12s']);
    for (const name of ['web', 'api']) assert.match(said, new RegExp(`default/${name} goes back from \\w+ to \\w+`));
    const pinnedUntil = Date.now() + 12_000;
    await ok(cluster, applyNow);
    assert.deepEqual(versions(cluster), ['default/api/0 1', 'default/web/0 1']);
    assert.match(await ok(cluster, ['status']), /default\/web is pinned to \w+ until .* \(INC-812\)/);
    await sleep(pinnedUntil - Date.now());
    assert.doesNotMatch(await ok(cluster, ['status']), /pinned/);
    await ok(cluster, applyNow);
    assert.deepEqual(versions(cluster), ['default/api/0 2', 'default/web/0 2']);
    await ok(cluster, ['plan', '--detailed-exitcode']);
  });

  test('an approval that has expired is none', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': clusterFile({ nodes: ['n1'], firstPort: 28_360 }),
      'web.yaml': one('web', '1'),
      'policy.yaml': `apiVersion: muster/v1
kind: Policy
metadata: {name: four-eyes}
spec: {approvals: [{when: recreate, approvers: 1, expires: 1s}]}
`,
    });
    await ok(cluster, applyNow);
    cluster.commit({ 'web.yaml': () => one('web', '2') });
    const file = join(cluster.folder, 'plan.json');
    await ok(cluster, ['plan', '--out', file]);
    await ok(cluster, ['approve', file]);
    await sleep(1_000);
    assert.match(await ok(cluster, ['apply', file], 3), /0 of 1 given[\s\S]*Nothing was applied/);
    assert.deepEqual(versions(cluster), ['default/web/0 1']);
  });

  test('moves that would have to change places are named with the way out; room on one more node is that way', async (t) => {
    const cluster = await makeCluster(t, {
      'cluster.yaml': labelled({ n1: 'a', n2: 'b' }),
      'a.yaml': one('a', '1', ['placement: {require: {role: a}}']),
      'b.yaml': one('b', '1', ['placement: {require: {role: b}}']),
    });
    await ok(cluster, applyNow);
    cluster.commit({ 'cluster.yaml': () => labelled({ n1: 'b', n2: 'a' }) });
    const plan = unwrapped(await ok(cluster, ['plan', '--detailed-exitcode'], 3));
    assert.match(
      plan,
      /moves would have to change places: default\/[ab]\/0 \(n\d → n\d\), default\/[ab]\/0 \(n\d → n\d\)/,
    );
    assert.match(plan, /Room on one more node, or scaling one of them down for a moment, breaks the cycle MUS5010/);
    await ok(cluster, applyNow, 3);
    assert.deepEqual(places(cluster), ['default/a/0 n1', 'default/b/0 n2'], 'both serve on');

    cluster.commit({ 'cluster.yaml': () => labelled({ n1: 'b', n2: 'a', n3: 'a' }) });
    await until('both are where they should be', async () => {
      await cluster.muster(applyNow);
      return places(cluster).join() === 'default/a/0 n3,default/b/0 n1';
    });
    await ok(cluster, ['plan', '--detailed-exitcode']);
  });
});

/** Nodes with room for one instance each. */
const labelled = (roles: Readonly<Record<string, string>>): string =>
  Object.entries(roles).reduce(
    (text, [name, role]) =>
      text.replace(`metadata: {name: ${name}}`, `metadata: {name: ${name}, labels: {role: ${role}}}`),
    clusterFile({ nodes: Object.keys(roles), firstPort: 28_380, memory: '1536KiB' }),
  );

const places = (cluster: Cluster): readonly string[] =>
  cluster.programs().map(({ instance, node }) => `${instance} ${node}`);

/** Runs `muster …`, which has to end with this code; returns both outputs. */
async function ok(cluster: Cluster, args: readonly string[], code = 0): Promise<string> {
  const { code: ended, stdout, stderr } = await cluster.muster(args);
  assert.equal(ended, code, `muster ${args.join(' ')}\n${stdout}${stderr}`);
  return `${stdout}${stderr}`;
}

const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');

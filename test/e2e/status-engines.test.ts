import assert from 'node:assert/strict';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { EnginesView, FoundInstance } from '../../src/render/status-engines-shape.ts';
import { type Cluster, endProcess, makeCluster, until } from './cli.ts';
import { clusterFile, heldUntil, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];
const fromEngines = ['status', '--from', 'engines'];
const update = '{groups: [100%], observe: 0s, healthyDeadline: 10m}';
const web = { name: 'web', replicas: 2, update };

async function applied(
  t: Parameters<typeof makeCluster>[0],
  more: Readonly<Record<string, string>> = {},
): Promise<Cluster> {
  const files = { 'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'] }), 'web.yaml': sleeper(web), ...more };
  const cluster = await makeCluster(t, files, { source: 'directory' });
  const { code, stdout, stderr } = await cluster.muster(applyNow);
  assert.equal(code, 0, stdout + stderr);
  return cluster;
}

async function viewOf(cluster: Cluster, environment: Readonly<Record<string, string>> = {}): Promise<EnginesView> {
  const { code, stdout, stderr } = await cluster.muster([...fromEngines, '-o', 'json'], environment);
  assert.equal(code, 0, stderr);
  const view = JSON.parse(stdout) as EnginesView;
  assert.equal(view.from, 'engines');
  return view;
}

/** `0 #1 running` */
const rowsOf = (view: EnginesView, workload = 'default/web'): readonly string[] =>
  (view.workloads.find(({ id }) => id === workload)?.instances ?? []).map((instance) => {
    const ordinal = instance.id.split('/').at(-1);
    return instance.kind === 'absent'
      ? `${ordinal} ${instance.observed}`
      : `${ordinal} #${instance.generation} ${instance.observed}`;
  });

const found = (view: EnginesView): readonly FoundInstance[] =>
  view.workloads.flatMap(({ instances }) =>
    instances.filter((instance): instance is FoundInstance => instance.kind === 'found'),
  );

describe('status --from engines', { concurrency: 2 }, () => {
  test('with the embedded store deleted: all that runs is told, and no store is made', async (t) => {
    const cluster = await applied(t);
    rmSync(join(cluster.state, 'store'), { recursive: true });
    const { code, stdout, stderr } = await cluster.muster([...fromEngines, '--detailed-exitcode']);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^Cluster tiny, from its engines\n.*the store was not opened$/m);
    assert.match(stdout, /^! Only git and the engines were asked\..*/m);
    assert.match(stdout, /^default\/web {2}desired 2 · running 2 · healthy 2$/m);
    assert.match(stdout, /^As far as the engines can tell, everything is as git declares it\.$/m);
    assert.equal(existsSync(join(cluster.state, 'store')), false);

    const [victim] = cluster.programs();
    assert.ok(victim !== undefined);
    endProcess(victim.pid);
    await until('the engine knows', async () => rowsOf(await viewOf(cluster)).includes('0 #1 exited'));
    const after = await cluster.muster([...fromEngines, '--detailed-exitcode']);
    assert.equal(after.code, 2, after.stdout);
    assert.match(after.stdout, /problem: exited with code 137/);
  });

  test('with the embedded store overwritten: status fails, status --from engines does not look at it', async (t) => {
    const cluster = await applied(t);
    const file = join(cluster.state, 'store/store/data.mdb');
    writeFileSync(file, Buffer.alloc(statSync(file).size, 'not a store '));
    const before = [readFileSync(file), statSync(file).mtimeMs];
    const without = await cluster.muster(['status']);
    assert.equal(without.code, 1);
    assert.match(without.stderr, /What runs can be seen without the store: muster status --from engines/);
    const view = await viewOf(cluster);
    assert.deepEqual(rowsOf(view), ['0 #1 running', '1 #2 running']);
    assert.equal(view.asDeclared, true);
    assert.deepEqual([readFileSync(file), statSync(file).mtimeMs], before);
  });

  test('with an apply in the middle of a rollout: both incarnations are named, and nobody is disturbed', async (t) => {
    const cluster = await applied(t);
    const go = join(cluster.folder, 'go');
    cluster.commit({ 'web.yaml': () => sleeper({ ...web, version: '2', extra: [heldUntil(go)] }) });
    const apply = cluster.start(applyNow);
    await until('the first new one runs', () => cluster.programs().length === 3);
    const { code, stdout, stderr } = await cluster.muster([...fromEngines, '--detailed-exitcode']);
    assert.equal(code, 2, stderr);
    const text = stdout.replaceAll(/\s+/g, ' ');
    assert.match(text, /! 1 instance runs more than once: default\/web\/0 \(#1 on n\d, #3 on n\d\)/);
    assert.match(text, /desired 2 · running 2 · healthy 2/, 'an instance counts once');
    assert.match(text, /0 #1 n\d \w{8} running .* change: git wants revision/);
    // The new one is at git's revision, whose check is known and fails; of the old one nobody can say how to check it.
    assert.deepEqual(
      found(await viewOf(cluster)).map(({ generation, health }) => [generation, health]),
      [
        [1, 'none'],
        [3, 'unhealthy'],
        [2, 'none'],
      ],
    );
    writeFileSync(go, '');
    assert.equal((await apply.finished).code, 0, apply.output().stderr);
    assert.equal((await viewOf(cluster)).asDeclared, true);
  });

  test('credentials and an address of a store that is gone are not asked for', async (t) => {
    const cluster = await applied(t);
    const gone = { MUSTER_STORE: 'etcds://127.0.0.1:1/muster', MUSTER_ETCD_CA: '/nowhere/ca.pem' };
    assert.equal((await cluster.muster(['status'], gone)).code, 1);
    assert.deepEqual(rowsOf(await viewOf(cluster, gone)), ['0 #1 running', '1 #2 running']);
  });

  test('an engine that does not answer is told, what it may have is unknown, and the rest is there', async (t) => {
    const nowhere = `---
apiVersion: muster/v1
kind: Node
metadata: {name: d1}
spec:
  pod: local
  engines: {docker: {endpoint: "unix:///nowhere/docker.sock"}}
  capacity: {cpu: 8, memory: 8GiB, storage: 8GiB}
`;
    const cluster = await applied(t);
    const container = sleeper({ name: 'box', replicas: 3 }).replace('process', 'docker\n  image: busybox:1');
    cluster.commit({ 'cluster.yaml': (text) => text + nowhere, 'box.yaml': () => container, 'web.yaml': () => '' });
    const view = await viewOf(cluster);
    assert.deepEqual(rowsOf(view, 'default/box'), ['0 unknown', '1 unknown', '2 unknown']);
    const answer = view.nodes.find(({ name }) => name === 'd1')?.engines[0];
    assert.ok(answer?.kind === 'unreachable' && answer.reason.includes('/nowhere/docker.sock'), JSON.stringify(answer));
    assert.equal(view.asDeclared, false);
    const text = (await cluster.muster(fromEngines)).stdout;
    assert.match(text, /^! d1 does not answer: what runs there is not known \[MUS5006\]$/m);
    assert.match(text, /^ {2}0-2 {2}unknown: on no engine that answers$/m);
    assert.match(text, /^default\/web {2}not in git · running 2 · healthy 2$/m, 'what git has lost is shown');
  });

  test('objects of another uid under the same name: how many have which', async (t) => {
    const cluster = await applied(t, { 'more.yaml': sleeper({ name: 'more', replicas: 1 }) });
    const [moved] = found(await viewOf(cluster)).filter(({ id }) => id === 'default/more/0');
    assert.ok(moved !== undefined);
    const spec = join(cluster.state, 'nodes', moved.node, `tiny.default.more.0.g${moved.generation}`, 'spec.json');
    const other = '99999999-9999-4999-8999-999999999999';
    writeFileSync(spec, readFileSync(spec, 'utf8').replace(moved.uid, other));
    const view = await viewOf(cluster);
    assert.deepEqual(
      view.uids.map(({ uid, objects }) => [uid, objects]),
      [
        [moved.uid, 2],
        [other, 1],
      ],
    );
    assert.equal(view.asDeclared, false);
    const text = (await cluster.muster(fromEngines)).stdout.replaceAll(/\s+/g, ' ');
    assert.match(text, new RegExp(`Objects of 2 clusters are named tiny: uid ${moved.uid} has 2 objects`));
    assert.match(text, new RegExp(`problem: its uid is ${other}, that of most is ${moved.uid}`));
    writeFileSync(spec, readFileSync(spec, 'utf8').replace(other, moved.uid));
  });
});

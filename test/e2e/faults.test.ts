import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { type Cluster, makeCluster, until } from './cli.ts';
import { clusterFile, heldUntil, sleeper } from './repo.ts';

const applyNow = ['apply', '--auto-approve'];
const quick = '{groups: [100%], observe: 0s, healthyDeadline: 60s}';
const directory = { source: 'directory' } as const;
type Files = Readonly<Record<string, string>>;

const two = (firstPort: number): string => clusterFile({ nodes: ['n1', 'n2'], firstPort, memory: '1GiB' });
const instances = (cluster: Cluster): readonly string[] => cluster.programs().map(({ instance }) => instance);

async function applied(t: Parameters<typeof makeCluster>[0], files: Files): Promise<Cluster> {
  const cluster = await makeCluster(t, files, directory);
  const { code, stderr } = await cluster.muster(applyNow);
  assert.equal(code, 0, stderr);
  return cluster;
}

describe('bad input and faults', { concurrency: 2 }, () => {
  test('unknown key, wrong unit and unknown pod are all reported with their places; exit code 1', async (t) => {
    const wrong = sleeper({ name: 'a', replicas: 1, extra: ['replica: 2', 'placement: {pods: [locl]}'] });
    const cluster = await makeCluster(
      t,
      {
        'cluster.yaml': two(24_000),
        'a.yaml': wrong,
        'b.yaml': sleeper({ name: 'b', replicas: 1 }).replace('memory: 1MiB', 'memory: 1MHz'),
        'c.yaml': sleeper({ name: 'c', replicas: 1, extra: ['placement: {pods: [locl]}'] }),
      },
      directory,
    );
    const { code, stdout, stderr } = await cluster.muster(['validate']);
    const said = stdout + stderr;
    assert.equal(code, 1);
    assert.match(said, /a\.yaml:\d+:\d+: unknown key "replica" in spec[\s\S]*did you mean "replicas"\?/);
    assert.match(said, /b\.yaml:\d+:\d+: [^\n]*"MHz" is not a unit of bytes/);
    assert.match(said, /c\.yaml:\d+:\d+: there is no pod locl[\s\S]*did you mean "local"\?/);
    const plan = await cluster.muster(['plan']);
    assert.equal(plan.code, 1);
    assert.equal(plan.stdout, '');
    assert.match(plan.stderr, /nothing was planned/);
    assert.equal(existsSync(cluster.state), false, 'nothing was written');
  });

  test('no capacity: how many nodes lack what, and the nearest miss; exit code 3, and nothing of it is started', async (t) => {
    const big = sleeper({ name: 'big', replicas: 3 }).replace('memory: 1MiB', 'memory: 1536MiB');
    const cluster = await makeCluster(
      t,
      { 'cluster.yaml': two(24_100), 'big.yaml': big, 'a.yaml': sleeper({ name: 'a', replicas: 1 }) },
      directory,
    );
    const { code, stdout } = await cluster.muster(applyNow);
    assert.equal(code, 3, stdout);
    assert.match(stdout, /! default\/big: 3 of 3 instances do not fit/);
    assert.match(stdout, /2 of 2 nodes lack memory/);
    assert.match(stdout, /nearest: n\d needs 5\d\d MiB\s+more/);
    assert.deepEqual(instances(cluster), ['default/a/0'], 'a refusal blocks its own workload only');
  });

  test('quota: before → after of limit; exit code 3', async (t) => {
    const quota =
      'apiVersion: muster/v1\nkind: Quota\nmetadata: {name: payments}\nspec: {scope: {namespace: default}, limits: {instances: 3}}\n';
    const cluster = await applied(t, {
      'cluster.yaml': two(24_200),
      'quota.yaml': quota,
      'a.yaml': sleeper({ name: 'a', replicas: 2 }),
    });
    cluster.commit({ 'a.yaml': (text) => text.replace('replicas: 2', 'replicas: 5') });
    const { code, stdout } = await cluster.muster(['plan', '--detailed-exitcode']);
    assert.equal(code, 3);
    assert.match(stdout, /! default\/a: 2 of 3 instances are beyond quota payments: 2 → 5 of 3 instances/);
  });

  test('a command that is not there: the unit is undone, what served serves on; exit code 6', async (t) => {
    const cluster = await applied(t, {
      'cluster.yaml': two(24_300),
      'a.yaml': sleeper({ name: 'a', replicas: 2, update: quick }),
    });
    const before = cluster.programs().map(({ pid }) => pid);
    cluster.commit({
      'a.yaml': () => sleeper({ name: 'a', replicas: 2, update: quick, command: '[no-such-program]' }),
    });
    const { code, stderr } = await cluster.muster(applyNow);
    assert.equal(code, 6, stderr);
    const flat = stderr.replaceAll(/\s+/g, ' ');
    assert.match(
      flat,
      /default\/a failed and was rolled back: process on n\d: cannot start default\/a\/\d#\d: command "no-such-program" is not in PATH/,
    );
    assert.match(flat, /install it on n\d, or correct spec\.command/);
    assert.deepEqual(
      cluster.programs().map(({ pid }) => pid),
      before,
    );
  });

  test('a port that something else listens on: a clear error, and the listener is left alone', async (t) => {
    const server = createServer();
    t.after(() => new Promise((done) => server.close(done)));
    await new Promise<void>((done) => server.listen(24_405, '127.0.0.1', done));
    const ported = sleeper({ name: 'a', replicas: 1, extra: ['ports: [{name: http, port: 24405, publish: 24405}]'] });
    const cluster = await makeCluster(t, { 'cluster.yaml': two(24_400), 'a.yaml': ported }, directory);
    const { code, stdout, stderr } = await cluster.muster(applyNow);
    assert.ok(code === 3 || code === 6, `${code} ${stdout}${stderr}`);
    assert.match(stdout + stderr, /port 24405/);
    assert.deepEqual(instances(cluster), []);
    assert.equal(server.listening, true);
  });

  test('an embedded store has one writer: a second apply exits 4 and says who and since when, or waits', async (t) => {
    const update = '{groups: [100%], observe: 0s, healthyDeadline: 10m}';
    const a = { name: 'a', replicas: 2, update };
    const cluster = await applied(t, { 'cluster.yaml': two(24_500), 'a.yaml': sleeper(a) });
    const go = join(cluster.folder, 'go');
    cluster.commit({ 'a.yaml': () => sleeper({ ...a, version: '2', extra: [heldUntil(go)] }) });
    const running = cluster.start(applyNow);
    await until('the first apply works', () => running.output().stderr.includes('wave 1'));
    const second = await cluster.muster(applyNow);
    assert.equal(second.code, 4, second.stderr);
    assert.match(
      second.stderr,
      new RegExp(`process ${running.child.pid} since 20\\d\\d-\\d\\d-\\d\\dT[\\d:.]+Z \\(muster apply`),
    );
    assert.equal((await cluster.muster(['status'])).code, 0, 'reading goes on');
    const third = cluster.start([...applyNow, '--lock-timeout', '120s']);
    await until('the third waits', () => /Waiting: .* is open for writing by process/.test(third.output().stderr));
    writeFileSync(go, '');
    assert.equal((await running.finished).code, 0);
    const waited = await third.finished;
    assert.equal(waited.code, 0, waited.stderr);
    assert.match(waited.stdout, /^No changes\./m);
    assert.deepEqual(instances(cluster), ['default/a/0', 'default/a/1']);
  });

  test('a truncated store file: a clear error, exit code 1, and nothing that runs is touched', async (t) => {
    const cluster = await applied(t, {
      'cluster.yaml': two(24_600),
      'a.yaml': sleeper({ name: 'a', replicas: 2, update: quick }),
    });
    const before = cluster.programs().map(({ pid }) => pid);
    const file = join(cluster.state, 'store/store/data.mdb');
    truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096);
    const cut = readFileSync(file);
    for (const args of [['plan'], ['status'], applyNow]) {
      const { code, stderr } = await cluster.muster(args);
      assert.equal(code, 1, `${args[0]}: ${stderr}`);
      assert.match(stderr, /data\.mdb is damaged: it was cut off[\s\S]*What runs is not touched[\s\S]*backup/, args[0]);
      assert.doesNotMatch(stderr, /unexpected/);
    }
    assert.deepEqual(readFileSync(file), cut, 'evidence is kept');
    assert.deepEqual(
      cluster.programs().map(({ pid }) => pid),
      before,
    );
  });

  test("an instance's directory that was removed by hand: shown as drift, healed, and not doubled", async (t) => {
    const cluster = await applied(t, {
      'cluster.yaml': two(24_700),
      'a.yaml': sleeper({ name: 'a', replicas: 2, update: quick }),
    });
    const victim = cluster.programs().find(({ instance }) => instance === 'default/a/0');
    assert.ok(victim);
    rmSync(join(cluster.state, 'nodes', victim.node, 'tiny.default.a.0.g1'), { recursive: true });
    const status = await cluster.muster(['status', '--detailed-exitcode']);
    assert.equal(status.code, 2);
    assert.match(status.stdout, /missing/);
    const heal = await cluster.muster(applyNow);
    assert.equal(heal.code, 0, heal.stderr);
    await until('the program without an object has ended', () => instances(cluster).length === 2);
    assert.deepEqual(instances(cluster), ['default/a/0', 'default/a/1']);
    assert.equal((await cluster.muster(['plan', '--detailed-exitcode'])).code, 0);
  });

  test('a directory of somebody else with the name of an object: never touched, clear error', async (t) => {
    const cluster = await makeCluster(
      t,
      { 'cluster.yaml': two(24_800), 'a.yaml': sleeper({ name: 'a', replicas: 1, update: quick }) },
      directory,
    );
    const files = ['n1', 'n2'].map((node) => join(cluster.state, 'nodes', node, 'tiny.default.a.0.g1/precious.txt'));
    for (const file of files) {
      mkdirSync(join(file, '..'), { recursive: true });
      writeFileSync(file, 'mine');
    }
    const { code, stderr } = await cluster.muster(applyNow);
    assert.equal(code, 6, stderr);
    assert.match(
      stderr.replaceAll(/\s+/g, ' '),
      /tiny\.default\.a\.0\.g1 exists and is not an object of this cluster; it was left as it is/,
    );
    for (const file of files) assert.equal(readFileSync(file, 'utf8'), 'mine');
    assert.deepEqual(instances(cluster), []);
  });

  test('an empty repo removes nothing: without workloads it is refused, without a cluster it is an error', async (t) => {
    const cluster = await applied(t, {
      'cluster.yaml': two(24_900),
      'a.yaml': sleeper({ name: 'a', replicas: 2, update: quick }),
    });
    const before = cluster.programs().map(({ pid }) => pid);
    cluster.commit({ 'a.yaml': () => '' });
    const { code, stdout } = await cluster.muster(applyNow);
    assert.equal(code, 3, stdout);
    assert.match(stdout, /Refactor/);
    cluster.commit({ 'cluster.yaml': () => '' });
    const empty = await cluster.muster(applyNow);
    assert.equal(empty.code, 1);
    assert.match(empty.stderr, /there is no Cluster document/);
    assert.deepEqual(
      cluster.programs().map(({ pid }) => pid),
      before,
    );
  });
});

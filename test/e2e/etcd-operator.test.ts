import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openStore, parseStoreLocation } from '../../src/store/open.ts';
import { maxOperations, type Operation, type Store } from '../../src/store/store.ts';
import { freePort, needsDocker } from '../bed/docker.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { until } from './cli.ts';
import { applyNow, assertConverged, type DockerCluster, instancesOf, makeDockerCluster, server } from './containers.ts';

const needs = { ...needsEtcd(), ...(await needsDocker()) };

/** What operators do when it is serious, against real components. */
describe('operators of a Docker cluster on etcd', { ...needs, concurrency: 3 }, () => {
  let etcd: EtcdServer;
  before(async () => {
    etcd = await startEtcd();
  });
  after(() => etcd.stop());

  for (const word of ['retry', 'skip', 'abandon'] as const) {
    test(`a unit is stuck because its undo meets a taken port: shown, and unit ${word} gets it out`, async (t) => {
      const { cluster, holder } = await stuck(t, etcd);
      const list = await cluster.muster(['unit', 'list']);
      assert.match(list.stdout, /default\/web.*stuck/);
      const shown = await cluster.muster(['unit', 'show', 'default/web']);
      assert.match(shown.stdout, /port \d+ on d1 is taken by a process of that host/);
      assert.match(shown.stdout, /muster unit retry/);
      const other = { ...(await cluster.muster(['plan'])) };
      assert.match(unwrapped(other.stdout + other.stderr), /default\/web/, 'its workload alone is held up');

      if (word === 'retry') {
        const early = await cluster.muster(['unit', 'retry', 'default/web']);
        assert.equal(early.code, 7, `it is stuck again as long as the port is taken: ${early.stdout}${early.stderr}`);
      } else {
        const reason = ['--reason', 'the port is gone for good'];
        const done = await cluster.muster(['unit', word, 'default/web', ...reason]);
        assert.ok(done.code === 0 || done.code === 6, `${done.code} ${done.stdout}${done.stderr}`);
      }
      holder.close();
      await once(holder, 'close');
      if (word === 'retry') {
        const again = await cluster.muster(['unit', 'retry', 'default/web']);
        assert.equal(again.code, 6, `undone at last: ${again.stdout}${again.stderr}`);
      }
      assert.equal((await cluster.muster(['unit', 'list'])).stdout, 'No unit is in flight.\n');
      // What was left still holds the port in the first plan, which takes it away; the second uses it.
      if (word !== 'retry') assert.equal((await cluster.apply()).code, 3);
      const next = await cluster.apply();
      assert.equal(next.code, 0, next.stdout + next.stderr);
      await assertConverged(cluster, ['default/web/0']);
      const [container] = await cluster.containers();
      assert.match(container?.image ?? '', /:1$/, 'the revision that failed its gate is not tried again');
      assert.match((await cluster.muster(['store', 'check'])).stdout, /Sound/);
    });
  }

  test(
    'a policy wants two approvers: the same person twice is one, another user is the second',
    needsRoot(),
    async (t) => {
      const files = { 'web.yaml': server({ name: 'web', replicas: 2 }), 'policy.yaml': fourEyes };
      const cluster = await makeDockerCluster(t, { etcd, files });
      assert.equal((await cluster.apply()).code, 0);
      cluster.commit({ 'web.yaml': () => server({ name: 'web', replicas: 2, version: '2' }) });
      const plan = join(cluster.folder, 'plan.json');
      await cluster.muster(['plan', '--out', plan]);
      const refused = await cluster.muster(['apply', plan]);
      assert.equal(refused.code, 3, refused.stderr);
      assert.match(unwrapped(refused.stderr), /0 of 2 given/);
      for (const _time of [1, 2]) {
        const first = await cluster.muster(['approve', plan, '--reason', 'read it']);
        assert.match(unwrapped(first.stdout + first.stderr), /Not met yet: .*1 of 2 given/);
      }
      assert.equal((await cluster.muster(['apply', plan])).code, 3);

      chmodSync(cluster.folder, 0o755);
      const cache = { HOME: '/nonexistent', MUSTER_CACHE_DIR: join('/tmp', `muster-nobody-${process.pid}`) };
      const asNobody = ['setpriv', '--reuid', 'nobody', '--clear-groups'];
      const second = await cluster.start(['approve', plan], cache, asNobody).finished;
      assert.equal(second.code, 0, second.stderr);
      assert.match(unwrapped(second.stdout + second.stderr), /nobody@\S+ approves plan .*Met: .*2 of 2 given/);
      const applied = await cluster.muster(['apply', plan]);
      assert.equal(applied.code, 0, applied.stderr);
      await assertConverged(cluster, instancesOf('default/web', 2));
      const { stdout } = await cluster.muster(['history', '--limit', '1']);
      assert.match(unwrapped(stdout), /approved by .*nobody@/);
    },
  );

  test('a store that a muster run leads is not restored: it says who leads, and nothing is changed', async (t) => {
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': server({ name: 'web', replicas: 1 }) } });
    const running = cluster.start(['run', '--listen', '127.0.0.1:0', '--interval', '300ms']);
    await until('it has applied', () => running.output().stdout.includes('"msg":"applied"'));
    const file = join(cluster.folder, 'backup');
    assert.equal((await cluster.muster(['store', 'backup', file])).code, 0);
    const records = recordsOf(etcd, cluster);
    const refused = await cluster.muster(['store', 'restore', file, '--replace', '--auto-approve']);
    assert.equal(refused.code, 4, refused.stderr);
    assert.match(
      refused.stderr,
      new RegExp(`muster run of .* \\(process ${running.child.pid} on .*\\) holds the lock since`),
    );
    assert.match(unwrapped(refused.stderr), /It applies what is merged and heals by itself/);
    assert.deepEqual(recordsOf(etcd, cluster), records);
    running.child.kill('SIGTERM');
    assert.equal((await running.finished).code, 0);
    const restored = await cluster.muster(['store', 'restore', file, '--replace', '--auto-approve']);
    assert.equal(restored.code, 0, restored.stderr);
    await assertConverged(cluster, ['default/web/0']);
  });

  test('kill -9 in the middle of a restore: everybody is kept out, a second restore does it whole', async (t) => {
    const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': server({ name: 'web', replicas: 2 }) } });
    assert.equal((await cluster.apply()).code, 0);
    const store = await openStore({
      location: parseStoreLocation(`${etcd.endpoint.replace('http', 'etcd')}/muster`),
      cluster: cluster.name,
      mode: 'beside',
    });
    t.after(() => store.close());
    await writeOld(store);
    const file = join(cluster.folder, 'backup');
    assert.equal((await cluster.muster(['store', 'backup', file])).code, 0);
    const containers = await cluster.containers();
    const sound = (await store.range('')).entries.length;

    for (let attempt = 0, cut = 0; cut < 2; attempt += 1) {
      assert.ok(attempt < 10, 'the moment was never met');
      await deleteOld(store);
      if (await killedInTheMiddle(cluster, store, attempt)) cut += 1;
      else continue;
      const half = (await store.range('')).entries.length;
      assert.ok(half < sound, `${half} of ${sound} records are there`);
      for (const args of [['status'], ['plan'], [...applyNow, '--lock-timeout', '60s'], ['store', 'check']]) {
        const { code, stderr } = await cluster.muster(args);
        assert.equal(code, 1, `${args[0]}: ${stderr}`);
        assert.match(stderr, /error\[MUS2010\]: .* is being restored since 2/, args[0]);
      }
      // Without --replace: what is half done has nothing to lose.
      const second = await cluster.muster(['store', 'restore', file, '--lock-timeout', '60s']);
      assert.equal(second.code, 0, second.stderr);
      assert.match(unwrapped(second.stderr), /A restore was interrupted here.*the epoch is \d+\./);
      assert.equal((await store.range('')).entries.filter(({ key }) => key !== 'leader').length, sound);
      await assertConverged(cluster, instancesOf('default/web', 2));
      assert.deepEqual(await cluster.containers(), containers, 'nothing that runs was touched');
    }
  });
});

/** Long messages are wrapped; what they say is not a matter of line ends. */
const unwrapped = (text: string): string => text.replaceAll(/\s+/g, ' ');

/** Another user can only be had by root. */
function needsRoot(): { readonly skip?: string } {
  if (process.getuid?.() === 0) return {};
  const skip = 'running a command as another user needs root';
  if (process.env['CI'] === 'true') throw new Error(skip);
  return { skip };
}

const fourEyes = `apiVersion: muster/v1
kind: Policy
metadata: {name: four-eyes}
spec: {approvals: [{when: recreate, approvers: 2, expires: 1h}]}
`;

/** Version 2 stops version 1 first and never gets healthy; meanwhile somebody takes the port of version 1. */
async function stuck(
  t: { after(clean: () => void | Promise<void>): void },
  etcd: EtcdServer,
): Promise<{ readonly cluster: DockerCluster; readonly holder: Server }> {
  const port = await freePort();
  const first = server({ name: 'web', replicas: 1, extra: [`ports: [{name: http, port: 8080, publish: ${port}}]`] });
  const second = server({
    name: 'web',
    replicas: 1,
    version: '2',
    update: '{groups: [100%], observe: 0s, healthyDeadline: 6s, order: stop-first}',
    extra: ['health: {exec: {command: ["false"]}, interval: 500ms, timeout: 20s, healthyAfter: 1}'],
  });
  const cluster = await makeDockerCluster(t, { etcd, files: { 'web.yaml': first } });
  const { code, stderr } = await cluster.apply();
  assert.equal(code, 0, stderr);
  cluster.commit({ 'web.yaml': () => second });
  const apply = cluster.start(applyNow);
  const holder = createServer();
  t.after(() => void holder.close());
  await until('the old one has left its port', async () => {
    const [old] = (await cluster.containers()).filter(({ generation }) => generation === 1);
    return old?.state === 'exited';
  });
  await until('the port is free', () => listens(holder, port));
  const ended = await apply.finished;
  assert.equal(ended.code, 7, ended.stderr);
  assert.match(unwrapped(ended.stderr), /could not be undone: .*port \d+ on d1 is taken/);
  return { cluster, holder };
}

function listens(holder: Server, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    holder.once('error', () => resolve(false));
    holder.listen(port, '127.0.0.1', () => resolve(true));
  });
}

const recordsOf = (etcd: EtcdServer, cluster: DockerCluster): readonly string[] =>
  etcd
    .ctl('get', '--prefix', `/muster/${cluster.name}/`)
    .split('\n')
    .filter((line) => line !== '');

/** So many that a restore takes some hundred transactions. */
const oldRecords = 20_000;

/** What is there already, again and again below other names: as a large cluster's revisions would be. */
async function writeOld(store: Store): Promise<void> {
  const [like] = (await store.range('revision/')).entries;
  assert.ok(like);
  const hash = like.key.split('/').at(-1);
  await inParts(store, (index) => ({ kind: 'put', key: `revision/old/web-${index}/${hash}`, value: like.value }));
}

async function deleteOld(store: Store): Promise<void> {
  const { entries } = await store.range('revision/old/');
  await inParts(store, (index) => ({ kind: 'delete', key: entries[index]?.key ?? `none/${index}` }));
}

async function inParts(store: Store, operation: (index: number) => Operation): Promise<void> {
  for (let from = 0; from < oldRecords; from += maxOperations) {
    const operations = Array.from({ length: maxOperations }, (_, index) => operation(from + index));
    await store.txn({ compares: [], operations });
  }
}

/** Some time after the mark is there; false where the restore was faster, or had done nothing yet. */
async function killedInTheMiddle(cluster: DockerCluster, store: Store, attempt: number): Promise<boolean> {
  const file = join(cluster.folder, 'backup');
  const restore = cluster.start(['store', 'restore', file, '--replace', '--auto-approve', '--lock-timeout', '60s']);
  await until('the restore has begun', async () => {
    return restore.child.exitCode !== null || (await store.get('restoring')) !== undefined;
  });
  await sleep(attempt * 50);
  restore.child.kill('SIGKILL');
  await restore.finished;
  return (await store.get('restoring')) !== undefined;
}

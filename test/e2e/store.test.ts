import assert from 'node:assert/strict';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { StoreCheck } from '../../src/model/store-check.ts';
import { openStore, parseStoreLocation } from '../../src/store/open.ts';
import type { Operation } from '../../src/store/store.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type Cluster, makeCluster } from './cli.ts';
import { clusterFile, sleeper } from './repo.ts';

interface Bed {
  readonly cluster: Cluster;
  readonly location: string;
  /** Runs `muster …`, which has to end with this code; returns both outputs. */
  ok(args: readonly string[], code?: number): Promise<string>;
  /** Writes past Muster, as no Muster would. */
  tamper(operations: readonly Operation[]): Promise<void>;
}

async function bedOf(
  t: Parameters<typeof makeCluster>[0],
  options: { readonly firstPort: number; readonly store?: string },
): Promise<Bed> {
  const { firstPort, store } = options;
  const cluster = await makeCluster(t, {
    'cluster.yaml': clusterFile({ nodes: ['n1', 'n2'], firstPort }),
    'web.yaml': sleeper({ name: 'web', replicas: 2, extra: ['ports: [{name: http, port: 80, publish: auto}]'] }),
  });
  const location = store ?? `embedded:${join(cluster.state, 'store')}`;
  return {
    cluster,
    location,
    ok: async (args, code = 0) => {
      const { code: ended, stdout, stderr } = await cluster.muster(args, { MUSTER_STORE: location });
      assert.equal(ended, code, `muster ${args.join(' ')}\n${stdout}${stderr}`);
      return `${stdout}${stderr}`;
    },
    tamper: async (operations) => {
      const opened = await openStore({ location: parseStoreLocation(location), cluster: 'tiny', mode: 'beside' });
      try {
        assert.ok((await opened.txn({ compares: [], operations })).succeeded);
      } finally {
        await opened.close();
      }
    },
  };
}

async function checks({ ok, tamper }: Bed): Promise<void> {
  assert.match(await ok(['store', 'check']), /Sound: 0 records/);
  await ok(['apply', '--auto-approve']);
  const sound = JSON.parse(await ok(['store', 'check', '-o', 'json'])) as StoreCheck;
  assert.deepEqual(sound.findings, []);
  assert.ok(sound.records > 5, JSON.stringify(sound));
  await tamper([{ kind: 'put', key: 'notes/ours', value: 'hello' }]);
  assert.match(await ok(['store', 'check']), /warning\[MUS2102\].*notes\/ours/);
  await tamper([{ kind: 'delete', key: 'workload/default/web' }]);
  const said = await ok(['store', 'check'], 1);
  assert.match(said, /error\[MUS2103\] {2}default\/web\/0#1: the allocation's workload default\/web is recorded/);
  assert.match(said, /2 errors in .*; 1 warning\.\s+Nothing\s+was\s+changed\./);
}

/** A backup, two commits of life, and back. */
async function restores(bed: Bed): Promise<void> {
  const { cluster, ok, tamper } = bed;
  const file = join(cluster.folder, 'backup');
  await ok(['apply', '--auto-approve']);
  assert.match(await ok(['store', 'backup', file]), /Wrote .* records of/);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(await ok(['store', 'backup', file], 1), /error\[MUS2011\]: .* is there already; nothing was written/);
  await ok(['store', 'backup', file, '--force']);
  const before = cluster.programs();

  assert.match(
    await ok(['store', 'restore', file], 1),
    /error\[MUS2012\]: .*\(2 allocations, 1 workload, 1 finished run\)/,
  );
  assert.match(await ok(['store', 'restore', file, '--replace'], 1), /nobody can be asked/);
  await tamper([
    { kind: 'put', key: 'workload/default/web', value: 'damaged' },
    { kind: 'put', key: 'notes/ours', value: 'hello' },
  ]);
  await ok(['status'], 1);
  assert.match(await ok(['store', 'restore', file, '--replace', '--auto-approve']), /the epoch is 2\./);
  assert.match(await ok(['store', 'check']), /Sound/);
  assert.deepEqual(cluster.programs(), before, 'nothing that runs was touched');
  assert.match(await ok(['apply', '--auto-approve']), /No changes/);

  // As if the restore had been killed in the middle: everybody is kept out until it is run again.
  await tamper([
    { kind: 'put', key: 'restoring', value: '{"since":0}' },
    { kind: 'delete', key: 'workload/default/web' },
  ]);
  for (const args of [
    ['status'],
    ['plan'],
    ['apply', '--auto-approve'],
    ['store', 'check'],
    ['store', 'backup', `${file}2`],
  ])
    assert.match(await ok(args, 1), /error\[MUS2010\]: .* is being restored since 1970/, args.join(' '));
  assert.match(await ok(['store', 'restore', file]), /A restore was interrupted here[\s\S]*the epoch is 3\./);
  assert.match(await ok(['apply', '--auto-approve']), /No changes/);

  const text = readFileSync(file, 'utf8');
  writeFileSync(`${file}-changed`, text.replace('"replicas', '"Replicas').replace('live', 'lost'));
  assert.match(await ok(['store', 'restore', `${file}-changed`], 1), /error\[MUS2011\]: .* damaged or cut short/);
  writeFileSync(`${file}-cut`, text.slice(0, -100));
  assert.match(await ok(['store', 'restore', `${file}-cut`], 1), /error\[MUS2011\]: .* damaged or cut short/);
}

describe('muster store', () => {
  test('a backup is restored into a store that was damaged, and nothing that runs is touched', async (t) => {
    await restores(await bedOf(t, { firstPort: 27_540 }));
  });

  test('with etcd, too', needsEtcd(), async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    await restores(await bedOf(t, { firstPort: 27_560, store: `${etcd.endpoint.replace('http', 'etcd')}/back` }));
  });

  test('a store that somebody leads is not restored, and it is said who leads', async (t) => {
    const { cluster, ok, location } = await bedOf(t, { firstPort: 27_580 });
    const file = join(cluster.folder, 'backup');
    await ok(['apply', '--auto-approve']);
    await ok(['store', 'backup', file]);
    const store = await openStore({ location: parseStoreLocation(location), cluster: 'tiny', mode: 'write' });
    try {
      const said = await ok(['store', 'restore', file, '--replace', '--auto-approve'], 4);
      assert.match(said, new RegExp(`error\\[MUS2005\\]: .*${process.pid}`));
    } finally {
      await store.close();
    }
  });

  test('check tells a sound store from one that was tampered with', async (t) => {
    await checks(await bedOf(t, { firstPort: 27_500 }));
  });

  test('check does so with etcd', needsEtcd(), async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    await checks(await bedOf(t, { firstPort: 27_520, store: `${etcd.endpoint.replace('http', 'etcd')}/check` }));
  });
});

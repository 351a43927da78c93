import assert from 'node:assert/strict';
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

describe('muster store', () => {
  test('check tells a sound store from one that was tampered with', async (t) => {
    await checks(await bedOf(t, { firstPort: 27_500 }));
  });

  test('check does so with etcd', needsEtcd(), async (t) => {
    const etcd = await startEtcd();
    t.after(() => etcd.stop());
    await checks(await bedOf(t, { firstPort: 27_520, store: `${etcd.endpoint.replace('http', 'etcd')}/check` }));
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openStore, parseStoreLocation } from '../../src/store/open.ts';
import { needsEtcd } from '../bed/etcd.ts';
import { startEtcdMembers } from '../bed/etcd-members.ts';

const writes = 60;

describe('three members of etcd, one of which hangs', needsEtcd(), () => {
  it('it is passed over: writes and reads wait for it once in a while, not every third time', async (t) => {
    const etcd = await startEtcdMembers();
    t.after(() => etcd.stop());
    const location = parseStoreLocation(`${etcd.endpoint.replace('http', 'etcd')}/members`);
    const store = await openStore({ location, cluster: 'c', mode: 'write' });
    t.after(() => store.close());
    const leader = await etcd.leader();
    const [hung] = etcd.members.filter((_, index) => index !== leader);
    assert.ok(hung);
    hung.pause();
    t.after(() => hung.resume());
    const began = performance.now();
    for (let index = 0; index < writes; index += 1) {
      const { succeeded } = await store.txn({
        compares: [],
        operations: [{ kind: 'put', key: `k${index}`, value: '' }],
      });
      assert.ok(succeeded);
      assert.ok(await store.get(`k${index}`));
    }
    const tookMs = performance.now() - began;
    t.diagnostic(`${writes} writes and reads in ${(tookMs / 1000).toFixed(1)} s`);
    // Asked every third time, it would hold up forty calls for three seconds each.
    assert.ok(tookMs < 30_000, `${tookMs} ms`);
    hung.resume();
    await etcd.healthy();
    assert.equal((await store.range('k')).entries.length, writes);
  });
});

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { putOverrides } from '../../src/reconcile/overrides.ts';
import { prefixes } from '../../src/store/keys.ts';
import { maxOperations, type Store } from '../../src/store/store.ts';
import { needsEtcd, startEtcd } from '../bed/etcd.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';

const nodes = ['n1', 'n2', 'n3', 'n4'];
/** What `muster history` can show. */
const mostHistory = 200;
/** The last good one and ten before it. */
const mostGood = 11;

const web = (version: number, replicas = 1): Desired =>
  desiredOf(nodes, [workloadOf('web', { replicas, version: String(version), healthyDeadlineMs: 3_600_000 })]);

async function open(t: TestContext): Promise<Bench> {
  const etcd = await startEtcd();
  t.after(() => etcd.stop());
  const location = { kind: 'etcd', endpoints: [etcd.endpoint], prefix: '/muster' } as const;
  const bench = await openBench(nodes, { location });
  t.after(() => bench.close());
  return bench;
}

const below = async ({ store }: Bench, prefix: string): Promise<readonly string[]> =>
  (await store.range(prefix)).entries.map(({ key }) => key);

/** Every transaction of a store, from now on. */
function watchTransactions(store: Store): readonly number[] {
  const operations: number[] = [];
  const txn = store.txn.bind(store);
  store.txn = (transaction) => {
    operations.push(transaction.operations.length);
    return txn(transaction);
  };
  return operations;
}

describe('what the store has to take, on etcd', needsEtcd(), () => {
  it('what clusters have been in their lives does not add up: journals, history, revisions and approvals are bounded', async (t) => {
    const bench = await open(t);
    const rollouts = mostHistory + 10;
    for (let version = 1; version <= rollouts; version += 1) await bench.run(web(version));
    assert.deepEqual(await below(bench, prefixes.runs), []);
    assert.equal((await below(bench, prefixes.history)).length, mostHistory);
    assert.equal((await below(bench, prefixes.revisions)).length, mostGood);
    assert.equal((await below(bench, prefixes.allocations)).length, 1);
    const all = await below(bench, '');
    assert.equal(all.length, mostHistory + mostGood + 3, 'and the format, the workload and its allocation');
  });

  it('what a workload is pinned to stays, however old it is', async (t) => {
    const bench = await open(t);
    await bench.run(web(1));
    const [first = ''] = await below(bench, prefixes.revisions);
    const revision = web(1).workloads[0]?.revisionHash;
    assert.ok(revision && first.endsWith(revision));
    for (let version = 2; version <= mostGood; version += 1) await bench.run(web(version));
    const pin = { id: 'pin/default/web', kind: 'pin', target: 'default/web', revision } as const;
    await putOverrides(bench.store, [{ ...pin, actor: 'a', reason: 'r', until: bench.clock.now() + 3_600_000 }]);
    for (let version = mostGood + 1; version <= mostGood + 4; version += 1) await bench.run(web(version));
    assert.ok((await below(bench, prefixes.revisions)).includes(first));
  });

  it('an apply of many writes few revisions, and never a transaction that etcd would not take', async (t) => {
    const bench = await open(t);
    const instances = 200;
    const operations = watchTransactions(bench.store);
    const before = (await bench.store.range('format')).revision;
    const { outcome } = await bench.run(web(1, instances));
    assert.deepEqual(
      outcome.units.map(({ state }) => state),
      ['done'],
    );
    const revisions = (await bench.store.range('format')).revision - before;
    t.diagnostic(
      `${(revisions / instances).toFixed(2)} store revisions an instance, at most ${Math.max(...operations)} operations a transaction`,
    );
    // Alone, each would take ten: started and done of five effects.
    assert.ok(revisions / instances < 3, `${revisions} revisions for ${instances} instances`);
    assert.ok(Math.max(...operations) <= maxOperations);
    assert.ok(Math.max(...operations) > maxOperations / 2, 'writes go together');
  });

  it('workloads that are alike have each a record of their revision', async (t) => {
    const bench = await open(t);
    const one = workloadOf('one', { replicas: 1, version: '1' });
    const other = { ...workloadOf('other', { replicas: 1, version: '1' }), revisionHash: one.revisionHash };
    await bench.run(desiredOf(nodes, [one, other]));
    assert.deepEqual(await below(bench, prefixes.revisions), [
      `revision/default/one/${one.revisionHash}`,
      `revision/default/other/${one.revisionHash}`,
    ]);
  });
});

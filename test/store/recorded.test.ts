import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import {
  allocationId,
  clusterUid,
  instanceId,
  nodeName,
  revisionHash,
  runId,
  unitOf,
  workloadId,
} from '../../src/model/ids.ts';
import type { Allocation, Override, RecordedNode, RecordedWorkload } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';
import { systemClock } from '../../src/reconcile/clock.ts';
import { keys, parseAllocationKey, parseUnitStatusKey } from '../../src/store/keys.ts';
import { acquireLeadership } from '../../src/store/leader.ts';
import { openStore } from '../../src/store/open.ts';
import {
  encodeAllocation,
  encodeNode,
  encodeOverride,
  encodeRevision,
  encodeWorkload,
  initialiseCluster,
  loadRecorded,
  openRecords,
  readIdentity,
} from '../../src/store/recorded.ts';
import { maxOperations, type Operation, type Store, StoreError } from '../../src/store/store.ts';

const checkout = workloadId('payments', 'checkout');
const hash = revisionHash('0123456789abcdef');

const revision: Revision = {
  engine: 'process',
  command: ['/bin/checkout'],
  args: [],
  env: { LOG_LEVEL: 'info' },
  resources: { cpuMillis: 500, memoryBytes: 1, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 500, memoryBytes: 'unlimited' },
  ports: [],
  stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
  restart: 'on-failure',
};

function allocation(ordinal: number, generation: number, more: Partial<Allocation> = {}): Allocation {
  const instance = instanceId(checkout, ordinal);
  return {
    id: allocationId(instance, generation),
    instance,
    workload: checkout,
    ordinal,
    generation,
    node: nodeName('web-a-01'),
    engine: 'process',
    revision: hash,
    state: 'live',
    holds: { cpuMillis: 500, memoryBytes: 1, storageBytes: 0, ports: { http: 31_001 } },
    ...more,
  };
}

describe('recorded', () => {
  const directory = mkdtempSync(join(tmpdir(), 'muster-recorded-'));
  after(() => rmSync(directory, { recursive: true, force: true }));
  let count = 0;
  const withStore = async (work: (store: Store) => Promise<void>): Promise<void> => {
    count += 1;
    const location = { kind: 'embedded', path: join(directory, `${count}`) } as const;
    const store = await openStore({ location, cluster: 'prod', mode: 'write' });
    try {
      await work(store);
    } finally {
      await store.close();
    }
  };
  const put = (key: string, value: string): Operation => ({ kind: 'put', key, value });
  const write = (store: Store, ...operations: readonly Operation[]) => store.txn({ compares: [], operations });

  it('that is read again and again is the very same as long as nobody writes, and keeps every record that nobody wrote', async () => {
    await withStore(async (store) => {
      const record = (own: Allocation): Operation => put(keys.allocation(own.id), encodeAllocation(own));
      await initialiseCluster(store, { uid: clusterUid('11111111-1111-4111-8111-111111111111') });
      await write(store, put(keys.revision(checkout, hash), encodeRevision(revision)));
      await write(store, record(allocation(0, 1)), record(allocation(1, 2)), record(allocation(2, 3)));
      const load = openRecords(store);
      const first = await load();
      assert.equal(await load(), first);

      await write(store, record(allocation(1, 2, { state: 'stopping' })));
      await write(store, { kind: 'delete', key: keys.allocation(allocation(2, 3).id) });
      const second = await load();
      assert.deepEqual(second, await loadRecorded(store), 'as if it were read for the first time');
      assert.equal(second.allocations[0], first.allocations[0]);
      assert.notEqual(second.allocations[1], first.allocations[1]);
      assert.equal(second.revisions.get(hash), first.revisions.get(hash));
      assert.equal(await load(), second);

      // Written back as it was: another record all the same.
      await write(store, record(allocation(2, 3)), record(allocation(1, 2)));
      assert.deepEqual((await load()).allocations, first.allocations);
      assert.deepEqual(await load(), await loadRecorded(store));

      await write(store, put(keys.allocation(allocation(1, 2).id), '{}'));
      for (let time = 0; time < 2; time += 1) await assert.rejects(load, /cannot be read: holds are missing/);
    });
  });

  it('an empty store is an empty record', () =>
    withStore(async (store) => {
      const recorded = await loadRecorded(store);
      assert.equal(recorded.identity, undefined);
      assert.equal(recorded.allocations.length + recorded.workloads.size + recorded.inFlight.length, 0);
    }));

  it('loads what was encoded, sorted by number, and leaves out what it does not know', () =>
    withStore(async (store) => {
      const workload: RecordedWorkload = {
        lastGood: hash,
        failed: [{ revision: hash, at: 5, reason: 'gate' }],
        nextGeneration: 12,
        missingSince: 7,
      };
      const node: RecordedNode = { capacity: { cpuMillis: 4000 }, liveness: { state: 'alive', since: 3 } };
      const override: Override = {
        id: 'o1',
        kind: 'cordon',
        target: 'web-a-01',
        actor: 'alice',
        reason: 'DIMM 3',
        until: 9,
      };
      const allocations = [
        allocation(2, 9, { state: 'held', heldSince: 11, objectId: '77:123' }),
        allocation(10, 1),
        allocation(10, 11, { state: 'reserved', lateCalls: ['create'] }),
      ];
      const foreign = JSON.stringify({ ...JSON.parse(encodeAllocation(allocation(0, 1))), later: true });
      await write(
        store,
        put(keys.workload(checkout), encodeWorkload(workload)),
        put(keys.node(nodeName('web-a-01')), encodeNode(node)),
        put(keys.override('o1'), encodeOverride(override)),
        put(keys.revision(checkout, hash), encodeRevision(revision)),
        put(keys.allocation(allocation(0, 1).id), foreign),
        ...allocations.map((each) => put(keys.allocation(each.id), encodeAllocation(each))),
        put('of-a-later-version/x', 'not json'),
      );
      const done = await write(
        store,
        put(keys.unitStatus(runId('r1'), unitOf(checkout)), JSON.stringify({ state: 'stuck', since: 4 })),
        put(keys.unitStatus(runId('r2'), unitOf(checkout)), JSON.stringify({ state: 'done' })),
        put(keys.unitStatus(runId('r3'), unitOf(checkout)), JSON.stringify({ state: 'undone' })),
        put(keys.unitStatus(runId('r4'), unitOf(checkout)), JSON.stringify({ state: 'skipped' })),
        put(keys.journal(runId('r1'), unitOf(checkout), 0), 'anything'),
      );
      const recorded = await loadRecorded(store);
      assert.equal(recorded.storeRevision, done.revision);
      assert.deepEqual(recorded.allocations, [allocation(0, 1), ...allocations]);
      assert.deepEqual([...recorded.workloads], [[checkout, workload]]);
      assert.deepEqual([...recorded.nodes], [['web-a-01', node]]);
      assert.deepEqual([...recorded.revisions], [[hash, revision]]);
      assert.deepEqual(recorded.overrides, [override]);
      assert.deepEqual(recorded.inFlight, [{ run: 'r1', unit: 'payments/checkout', status: 'stuck' }]);
    }));

  it('a record that cannot be read is named, not passed over', () =>
    withStore(async (store) => {
      const key = keys.allocation(allocation(0, 1).id);
      for (const value of [
        '',
        'null',
        '{}',
        '{"node":"a"',
        encodeAllocation(allocation(0, 1)).replace('"live"', '"alive"'),
      ]) {
        await write(store, put(key, value));
        await assert.rejects(
          loadRecorded(store),
          (error) => error instanceof StoreError && error.code === 'corrupt' && error.message.includes(key),
        );
      }
    }));

  it('a cluster gets its uid once, fenced by the leader’s token', () =>
    withStore(async (store) => {
      const holder = { actor: 'alice', pid: 1, host: 'desk', command: 'muster apply' };
      const lead = () =>
        acquireLeadership(store, {
          holder,
          clock: systemClock,
          ttlMs: 5000,
          waitMs: 0,
          signal: new AbortController().signal,
        });
      const old = await lead();
      await old.release();
      await assert.rejects(initialiseCluster(store, { uid: clusterUid('late'), fence: old.compare }), {
        code: 'locked',
      });
      const { token, compare: fence } = await lead();
      assert.match(token, /^1\.\d+$/);
      const identity = await initialiseCluster(store, { uid: clusterUid('one'), fence });
      assert.deepEqual(identity, { formatVersion: '1.0', uid: 'one', epoch: 1 });
      assert.deepEqual(await initialiseCluster(store, { uid: clusterUid('two'), fence }), identity);
      assert.deepEqual((await loadRecorded(store)).identity, identity);
    }));

  it('a leader of an earlier epoch writes nothing to a restored store, also where the revisions are the same again', () =>
    withStore((before) =>
      withStore(async (restored) => {
        const format = (epoch: number) => put(keys.format, JSON.stringify({ formatVersion: '1.0', uid: 'u', epoch }));
        await write(before, format(1));
        await write(restored, format(2));
        const lead = (store: Store) =>
          acquireLeadership(store, {
            holder: { actor: 'alice', pid: 1, host: 'desk', command: 'muster run' },
            clock: { ...systemClock, now: () => 1 },
            ttlMs: 5000,
            waitMs: 0,
            signal: new AbortController().signal,
          });
        const [old, now] = [await lead(before), await lead(restored)];
        assert.deepEqual([old.token, now.token], ['1.3', '2.3'], 'the same create revision');
        const write1 = { operations: [put('workload/a/b', '{}')] };
        assert.equal((await restored.txn({ compares: [old.compare], ...write1 })).succeeded, false);
        assert.equal((await restored.txn({ compares: [now.compare], ...write1 })).succeeded, true);
        await Promise.all([old.release(), now.release()]);
      }),
    ));

  it('a newer minor format is read, a newer major one is refused', () =>
    withStore(async (store) => {
      await write(store, put(keys.format, JSON.stringify({ formatVersion: '1.9', uid: 'u', epoch: 3, later: 1 })));
      assert.deepEqual(await readIdentity(store), { formatVersion: '1.9', uid: 'u', epoch: 3 });
      await write(
        store,
        put(keys.format, JSON.stringify({ formatVersion: '2.0', uid: 'u', epoch: 3 })),
        put('alloc/x', 'of format 2'),
      );
      const refused = (error: unknown) => error instanceof StoreError && /format 2\.0.*format 1\.0/.test(error.message);
      await assert.rejects(readIdentity(store), refused);
      await assert.rejects(loadRecorded(store), refused);
    }));

  it('keys are found again in their parts', () => {
    const { id } = allocation(12, 345);
    assert.equal(keys.allocation(id), 'alloc/payments/checkout/12/345');
    assert.deepEqual(parseAllocationKey(keys.allocation(id)), {
      id,
      workload: checkout,
      instance: 'payments/checkout/12',
      ordinal: 12,
      generation: 345,
    });
    for (const key of [
      'alloc/payments/checkout/12',
      'alloc/payments/checkout/x/1',
      'alloc/payments/checkout/1/2/3',
      'node/a',
    ]) {
      assert.equal(parseAllocationKey(key), undefined, key);
    }
    const status = keys.unitStatus(runId('r1'), unitOf(checkout));
    assert.equal(status, 'run/r1/unit/payments/checkout/status');
    assert.deepEqual(parseUnitStatusKey(status), { run: 'r1', unit: 'payments/checkout' });
    const journal = [2, 10, 1].map((index) => keys.journal(runId('r1'), unitOf(checkout), index));
    assert.deepEqual(
      journal.toSorted(),
      [2, 0, 1].map((position) => journal[position]),
      'journal records sort as they were written',
    );
  });

  it('20,000 allocations are loaded from one revision', () =>
    withStore(async (store) => {
      const all = Array.from({ length: 20_000 }, (_, ordinal) => allocation(ordinal, 1));
      const batches = Array.from({ length: all.length / maxOperations }, (_, batch) =>
        all.slice(batch * maxOperations, (batch + 1) * maxOperations),
      );
      await Promise.all(
        batches.map((batch) =>
          write(store, ...batch.map((each) => put(keys.allocation(each.id), encodeAllocation(each)))),
        ),
      );
      const { allocations } = await loadRecorded(store);
      assert.equal(allocations.length, 20_000);
      assert.deepEqual(allocations[19_999], all[19_999]);
    }));
});

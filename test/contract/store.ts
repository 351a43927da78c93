import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../../src/reconcile/clock.ts';
import { acquireLeadership, LockHeld } from '../../src/store/leader.ts';
import {
  type Compare,
  maxOperations,
  maxValueBytes,
  type Operation,
  type Store,
  StoreError,
  type WatchEvent,
} from '../../src/store/store.ts';

export interface StoreSetup {
  /** Opens a store of this cluster; the suite closes it. */
  open(cluster: string, mode: 'read' | 'write'): Promise<Store>;
  /** Makes history up to the current revision unavailable, while stores are open. */
  compact(store: Store): Promise<void>;
  /** Shortest lease that the store keeps exactly. */
  readonly leaseTtlMs: number;
  cleanUp(): Promise<void>;
}

/** What every store promises; each implementation runs it against the real thing. */
export function storeContract(
  name: string,
  options: { readonly skip?: string },
  setUp: () => Promise<StoreSetup>,
): void {
  describe(`store contract: ${name}`, options, () => {
    let setup: Promise<StoreSetup> | undefined;
    let clusters = 0;
    const prepared = (): Promise<StoreSetup> => {
      setup ??= setUp();
      return setup;
    };
    after(async () => {
      await (await setup)?.cleanUp();
    });
    /** A store of a cluster of its own, closed at the end. */
    const withStore = async (
      work: (store: Store, setup: StoreSetup, cluster: string) => Promise<void>,
    ): Promise<void> => {
      const ready = await prepared();
      clusters += 1;
      const cluster = `c${clusters}`;
      const store = await ready.open(cluster, 'write');
      try {
        await work(store, ready, cluster);
      } finally {
        await store.close();
      }
    };
    dataContract(withStore);
    limitsContract(withStore);
    watchContract(withStore);
    leaseContract(withStore);
  });
}

type WithStore = (work: (store: Store, setup: StoreSetup, cluster: string) => Promise<void>) => Promise<void>;

const put = (key: string, value: string): Operation => ({ kind: 'put', key, value });
const remove = (key: string): Operation => ({ kind: 'delete', key });
const write = (store: Store, ...operations: readonly Operation[]) => store.txn({ compares: [], operations });

function dataContract(withStore: WithStore): void {
  it('reads back what was written, with its revisions', () =>
    withStore(async (store) => {
      assert.equal(await store.get('a'), undefined);
      const first = await write(store, put('a', 'one ✓'));
      const second = await write(store, put('a', 'two'), put('b', ''));
      assert.ok(first.succeeded && second.succeeded && second.revision > first.revision);
      assert.deepEqual(await store.get('a'), {
        key: 'a',
        value: 'two',
        createRevision: first.revision,
        modRevision: second.revision,
      });
      assert.deepEqual(await store.get('b'), {
        key: 'b',
        value: '',
        createRevision: second.revision,
        modRevision: second.revision,
      });
      await write(store, remove('a'));
      assert.equal(await store.get('a'), undefined);
      const again = await write(store, put('a', 'three'));
      assert.equal((await store.get('a'))?.createRevision, again.revision, 'a key that was deleted is created anew');
    }));

  it('ranges are sorted, and hold exactly what begins with the prefix', () =>
    withStore(async (store) => {
      await write(store, put('x/2', ''), put('x/10', ''), put('x', ''), put('xy', ''), put('x/1', ''), put('y', ''));
      const keysOf = async (prefix: string) => (await store.range(prefix)).entries.map((entry) => entry.key);
      assert.deepEqual(await keysOf('x/'), ['x/1', 'x/10', 'x/2']);
      assert.deepEqual(await keysOf(''), ['x', 'x/1', 'x/10', 'x/2', 'xy', 'y']);
      assert.deepEqual(await keysOf('z'), []);
      const { revision } = await store.range('z');
      assert.equal(
        revision,
        (await write(store, put('z', ''))).revision - 1,
        'a range says the revision that it was read at',
      );
    }));

  it('a transaction happens as a whole or not at all', () =>
    withStore(async (store) => {
      const { revision } = await write(store, put('a', '1'), put('gone', ''));
      const failed = await store.txn({
        compares: [
          { kind: 'value', key: 'a', equals: '1' },
          { kind: 'createRevision', key: 'missing', equals: 7 },
        ],
        operations: [put('a', '2'), put('b', '2'), remove('gone')],
      });
      assert.equal(failed.succeeded, false);
      assert.deepEqual(
        (await store.range('')).entries.map(({ key, value, modRevision }) => [key, value, modRevision]),
        [
          ['a', '1', revision],
          ['gone', '', revision],
        ],
      );
      const done = await store.txn({
        compares: [{ kind: 'value', key: 'a', equals: '1' }],
        operations: [put('a', '2'), put('b', '2'), remove('gone')],
      });
      assert.equal(done.succeeded, true);
      const { entries } = await store.range('');
      assert.deepEqual(
        entries.map(({ key, modRevision }) => [key, modRevision]),
        [
          ['a', done.revision],
          ['b', done.revision],
        ],
      );
    }));

  it('each kind of compare holds when, and only when, it is true', () =>
    withStore(async (store) => {
      const created = await write(store, put('a', 'x'));
      const changed = await write(store, put('a', 'y'));
      const table: readonly (readonly [Compare, boolean])[] = [
        [{ kind: 'value', key: 'a', equals: 'y' }, true],
        [{ kind: 'value', key: 'a', equals: 'x' }, false],
        [{ kind: 'value', key: 'none', equals: '' }, false],
        [{ kind: 'createRevision', key: 'a', equals: created.revision }, true],
        [{ kind: 'createRevision', key: 'a', equals: changed.revision }, false],
        [{ kind: 'createRevision', key: 'none', equals: 0 }, true],
        [{ kind: 'modRevision', key: 'a', equals: changed.revision }, true],
        [{ kind: 'modRevision', key: 'a', equals: created.revision }, false],
        [{ kind: 'modRevision', key: 'a', equals: 0 }, false],
        [{ kind: 'modRevision', key: 'none', equals: 0 }, true],
      ];
      for (const [compare, expected] of table) {
        const { succeeded } = await store.txn({ compares: [compare], operations: [] });
        assert.equal(succeeded, expected, JSON.stringify(compare));
      }
    }));

  it('fifty parallel increments under compare lose none', () =>
    withStore(async (store) => {
      await write(store, put('counter', '0'));
      const increment = async (): Promise<void> => {
        for (let attempt = 0; attempt < 500; attempt += 1) {
          const current = await store.get('counter');
          assert.ok(current);
          const { succeeded } = await store.txn({
            compares: [{ kind: 'modRevision', key: 'counter', equals: current.modRevision }],
            operations: [put('counter', String(Number(current.value) + 1))],
          });
          if (succeeded) return;
        }
        assert.fail('no increment in 500 attempts');
      };
      await Promise.all(Array.from({ length: 50 }, increment));
      assert.equal((await store.get('counter'))?.value, '50');
    }));

  it('20,000 keys come back in one range, at one revision, while they change', () =>
    withStore(async (store) => {
      const batches = Array.from({ length: 200 }, (_, batch) =>
        Array.from({ length: 100 }, (_unused, index) =>
          put(`k/${String(batch * 100 + index).padStart(5, '0')}`, `0-${'v'.repeat(60)}`),
        ),
      );
      await Promise.all(batches.map((operations) => write(store, ...operations)));
      // First and last key change together: a range that mixes revisions shows them apart.
      let stop = false;
      const changing = (async () => {
        for (let round = 1; !stop; round += 1)
          await write(store, put('k/00000', `${round}`), put('k/19999', `${round}`));
      })();
      for (let round = 0; round < 3; round += 1) {
        const { entries } = await store.range('k/');
        assert.equal(entries.length, 20_000);
        assert.equal(
          entries[0]?.modRevision === entries.at(-1)?.modRevision || entries[0]?.value.startsWith('0-'),
          true,
        );
        assert.ok(entries.every((entry, index) => index === 0 || (entries[index - 1]?.key ?? '') < entry.key));
      }
      stop = true;
      await changing;
    }));

  it('a range may be larger than 4 MiB', () =>
    withStore(async (store) => {
      const value = 'x'.repeat(900_000);
      for (let index = 0; index < 7; index += 1) await write(store, put(`big/${index}`, value));
      const { entries } = await store.range('big/');
      assert.deepEqual(
        entries.map((entry) => entry.value.length),
        Array(7).fill(900_000),
      );
    }));

  it('clusters in one store never meet', () =>
    withStore(async (store, setup, cluster) => {
      await write(store, put('mine', '1'));
      for (const other of [`${cluster}x`, cluster.slice(0, -1), 'another']) {
        const reader = await setup.open(other, 'read');
        try {
          assert.equal(await reader.get('mine'), undefined);
          assert.deepEqual(
            (await reader.range('')).entries.filter((entry) => entry.key.includes('mine')),
            [],
          );
        } finally {
          await reader.close();
        }
      }
    }));

  it('a store that was opened for reading sees every commit and writes nothing', () =>
    withStore(async (store, setup, cluster) => {
      const reader = await setup.open(cluster, 'read');
      try {
        for (const value of ['1', '2', '3']) {
          await write(store, put('a', value));
          assert.equal((await reader.get('a'))?.value, value);
        }
        await assert.rejects(write(reader, put('a', '4')), StoreError);
      } finally {
        await reader.close();
      }
    }));

  it('a closed store says so', () =>
    withStore(async (store) => {
      await write(store, put('a', ''));
      await store.close();
      await store.close();
      const closed = { name: 'StoreError', code: 'closed' };
      await assert.rejects(store.get('a'), closed);
      await assert.rejects(store.range(''), closed);
      await assert.rejects(write(store, put('a', '')), closed);
      await assert.rejects(store.lease({ ttlMs: 5000 }), closed);
    }));
}

function limitsContract(withStore: WithStore): void {
  it('takes the largest transaction that is allowed and refuses a larger one', () =>
    withStore(async (store) => {
      const many = Array.from({ length: maxOperations }, (_, index) => put(`k${index}`, ''));
      assert.equal((await write(store, ...many)).succeeded, true);
      assert.equal((await write(store, put('big', 'x'.repeat(maxValueBytes)))).succeeded, true);
      const tooLarge = { name: 'StoreError', code: 'tooLarge' };
      await assert.rejects(write(store, ...many, put('more', '')), tooLarge);
      await assert.rejects(write(store, put('big', 'x'.repeat(maxValueBytes + 1))), tooLarge);
      await assert.rejects(
        write(store, put('big', '✓'.repeat(maxValueBytes / 2))),
        tooLarge,
        'bytes count, not characters',
      );
      await assert.rejects(write(store, put('b1', 'x'.repeat(900_000)), put('b2', 'x'.repeat(900_000))), tooLarge);
      await assert.rejects(write(store, put('twice', '1'), put('twice', '2')), /twice/);
    }));
}

function watchContract(withStore: WithStore): void {
  it('a watch delivers every change after its revision, in order, once', () =>
    withStore(async (store) => {
      const before = await write(store, put('w/before', ''), put('other', ''));
      const watching = collect(store, 'w/', before.revision);
      await write(store, put('w/a', '1'));
      await write(store, put('other', '2'), put('w/b', '1'));
      await write(store, put('w/a', '2'), remove('w/b'));
      await Promise.all(Array.from({ length: 100 }, (_, index) => write(store, put(`w/n${index}`, ''))));
      const events = await watching.until(104);
      const revisions = events.map((event) =>
        event.kind === 'put' ? event.entry.modRevision : event.kind === 'delete' ? event.modRevision : 0,
      );
      assert.deepEqual(
        revisions,
        revisions.toSorted((a, b) => a - b),
      );
      assert.deepEqual(
        events.slice(0, 2).map((event) => event.kind === 'put' && [event.entry.key, event.entry.value]),
        [
          ['w/a', '1'],
          ['w/b', '1'],
        ],
      );
      assert.equal(
        new Set(events.map((event) => (event.kind === 'put' ? event.entry.key + event.entry.modRevision : event.kind)))
          .size,
        104,
      );
      await write(store, put('w/last', ''));
      const last = (await watching.until(105)).at(-1);
      assert.equal(last?.kind === 'put' && last.entry.key, 'w/last', 'and nothing was delivered twice before it');
      await watching.stop();
    }));

  it('a watch resumes from any revision that is still known', () =>
    withStore(async (store) => {
      const first = await write(store, put('r/0', ''));
      for (let index = 1; index <= 20; index += 1) await write(store, put(`r/${index}`, ''));
      const watching = collect(store, 'r/', first.revision);
      const events = await watching.until(20);
      assert.deepEqual(
        events.map((event) => event.kind === 'put' && event.entry.key),
        Array.from({ length: 20 }, (_, index) => `r/${index + 1}`),
      );
      await watching.stop();
    }));

  it('a watch whose history was compacted away says reset, and ends', () =>
    withStore(async (store, setup) => {
      const { revision } = await write(store, put('a', '0'));
      for (let index = 0; index < 10; index += 1) await write(store, put('a', `${index}`));
      await setup.compact(store);
      const watching = collect(store, '', revision);
      assert.deepEqual(await watching.until(1), [{ kind: 'reset' }]);
      await watching.ended;
      const { revision: current } = await store.range('');
      const resumed = collect(store, '', current);
      await write(store, put('a', 'new'));
      assert.equal((await resumed.until(1))[0]?.kind, 'put');
      await resumed.stop();
    }));

  it('closing the store ends its watches with an error', () =>
    withStore(async (store) => {
      const { revision } = await store.range('');
      const watching = collect(store, '', revision);
      await sleep(100);
      await store.close();
      await assert.rejects(watching.ended, { name: 'StoreError', code: 'closed' });
    }));
}

function leaseContract(withStore: WithStore): void {
  it('a lease lives on while it is held, and its keys go when it is revoked', () =>
    withStore(async (store, { leaseTtlMs }) => {
      const lease = await store.lease({ ttlMs: leaseTtlMs });
      await store.txn({ compares: [], operations: [{ kind: 'put', key: 'held', value: '', lease }, put('free', '')] });
      await sleep(leaseTtlMs * 1.7);
      assert.equal(lease.isAlive(), true);
      assert.ok(await store.get('held'));
      const { revision } = await store.range('');
      const watching = collect(store, '', revision);
      await lease.revoke();
      assert.equal(lease.isAlive(), false);
      await lease.ended;
      assert.equal(await store.get('held'), undefined);
      assert.ok(await store.get('free'));
      const [event] = await watching.until(1);
      assert.deepEqual(event?.kind === 'delete' && event.key, 'held');
      await watching.stop();
      await assert.rejects(
        store.txn({ compares: [], operations: [{ kind: 'put', key: 'held', value: '', lease }] }),
        StoreError,
      );
      assert.equal(await store.get('held'), undefined);
    }));

  it('one leader at a time: others wait, are told who holds the lock, and take over when it is released', () =>
    withStore(async (store, { leaseTtlMs }) => {
      const holder = { actor: 'alice@build', pid: 1, host: 'build', command: 'muster apply' };
      const signal = new AbortController().signal;
      const acquire = (actor: string, waitMs: number) =>
        acquireLeadership(store, {
          holder: { ...holder, actor },
          clock: systemClock,
          ttlMs: leaseTtlMs,
          waitMs,
          signal,
        });
      const first = await acquire('alice@build', 0);
      await assert.rejects(
        acquire('bob@desk', 200),
        (error) => error instanceof LockHeld && error.holder.actor === 'alice@build' && error.since > 0,
      );
      const guarded = (token: typeof first) =>
        store.txn({ compares: [token.compare], operations: [put('guarded', token.token)] });
      assert.equal((await guarded(first)).succeeded, true);
      const waiting = acquire('bob@desk', 30_000);
      await sleep(50);
      await first.release();
      await first.ended;
      const second = await waiting;
      assert.notEqual(second.token, first.token);
      assert.equal(first.isAlive(), false);
      assert.equal((await guarded(first)).succeeded, false, 'the token of the old leader is fenced off');
      assert.equal((await guarded(second)).succeeded, true);
      await second.release();
      const race = await Promise.allSettled(Array.from({ length: 8 }, (_, index) => acquire(`racer${index}`, 0)));
      const winners = race.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      assert.equal(winners.length, 1);
      await winners[0]?.release();
    }));
}

interface Collected {
  /** The events so far, once there are this many. */
  until(count: number): Promise<readonly WatchEvent[]>;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Follows a watch in the background. */
export function collect(store: Store, prefix: string, fromRevision: number): Collected {
  const controller = new AbortController();
  const events: WatchEvent[] = [];
  const ended = (async () => {
    for await (const event of store.watch(prefix, { fromRevision, signal: controller.signal })) events.push(event);
  })();
  ended.catch(() => {});
  return {
    async until(count) {
      const deadline = performance.now() + 30_000;
      while (events.length < count) {
        if (performance.now() > deadline) assert.fail(`${events.length} of ${count} events after 30 s`);
        await sleep(10);
      }
      return events;
    },
    ended,
    async stop() {
      controller.abort();
      await ended;
    },
  };
}

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { type Store, StoreError } from '../../src/store/store.ts';
import { type EtcdServer, needsEtcd, startEtcd } from '../bed/etcd.ts';
import { collect } from '../contract/store.ts';

describe('etcd under faults', needsEtcd(), () => {
  let server: EtcdServer;
  before(async () => {
    server = await startEtcd();
  });
  after(() => server.stop());

  const open = (endpoint = server.endpoint): Promise<Store> =>
    openStore({ location: { kind: 'etcd', endpoints: [endpoint], prefix: '/faults' }, cluster: 'c', mode: 'write' });
  const write = (store: Store, key: string, value: string) =>
    store.txn({ compares: [], operations: [{ kind: 'put', key, value }] });

  it('a watch loses and doubles nothing when the server is killed and restarted under writes', {
    timeout: 60_000,
  }, async () => {
    const [store, writer] = await Promise.all([open(), open()]);
    try {
      const { revision } = await write(writer, 'w/start', '');
      const watching = collect(store, 'w/', revision);
      const written: string[] = [];
      let stop = false;
      const writing = (async () => {
        for (let index = 0; !stop; index += 1) {
          try {
            await write(writer, `w/${index}`, `${index}`);
            written.push(`w/${index}`);
          } catch (error) {
            assert.ok(error instanceof StoreError, String(error));
          }
        }
      })();
      await watching.until(20);
      await server.kill();
      await server.restart();
      const after = written.length;
      while (written.length < after + 50) await new Promise((resolve) => setTimeout(resolve, 10));
      stop = true;
      await writing;
      const last = await write(writer, 'w/last', '');
      const deadline = performance.now() + 20_000;
      let delivered: readonly (string | undefined)[] = [];
      while (delivered.at(-1) !== 'w/last') {
        assert.ok(performance.now() < deadline, 'the last write was not delivered');
        delivered = (await watching.until(1)).map((event) => (event.kind === 'put' ? event.entry.key : undefined));
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      assert.equal(new Set(delivered).size, delivered.length, 'something was delivered twice');
      assert.deepEqual(
        written.filter((key) => !delivered.includes(key)),
        [],
        'something was lost',
      );
      assert.ok(last.revision > revision);
      await watching.stop();
    } finally {
      await Promise.all([store.close(), writer.close()]);
    }
  });

  it('a transaction whose reply is lost is applied once, and says so', { timeout: 60_000 }, async () => {
    const proxy = await startProxy(server.endpoint);
    const store = await open(proxy.endpoint);
    const direct = await open();
    try {
      await write(store, 'counter', '0');
      for (let value = 1; value <= 5; value += 1) {
        // The request arrives, its reply does not, and the connection drops.
        proxy.dropNextReplies();
        const { succeeded } = await store.txn({
          compares: [{ kind: 'value', key: 'counter', equals: String(value - 1) }],
          operations: [{ kind: 'put', key: 'counter', value: String(value) }],
        });
        assert.equal(succeeded, true, `increment to ${value} was applied but reported as not`);
        assert.equal((await direct.get('counter'))?.value, String(value));
      }
      assert.ok(proxy.dropped() >= 5);
    } finally {
      await Promise.all([store.close(), direct.close()]);
      proxy.close();
    }
  });

  it('a request that etcd gets late is carried out once, also when it was sent again and others have written since', {
    timeout: 60_000,
  }, async () => {
    const proxy = await startProxy(server.endpoint);
    const store = await open(proxy.endpoint);
    const direct = await open();
    try {
      await write(store, 'late', 'before');
      // Two at once: one of them has a mark of its own that is not there yet, the other one that was used before.
      const held = ['late', 'later'].map((key) => {
        proxy.holdNextRequest();
        return write(store, key, 'first');
      });
      assert.deepEqual(
        (await Promise.all(held)).map(({ succeeded }) => succeeded),
        [true, true],
      );
      for (const key of ['late', 'later']) await write(direct, key, 'second');
      assert.ok(proxy.held() >= 1);
      await proxy.releaseHeld();
      for (const key of ['late', 'later'])
        assert.equal((await direct.get(key))?.value, 'second', `the lost request of ${key} happened after all`);
    } finally {
      await Promise.all([store.close(), direct.close()]);
      proxy.close();
    }
  });

  it('what stays unknown is found out before anything else is read or written, and never happens later', {
    timeout: 90_000,
  }, async () => {
    const proxy = await startProxy(server.endpoint);
    const store = await open(proxy.endpoint);
    const direct = await open();
    try {
      await write(store, 'unknown', 'before');
      proxy.holdNextRequest();
      proxy.refuse();
      await assert.rejects(write(store, 'unknown', 'old'), { name: 'StoreError', code: 'unknownOutcome' });
      assert.equal(proxy.held(), 1, 'the request is on its way');
      await assert.rejects(store.get('unknown'), { name: 'StoreError', code: 'unreachable', retryable: true });
      await assert.rejects(write(store, 'unknown', 'new'), { name: 'StoreError', code: 'unreachable' });
      proxy.accept();
      assert.equal((await store.get('unknown'))?.value, 'before');
      await write(store, 'unknown', 'new');
      await proxy.releaseHeld();
      assert.equal((await direct.get('unknown'))?.value, 'new', 'the old write came after the new one');
    } finally {
      await Promise.all([store.close(), direct.close()]);
      proxy.close();
    }
  });

  it('what was carried out while nobody could be asked is seen by the next read of the same process', {
    timeout: 90_000,
  }, async () => {
    const proxy = await startProxy(server.endpoint);
    const store = await open(proxy.endpoint);
    try {
      await write(store, 'unheard', 'before');
      proxy.dropNextReplies();
      proxy.refuse();
      await assert.rejects(write(store, 'unheard', 'after'), { name: 'StoreError', code: 'unknownOutcome' });
      proxy.accept();
      assert.equal((await store.get('unheard'))?.value, 'after');
    } finally {
      await store.close();
      proxy.close();
    }
  });

  it('while the server is frozen, calls end and a lease is known to be lost within its TTL', {
    timeout: 60_000,
  }, async () => {
    const store = await open();
    try {
      await write(store, 'a', '');
      const lease = await store.lease({ ttlMs: 2000 });
      await server.pause();
      try {
        const frozenAt = performance.now();
        const reading = assert.rejects(store.get('a'), { name: 'StoreError', code: 'unreachable', retryable: true });
        await lease.ended;
        assert.equal(lease.isAlive(), false);
        const lostAfter = performance.now() - frozenAt;
        assert.ok(lostAfter < 2500, `lost after ${lostAfter} ms`);
        await reading;
        const endedAfter = performance.now() - frozenAt;
        assert.ok(endedAfter < 15_000, `ended after ${endedAfter} ms`);
      } finally {
        server.resume();
      }
      assert.ok(await store.get('a'), 'and it goes on when the server does');
    } finally {
      await store.close();
    }
  });

  it('a server that is not there is unreachable, with a hint, and nothing is written', {
    timeout: 60_000,
  }, async () => {
    const store = await open('http://127.0.0.1:1');
    try {
      const unreachable = (error: unknown) =>
        error instanceof StoreError && error.code === 'unreachable' && error.hint !== undefined;
      await Promise.all([
        assert.rejects(store.get('a'), unreachable),
        assert.rejects(write(store, 'a', ''), unreachable),
      ]);
    } finally {
      await store.close();
    }
  });

  it('a full server says noSpace and what to do', { timeout: 60_000 }, async () => {
    const small = await startEtcd({ quotaBytes: 8 * 1024 * 1024 });
    const store = await open(small.endpoint);
    try {
      const fill = async () => {
        for (let index = 0; index < 30; index += 1) await write(store, `k${index}`, 'x'.repeat(900_000));
      };
      await assert.rejects(
        fill,
        (error) => error instanceof StoreError && error.code === 'noSpace' && /alarm disarm/.test(error.hint ?? ''),
      );
      assert.ok(await store.get('k0'), 'reading still works');
    } finally {
      await store.close();
      await small.stop();
    }
  });

  it('users with a password log in again after a restart; strangers are refused', { timeout: 60_000 }, async () => {
    const guarded = await startEtcd();
    try {
      guarded.ctl('user', 'add', 'root:secret');
      guarded.ctl('user', 'grant-role', 'root', 'root');
      guarded.ctl('auth', 'enable');
      const location = { kind: 'etcd', endpoints: [guarded.endpoint], prefix: '/auth' } as const;
      const opened = (password?: string) =>
        openStore({
          location,
          cluster: 'c',
          mode: 'write',
          ...(password !== undefined && { credentials: { user: { name: 'root', password } } }),
        });
      for (const password of [undefined, 'wrong']) {
        const stranger = await opened(password);
        await assert.rejects(stranger.get('a'), (error) => {
          assert.ok(error instanceof StoreError && error.code === 'unauthenticated', String(error));
          assert.doesNotMatch(error.message + error.hint, /wrong/);
          return true;
        });
        await stranger.close();
      }
      const store = await opened('secret');
      try {
        const { revision } = await write(store, 'a', '1');
        const watching = collect(store, '', revision);
        await write(store, 'a', '2');
        await watching.until(1);
        // Tokens live in the server's memory only.
        await guarded.kill();
        await guarded.restart();
        await write(store, 'a', '3');
        const events = await watching.until(2);
        assert.equal(events.length, 2);
        assert.ok(events.every((event) => event.kind === 'put'));
        await watching.stop();
      } finally {
        await store.close();
      }
    } finally {
      await guarded.stop();
    }
  });
});

interface Proxy {
  readonly endpoint: string;
  /** From now until the connection drops, requests pass and replies do not. */
  dropNextReplies(): void;
  dropped(): number;
  /** The next request waits on its way, and the client loses its connection. */
  holdNextRequest(): void;
  held(): number;
  /** What was held arrives now; resolves when the server has answered it. */
  releaseHeld(): Promise<void>;
  /** No new connections until `accept`. */
  refuse(): void;
  accept(): void;
  close(): void;
}

/** A TCP proxy that loses the reply to a request, or lets a request arrive long after its sender has given it up. */
async function startProxy(target: string): Promise<Proxy> {
  const { port } = new URL(target);
  const sockets = new Set<Socket>();
  const held: { readonly upstream: Socket; readonly data: Buffer }[] = [];
  let dropping = false;
  let dropped = 0;
  let holding = false;
  let refusing = false;
  const server = createServer((client) => {
    if (refusing) return void client.destroy();
    const upstream = connect(Number(port), '127.0.0.1');
    const isHeld = (): boolean => held.some((one) => one.upstream === upstream);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        if (!isHeld()) upstream.destroy();
      });
    }
    client.on('data', (data) => {
      // Small frames acknowledge.
      if (!holding || data.length < 60) return upstream.write(data);
      holding = false;
      held.push({ upstream, data });
      return client.destroy();
    });
    upstream.on('data', (data) => {
      if (!dropping) return client.write(data);
      // A reply follows once the server has carried out the request.
      if (data.length < 60) return false;
      dropping = false;
      dropped += 1;
      client.destroy();
      return false;
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    dropNextReplies: () => {
      dropping = true;
    },
    dropped: () => dropped,
    holdNextRequest: () => {
      holding = true;
    },
    held: () => held.length,
    releaseHeld: async () => {
      for (const { upstream, data } of held) {
        const answered = once(upstream, 'data');
        upstream.write(data);
        await answered;
        // The reply may come in parts behind an acknowledgement.
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    refuse: () => {
      refusing = true;
    },
    accept: () => {
      refusing = false;
    },
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { clusterUid, nodeName } from '../../src/model/ids.ts';
import { docker, needsPrivateDockerd, type PrivateDockerd, startPrivateDockerd, testImages } from '../bed/docker.ts';

const uid = clusterUid('55555555-5555-4555-8555-555555555555');
const call = { deadlineMs: 30_000 };

describe('looking at a docker again', await needsPrivateDockerd(), () => {
  let daemon: PrivateDockerd;
  let proxy: Proxy;
  let engine: Engine;
  const ids: string[] = [];

  before(async () => {
    daemon = await startPrivateDockerd({ tls: 'none' });
    proxy = await openProxy(daemon.endpoint.replace('unix://', ''));
    engine = openDockerEngine({
      node: nodeName('n1'),
      scope: { name: 'listing', uid },
      endpoint: { endpoint: `unix://${proxy.path}` },
    });
    const labels = (ordinal: number): readonly string[] =>
      Object.entries({ cluster: uid, allocation: `shop/web/${ordinal}#1`, revision: 'f'.repeat(16) }).flatMap(
        ([key, value]) => ['--label', `io.muster.${key}=${value}`],
      );
    for (let ordinal = 0; ordinal < 4; ordinal += 1)
      ids.push(await docker(daemon.endpoint, 'run', '-d', ...labels(ordinal), testImages.first, 'sleep', '600'));
    ids.push(await docker(daemon.endpoint, 'run', '-d', '--name', 'stranger', testImages.first, 'sleep', '600'));
  });
  after(async () => {
    await engine.close();
    await proxy.close();
    await daemon.close();
  });

  /** Which containers a look inspects, by their place in `ids`. */
  async function inspectedBy(look: () => Promise<unknown>): Promise<readonly number[]> {
    proxy.seen.length = 0;
    await look();
    const asked = proxy.seen.flatMap(
      (request) => /^GET \/v1\.\d+\/containers\/(\w{64})\/json/.exec(request)?.[1] ?? [],
    );
    return asked.map((id) => ids.indexOf(id)).sort();
  }
  const list = () => engine.list(call);
  const ours = async (ordinal: number) =>
    (await list()).objects.find(({ allocation }) => allocation === `shop/web/${ordinal}#1`);

  it('inspects everything once, and then nothing while nothing happens', async () => {
    assert.deepEqual(await inspectedBy(list), [0, 1, 2, 3, 4]);
    const first = await list();
    assert.equal(first.objects.length, 4);
    assert.deepEqual(await inspectedBy(list), []);
    assert.deepEqual(await list(), first);
  });

  it('sees whatever is done by hand, and inspects only that', async () => {
    const byHand = async (place: number, ...command: readonly string[]): Promise<void> => {
      await docker(daemon.endpoint, ...command, ids[place] as string);
      const inspected = await inspectedBy(list);
      assert.deepEqual([...new Set(inspected)], [place], command.join(' '));
    };
    await byHand(0, 'update', '--memory', '64m', '--memory-swap', '64m');
    assert.equal((await ours(0))?.actual['/limits/memoryBytes'], 64 << 20);
    await byHand(1, 'pause');
    assert.equal((await ours(1))?.state, 'paused');
    await byHand(1, 'unpause');
    assert.equal((await ours(1))?.state, 'running');
    const before = (await ours(2))?.startedAt ?? 0;
    await byHand(2, 'restart', '-t', '0');
    assert.ok(((await ours(2))?.startedAt ?? 0) > before);
    await byHand(3, 'kill');
    const killed = await ours(3);
    assert.deepEqual([killed?.state, killed?.exitCode], ['exited', 137]);
    await docker(daemon.endpoint, 'rename', 'stranger', 'renamed');
    assert.deepEqual(
      (await list()).foreign.map(({ name }) => name),
      ['renamed'],
    );
    await docker(daemon.endpoint, 'rm', '-f', ids[3] as string);
    assert.equal(await ours(3), undefined);
  });

  it('looks at everything again where more happened than the daemon remembers', async () => {
    await list();
    for (let shares = 2; shares < 300; shares += 1)
      await update(daemon.endpoint, ids[0] as string, { CpuShares: shares });
    assert.deepEqual([...new Set(await inspectedBy(list))], [0, 1, 2, 4]);
  });

  it('asks once more where a kept connection closes as it is used again', async () => {
    await list();
    proxy.closeOnNextUse();
    assert.equal((await list()).objects.length, 3);
    assert.ok(proxy.closed > 0, 'a connection was closed under a request');
  });
});

/** Without a client program: three hundred of them take a second. */
async function update(endpoint: string, id: string, change: object): Promise<void> {
  const answer = await new Promise<number | undefined>((resolve, reject) => {
    const headers = { 'content-type': 'application/json' };
    const options = {
      socketPath: endpoint.replace('unix://', ''),
      path: `/containers/${id}/update`,
      method: 'POST',
      headers,
    };
    request(options, (response) => response.resume().on('end', () => resolve(response.statusCode)))
      .on('error', reject)
      .end(JSON.stringify(change));
  });
  assert.equal(answer, 200);
}

interface Proxy {
  readonly path: string;
  /** First lines of requests. */
  readonly seen: string[];
  readonly closed: number;
  /** Connections that are open now are closed when something is sent on them. */
  closeOnNextUse(): void;
  close(): Promise<void>;
}

async function openProxy(socketPath: string): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), 'muster-proxy-'));
  const path = join(folder, 'docker.sock');
  const seen: string[] = [];
  const open = new Set<Socket>();
  const doomed = new Set<Socket>();
  let closed = 0;
  const server = createServer((socket) => {
    const upstream = connect(socketPath);
    open.add(socket);
    socket.on('data', (chunk) => {
      if (doomed.has(socket)) {
        closed += 1;
        socket.destroy();
        upstream.destroy();
        return;
      }
      seen.push(
        ...String(chunk)
          .split('\r\n')
          .filter((line) => / HTTP\/1\.1$/.test(line)),
      );
      upstream.write(chunk);
    });
    upstream.pipe(socket);
    socket.on('error', () => upstream.destroy());
    upstream.on('error', () => socket.destroy());
    upstream.on('close', () => socket.destroy());
    socket.on('close', () => {
      open.delete(socket);
      upstream.destroy();
    });
  });
  await new Promise<void>((done) => server.listen(path, done));
  return {
    path,
    seen,
    get closed() {
      return closed;
    },
    closeOnNextUse: () => {
      for (const socket of open) doomed.add(socket);
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((done) => server.close(done));
      await rm(folder, { recursive: true });
    },
  };
}

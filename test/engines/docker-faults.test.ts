import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import {
  type CreateRequest,
  type Engine,
  EngineError,
  type EngineErrorCode,
  type EngineEvent,
} from '../../src/engines/engine.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import {
  docker,
  freePort,
  needsPrivateDockerd,
  type PrivateDockerd,
  startPrivateDockerd,
  testImages,
  waitUntil,
} from '../bed/docker.ts';

const scope = { name: 'faults', uid: clusterUid('docker-faults') };
const call = { deadlineMs: 30_000 };

describe('docker engine when its daemon fails', await needsPrivateDockerd(), () => {
  let daemon: PrivateDockerd;
  let engine: Engine;

  before(async () => {
    daemon = await startPrivateDockerd({ tls: 'none' });
    engine = openDockerEngine({
      node: nodeName('n1'),
      scope,
      endpoint: { endpoint: daemon.endpoint, publishAddress: '127.0.0.4' },
    });
  });
  after(async () => {
    await engine?.close();
    await daemon?.close();
  });

  it('works over plain TCP as well', async () => {
    const tcp = openDockerEngine({ node: nodeName('n1'), scope, endpoint: { endpoint: daemon.tcpEndpoint } });
    assert.equal((await tcp.info(call)).fingerprint, (await engine.info(call)).fingerprint);
    await tcp.close();
  });

  it('every call on a frozen daemon ends by its deadline, and works again when it thaws', async () => {
    const { objectId } = await engine.create(requestOf(1), call);
    daemon.freeze();
    try {
      const short = { deadlineMs: 400 };
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        ping: () => engine.ping(short),
        info: () => engine.info(short),
        list: () => engine.list(short),
        observe: () => engine.observe(objectId, short),
        pull: () => engine.pull(requestOf(2).revision, short),
        create: () => engine.create(requestOf(2), short),
        start: () => engine.start(objectId, short),
        stop: () => engine.stop(objectId, { signal: 'SIGTERM', graceMs: 0 }, short),
        update: () => engine.update(objectId, requestOf(1), short),
        remove: () => engine.remove(objectId, short),
        exec: () => engine.exec(objectId, ['true'], short),
        logs: async () => {
          for await (const _line of engine.logs(objectId, { tail: 1, follow: true }, short))
            assert.fail('no line was written');
        },
      };
      for (const [name, make] of Object.entries(calls)) {
        const began = Date.now();
        const error = await rejection(make(), 'timeout');
        assert.equal(error.call, name);
        assert.ok(error.retryable, name);
        assert.ok(Date.now() - began < 15_000, `${name} took ${Date.now() - began} ms`);
      }
    } finally {
      daemon.thaw();
    }
    await waitUntil('an answer', 60_000, () => engine.ping({ deadlineMs: 2_000 }));
    // The frozen create may have been carried out meanwhile: asking again is success either way, with one container.
    await engine.create(requestOf(2), call);
    const made = (await engine.list(call)).objects.filter((object) => object.allocation === requestOf(2).allocation);
    assert.equal(made.length, 1);
  });

  it('a killed daemon is unreachable, retryable, and the error says what to look at', async () => {
    const request = requestOf(3);
    await engine.create(request, call);
    await daemon.kill();
    for (const attempt of [engine.ping(call), engine.list(call), engine.create(requestOf(4), call)]) {
      const error = await rejection(attempt, 'unreachable');
      assert.ok(error.retryable);
      assert.match(error.hint ?? '', /dockerd/);
      assert.ok(error.message.includes(daemon.endpoint), error.message);
    }
    await daemon.start();
    const { objectId } = await engine.create(request, call);
    await engine.start(objectId, call);
    assert.equal((await engine.observe(objectId, call))?.state, 'running');
  });

  it('a daemon that dies during a call gives an error, not silence', async () => {
    // USR2 is what the restarted daemon ends it with; on USR1 it stays, so that the call is still under way.
    const script = 'trap "" USR1; trap "exit 0" USR2; while :; do sleep 0.1; done';
    const stop = { signal: 'SIGUSR2', graceMs: 20_000, delayMs: 0 };
    const { objectId } = await engine.create(requestOf(5, { command: ['/bin/sh', '-c', script], stop }), call);
    await engine.start(objectId, call);
    const stopping = rejection(
      engine.stop(objectId, { signal: 'SIGUSR1', graceMs: 20_000 }, { deadlineMs: 25_000 }),
      'unreachable',
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    const began = Date.now();
    await daemon.kill();
    assert.ok((await stopping).retryable);
    assert.ok(Date.now() - began < 10_000, 'at once, not at the deadline');
    await daemon.start();
  });

  it('a daemon that dies in the middle of a start leaves a container that can never start: said so, and made anew', async () => {
    for (let attempt = 0; ; attempt += 1) {
      assert.ok(attempt < 10, 'the moment was never met');
      const request = requestOf(100 + attempt);
      const { objectId } = await engine.create(request, call);
      const starting = engine.start(objectId, call).catch(() => undefined);
      await waitUntil('containerd has begun', 10_000, async () => assert.ok(await hasShim(objectId)));
      await daemon.kill();
      await starting;
      await daemon.start();
      const again = await engine.start(objectId, call).catch((error: unknown) => error);
      if (again === undefined) {
        await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
        continue;
      }
      assert.ok(again instanceof EngineError && again.code === 'broken' && !again.retryable, String(again));
      assert.match(again.hint ?? '', /pgrep/);
      await engine.remove(objectId, call);
      const anew = await engine.create(request, call);
      await engine.start(anew.objectId, call);
      assert.equal((await engine.observe(anew.objectId, call))?.state, 'running');
      return;
    }
  });

  it('events go on after a restart of the daemon, and say that they were away', async () => {
    const events: EngineEvent[] = [];
    const abort = new AbortController();
    const reading = (async () => {
      for await (const event of engine.events({ signal: abort.signal })) events.push(event);
    })();
    try {
      const first = await engine.create(requestOf(6), call);
      await waitUntil('the first start event', 60_000, async () => {
        await engine.stop(first.objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
        await engine.start(first.objectId, call);
        await new Promise((resolve) => setTimeout(resolve, 300));
        assert.ok(events.some((event) => event.objectId === first.objectId && event.kind === 'started'));
      });
      await daemon.stop();
      await daemon.start();
      await waitUntil('reconnected', 60_000, async () =>
        assert.ok(events.some((event) => event.kind === 'reconnected')),
      );
      await docker(daemon.endpoint, 'rm', '-f', first.objectId);
      await waitUntil('the event after it', 60_000, async () =>
        assert.ok(events.some((event) => event.objectId === first.objectId && event.kind === 'removed')),
      );
    } finally {
      abort.abort();
      await reading;
    }
  });
});

describe('docker endpoints', () => {
  it('one that nobody listens on is unreachable', async () => {
    for (const endpoint of ['unix:///var/run/no-such-docker.sock', `tcp://127.0.0.1:${await freePort()}`]) {
      const engine = openDockerEngine({ node: nodeName('n1'), scope, endpoint: { endpoint } });
      const error = await rejection(engine.ping(call), 'unreachable');
      assert.ok(error.retryable && error.message.includes(endpoint), error.message);
      await engine.close();
    }
  });

  it('is the one of the node, whatever DOCKER_HOST says', async () => {
    const before = process.env['DOCKER_HOST'];
    process.env['DOCKER_HOST'] = `tcp://127.0.0.1:${await freePort()}`;
    try {
      const engine = openDockerEngine({
        node: nodeName('n1'),
        scope,
        endpoint: { endpoint: 'unix:///var/run/no-such-docker.sock' },
      });
      const error = await rejection(engine.ping(call), 'unreachable');
      assert.match(error.message, /ENOENT/);
      await engine.close();
    } finally {
      if (before === undefined) delete process.env['DOCKER_HOST'];
      else process.env['DOCKER_HOST'] = before;
    }
  });

  it('what docker does not speak is refused with what to use instead', () => {
    assert.throws(
      () => openDockerEngine({ node: nodeName('n1'), scope, endpoint: { endpoint: 'http://10.0.0.1:2375' } }),
      (error) =>
        error instanceof EngineError && error.code === 'unsupported' && /tcp:\/\/host:port/.test(error.hint ?? ''),
    );
  });
});

function requestOf(ordinal: number, overrides: Partial<CreateRequest['revision']> = {}): CreateRequest {
  return {
    allocation: allocationId(instanceId(workloadId('shop', 'web'), ordinal), 1),
    revisionHash: revisionHash('0123456789abcdef'),
    revision: {
      engine: 'docker',
      image: testImages.first,
      command: [],
      args: [],
      env: {},
      resources: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
      limits: { cpuMillis: 500, memoryBytes: 32 << 20 },
      ports: [],
      stop: { signal: 'SIGTERM', graceMs: 5_000, delayMs: 0 },
      restart: 'never',
      ...overrides,
    },
    holds: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0 },
    token: fencingToken({ epoch: 1, createRevision: 7 }),
    effect: `s${ordinal}:create`,
  };
}

async function rejection(promise: Promise<unknown>, code: EngineErrorCode): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, `expected an EngineError ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}

/** Who supervises a container for containerd names it in its command line. */
async function hasShim(objectId: string): Promise<boolean> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.some((line) => line.includes('containerd-shim') && line.includes(objectId));
}

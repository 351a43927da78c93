import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import {
  type CreateRequest,
  type Engine,
  EngineError,
  type EngineErrorCode,
  objectName,
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
import type { ObservedObject } from '../../src/model/observed.ts';
import type { Revision } from '../../src/model/revision.ts';
import { docker, dockerEndpoint, freePort, needsDocker, removeClusterObjects, testImages } from '../bed/docker.ts';

const uid = clusterUid(`docker-test-${process.pid}`);
const scope = { name: `dockertest${process.pid}`, uid };
const call = { deadlineMs: 30_000 };

describe('docker engine on the shared daemon', await needsDocker(), () => {
  let engine: Engine;
  let ordinal = 0;

  before(() => {
    engine = openDockerEngine({
      node: nodeName('n1'),
      scope,
      endpoint: { endpoint: dockerEndpoint, publishAddress: '127.0.0.1' },
    });
  });
  after(async () => {
    await engine.close();
    await removeClusterObjects(dockerEndpoint, uid);
  });

  function requestOf(overrides: Partial<Revision> = {}, ports: Readonly<Record<string, number>> = {}): CreateRequest {
    ordinal += 1;
    return {
      allocation: allocationId(instanceId(workloadId('shop', 'web'), ordinal), 1),
      revisionHash: revisionHash('0123456789abcdef'),
      revision: { ...baseRevision, ...overrides },
      holds: { cpuMillis: 100, memoryBytes: 16 << 20, storageBytes: 0, ports },
      token: fencingToken({ epoch: 1, createRevision: 7 }),
      effect: `s${ordinal}:create`,
    };
  }

  async function running(
    overrides: Partial<Revision> = {},
  ): Promise<{ readonly objectId: string; readonly request: CreateRequest }> {
    const request = requestOf(overrides);
    const { objectId } = await engine.create(request, call);
    await engine.start(objectId, call);
    return { objectId, request };
  }

  async function observed(objectId: string): Promise<ObservedObject> {
    const object = await engine.observe(objectId, call);
    assert.ok(object !== undefined, `${objectId} is gone`);
    return object;
  }

  const linesOf = async (objectId: string): Promise<readonly string[]> => {
    const lines: string[] = [];
    for await (const line of engine.logs(objectId, { tail: 100, follow: false }, call)) lines.push(line.text);
    return lines;
  };

  const inside = async (objectId: string, script: string): Promise<string> =>
    (await engine.exec(objectId, ['/bin/sh', '-c', script], call)).output.trim();

  it('serves on the published port, at the address that it reports', async () => {
    const port = await freePort();
    const request = requestOf({}, { http: port });
    const { objectId } = await engine.create(request, call);
    await engine.start(objectId, call);
    const { ports } = await observed(objectId);
    assert.deepEqual(ports, { http: { host: '127.0.0.1', port } });
    assert.equal(await eventually(async () => await (await fetch(`http://127.0.0.1:${port}/`)).text()), 'version 1\n');
  });

  it('removed by hand, it is observed as gone, and start says notFound', async () => {
    const { objectId } = await running();
    await docker(dockerEndpoint, 'rm', '-f', objectId);
    assert.equal(await engine.observe(objectId, call), undefined);
    const error = await rejection(engine.start(objectId, call), 'notFound');
    assert.equal(error.retryable, false);
  });

  it('a foreign container of the same name is left alone, and the error says which it is', async () => {
    const request = requestOf();
    const name = objectName(scope.name, request.allocation);
    const id = await docker(
      dockerEndpoint,
      'run',
      '-d',
      '--name',
      name,
      '-m',
      '64m',
      '--cpus',
      '0.5',
      testImages.first,
      'sleep',
      '300',
    );
    try {
      const inspectFormat = '{{.Id}} {{.State.StartedAt}} {{.State.Running}} {{.Config.Labels}}';
      const untouched = await docker(dockerEndpoint, 'inspect', '-f', inspectFormat, name);
      const error = await rejection(engine.create(request, call), 'foreignName');
      assert.ok(error.message.includes(name) && error.message.includes(id.slice(0, 12)), error.message);
      assert.equal(error.retryable, false);
      assert.equal(await docker(dockerEndpoint, 'inspect', '-f', inspectFormat, name), untouched);
      const { foreign } = await engine.list(call);
      const listed = foreign.find((object) => object.name === name);
      assert.deepEqual(listed?.resources, { cpuMillis: 500, memoryBytes: 64 << 20 }, 'charged by its limits');
    } finally {
      await docker(dockerEndpoint, 'rm', '-f', id);
    }
  });

  it('a missing image is terminal and named; a present one is not asked for anywhere', async () => {
    const image = 'muster-test/there-is-no-such-image:1';
    const error = await rejection(engine.create(requestOf({ image }), call), 'imageMissing');
    assert.ok(error.message.includes(image) && error.hint?.includes(image), error.message);
    assert.equal(error.retryable, false);
    // No registry is reachable from here, so only an image that is there can be "pulled".
    await engine.pull({ ...baseRevision, image: testImages.second }, call);
    await rejection(engine.pull({ ...baseRevision, image: 'localhost:1/none:1' }, call), 'imageMissing');
  });

  it('a taken port names the port and its holder', async () => {
    const port = await freePort();
    const first = await engine.create(requestOf({}, { http: port }), call);
    await engine.start(first.objectId, call);
    const second = await engine.create(requestOf({}, { http: port }), call);
    const error = await rejection(engine.start(second.objectId, call), 'portTaken');
    assert.ok(error.message.includes(String(port)), error.message);
    assert.ok(error.message.includes((await observed(first.objectId)).name), error.message);
  });

  it('limits hold inside the container and are reported', async () => {
    const { objectId } = await running({ limits: { cpuMillis: 250, memoryBytes: 48 << 20 } });
    const { actual } = await observed(objectId);
    assert.deepEqual([actual['/limits/cpuMillis'], actual['/limits/memoryBytes']], [250, 48 << 20]);
    assert.deepEqual(await cgroupLimits(objectId), { cpuMillis: 250, memoryBytes: 48 << 20 });
  });

  it('a live update changes the limits, keeps the program running and is remembered', async () => {
    const { objectId, request } = await running();
    const { startedAt } = await observed(objectId);
    const limits = { cpuMillis: 400, memoryBytes: 96 << 20 };
    const revision = { ...request.revision, limits, resources: { ...request.revision.resources, cpuMillis: 300 } };
    await engine.update(
      objectId,
      { revisionHash: revisionHash('aaaaaaaaaaaaaaaa'), revision, holds: request.holds },
      call,
    );
    const after = await observed(objectId);
    assert.deepEqual([after.startedAt, after.state, after.revision], [startedAt, 'running', 'aaaaaaaaaaaaaaaa']);
    assert.deepEqual(await cgroupLimits(objectId), limits);
    assert.equal(after.actual['/resources/cpuMillis'], 300);
    const listed = (await engine.list(call)).objects.find((object) => object.objectId === objectId);
    assert.deepEqual(listed, after, 'listed as it is observed');
  });

  it('caps can be taken off in place, and put on again', async () => {
    const { objectId, request } = await running();
    const update = (limits: Revision['limits'], hash: string): Promise<void> =>
      engine.update(
        objectId,
        { revisionHash: revisionHash(hash), revision: { ...request.revision, limits }, holds: request.holds },
        call,
      );
    await update({ cpuMillis: 'unlimited', memoryBytes: 'unlimited' }, 'bbbbbbbbbbbbbbbb');
    const free = await observed(objectId);
    assert.deepEqual(
      [free.actual['/limits/cpuMillis'], free.actual['/limits/memoryBytes']],
      ['unlimited', 'unlimited'],
    );
    assert.ok((await cgroupLimits(objectId)).memoryBytes > 2 ** 49, 'the kernel agrees');
    await update({ cpuMillis: 150, memoryBytes: 32 << 20 }, 'cccccccccccccccc');
    assert.deepEqual(await cgroupLimits(objectId), { cpuMillis: 150, memoryBytes: 32 << 20 });
    assert.equal((await observed(objectId)).revision, 'cccccccccccccccc');
  });

  it('removing it removes what its updates left', async () => {
    const { objectId, request } = await running();
    await engine.update(
      objectId,
      { revisionHash: revisionHash('dddddddddddddddd'), revision: request.revision, holds: request.holds },
      call,
    );
    await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    await engine.remove(objectId, call);
    assert.equal(
      await docker(dockerEndpoint, 'volume', 'ls', '-q', '--filter', `label=io.muster.marks=${objectId}`),
      '',
    );
  });

  it('a `docker update` by hand shows in what is observed', async () => {
    const { objectId } = await running();
    await docker(
      dockerEndpoint,
      'update',
      '--cpus',
      '0.7',
      '--memory',
      '80m',
      '--memory-swap',
      '80m',
      '--restart',
      'no',
      objectId,
    );
    const { actual } = await observed(objectId);
    assert.deepEqual(
      [actual['/limits/cpuMillis'], actual['/limits/memoryBytes'], actual['/restart']],
      [700, 80 << 20, 'never'],
    );
  });

  it('a signal other than the one it was created with reaches the program', async () => {
    const script = 'trap "echo got usr1; exit 7" USR1; trap "exit 0" TERM; echo listens; while :; do sleep 0.1; done';
    const { objectId } = await running({ command: ['/bin/sh', '-c', script], restart: 'never' });
    await eventually(async () => assert.deepEqual(await linesOf(objectId), ['listens']));
    await engine.stop(objectId, { signal: 'SIGUSR1', graceMs: 10_000 }, call);
    const stopped = await observed(objectId);
    assert.deepEqual([stopped.state, stopped.exitCode], ['exited', 7]);
  });

  it('a paused container is stopped, and a paused one is started', async () => {
    const { objectId } = await running();
    await docker(dockerEndpoint, 'pause', objectId);
    assert.equal((await observed(objectId)).state, 'paused');
    await engine.start(objectId, call);
    assert.equal((await observed(objectId)).state, 'running');
    await docker(dockerEndpoint, 'pause', objectId);
    await engine.stop(objectId, { signal: 'SIGTERM', graceMs: 5_000 }, call);
    assert.equal((await observed(objectId)).state, 'exited');
  });

  it('the docker block takes effect', async () => {
    const { objectId } = await running({
      options: { init: true, user: '65534:65534', workingDir: '/tmp', readOnly: true },
    });
    assert.equal(
      await inside(objectId, 'id -u; pwd; touch /www/x 2>/dev/null || echo read-only; cat /proc/1/comm'),
      '65534\n/tmp\nread-only\ndocker-init',
    );
  });

  it('output of a command is bounded', async () => {
    const { objectId } = await running();
    const { exitCode, output } = await engine.exec(objectId, ['/bin/sh', '-c', 'yes | head -c 1000000'], call);
    assert.equal(exitCode, 0);
    assert.ok(output.length > 1_000 && output.length <= 64 * 1024, `${output.length}`);
  });

  it('follows the log until it is told to stop', async () => {
    const { objectId } = await running({
      command: ['/bin/sh', '-c', 'trap "exit 0" TERM; i=0; while :; do i=$((i+1)); echo line $i; sleep 0.1; done'],
    });
    const seen: string[] = [];
    const abort = new AbortController();
    for await (const line of engine.logs(objectId, { tail: 1_000, follow: true }, { ...call, signal: abort.signal })) {
      seen.push(line.text);
      if (seen.length === 3) abort.abort();
    }
    assert.deepEqual(seen.slice(0, 3), ['line 1', 'line 2', 'line 3']);
  });

  it('restarts what failed, and says that health is for Muster to probe', async () => {
    const { objectId } = await running({
      command: ['/bin/sh', '-c', 'sleep 0.2; exit 9'],
      health: {
        probe: { kind: 'tcp', port: 'http' },
        intervalMs: 1_000,
        timeoutMs: 500,
        healthyAfter: 1,
        unhealthyAfter: 3,
      },
    });
    await eventually(async () => assert.ok(((await observed(objectId)).restarts ?? 0) > 0));
    assert.equal((await observed(objectId)).health, 'unknown');
  });

  /** What the kernel enforces, whichever cgroup version it has. */
  async function cgroupLimits(objectId: string): Promise<{ readonly cpuMillis: number; readonly memoryBytes: number }> {
    const v1 =
      'cd /sys/fs/cgroup && echo $(cat cpu/cpu.cfs_quota_us) $(cat cpu/cpu.cfs_period_us) $(cat memory/memory.limit_in_bytes)';
    const v2 = 'cd /sys/fs/cgroup && echo $(cat cpu.max) $(cat memory.max)';
    const text = await inside(objectId, `if [ -e /sys/fs/cgroup/cpu.max ]; then ${v2}; else ${v1}; fi`);
    const [quota = 0, period = 1, memoryBytes = 0] = text
      .split(' ')
      .map((word) => (word === 'max' ? Number.MAX_SAFE_INTEGER : Number(word)));
    return { cpuMillis: Math.round((quota * 1000) / period), memoryBytes };
  }
});

const baseRevision: Revision = {
  engine: 'docker',
  image: testImages.first,
  command: [],
  args: [],
  env: {},
  resources: { cpuMillis: 100, memoryBytes: 16 << 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 200, memoryBytes: 32 << 20 },
  ports: [{ name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' }],
  stop: { signal: 'SIGTERM', graceMs: 5_000, delayMs: 0 },
  restart: 'on-failure',
};

async function rejection(promise: Promise<unknown>, code: EngineErrorCode): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, `expected an EngineError ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}

/** What a busy machine may take for what takes it a second when idle. */
const patienceMs = 60_000;

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  const end = Date.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

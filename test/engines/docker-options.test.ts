import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import { type CreateRequest, type Engine, EngineError } from '../../src/engines/engine.ts';
import { liveFields } from '../../src/engines/features.ts';
import type { DockerOptions } from '../../src/model/docker-options.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { Revision, RevisionFile } from '../../src/model/revision.ts';
import { compareActual } from '../../src/plan/compare.ts';
import { docker, dockerEndpoint, freePort, needsDocker, removeClusterObjects, testImages } from '../bed/docker.ts';

const uid = clusterUid(`docker-options-${process.pid}`);
const scope = { name: `dockeroptions${process.pid}`, uid };
const call = { deadlineMs: 60_000 };

describe('the docker block, measured inside the container', await needsDocker(), () => {
  let engine: Engine;
  let ordinal = 0;

  before(() => {
    engine = openDockerEngine({ node: nodeName('n1'), scope, endpoint: { endpoint: dockerEndpoint } });
  });
  after(async () => {
    await engine.close();
    await removeClusterObjects(dockerEndpoint, uid);
  });

  const started = async (options: DockerOptions, revision: Partial<Revision> = {}, holds: Partial<Holds> = {}) => {
    const made = requestOf(options, revision, ordinal++);
    const request = { ...made, holds: { ...made.holds, ...holds } };
    const { objectId } = await engine.create(request, call);
    await engine.start(objectId, call);
    return { objectId, request };
  };
  const inside = async (objectId: string, script: string): Promise<string> => {
    const { exitCode, output } = await engine.exec(objectId, ['/bin/sh', '-c', script], call);
    assert.equal(exitCode, 0, output);
    return output.trim();
  };
  const drift = async ({ objectId, request }: { readonly objectId: string; readonly request: CreateRequest }) => {
    const object = await engine.observe(objectId, call);
    return compareActual(request.revision, object?.actual ?? {}, {
      liveFields: liveFields['docker'] ?? [],
      ignoreFields: [],
    }).map(({ path, before, after, class: kind }) => ({ path, before, after, kind }));
  };

  it('takes capabilities away and gives others', async () => {
    const made = await started({ capabilities: { add: ['NET_ADMIN'], drop: ['ALL'] } });
    assert.match(await inside(made.objectId, 'grep CapEff /proc/self/status'), /\t0000000000001000$/);
    assert.deepEqual(await drift(made), []);
  });

  it('sets kernel parameters, limits of processes and no_new_privs', async () => {
    const { objectId } = await started({
      sysctls: { 'kernel.msgmax': '4096', 'net.core.somaxconn': '777' },
      ulimits: { nofile: { soft: 300, hard: 400 }, core: { soft: 0, hard: 0 } },
      noNewPrivileges: true,
    });
    assert.equal(await inside(objectId, 'cat /proc/sys/kernel/msgmax /proc/sys/net/core/somaxconn'), '4096\n777');
    const limits = await inside(
      objectId,
      "sed -n '/open files/p;/core file/p' /proc/1/limits | tr -s ' ' | sed 's/ $//'",
    );
    assert.equal(limits, 'Max core file size 0 0 bytes\nMax open files 300 400 files');
    assert.equal(await inside(objectId, "sed -n 's/NoNewPrivs:\\t//p' /proc/1/status"), '1');
  });

  it('mounts directories in memory of the size and permissions that are asked for', async () => {
    const { objectId } = await started({
      readOnly: true,
      shmSizeBytes: 8 << 20,
      tmpfs: [{ name: '/scratch dir', sizeBytes: 1 << 20, mode: '0700' }],
    });
    assert.match(await inside(objectId, 'grep " /dev/shm " /proc/mounts'), /size=8192k/);
    assert.match(await inside(objectId, 'grep "scratch" /proc/mounts'), /^tmpfs .*size=1024k,mode=700/);
    const full = await engine.exec(
      objectId,
      ['/bin/sh', '-c', 'dd if=/dev/zero of="/scratch dir/f" bs=1024 count=1100'],
      call,
    );
    assert.notEqual(full.exitCode, 0, full.output);
    assert.equal(await inside(objectId, 'wc -c < "/scratch dir/f"'), String(1 << 20), 'it holds a MiB and no more');
  });

  it('brings devices of the node in, with the permissions that are asked for', async () => {
    const devices = [{ name: '/dev/nothing', path: '/dev/null', permissions: 'r' }];
    const { objectId } = await started({ devices });
    assert.equal(await inside(objectId, 'stat -c %t:%T /dev/nothing'), '1:3');
  });

  it('knows names and name servers', async () => {
    const { objectId } = await started({
      extraHosts: { 'db.local': '10.9.8.7', 'six.local': '2001:db8::7' },
      dns: { servers: ['10.9.8.1', '10.9.8.2'], search: ['svc.local'] },
    });
    assert.match(await inside(objectId, 'cat /etc/hosts'), /10\.9\.8\.7\tdb\.local[\s\S]*2001:db8::7\tsix\.local/);
    assert.match(
      await inside(objectId, 'cat /etc/resolv.conf'),
      /search svc\.local\nnameserver 10\.9\.8\.1\nnameserver 10\.9\.8\.2/,
    );
  });

  it('shares the node’s network: the program listens on a port of the node, and is reached there', async () => {
    const port = await freePort();
    const { objectId } = await started(
      { network: 'host' },
      {
        command: [
          '/bin/sh',
          '-c',
          'mkdir /tmp/www && cd /tmp/www && echo served > index.html && httpd -f -p "$PORT_HTTP"',
        ],
        ports: [{ name: 'http', port: 80, protocol: 'tcp', publish: 'auto' }],
      },
      { ports: { http: port } },
    );
    assert.equal(await inside(objectId, 'readlink /proc/1/ns/net'), readlinkSync('/proc/self/ns/net'));
    assert.deepEqual((await engine.observe(objectId, call))?.ports, { http: { host: '127.0.0.1', port } });
    await waitFor(async () => (await (await fetch(`http://127.0.0.1:${port}/`)).text()) === 'served\n');
  });

  it('has no network at all', async () => {
    const { objectId } = await started(
      { network: 'none' },
      { ports: [{ name: 'http', port: 80, protocol: 'tcp', publish: 'none' }] },
    );
    assert.equal(await inside(objectId, 'ls /sys/class/net'), 'lo');
    assert.deepEqual((await engine.observe(objectId, call))?.ports, {});
  });

  it('holds processes and swap to their limits, changes both in place, and sees what somebody changed by hand', async () => {
    const made = await started({ init: true, pids: 20, swapBytes: 16 << 20 });
    const { objectId, request } = made;
    const before = await engine.observe(objectId, call);
    assert.equal(await inside(objectId, pidsMax), '20');
    assert.equal(await inside(objectId, memoryAndSwap), String(48 << 20));
    assert.deepEqual(await drift(made), []);
    const many = await engine.exec(objectId, ['/bin/sh', '-c', 'for i in $(seq 40); do sleep 1 & done; wait'], call);
    assert.match(many.output, /can't fork/, 'the limit holds');
    // What was started ends by itself, and is reaped.
    await sleep(1_500);

    await docker(dockerEndpoint, 'update', '--pids-limit', '99', '--memory-swap', '40m', objectId);
    assert.deepEqual(await drift(made), [
      { path: '/options/pids', before: 99, after: 20, kind: 'live' },
      { path: '/options/swapBytes', before: 8 << 20, after: 16 << 20, kind: 'live' },
    ]);

    const changed = [{ pids: 50, swapBytes: 4 << 20 }, {}, { pids: 7 }, { swapBytes: 'unlimited' as const }];
    for (const change of changed) {
      const options: DockerOptions = { init: true, ...change };
      const revision = { ...request.revision, options: { ...options } };
      await engine.update(objectId, { ...request, revision }, call);
      assert.equal(await inside(objectId, pidsMax), String(options.pids ?? 'max'));
      assert.deepEqual(await drift({ objectId, request: { ...request, revision } }), []);
      const recalled = await engine.recall(objectId, call);
      assert.deepEqual(recalled?.revision?.options, options);
    }
    assert.equal((await engine.observe(objectId, call))?.startedAt, before?.startedAt, 'it was not restarted');
  });

  it('weighs instances by their priority, changes that in place, and sees what somebody changed by hand', async () => {
    const made = await started({}, { priority: 100, resources: { ...base.resources, cpuMillis: 500 } });
    const { objectId, request } = made;
    const before = await engine.observe(objectId, call);
    assert.equal(await inside(objectId, cpuShares), '51');
    assert.equal(await inside(objectId, 'cat /proc/1/oom_score_adj'), '900');
    assert.deepEqual(await drift(made), []);

    await docker(dockerEndpoint, 'update', '--cpu-shares', '512', objectId);
    const [changed] = await drift(made);
    assert.deepEqual([changed?.path, changed?.after, changed?.kind], ['/priority', 100, 'live']);
    assert.match(String(changed?.before), /^cpu shares 512 and block I\/O weight \d+$/);

    const { priority: _, ...online } = request.revision;
    for (const [revision, shares] of [
      [{ ...online, priority: 2000 }, '1024'],
      [online, '512'],
      [request.revision, '51'],
    ] as const) {
      await engine.update(objectId, { ...request, revision }, call);
      assert.equal(await inside(objectId, cpuShares), shares);
      assert.deepEqual(await drift({ objectId, request: { ...request, revision } }), []);
    }
    assert.equal((await engine.observe(objectId, call))?.startedAt, before?.startedAt, 'it was not restarted');
  });

  it('gives a core to those of higher priority where two want it', async () => {
    const busy: Partial<Revision> = { command: ['/bin/sh', '-c', 'while :; do :; done'] };
    const reserved = { resources: { ...base.resources, cpuMillis: 500 } };
    const one = await started({}, { ...busy, ...reserved }, { cpuset: '0' });
    const two = await started({}, { ...busy, ...reserved, priority: 100 }, { cpuset: '0' });
    const ticks = async ({ objectId }: { readonly objectId: string }): Promise<number> =>
      Number(await inside(objectId, "cut -d' ' -f14 /proc/1/stat"));
    const begin = [await ticks(one), await ticks(two)];
    await sleep(2_000);
    const [online = 0, offline = 0] = [(await ticks(one)) - (begin[0] ?? 0), (await ticks(two)) - (begin[1] ?? 0)];
    for (const { objectId } of [one, two]) await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    assert.ok(online > 3 * Math.max(offline, 1), `online ran for ${online} ticks, offline for ${offline}`);
  });

  const files: readonly RevisionFile[] = [
    { name: '/etc/app/ä b/$(id).conf', content: 'listen: 80\n\'"`$HOME` €\u0001', mode: '0640', uid: 7, gid: 9 },
    { name: '/run.sh', content: '#!/bin/sh\necho injected > /tmp/proof\nsleep 600\n', mode: '0755', uid: 0, gid: 0 },
  ];

  it('has its files before it starts, with their owners and permissions, and they are nowhere else', async () => {
    const { objectId, request } = await started({}, { files, command: ['/run.sh'] });
    const path = "'/etc/app/ä b/$(id).conf'";
    assert.equal(await inside(objectId, 'cat /tmp/proof'), 'injected');
    assert.equal(await inside(objectId, `stat -c '%a %u %g' ${path}`), '640 7 9');
    assert.equal(await inside(objectId, `base64 -w0 ${path}`), Buffer.from(files[0]?.content ?? '').toString('base64'));
    const told = await docker(dockerEndpoint, 'inspect', objectId);
    assert.ok(!told.includes('listen: 80') && !told.includes('injected'), 'what docker tells does not have them');
    assert.deepEqual((await engine.recall(objectId, call))?.revision, request.revision);
    assert.deepEqual(await engine.create(request, call), { objectId }, 'once more changes nothing');
  });

  it('puts no file in the place of a directory', async () => {
    const [file] = files;
    assert.ok(file !== undefined);
    await assert.rejects(started({}, { files: [{ ...file, name: '/bin' }] }), /docker on n1 refuses files: /);
    const { objectId } = await started({});
    assert.equal(await inside(objectId, 'test -d /bin && echo there'), 'there');
  });

  it('says which runtimes it has and whether it can hold a layer to a size, and runs by the one that is asked for', async () => {
    const { offers } = await engine.info(call);
    assert.ok(offers?.['/options/runtime']?.includes('runc') === true);
    // The data root of the test machine is on ext4.
    assert.deepEqual(offers?.['/options/storageSizeBytes'], []);
    const { objectId } = await started({ runtime: 'io.containerd.runc.v2' });
    const runtime = await docker(dockerEndpoint, 'inspect', '-f', '{{.HostConfig.Runtime}}', objectId);
    assert.equal(runtime, 'io.containerd.runc.v2');
    assert.equal(await inside(objectId, 'echo runs'), 'runs');
  });

  it('writes where the log driver that is asked for says, and keeps the files short by default', async () => {
    const config = async (options: DockerOptions): Promise<unknown> => {
      const { objectId } = await started(options);
      return JSON.parse(await docker(dockerEndpoint, 'inspect', '-f', '{{json .HostConfig.LogConfig}}', objectId));
    };
    assert.deepEqual(await config({}), { Type: 'json-file', Config: { 'max-file': '2', 'max-size': '10m' } });
    assert.deepEqual(await config({ logging: { driver: 'json-file', options: { 'max-size': '1m', tag: 'ä"$(x)' } } }), {
      Type: 'json-file',
      Config: { 'max-file': '2', 'max-size': '1m', tag: 'ä"$(x)' },
    });
    assert.deepEqual(await config({ logging: { driver: 'local', options: {} } }), { Type: 'local', Config: {} });
  });

  const refusals: readonly (readonly [string, DockerOptions])[] = [
    ['docker.devices', { devices: [{ name: '/dev/x', path: '/dev/does-not-exist', permissions: 'rwm' }] }],
    ['docker.runtime', { runtime: 'no-such-runtime' }],
    ['docker.storageSize', { storageSizeBytes: 1 << 30 }],
    ['docker.sysctls', { sysctls: { 'net.no.such': '1' } }],
    ['docker.logging', { logging: { driver: 'json-file', options: { 'no-such-option': '1' } } }],
  ];
  for (const [field, options] of refusals) {
    it(`names ${field} where a node does not have it: ${JSON.stringify(options)}`, async () => {
      await assert.rejects(started(options), (error) => {
        assert.ok(error instanceof EngineError);
        assert.equal(error.retryable, false);
        assert.match(error.message, new RegExp(`docker on n1 refuses ${field.replace('.', '\\.')}: `));
        return true;
      });
    });
  }
});

const cpuShares = 'cat /sys/fs/cgroup/cpu/cpu.shares';

/** Asks again for ten seconds, while nothing listens yet. */
async function waitFor(isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      assert.ok(await isSo());
      return;
    } catch (error) {
      if (tries === 100) throw error;
    }
    await sleep(100);
  }
}

/** Cgroup v1 or v2, whichever the machine has. */
const pidsMax = 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max';
const memoryAndSwap = 'cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes';

const base: Revision = {
  engine: 'docker',
  image: testImages.first,
  command: ['/bin/sleep', '600'],
  args: [],
  env: {},
  resources: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 'unlimited', memoryBytes: 32 << 20 },
  ports: [],
  stop: { signal: 'SIGKILL', graceMs: 0, delayMs: 0 },
  restart: 'on-failure',
};

const requestOf = (options: DockerOptions, revision: Partial<Revision>, ordinal: number): CreateRequest => ({
  allocation: allocationId(instanceId(workloadId('shop', 'web'), ordinal), 1),
  revisionHash: revisionHash('0123456789abcdef'),
  revision: {
    ...base,
    options: { ...options },
    ...revision,
  },
  holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 },
  token: fencingToken({ epoch: 1, createRevision: 7 }),
  effect: 's1:create',
});

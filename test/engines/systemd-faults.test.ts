import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { type CreateRequest, type Engine, EngineError, type EngineErrorCode } from '../../src/engines/engine.ts';
import type { SshHost } from '../../src/engines/ssh/host.ts';
import { openSystemdEngine } from '../../src/engines/systemd/engine.ts';
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
import { needsHosts, startHost, type TestHost } from '../bed/hosts.ts';
import { until } from '../contract/engine.ts';
import { reach, systemdRevision } from './systemd-units.ts';

const call = { deadlineMs: 30_000 };

describe('systemd on a machine of its own', await needsHosts(), () => {
  let machine: TestHost;
  let engine: Engine;
  const opened: SshHost[] = [];
  let made = 0;
  const open = (user: 'root' | 'deploy' | 'guest', sudo: 'sudo' | 'login'): Engine => {
    const host = reach(machine, user);
    opened.push(host);
    const endpoint = { endpoint: machine.endpoint, ...(sudo === 'sudo' && { sudo: true as const }) };
    const cluster = { name: 'faults', uid: clusterUid('11111111-1111-4111-8111-111111111111') };
    return openSystemdEngine({ node: nodeName('n1'), cluster, host, reachableHost: machine.ip, endpoint });
  };
  before(async () => {
    machine = await startHost();
    engine = open('root', 'login');
  });
  after(async () => {
    for (const host of opened) host.close();
    await machine.close();
  });
  const requestOf = (revision: Partial<Revision> = {}): CreateRequest => {
    made += 1;
    return {
      allocation: allocationId(instanceId(workloadId('shop', 'web'), made), 1),
      revisionHash: revisionHash('0123456789abcdef'),
      revision: systemdRevision(revision),
      holds: { cpuMillis: 50, memoryBytes: 16 << 20, storageBytes: 0, ports: { http: 19_000 + made } },
      token: fencingToken({ epoch: 1, createRevision: 7 }),
      effect: 's1:create',
    };
  };
  const unitOf = ({ allocation }: CreateRequest): string =>
    `muster-faults.${allocation.replace('#', '.g').replaceAll('/', '.')}.service`;
  const fileOf = (request: CreateRequest): string => `/etc/systemd/system/${unitOf(request)}`;
  const start = async (revision: Partial<Revision> = {}) => {
    const request = requestOf(revision);
    const { objectId } = await engine.create(request, call);
    await engine.start(objectId, call);
    return { request, objectId };
  };
  const observe = async (objectId: string): Promise<ObservedObject> => {
    const seen = await engine.observe(objectId, call);
    assert.ok(seen !== undefined);
    return seen;
  };
  const linesOf = async (objectId: string, count: number): Promise<readonly string[]> => {
    let lines: string[] = [];
    await until(async () => {
      lines = [];
      for await (const { text } of engine.logs(objectId, { tail: 1_000, follow: false }, call)) lines.push(text);
      return lines.length >= count;
    });
    return lines;
  };

  it('brings every argument and every value inside as it is, whatever is in it', async () => {
    const texts = fc.sample(
      fc.oneof(
        fc.string({
          unit: fc.constantFrom(...` \t\n\r'"\`$\\!*?[]{}()<>|&;#~%=-^,@:+é€🦊\u0001\u007f`),
          maxLength: 16,
        }),
        fc.string({ unit: 'binary', maxLength: 16 }),
      ),
      { numRuns: 150, seed: Number(process.env['SEED'] ?? Date.now() % 1e9) },
    );
    // A NUL cannot be, and neither what is no character.
    const values = texts.map((text) =>
      text.replaceAll('\0', '0').replaceAll(/[\p{Surrogate}\p{Noncharacter_Code_Point}]/gu, '?'),
    );
    // `$(NAME)` is for Muster itself to replace.
    const literal = (text: string): string => text.replaceAll('$', () => '$$');
    const names = values.map((_, index) => `V${index}`);
    const env = Object.fromEntries(values.map((value, index) => [`V${index}`, literal(value)]));
    const script = `for a in "$@"; do printf %s "x$a" | od -An -v -tx1 | tr -d ' \\n'; echo; done; ${names.map((name) => `printf %s "x$${name}" | od -An -v -tx1 | tr -d ' \\n'; echo`).join('; ')}; sh -c 'echo of a child >&2'; sleep 1000`;
    const { objectId } = await start({
      command: ['/bin/sh', '-c', literal(script), 'sh'],
      args: values.map(literal),
      env,
    });
    const lines = await linesOf(objectId, 2 * values.length + 1);
    // The journal keeps no empty lines: each begins with an x.
    const hex = values.map((value) => Buffer.from(`x${value}`).toString('hex'));
    assert.deepEqual(lines, [...hex, ...hex, 'of a child'], `values ${JSON.stringify(values)}`);
    const inside = await engine.exec(objectId, ['/usr/bin/printenv', '-0', ...names], call);
    assert.deepEqual(inside.output.split('\0').slice(0, -1), values);
    assert.deepEqual((await observe(objectId)).actual['/options/unit'], undefined, 'it is as Muster wrote it');
  });

  it('keeps environments from everybody but root', async () => {
    const { request } = await start({ env: { PASSWORD: 'hunter2hunter2' } });
    const seen = await machine.sh(
      `su guest -c 'cat ${fileOf(request)}; systemctl show ${unitOf(request)}; cat /var/lib/muster/systemd/${unitOf(request)}/*; cat /proc/[0-9]*/cmdline' 2>&1 || true`,
    );
    assert.match(seen, /Object=/);
    assert.ok(!seen.includes('hunter2'));
  });

  it('limits take effect, measured by the kernel, and change while the program runs on', async () => {
    const { request, objectId } = await start();
    const unit = unitOf(request);
    const inForce = (): Promise<string> =>
      machine.sh(
        `cd /sys/fs/cgroup; if [ -f cgroup.controllers ]; then cd muster.slice/${unit}; cat memory.max cpu.max; else cat memory/muster.slice/${unit}/memory.limit_in_bytes cpu/muster.slice/${unit}/cpu.cfs_quota_us; fi; systemctl show -P MainPID ${unit}`,
      );
    const [memory, cpu, pid] = (await inForce()).split('\n');
    assert.deepEqual([memory, cpu?.split(' ')[0]], [String(64 << 20), '50000']);
    const revision: Revision = {
      ...request.revision,
      limits: { cpuMillis: 250, memoryBytes: 96 << 20 },
      stop: { signal: 'SIGINT', graceMs: 3_000, delayMs: 0 },
    };
    await engine.update(
      objectId,
      { revisionHash: revisionHash('fedcba9876543210'), revision, holds: request.holds },
      call,
    );
    const [grown, slower, same] = (await inForce()).split('\n');
    assert.deepEqual([grown, slower?.split(' ')[0], same], [String(96 << 20), '25000', pid]);
    const seen = await observe(objectId);
    assert.deepEqual([seen.actual['/limits/memoryBytes'], seen.actual['/limits/cpuMillis']], [96 << 20, 250]);
    assert.equal(
      await machine.sh(
        `systemctl show -P KillSignal -P TimeoutStopUSec ${unit}; systemctl show -p DropInPaths ${unit}`,
      ),
      '3s\n2\nDropInPaths=',
    );
    const free: Revision = { ...revision, limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' } };
    await engine.update(
      objectId,
      { revisionHash: revisionHash('0000000000000000'), revision: free, holds: request.holds },
      call,
    );
    const unlimited = await observe(objectId);
    assert.deepEqual(
      [unlimited.actual['/limits/memoryBytes'], unlimited.actual['/limits/cpuMillis']],
      ['unlimited', 'unlimited'],
    );
  });

  it('a drop-in made by hand stays, is told as what it changes, and an update that it overrides says so', async () => {
    const { request, objectId } = await start();
    const dropIn = `${fileOf(request)}.d/50-mine.conf`;
    await machine.sh(
      `mkdir -p ${fileOf(request)}.d; printf '[Service]\\nMemoryMax=33554432\\n' >${dropIn}; systemctl daemon-reload`,
    );
    assert.equal((await observe(objectId)).actual['/limits/memoryBytes'], 33_554_432);
    const { revision, holds } = request;
    const update = engine.update(objectId, { revisionHash: request.revisionHash, revision, holds }, call);
    const error = await rejects(update, 'rejected');
    assert.ok(error.message.includes(dropIn));
    await engine.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    await engine.remove(objectId, call);
    assert.match(await machine.sh(`cat ${dropIn}`), /MemoryMax/);
  });

  it('what was changed by hand is told by the field that it comes from', async () => {
    const { request, objectId } = await start();
    await machine.sh(
      `sed -i 's/^TasksMax=.*/TasksMax=5/; s/^KillSignal=.*/KillSignal=SIGHUP/; s/^Slice=.*/Slice=system.slice/' ${fileOf(request)}`,
    );
    const { actual } = await observe(objectId);
    assert.deepEqual(
      [actual['/options/tasks'], actual['/stop'], actual['/options/unit']],
      ['TasksMax=5', 'KillSignal=SIGHUP', 'Slice=system.slice'],
    );
  });

  it('what runs without its unit file is still seen, stopped and removed', async () => {
    const { request, objectId } = await start();
    await machine.sh(`rm ${fileOf(request)}; systemctl daemon-reload`);
    const seen = (await engine.list(call)).objects.find((object) => object.objectId === objectId);
    assert.deepEqual([seen?.state, seen?.actual], ['running', { '/options/unit': 'the unit file was removed' }]);
    await rejects(engine.start(objectId, call), 'broken');
    await engine.stop(objectId, { signal: 'SIGTERM', graceMs: 2_000 }, call);
    await engine.remove(objectId, call);
    assert.equal(await engine.observe(objectId, call), undefined);
    assert.equal(await machine.sh(`ls -d /var/lib/muster/systemd/${unitOf(request)} 2>/dev/null || true`), '');
  });

  it('a half-written unit, and one whose record is gone, are recognised and left alone', async () => {
    const request = requestOf();
    await machine.sh(`printf '[Unit]\\nDescription=x\\n[X-Muster]\\nObject=12' >${fileOf(request)}`);
    const error = await rejects(engine.create(request, call), 'foreignName');
    assert.match(error.message, /its record is missing or not whole/);
    assert.ok((await engine.list(call)).foreign.some(({ name }) => unitOf(request).includes(name)));
    assert.match(await machine.sh(`cat ${fileOf(request)}`), /Object=12$/);
    const { request: other, objectId } = await start();
    await machine.sh(`truncate -s 20 /var/lib/muster/systemd/${unitOf(other)}/object.json`);
    assert.equal(await engine.observe(objectId, call), undefined);
    await rejects(engine.create(other, call), 'foreignName');
    assert.equal(await machine.sh(`systemctl is-active ${unitOf(other)}`), 'active');
  });

  it('what an interrupted creation left is no obstacle, and a name that systemd knows from elsewhere is', async () => {
    const request = requestOf();
    await machine.sh(
      `mkdir -p /var/lib/muster/systemd/${unitOf(request)}; echo '{' >/var/lib/muster/systemd/${unitOf(request)}/object.json`,
    );
    const { objectId } = await engine.create(request, call);
    assert.equal((await observe(objectId)).state, 'created');
    const other = requestOf();
    await machine.sh(
      `mkdir -p /run/systemd/system; printf '[Service]\\nExecStart=/bin/sleep 9\\n' >/run/systemd/system/${unitOf(other)}`,
    );
    await rejects(engine.create(other, call), 'foreignName');
  });

  it('a full disk is told as that, and leaves nothing behind', async () => {
    const request = requestOf({ env: { LARGE: 'x'.repeat(200_000) } });
    await machine.sh('mkdir -p /var/lib/muster && mount -t tmpfs -o size=64k none /var/lib/muster');
    try {
      const error = await rejects(engine.create(request, call), 'noSpace');
      assert.ok(error.retryable && !error.message.includes('xxx'));
      assert.equal(await machine.sh(`ls ${fileOf(request)} /etc/systemd/system/.muster-* 2>/dev/null || true`), '');
      assert.equal(await machine.sh('ls /var/lib/muster/systemd'), '');
    } finally {
      await machine.sh('umount /var/lib/muster');
    }
    await engine.create(request, call);
  });

  it('a port that is taken, a program that is not there and a folder that is missing are told before anything starts', async () => {
    const request = requestOf();
    const port = 19_000 + made;
    await machine.sh(`systemd-run -q --unit=taker busybox httpd -f -p ${port}`);
    const hex = port.toString(16).toUpperCase();
    await until(async () => (await machine.sh(`grep -h ':${hex} ' /proc/net/tcp /proc/net/tcp6 || true`)) !== '');
    await rejects(engine.create(request, call), 'portTaken');
    const startOf = async (revision: Partial<Revision>): Promise<void> =>
      await engine.start((await engine.create(requestOf(revision), call)).objectId, call);
    assert.match(
      (await rejects(startOf({ command: ['/opt/missing'] }), 'rejected')).message,
      /"\/opt\/missing" cannot be executed/,
    );
    assert.match(
      (await rejects(startOf({ options: { workingDir: '/missing' } }), 'rejected')).message,
      /directory \/missing does not exist/,
    );
    assert.match(
      (await rejects(startOf({ options: { user: 'missing' } }), 'rejected')).message,
      /systemd did not start it/,
    );
  });

  it('works for a user who becomes root by sudo, and says what is missing for one who may not', async () => {
    const deploy = open('deploy', 'sudo');
    const { objectId } = await deploy.create(requestOf(), call);
    await deploy.start(objectId, call);
    assert.equal((await deploy.observe(objectId, call))?.state, 'running');
    assert.equal((await deploy.exec(objectId, ['/usr/bin/id', '-un'], call)).output, 'root\n');
    await deploy.stop(objectId, { signal: 'SIGTERM', graceMs: 2_000 }, call);
    await deploy.remove(objectId, call);
    assert.match((await rejects(open('guest', 'sudo').list(call), 'rejected')).message, /sudo refuses/);
    const without = await rejects(open('guest', 'login').create(requestOf(), call), 'rejected');
    assert.match(String(without.hint), /sudo: true/);
  });

  it('says which limits the kernel of the machine cannot hold', async () => {
    assert.deepEqual((await engine.info(call)).offers, {});
    // Either way of having none: not mounted in a hierarchy of its own, or not among those of the unified one.
    const hidden = await machine.sh(
      'cd /sys/fs/cgroup; if [ -f cgroup.controllers ]; then echo cpu >/tmp/none; mount --bind /tmp/none cgroup.controllers; echo unified; else umount -l memory; echo own; fi',
    );
    const { offers } = await engine.info(call);
    const unified = { '/limits/memoryBytes': [], '/options/tasks': [] };
    assert.deepEqual(offers, hidden === 'unified' ? unified : { '/limits/memoryBytes': [] });
  });

  it('what runs is there again after the machine was started anew; what was stopped is not', async () => {
    const running = await start();
    const stopped = await start();
    await engine.stop(stopped.objectId, { signal: 'SIGTERM', graceMs: 2_000 }, call);
    await machine.restart();
    const stateOf = ({ request }: { readonly request: CreateRequest }): Promise<string> =>
      machine.sh(`systemctl is-active ${unitOf(request)} || true`);
    assert.deepEqual([await stateOf(running), await stateOf(stopped)], ['active', 'inactive']);
  });
});

async function rejects(promise: Promise<unknown>, code: EngineErrorCode): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError, `expected an EngineError ${code}, got ${String(error)}`);
  assert.equal(error.code, code, error.message);
  return error;
}

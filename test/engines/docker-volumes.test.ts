import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { openDockerEngine } from '../../src/engines/docker/engine.ts';
import { type CreateRequest, type Engine, EngineError } from '../../src/engines/engine.ts';
import type { NodeDisk } from '../../src/model/desired.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { HeldVolume } from '../../src/model/recorded.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import { docker, dockerEndpoint, needsDocker, removeClusterObjects, testImages } from '../bed/docker.ts';

const uid = clusterUid(`docker-volumes-${process.pid}`);
const scope = { name: `dockervolumes${process.pid}`, uid };
const call = { deadlineMs: 60_000 };

describe('what docker mounts and binds', await needsDocker(), () => {
  let engine: Engine;
  let folder: string;
  let device: string;
  let ordinal = 0;

  before(() => {
    engine = open([]);
    folder = mkdtempSync(join(tmpdir(), 'muster-volumes-'));
  });
  beforeEach(() => {
    ordinal += 1;
    device = join(folder, `data${ordinal}`);
    mkdirSync(device);
  });
  after(async () => {
    await engine.close();
    await removeClusterObjects(dockerEndpoint, uid);
    rmSync(folder, { recursive: true, force: true });
  });

  function open(disks: readonly NodeDisk[]): Engine {
    return openDockerEngine({ node: nodeName('n1'), scope, endpoint: { endpoint: dockerEndpoint }, disks });
  }

  const directory = (volume: string): string => join(device, 'muster', scope.name, 'shop/db', String(ordinal), volume);

  const requestOf = (wanted: {
    readonly volumes: readonly RevisionVolume[];
    readonly held?: readonly HeldVolume[];
    readonly revision?: Partial<Revision>;
  }): CreateRequest => ({
    allocation: allocationId(instanceId(workloadId('shop', 'db'), ordinal), 1),
    revisionHash: revisionHash('0123456789abcdef'),
    revision: { ...baseRevision, volumes: wanted.volumes, ...wanted.revision },
    holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, volumes: wanted.held ?? [] },
    token: fencingToken({ epoch: 1, createRevision: 7 }),
    effect: `s${ordinal}:create`,
  });

  const heldData = (): HeldVolume => ({ name: 'data', device, bytes: 0 });

  it('makes the directory as its user’s, once: later generations change neither owner nor contents', async () => {
    const options = { user: '1234:5678' };
    const request = requestOf({ volumes: [volumeOf({})], held: [heldData()], revision: { options } });
    await engine.create(request, call);
    const { uid: owner, gid } = statSync(directory('data'));
    assert.deepEqual([owner, gid], [1234, 5678]);
    execFileSync('chown', ['4321', directory('data')]);
    execFileSync('chmod', ['700', directory('data')]);
    writeFileSync(join(directory('data'), 'file'), 'precious');
    const next = allocationId(instanceId(workloadId('shop', 'db'), ordinal), 2);
    await engine.create({ ...request, allocation: next }, call);
    const kept = statSync(directory('data'));
    assert.deepEqual([kept.uid, kept.mode & 0o777], [4321, 0o700]);
    assert.equal(statSync(join(directory('data'), 'file')).size, 8);
  });

  it('erases a tree without following what leads out of it', async () => {
    const outside = join(folder, `outside${ordinal}`);
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'not ours');
    const { objectId } = await engine.create(requestOf({ volumes: [volumeOf({})], held: [heldData()] }), call);
    mkdirSync(join(directory('data'), 'a/b'), { recursive: true });
    writeFileSync(join(directory('data'), 'a/b/file'), 'x');
    execFileSync('ln', ['-s', outside, join(directory('data'), 'a/link')]);
    mkdirSync(directory('other'));
    await engine.eraseVolumes(objectId, ['data'], call);
    assert.equal(execFileSync('find', [directory('data')], { encoding: 'utf8' }), `${directory('data')}\n`);
    assert.ok(statSync(directory('other')).isDirectory() && statSync(join(outside, 'file')).size > 0);
  });

  it('makes no mount point: a device that is not there is an error that names it', async () => {
    rmSync(device, { recursive: true });
    const error = await rejection(engine.create(requestOf({ volumes: [volumeOf({})], held: [heldData()] }), call));
    assert.ok(error.message.includes(device) && error.message.includes('n1'), error.message);
    assert.equal(error.retryable, false);
  });

  it('does not start on an empty directory when the disk is gone', async () => {
    const { objectId } = await engine.create(requestOf({ volumes: [volumeOf({})], held: [heldData()] }), call);
    rmSync(join(device, 'muster'), { recursive: true });
    const error = await rejection(engine.start(objectId, call));
    assert.ok(error.message.includes(directory('data')), error.message);
    assert.equal((await engine.observe(objectId, call))?.state, 'created');
  });

  it('a directory of the node that is not there is an error that names it', async () => {
    const source = { kind: 'host', path: `${device}/nowhere` } as const;
    const error = await rejection(engine.create(requestOf({ volumes: [volumeOf({ source })] }), call));
    assert.ok(error.message.includes(source.path), error.message);
  });

  it('what it looks through is never listed, and gone at the end', async () => {
    let seen = 0;
    const creating = engine.create(requestOf({ volumes: [volumeOf({})], held: [heldData()] }), call);
    const looking = (async () => {
      for (let look = 0; look < 10; look += 1) {
        const { foreign } = await engine.list(call);
        seen += foreign.filter(({ name }) => name.includes('scaffold')).length;
      }
    })();
    await Promise.all([creating, looking]);
    assert.equal(seen, 0);
    assert.equal(await docker(dockerEndpoint, 'ps', '-aq', '--filter', `label=io.muster.scaffold=${uid}`), '');
  });

  it('an export is a volume of docker’s, which goes with the last container that used it', async () => {
    const source = { kind: 'network', target: 'nfs://127.0.0.1/exports/media' } as const;
    const first = requestOf({ volumes: [volumeOf({ source })] });
    const { objectId } = await engine.create(first, call);
    ordinal += 1;
    const second = await engine.create(requestOf({ volumes: [volumeOf({ source })] }), call);
    const volumes = (): Promise<string> =>
      docker(dockerEndpoint, 'volume', 'ls', '-q', '--filter', `name=^${scope.name}.nfs.`);
    const name = await volumes();
    assert.match(name, /^\S+$/, 'one for both');
    const options = await docker(dockerEndpoint, 'volume', 'inspect', '-f', '{{json .Options}}', name);
    assert.deepEqual(JSON.parse(options), { type: 'nfs', o: 'addr=127.0.0.1,nfsvers=4,rw', device: ':/exports/media' });
    await engine.remove(objectId, call);
    assert.equal(await volumes(), name);
    await engine.remove(second.objectId, call);
    assert.equal(await volumes(), '');
  });

  it('holds a container to its rates on the block device', async () => {
    const block = diskOf(folder);
    const throttled = open([{ device, block, sizeBytes: 1 }]);
    const held = { ...heldData(), writeBps: 1 << 20, readIops: 100 };
    const request = requestOf({ volumes: [volumeOf({})], held: [held], revision: { command: ['sleep', '60'] } });
    const { objectId } = await throttled.create(request, call);
    await throttled.start(objectId, call);
    const read =
      'cd /sys/fs/cgroup; cat blkio/blkio.throttle.write_bps_device blkio/blkio.throttle.read_iops_device io.max';
    const { output } = await throttled.exec(objectId, ['/bin/sh', '-c', `${read} 2>/dev/null; true`], call);
    assert.match(output, /(\d+:\d+ 1048576\s+\d+:\d+ 100)|riops=100 .*wbps=1048576|wbps=1048576.* riops=100/);
    await throttled.stop(objectId, { signal: 'SIGKILL', graceMs: 0 }, call);
    await throttled.close();
  });

  it('cores that the machine does not have are an error that says where they are declared', async () => {
    const request = requestOf({ volumes: [] });
    const { allocation } = request;
    const holds = { ...request.holds, cpuset: '4000' };
    const error = await rejection(engine.create({ ...request, allocation, holds }, call));
    assert.match(error.hint ?? '', /capacity\.cpu/);
  });
});

/** The whole disk below a directory: the kernel throttles no partitions. */
function diskOf(path: string): string {
  const source = execFileSync('findmnt', ['-nvo', 'SOURCE', '-T', path], { encoding: 'utf8' }).trim();
  const layers = execFileSync('lsblk', ['-nrpso', 'NAME,TYPE', source], { encoding: 'utf8' }).trim().split('\n');
  const disk = layers.find((layer) => layer.endsWith(' disk'))?.split(' ')[0];
  assert.ok(disk !== undefined, `no disk below ${path}: ${layers.join(', ')}`);
  return disk;
}

async function rejection(promise: Promise<unknown>): Promise<EngineError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof EngineError && error.code === 'rejected', String(error));
  return error;
}

const baseRevision: Revision = {
  engine: 'docker',
  image: testImages.first,
  command: ['true'],
  args: [],
  env: {},
  resources: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
  ports: [],
  stop: { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 },
  restart: 'never',
};

function volumeOf(overrides: Partial<RevisionVolume>): RevisionVolume {
  return {
    name: 'data',
    mount: '/mnt',
    sizeBytes: 0,
    source: { kind: 'auto' },
    exclusive: false,
    readOnly: false,
    onRemove: 'keep',
    readIops: 0,
    writeIops: 0,
    readBps: 0,
    writeBps: 0,
    ...overrides,
  };
}

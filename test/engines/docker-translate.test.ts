import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { openClient } from '../../src/engines/docker/client.ts';
import { contentIn, tarOf } from '../../src/engines/docker/tar.ts';
import { containerOf } from '../../src/engines/docker/translate.ts';
import type { CreateRequest } from '../../src/engines/engine.ts';
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
import type { HeldVolume, Holds } from '../../src/model/recorded.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';

const uid = clusterUid('11111111-1111-4111-8111-111111111111');

/** What docker is asked for. Nothing is connected to. */
function bodyOf(wanted: {
  readonly revision?: Partial<Revision>;
  readonly holds?: Partial<Holds>;
  readonly disks?: readonly NodeDisk[];
}): ReturnType<typeof containerOf> {
  const client = openClient({
    node: nodeName('n1'),
    scope: { name: 'prod', uid },
    endpoint: { endpoint: 'unix:///nowhere' },
    disks: wanted.disks ?? [],
  });
  const request: CreateRequest = {
    allocation: allocationId(instanceId(workloadId('shop', 'db'), 3), 7),
    revisionHash: revisionHash('0123456789abcdef'),
    revision: { ...baseRevision, ...wanted.revision },
    holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ...wanted.holds },
    token: fencingToken({ epoch: 1, createRevision: 7 }),
    effect: 's1:create',
  };
  return containerOf(request, 'image', uid, client);
}

describe('a container that holds cores', () => {
  const holds = { cpuset: '0-1,4', cpuFragments: { '4': 500 }, numaNode: 1 };

  it('has them as its cpuset, and the part of the last one by its cpu limit', () => {
    const { HostConfig } = bodyOf({
      revision: { cpu: { bind: true, numa: 'prefer' }, limits: { cpuMillis: 2500, memoryBytes: 'unlimited' } },
      holds,
    });
    assert.equal(HostConfig?.CpusetCpus, '0-1,4');
    assert.equal(HostConfig?.NanoCpus, 2_500_000_000);
    assert.equal(HostConfig?.CpusetMems, undefined, 'memory from afar is better than none');
  });

  it('has the memory of its NUMA node alone where that is required', () => {
    const { HostConfig } = bodyOf({ revision: { cpu: { bind: true, numa: 'require' } }, holds });
    assert.equal(HostConfig?.CpusetMems, '1');
  });
});

describe('a container that holds GPUs', () => {
  it('gets those, by number, and all of one of which it holds a part', () => {
    const { HostConfig, Env } = bodyOf({ holds: { devices: { 'gpu/a100': { '2': 500, '0': 1000 } } } });
    assert.deepEqual(HostConfig?.DeviceRequests, [{ DeviceIDs: ['0', '2'], Capabilities: [['gpu']] }]);
    assert.ok(Env?.includes('MUSTER_DEVICES_GPU_A100=0,2'));
  });

  it('of other devices it is told by its environment alone', () => {
    const { HostConfig, Env } = bodyOf({ holds: { devices: { 'fpga/u50': { '1': 1000 } } } });
    assert.equal(HostConfig?.DeviceRequests, undefined);
    assert.ok(Env?.includes('MUSTER_DEVICES_FPGA_U50=1'));
  });
});

describe('a container with volumes', () => {
  const data = volumeOf({ name: 'data', mount: '/var/lib/db' });

  it('mounts a directory of its instance on the device that was planned', () => {
    const { HostConfig, Labels } = bodyOf({ revision: { volumes: [data] }, holds: { volumes: [held('data')] } });
    const Source = '/data1/muster/prod/shop/db/3/data';
    assert.deepEqual(HostConfig?.Mounts, [{ Type: 'bind', Source, Target: '/var/lib/db', ReadOnly: false }]);
    assert.equal(Labels?.['io.muster.volumes'], JSON.stringify({ data: Source }));
  });

  it('mounts a directory of the node as it is', () => {
    const certs = volumeOf({ source: { kind: 'host', path: '/etc/ssl' }, readOnly: true });
    const { HostConfig } = bodyOf({ revision: { volumes: [certs] } });
    assert.deepEqual(HostConfig?.Mounts, [{ Type: 'bind', Source: '/etc/ssl', Target: '/mnt', ReadOnly: true }]);
  });

  it('mounts an export through a volume that is named after it', () => {
    const source = { kind: 'network', target: 'nfs://10.0.0.9:2050/exports/media' } as const;
    const [mount] = bodyOf({ revision: { volumes: [volumeOf({ source })] } }).HostConfig?.Mounts ?? [];
    assert.match(mount?.Source ?? '', /^prod\.nfs\.[0-9a-f]{12}$/);
    assert.deepEqual(mount?.VolumeOptions?.DriverConfig.Options, {
      type: 'nfs',
      o: 'addr=10.0.0.9,port=2050,nfsvers=4,rw',
      device: ':/exports/media',
    });
    const [other] = bodyOf({ revision: { volumes: [volumeOf({ source: { ...source, target: 'nfs://b/x' } })] } })
      .HostConfig?.Mounts ?? [undefined];
    assert.notEqual(other?.Source, mount?.Source);
  });

  const disks = [
    { device: '/data1', block: '/dev/nvme0n1', sizeBytes: 1 },
    { device: '/data2', sizeBytes: 1 },
  ];
  const throttlesOf = (volumes: readonly HeldVolume[]) => {
    const { HostConfig } = bodyOf({ holds: { volumes }, disks });
    return [
      HostConfig?.BlkioDeviceReadBps,
      HostConfig?.BlkioDeviceWriteBps,
      HostConfig?.BlkioDeviceReadIOps,
      HostConfig?.BlkioDeviceWriteIOps,
    ];
  };

  it('is held to the sum of its rates on a block device', () => {
    const volumes = [
      { ...held('a'), readBps: 1000, writeBps: 10, readIops: 5 },
      { ...held('b'), readBps: 500, writeBps: 20 },
    ];
    const at = (Rate: number) => [{ Path: '/dev/nvme0n1', Rate }];
    assert.deepEqual(throttlesOf(volumes), [at(1500), at(30), undefined, undefined], 'b reads as often as it likes');
  });

  it('is not held where nobody knows the block device, nor where it has the device to itself', () => {
    const rates = { readBps: 1000, writeIops: 7 };
    assert.deepEqual(throttlesOf([{ ...held('a'), ...rates, device: '/data2' }]), [
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    assert.deepEqual(throttlesOf([{ ...held('a'), ...rates, exclusive: true }]), [
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

describe('an archive', () => {
  it('is what tar reads: long paths, large ids, directories and files', () => {
    const long = `${'a'.repeat(90)}/${'b'.repeat(120)}/c`;
    const archive = tarOf([
      { kind: 'directory', path: long, mode: 0o755, uid: 5_000_000, gid: 7 },
      { kind: 'emptyFile', path: 'file', mode: 0o640, uid: 0, gid: 0 },
      { kind: 'file', path: 'full', content: 'ä'.repeat(300), mode: 0o755, uid: 1, gid: 2 },
    ]);
    const listing = execFileSync('tar', ['--numeric-owner', '-tvf', '-'], { input: archive, encoding: 'utf8' });
    const lines = listing.trim().split('\n');
    assert.match(lines[0] ?? '', new RegExp(`^drwxr-xr-x 5000000/7 +0 .* ${long}/?$`));
    assert.match(lines[1] ?? '', /^-rw-r----- 0\/0 +0 .* file$/);
    assert.match(lines[2] ?? '', /^-rwxr-xr-x 1\/2 +600 .* full$/);
    assert.equal(lines.length, 3);
    const packed = execFileSync('tar', ['--format=pax', '-C', '/', '-cf', '-', 'etc/hostname']);
    assert.equal(contentIn(packed)?.toString('utf8'), readFileSync('/etc/hostname', 'utf8'));
    assert.equal(contentIn(archive), undefined, 'a directory has no content');
    assert.equal(contentIn(packed.subarray(0, 600)), undefined, 'cut off');
  });
});

const baseRevision: Revision = {
  engine: 'docker',
  image: 'image',
  command: [],
  args: [],
  env: {},
  resources: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
  ports: [],
  stop: { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 },
  restart: 'always',
};

function held(name: string): HeldVolume {
  return { name, device: '/data1', bytes: 0 };
}

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

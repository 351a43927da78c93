import assert from 'node:assert/strict';
import { after, before, describe, it, type TestContext } from 'node:test';
import { type Call, type CreateRequest, type Engine, EngineError } from '../../src/engines/engine.ts';
import type { DesiredNetwork } from '../../src/model/desired.ts';
import {
  allocationId,
  type ClusterUid,
  clusterUid,
  fencingToken,
  instanceId,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';

/** How an engine that gives out cores, volumes, devices and addresses is brought up for the suite. */
export interface ResourceHarness {
  open(cluster: { readonly name: string; readonly uid: ClusterUid }): Promise<Engine>;
  /** Runs on until it is told to stop. */
  revision(overrides: Partial<Revision>): Revision;
  /** A directory of the node that stands for a mounted device, and one more directory that is there. */
  readonly device: string;
  readonly hostDirectory: string;
  /** There on the engine; addresses of its subnet from `.10` on are free. */
  readonly network: DesiredNetwork;
  /** Cores that the program may run on, as the kernel writes them. */
  cores(engine: Engine, objectId: string): Promise<string>;
  /** Address of the program in the network. */
  address(engine: Engine, objectId: string): Promise<string>;
  /** Writes as the program; false where it may not. */
  write(engine: Engine, objectId: string, file: { readonly path: string; readonly text: string }): Promise<boolean>;
  read(engine: Engine, objectId: string, path: string): Promise<string | undefined>;
  /** A variable as the program has it. */
  variable(engine: Engine, objectId: string, name: string): Promise<string>;
  /** Starts something foreign with this address in the network, and says how it is called. */
  foreign(ip: string): Promise<string>;
  cleanUp(): Promise<void>;
}

const call: Call = { deadlineMs: 60_000 };
const uid = clusterUid('33333333-3333-4333-8333-333333333333');
const kill = { signal: 'SIGKILL', graceMs: 0 };

/** Every engine whose features say that it can do these passes them, against the real thing. */
export function engineResourceContract(
  name: string,
  options: {
    readonly harness: () => Promise<ResourceHarness>;
    readonly clusterName: string;
    readonly skip?: string | false;
  },
): void {
  describe(`engine contract, resources: ${name}`, { skip: options.skip ?? false }, () => {
    const suite = newSuite();
    before(async () => suite.begin(await options.harness(), options.clusterName));
    after(() => suite.end());
    for (const group of [cores, volumes, erasing, devices, addresses]) group(suite);
  });
}

function cores(suite: Suite): void {
  const bound = { cpu: { bind: true, numa: 'prefer' } } as const;

  it('binds to its cores and to no others', async (t) => {
    const { objectId } = await suite.start(t, { revision: bound, holds: { cpuset: '1' } });
    assert.equal(await suite.harness.cores(suite.engine, objectId), '1');
    assert.equal((await suite.engine.observe(objectId, call))?.held?.cpuset, '1');
  });

  it('moves to other cores in place, and back', async (t) => {
    const { objectId, request } = await suite.start(t, { revision: bound, holds: { cpuset: '0-1' } });
    const before = await suite.engine.observe(objectId, call);
    for (const cpuset of ['0', '0-1']) {
      const holds = { ...request.holds, cpuset };
      const { revision } = request;
      await suite.engine.update(objectId, { revisionHash: request.revisionHash, revision, holds }, call);
      assert.equal(await suite.harness.cores(suite.engine, objectId), cpuset);
      const after = await suite.engine.observe(objectId, call);
      assert.deepEqual([after?.startedAt, after?.held?.cpuset], [before?.startedAt, cpuset], 'it was not restarted');
    }
  });
}

function volumes(suite: Suite): void {
  it('brings volumes of a device in, and a new generation on the node finds their data', async (t) => {
    const volumes = [volumeOf('data'), volumeOf('logs')];
    const first = await suite.start(t, { revision: { volumes } });
    await suite.write(first.objectId, '/mnt/data/file', 'precious');
    await suite.write(first.objectId, '/mnt/logs/file', 'other');
    await suite.remove(first.objectId);
    const second = await suite.start(t, { revision: { volumes }, after: first.request });
    assert.equal(await suite.read(second.objectId, '/mnt/data/file'), 'precious');
    assert.equal(await suite.read(second.objectId, '/mnt/logs/file'), 'other');
  });

  it('another instance has data of its own', async (t) => {
    const volumes = [volumeOf('data')];
    const one = await suite.start(t, { revision: { volumes } });
    const two = await suite.start(t, { revision: { volumes } });
    await suite.write(one.objectId, '/mnt/data/file', 'one');
    assert.equal(await suite.read(two.objectId, '/mnt/data/file'), undefined);
  });

  it('does not let a read-only volume be written', async (t) => {
    const writer = await suite.start(t, { revision: { volumes: [volumeOf('data')] } });
    await suite.write(writer.objectId, '/mnt/data/file', 'first');
    await suite.remove(writer.objectId);
    const volumes = [{ ...volumeOf('data'), readOnly: true }];
    const reader = await suite.start(t, { revision: { volumes }, after: writer.request });
    const file = { path: '/mnt/data/file', text: 'second' };
    assert.equal(await suite.harness.write(suite.engine, reader.objectId, file), false);
    assert.equal(await suite.read(reader.objectId, '/mnt/data/file'), 'first');
  });

  it('mounts a directory of the node for all who ask for it', async (t) => {
    const source = { kind: 'host', path: suite.harness.hostDirectory } as const;
    const volumes = [{ ...volumeOf('shared'), source }];
    const one = await suite.start(t, { revision: { volumes } });
    const two = await suite.start(t, { revision: { volumes } });
    await suite.write(one.objectId, '/mnt/shared/file', 'seen by both');
    assert.equal(await suite.read(two.objectId, '/mnt/shared/file'), 'seen by both');
  });
}

function erasing(suite: Suite): void {
  it('erases what it is told to, and nothing else', async (t) => {
    const volumes = [volumeOf('data'), volumeOf('logs')];
    const first = await suite.start(t, { revision: { volumes } });
    await suite.write(first.objectId, '/mnt/data/file', 'precious');
    await suite.write(first.objectId, '/mnt/logs/file', 'scratch');
    await suite.engine.stop(first.objectId, kill, call);
    await suite.engine.eraseVolumes(first.objectId, ['logs'], call);
    await suite.engine.eraseVolumes(first.objectId, ['logs'], call);
    await suite.engine.remove(first.objectId, call);
    await suite.engine.eraseVolumes(first.objectId, ['data'], call);
    const second = await suite.start(t, { revision: { volumes }, after: first.request });
    assert.equal(await suite.read(second.objectId, '/mnt/logs/file'), undefined);
    assert.equal(await suite.read(second.objectId, '/mnt/data/file'), 'precious', 'of what is gone nothing is erased');
    await suite.write(second.objectId, '/mnt/logs/file', 'again');
  });

  it('erases nothing of what runs, nor what another object mounts', async (t) => {
    const volumes = [volumeOf('data')];
    const first = await suite.start(t, { revision: { volumes } });
    await suite.write(first.objectId, '/mnt/data/file', 'precious');
    await assert.rejects(suite.engine.eraseVolumes(first.objectId, ['data'], call), { code: 'rejected' });
    await suite.engine.stop(first.objectId, kill, call);
    const second = await suite.start(t, { revision: { volumes }, after: first.request });
    await suite.engine.eraseVolumes(first.objectId, ['data'], call);
    assert.equal(await suite.read(second.objectId, '/mnt/data/file'), 'precious');
  });

  it('erases nothing of the node’s own directories', async (t) => {
    const source = { kind: 'host', path: suite.harness.hostDirectory } as const;
    const volumes = [{ ...volumeOf('shared'), source }];
    const first = await suite.start(t, { revision: { volumes } });
    await suite.write(first.objectId, '/mnt/shared/kept', 'the node’s');
    await suite.engine.stop(first.objectId, kill, call);
    await suite.engine.eraseVolumes(first.objectId, ['shared'], call);
    const second = await suite.start(t, { revision: { volumes } });
    assert.equal(await suite.read(second.objectId, '/mnt/shared/kept'), 'the node’s');
  });
}

function devices(suite: Suite): void {
  it('tells an instance which devices are its own', async (t) => {
    const held = { 'fpga/u50': { '0': 1000, '10': 1000, '2': 1000 }, 'nic/vf.a': { '3': 500 } };
    const { objectId } = await suite.start(t, { holds: { devices: held } });
    const variable = (name: string): Promise<string> => suite.harness.variable(suite.engine, objectId, name);
    assert.equal(await variable('MUSTER_DEVICES_FPGA_U50'), '0,2,10');
    assert.equal(await variable('MUSTER_DEVICES_NIC_VF_A'), '3');
  });
}

function addresses(suite: Suite): void {
  const inNetwork = (): Pick<Revision, 'network'> => ({ network: { name: suite.harness.network.name, ip: 'pool' } });

  it('has its address, and a new generation may have the same', async (t) => {
    const ip = suite.address(10);
    const first = await suite.start(t, { revision: inNetwork(), holds: { ip } });
    assert.equal(await suite.harness.address(suite.engine, first.objectId), ip);
    assert.equal((await suite.engine.observe(first.objectId, call))?.held?.ip, ip);
    await suite.engine.stop(first.objectId, kill, call);
    assert.equal(
      (await suite.engine.observe(first.objectId, call))?.held?.ip,
      ip,
      'it asks for it when it starts again',
    );
    const second = await suite.start(t, { revision: inNetwork(), holds: { ip }, after: first.request });
    assert.equal(await suite.harness.address(suite.engine, second.objectId), ip);
  });

  it('reports the addresses of what is foreign, and says who has one that is taken', async (t) => {
    const ip = suite.address(11);
    const name = await suite.harness.foreign(ip);
    const { docker, name: network } = suite.harness.network;
    const stranger = (await suite.engine.list(call)).foreign.find((foreign) => foreign.name === name);
    assert.deepEqual(stranger?.addresses, [{ network: docker?.network ?? network, ip }]);
    const { objectId } = await suite.create(t, { revision: inNetwork(), holds: { ip } });
    await assert.rejects(
      suite.engine.start(objectId, call),
      (error) =>
        error instanceof EngineError &&
        error.code === 'rejected' &&
        error.message.includes(ip) &&
        error.message.includes(name),
    );
  });

  it('creates nothing for a network that is not there, or not declared', async () => {
    const holds = { ip: suite.address(12) };
    const missing: DesiredNetwork = { ...suite.harness.network, docker: { network: 'muster-test-nowhere' } };
    const revision = inNetwork();
    await assert.rejects(suite.engine.create({ ...suite.request({ revision, holds }), network: missing }, call), {
      code: 'rejected',
      message: /muster-test-nowhere/,
    });
    const { network: _undeclared, ...request } = suite.request({ revision, holds });
    await assert.rejects(suite.engine.create(request, call), { code: 'rejected', message: /not declared/ });
  });
}

const volumeOf = (name: string): RevisionVolume => ({
  name,
  mount: `/mnt/${name}`,
  sizeBytes: 0,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
});

interface Wanted {
  readonly revision?: Partial<Revision>;
  readonly holds?: Partial<Holds>;
  /** The next generation of this one's instance. */
  readonly after?: CreateRequest;
}

interface Made {
  readonly objectId: string;
  readonly request: CreateRequest;
}

interface Suite {
  readonly harness: ResourceHarness;
  readonly engine: Engine;
  begin(harness: ResourceHarness, clusterName: string): Promise<void>;
  end(): Promise<void>;
  request(wanted: Wanted): CreateRequest;
  /** Created, and killed and removed after the test. */
  create(t: TestContext, wanted: Wanted): Promise<Made>;
  start(t: TestContext, wanted: Wanted): Promise<Made>;
  remove(objectId: string): Promise<void>;
  write(objectId: string, path: string, text: string): Promise<void>;
  read(objectId: string, path: string): Promise<string | undefined>;
  /** `.10` of the network. */
  address(host: number): string;
}

function newSuite(): Suite {
  let begun: { readonly harness: ResourceHarness; readonly engine: Engine } | undefined;
  let ordinal = 0;
  const suite: Suite = {
    get harness() {
      assert.ok(begun !== undefined);
      return begun.harness;
    },
    get engine() {
      assert.ok(begun !== undefined);
      return begun.engine;
    },
    async begin(harness, clusterName) {
      begun = { harness, engine: await harness.open({ name: clusterName, uid }) };
      await suite.engine.pull(harness.revision({}), call);
    },
    async end() {
      await begun?.engine.close();
      await begun?.harness.cleanUp();
    },
    request: (wanted) => {
      const before = /^(.+\/)(\d+)#(\d+)$/.exec(wanted.after?.allocation ?? '');
      if (before === null) ordinal += 1;
      const revision = suite.harness.revision(wanted.revision ?? {});
      return {
        allocation: allocationId(
          instanceId(workloadId('contract', 'db'), Number(before?.[2] ?? ordinal)),
          Number(before?.[3] ?? 0) + 1,
        ),
        revisionHash: revisionHash('0123456789abcdef'),
        revision,
        holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, ...heldVolumes(revision, suite), ...wanted.holds },
        ...(revision.network !== undefined && { network: suite.harness.network }),
        token: fencingToken({ epoch: 1, createRevision: 7 }),
        effect: `s${ordinal}:create`,
      };
    },
    async create(t, wanted) {
      const request = suite.request(wanted);
      const { objectId } = await suite.engine.create(request, call);
      t.after(() => suite.remove(objectId));
      return { objectId, request };
    },
    async start(t, wanted) {
      const made = await suite.create(t, wanted);
      await suite.engine.start(made.objectId, call);
      return made;
    },
    async remove(objectId) {
      await suite.engine.stop(objectId, kill, call);
      await suite.engine.remove(objectId, call);
    },
    async write(objectId, path, text) {
      assert.ok(await suite.harness.write(suite.engine, objectId, { path, text }), `${path} could be written`);
    },
    read: (objectId, path) => suite.harness.read(suite.engine, objectId, path),
    address: (host) => suite.harness.network.subnet.replace(/\d+\/\d+$/, String(host)),
  };
  return suite;
}

function heldVolumes({ volumes = [] }: Revision, { harness }: Suite): Pick<Holds, 'volumes'> {
  const onDevice = volumes.filter(({ source }) => source.kind === 'auto');
  if (onDevice.length === 0) return {};
  return { volumes: onDevice.map(({ name }) => ({ name, device: harness.device, bytes: 0 })) };
}

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Desired, DesiredWorkload } from '../../src/model/desired.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';
import { holderOf, objectsOf } from './worlds.ts';

/** What is told apart on a node reaches the engine, and comes back from it. */
describe('applying what an instance holds', () => {
  it('binds to cores, and gives it others in place when it asks for more', async (t) => {
    const bench = await open(t);
    const cpu = { bind: true, numa: 'prefer' } as const;
    const bound = (version: string, cpuMillis: number) =>
      world(db(version, { image: 'image:1', cpu, resources: { ...resources, cpuMillis } }));
    await bench.run(bound('1', 1_000));
    const before = objectOf(bench);
    assert.equal(before.holds.cpuset, '0');
    const { plan } = await bench.run(bound('2', 2_500));
    assert.deepEqual(
      plan.steps.map((step) => step.kind),
      ['update'],
    );
    const after = objectOf(bench);
    assert.deepEqual([after.objectId, after.executions, after.holds.cpuset], [before.objectId, 1, '0-2']);
  });

  it('gives cores back that somebody took from it', async (t) => {
    const bench = await open(t);
    const desired = world(
      db('1', { cpu: { bind: true, numa: 'none' }, resources: { ...resources, cpuMillis: 2_000 } }),
    );
    await bench.run(desired);
    const { cpuset } = objectOf(bench).holds;
    Object.assign(objectOf(bench), { holds: { ...objectOf(bench).holds, cpuset: '7' } });
    const { plan } = await bench.run(desired);
    assert.deepEqual(
      plan.steps.map(({ kind, changes }) => [kind, changes.map(({ path }) => path)]),
      [['update', ['/holds/cpuset']]],
    );
    assert.deepEqual([objectOf(bench).holds.cpuset, objectOf(bench).executions], [cpuset, 1]);
    assert.equal((await bench.plan(desired)).steps.length, 0);
  });

  it('tells the engine which network its address is in', async (t) => {
    const bench = await open(t);
    await bench.run(world(db('1', { network: { name: 'lan', ip: 'pool' } })));
    const { request, holds } = objectOf(bench);
    assert.equal(request.network?.subnet, '10.1.0.0/24');
    assert.match(holds.ip ?? '', /^10\.1\.0\.\d+$/);
  });

  it('keeps the data of a volume when its instance is replaced on its node, and when it is removed', async (t) => {
    const bench = await open(t);
    const wanted = (version: string, replicas: number) => world(db(version, { volumes: [volumeOf('keep')] }, replicas));
    await bench.run(wanted('1', 1));
    write(bench, 'precious');
    await bench.run(wanted('2', 1));
    assert.equal(read(bench), 'precious', 'after a replacement');
    await bench.run(wanted('2', 0));
    assert.deepEqual(objectsOf(bench), []);
    await bench.run(wanted('2', 1));
    assert.equal(read(bench), 'precious', 'after a removal');
  });

  it('lets a volume grow in place', async (t) => {
    const bench = await open(t);
    const sized = (version: string, sizeBytes: number) =>
      world(db(version, { image: 'image:1', volumes: [{ ...volumeOf('keep'), sizeBytes }] }));
    await bench.run(sized('1', 2 ** 30));
    const { plan } = await bench.run(sized('2', 2 ** 31));
    assert.deepEqual(
      plan.steps.map(({ kind, changes }) => [kind, changes.map(({ path }) => path)]),
      [['update', ['/volumes/0/sizeBytes']]],
    );
    const { executions, holds } = objectOf(bench);
    assert.deepEqual([executions, holds.volumes], [1, [{ name: 'data', device: '/data1', bytes: 2 ** 31 }]]);
  });

  it('deletes the data with the instance where git says so, and not before', async (t) => {
    const bench = await open(t);
    const wanted = (version: string, replicas: number) =>
      world(db(version, { volumes: [volumeOf('delete')] }, replicas));
    await bench.run(wanted('1', 1));
    write(bench, 'scratch');
    await bench.run(wanted('2', 1));
    assert.equal(read(bench), 'scratch', 'a replacement is no removal');
    await bench.run(wanted('2', 0));
    await bench.run(wanted('2', 1));
    assert.equal(read(bench), undefined);
  });

  it('deletes the data on the node that an instance left, where git says so', async (t) => {
    const nodes = ['n1', 'n2', 'n3'];
    const bench = await openBench(nodes);
    t.after(() => bench.close());
    const cache = { ...db('1', { volumes: [volumeOf('delete')] }, 2), type: 'stateless' as const };
    const without = async (drained: string): Promise<string> => {
      const desired = world(cache, nodes);
      const lifecycle = 'maintenance' as const;
      const drains = desired.nodes.map((node) => (node.name === drained ? { ...node, lifecycle } : node));
      await bench.run({ ...desired, nodes: drains });
      const { sim } = holderOf(bench, 'db/0');
      return nodes.find((name) => bench.sims.get(name) === sim) ?? '';
    };
    const data = (): string | undefined => {
      const { sim, object } = holderOf(bench, 'db/0');
      return sim.readFile(object.objectId, '/data/file');
    };
    const first = await without('n3');
    const { sim, object } = holderOf(bench, 'db/0');
    sim.writeFile(object.objectId, { path: '/data/file', text: 'scratch' });
    const second = await without(first);
    assert.deepEqual([second, data()], ['n3', undefined], 'it starts empty elsewhere');
    assert.deepEqual([await without('n3'), data()], [first, undefined], 'and nothing was left behind');
  });

  it('deletes nothing while it undoes a failed step', async (t) => {
    const bench = await open(t);
    const wanted = (version: string) => world(db(version, { volumes: [volumeOf('delete')] }));
    await bench.run(wanted('1'));
    write(bench, 'precious');
    for (const sim of bench.sims.values())
      sim.inject({ call: 'start', fault: { kind: 'failBefore', code: 'rejected' }, times: 1 });
    const { outcome } = await bench.run(wanted('2'));
    assert.deepEqual(
      outcome.units.map(({ state }) => state),
      ['undone'],
    );
    assert.equal(read(bench), 'precious');
  });
});

const resources = { cpuMillis: 100, memoryBytes: 2 ** 20, storageBytes: 0, bandwidthBits: 0, extended: {} };

async function open(t: TestContext): Promise<Bench> {
  const bench = await openBench(['n1']);
  t.after(() => bench.close());
  return bench;
}

function world(workload: DesiredWorkload, nodes: readonly string[] = ['n1']): Desired {
  const desired = desiredOf(nodes, [workload]);
  return {
    ...desired,
    networks: [{ name: 'lan', subnet: '10.1.0.0/24', pools: [] }],
    nodes: desired.nodes.map((node) => ({ ...node, disks: [{ device: '/data1', sizeBytes: 2 ** 40 }] })),
  };
}

/** Stateful: it stays where its data is. */
const db = (version: string, revision: Partial<Revision>, replicas = 1): DesiredWorkload => ({
  ...workloadOf('db', { replicas, version, revision }),
  type: 'stateful',
});

const volumeOf = (onRemove: RevisionVolume['onRemove']): RevisionVolume => ({
  name: 'data',
  mount: '/data',
  sizeBytes: 2 ** 30,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove,
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
});

function objectOf(bench: Bench) {
  const [object, ...others] = objectsOf(bench);
  assert.ok(object !== undefined && others.length === 0, `${others.length + 1} objects`);
  return object;
}

const write = (bench: Bench, text: string): void =>
  assert.ok(bench.sims.get('n1')?.writeFile(objectOf(bench).objectId, { path: '/data/file', text }));

const read = (bench: Bench): string | undefined =>
  bench.sims.get('n1')?.readFile(objectOf(bench).objectId, '/data/file');

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Desired } from '../../src/model/desired.ts';
import { type InstanceId, instanceId, type NodeName, nodeName, revisionHash } from '../../src/model/ids.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { Resources } from '../../src/model/resources.ts';
import type { Snapshot, SnapshotInstance } from '../../src/model/snapshot/format.ts';
import { fromSnapshot, toSnapshot } from '../../src/model/snapshot.ts';
import { validateSnapshot } from '../../src/source/generated/documents.ts';
import { revisions, smallWorld, web } from '../plan/verify-world.ts';

const reload = (snapshot: Snapshot): Snapshot => JSON.parse(JSON.stringify(snapshot)) as Snapshot;

/** What somebody writes by hand: the fixed names and no more. */
const handMade = (rest: Partial<Snapshot> = {}): Snapshot => ({
  formatVersion: '1.0',
  cluster: 'test',
  takenAt: '2026-11-21T22:40:03Z',
  storeRevision: 1,
  nodes: [],
  ...rest,
});

const row = { id: instanceId(web, 0), generation: 4, node: nodeName('n1') };

describe('snapshots', () => {
  it('give back the world that they were made of', () => {
    const { desired, recorded, observed } = smallWorld();
    const loaded = fromSnapshot(reload(toSnapshot({ desired, recorded, observed })), { desired });
    assert.deepEqual(loaded.problems, []);
    assert.deepEqual(loaded.warnings, []);
    assert.deepEqual(loaded.observed, { ...observed, objects: loaded.observed.objects });
    assert.deepEqual(loaded.recorded, { ...recorded, allocations: loaded.recorded.allocations });
    const byId = (a: { readonly id: string }, b: { readonly id: string }): number => (a.id < b.id ? -1 : 1);
    assert.deepEqual([...loaded.recorded.allocations].sort(byId), [...recorded.allocations].sort(byId));
    const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1);
    assert.deepEqual([...loaded.observed.objects].sort(byName), [...observed.objects].sort(byName));
  });

  it('keep what is odd: an object without an allocation, one that is missing, one that was changed by hand', () => {
    const { desired, recorded, observed } = smallWorld();
    const [gone, changed, ...rest] = observed.objects;
    assert.ok(gone !== undefined && changed !== undefined);
    const objects = [
      {
        ...changed,
        revision: revisionHash('9999999999999999'),
        state: 'exited' as const,
        exitCode: 3,
        actual: { '/image': 'x' },
      },
      ...rest,
      { ...gone, node: nodeName('n4'), objectId: 'elsewhere' },
    ];
    const world = { desired, recorded, observed: { ...observed, objects } };
    const loaded = fromSnapshot(reload(toSnapshot(world)), { desired });
    const byId = (a: { readonly objectId: string }, b: { readonly objectId: string }): number =>
      a.objectId < b.objectId ? -1 : 1;
    assert.deepEqual([...loaded.observed.objects].sort(byId), [...objects].sort(byId));
  });

  it('are equal bytes for equal worlds', () => {
    const bytes = (): string => JSON.stringify(toSnapshot(smallWorld()));
    assert.equal(bytes(), bytes());
  });

  it('may leave out everything but nodes: those it does not mention are declared, alive and empty, with one warning', () => {
    const { desired } = smallWorld();
    const loaded = fromSnapshot(handMade({ nodes: [{ name: nodeName('n1') }] }), { desired });
    assert.deepEqual(loaded.problems, []);
    assert.deepEqual(
      loaded.warnings.map(({ code, message }) => `${code} ${message}`),
      ['MUS5001 4 of 5 declared nodes are not in the snapshot and are taken as alive and empty: n2, n3, n4 and 1 more'],
    );
    assert.equal(loaded.observed.nodes.size, 5);
    assert.equal(loaded.observed.nodes.get(nodeName('n4'))?.liveness, 'alive');
    assert.equal(loaded.observed.nodes.get(nodeName('n4'))?.engines.docker?.kind, 'reachable');
    assert.equal(loaded.recorded.allocations.length, 0);
  });

  it('take `current` for the desired revision, and empty holds for what that asks for', () => {
    const { desired } = smallWorld();
    const instances = [
      { ...row, engine: 'docker' as const, revision: 'current' as const, holds: {}, state: 'running' as const },
    ];
    const { recorded, observed } = fromSnapshot(handMade({ instances }), { desired });
    const [allocation] = recorded.allocations;
    assert.equal(allocation?.revision, revisions.webNew.hash);
    assert.deepEqual(allocation?.holds, { cpuMillis: 500, memoryBytes: 256 * 1024 * 1024, storageBytes: 0 });
    assert.equal(recorded.revisions.get(revisions.webNew.hash), revisions.webNew.body);
    assert.equal(recorded.workloads.get(web)?.nextGeneration, 5);
    assert.equal(observed.objects[0]?.allocation, 'payments/web/0#4');
    assert.equal(observed.objects[0]?.objectId, allocation?.objectId);
    assert.equal(observed.objects[0]?.cluster, recorded.identity?.uid);
  });

  it('take an address that the workload fixes for held', () => {
    const { desired } = smallWorld();
    const workloads = desired.workloads.map((workload) => ({
      ...workload,
      revision: { ...workload.revision, network: { name: 'lan', ip: '10.1.0.7' } },
    }));
    const { recorded } = fromSnapshot(handMade({ instances: [row] }), { desired: { ...desired, workloads } });
    assert.equal(recorded.allocations[0]?.holds.ip, '10.1.0.7');
  });

  it('take `current` for the revision of the base tree where there is one', () => {
    const { desired } = smallWorld();
    const { hash: before, body } = revisions.webOld;
    const base = {
      ...desired,
      workloads: desired.workloads.map((workload) =>
        workload.id === web ? { ...workload, revisionHash: before, revision: body } : workload,
      ),
    };
    const { recorded } = fromSnapshot(handMade({ instances: [row] }), { desired, base });
    assert.equal(recorded.allocations[0]?.revision, before);
  });

  it('keep instances of workloads that nobody declares, with a revision that stands in', () => {
    const { desired } = smallWorld();
    const id = 'old/thing/0' as InstanceId;
    const holds = { cpuMillis: 100, memoryBytes: 5, storageBytes: 0 };
    const { recorded, problems } = fromSnapshot(
      handMade({ instances: [{ ...row, id, engine: 'docker', revision: 'current', holds }] }),
      { desired },
    );
    assert.deepEqual(problems, []);
    const [allocation] = recorded.allocations;
    assert.ok(allocation !== undefined);
    assert.deepEqual(allocation.holds, holds);
    assert.equal(recorded.revisions.get(allocation.revision)?.resources.cpuMillis, 100);
  });

  it('say where a mistake is that only the whole document shows', () => {
    const { desired } = smallWorld();
    const instances = [row, row, { ...row, id: 'nonsense' as InstanceId }, { ...row, id: 'old/thing/0' as InstanceId }];
    const { problems } = fromSnapshot(handMade({ takenAt: 'noon', instances }), { desired });
    assert.deepEqual(
      problems.map(({ pointer, message }) => `${pointer}: ${message}`),
      [
        '/takenAt: "noon" is not an RFC 3339 date and time',
        '/instances/1/generation: payments/web/0#4 is there twice',
        '/instances/2/id: "nonsense" is not namespace/workload/ordinal',
        '/instances/3/engine: old/thing/0 needs an engine: old/thing is not declared, so it cannot be told',
      ],
    );
  });

  it('keep the order of the records, whatever order the rows come in', () => {
    const { desired } = smallWorld();
    const at = (ordinal: number, generation: number) => ({ ...row, id: instanceId(web, ordinal), generation });
    const instances = [at(10, 1), at(2, 3), at(2, 1)];
    const { recorded } = fromSnapshot(handMade({ instances }), { desired });
    assert.deepEqual(
      recorded.allocations.map(({ id }) => id),
      ['payments/web/2#1', 'payments/web/2#3', 'payments/web/10#1'],
    );
  });

  it('say what a node has where the snapshot says it', () => {
    const { desired } = smallWorld();
    const name: NodeName = nodeName('n1');
    const foreign = [{ engine: 'docker' as const, name: 'cron', resources: { cpuMillis: 5 }, ports: [80] }];
    const { observed } = fromSnapshot(
      handMade({ nodes: [{ name, liveness: 'suspect', capacity: { cpuMillis: 7 }, foreign }] }),
      { desired },
    );
    const node = observed.nodes.get(name);
    assert.equal(node?.liveness, 'suspect');
    assert.deepEqual(node?.foreign, foreign);
    assert.deepEqual(node?.engines.docker?.kind === 'reachable' && node.engines.docker.capacity, { cpuMillis: 7 });
  });

  it('write extended resources in pieces, and count thousandths inside', () => {
    const { desired, recorded, observed } = smallWorld();
    const [[name, node] = []] = [...observed.nodes];
    assert.ok(name !== undefined && node !== undefined);
    const capacity = { cpuMillis: 2000, 'gpu/a100': 3500 };
    const engine = { kind: 'reachable', version: '1', fingerprint: 'f', capacity } as const;
    const foreign = [{ engine: 'docker' as const, name: 'x', resources: { 'gpu/a100': 500 }, ports: [] }];
    const world = {
      desired,
      recorded: {
        ...recorded,
        nodes: new Map([[name, { capacity, liveness: { state: 'alive' as const, since: 5 } }]]),
      },
      observed: { ...observed, nodes: new Map([[name, { ...node, engines: { docker: engine }, foreign }]]) },
    };
    const snapshot = reload(toSnapshot(world));
    const [row] = snapshot.nodes;
    const pieces = { cpuMillis: 2000, 'gpu/a100': 3.5 };
    assert.deepEqual(row?.capacity, pieces);
    assert.deepEqual(row?.recorded?.capacity, pieces);
    assert.deepEqual(row?.foreign?.[0]?.resources, { 'gpu/a100': 0.5 });
    const loaded = fromSnapshot(snapshot, { desired });
    assert.deepEqual(loaded.observed.nodes.get(name), world.observed.nodes.get(name));
    assert.deepEqual(loaded.recorded.nodes, world.recorded.nodes);
  });

  it('keep cores, volumes, devices and address of an instance, and what its engine has of them', () => {
    const { desired, recorded, observed } = smallWorld();
    const [first, ...others] = recorded.allocations;
    assert.ok(first !== undefined);
    const holds: Holds = {
      ...first.holds,
      cpuset: '0-1,4',
      cpuFragments: { 4: 500 },
      numaNode: 0,
      volumes: [{ name: 'data', device: '/data1', bytes: 10, exclusive: true, readIops: 5 }],
      devices: { 'gpu/a100': { 0: 1000, 3: 250 } },
      ip: '10.1.0.7',
    };
    const objects = observed.objects.map((object) =>
      object.allocation === first.id ? { ...object, held: { cpuset: '0-2', ip: '10.1.0.7' } } : object,
    );
    const world = {
      desired,
      recorded: { ...recorded, allocations: [{ ...first, holds }, ...others] },
      observed: { ...observed, objects },
    };
    const snapshot = reload(toSnapshot(world));
    assert.ok(validateSnapshot(snapshot));
    const loaded = fromSnapshot(snapshot, { desired });
    assert.deepEqual(loaded.recorded.allocations.find(({ id }) => id === first.id)?.holds, holds);
    assert.deepEqual(loaded.observed.objects.find(({ allocation }) => allocation === first.id)?.held, {
      cpuset: '0-2',
      ip: '10.1.0.7',
    });
  });
});

describe('devices that a snapshot does not tell apart', () => {
  const gpus = { 'gpu/a100': 2000, 'gpu/v100': 1000 };

  /** The small world, whose web workload asks for extended resources, on a node n1 that has some. */
  const askingFor = (extended: Readonly<Record<string, number>>, capacity: Resources = gpus): Desired => {
    const { desired } = smallWorld();
    return {
      ...desired,
      nodes: desired.nodes.map((node) => ({ ...node, capacity: { ...node.capacity, ...capacity } })),
      workloads: desired.workloads.map((workload) =>
        workload.id === web
          ? {
              ...workload,
              revision: { ...workload.revision, resources: { ...workload.revision.resources, extended } },
            }
          : workload,
      ),
    };
  };

  const devicesOf = (desired: Desired, rows: readonly Partial<SnapshotInstance>[], nodes: Snapshot['nodes'] = []) => {
    const instances = rows.map((said, ordinal) => ({ ...row, id: instanceId(web, ordinal), ...said }));
    const { recorded, problems } = fromSnapshot(handMade({ instances, nodes }), { desired });
    assert.deepEqual(problems, []);
    return recorded.allocations.map(({ holds }) => holds.devices);
  };

  it('are the first free ones of the node, in the order of the records', () => {
    const desired = askingFor({ 'gpu/a100': 1000 });
    const [first, second] = [{ 'gpu/a100': { 0: 1000 } }, { 'gpu/a100': { 1: 1000 } }];
    assert.deepEqual(devicesOf(desired, [{}, {}]), [first, second]);
    assert.deepEqual(devicesOf(desired, [{}, { node: nodeName('n2') }]), [first, first]);
  });

  it('are none where the node has no more of them', () => {
    const desired = askingFor({ 'gpu/a100': 2000 });
    const both = { 'gpu/a100': { 0: 1000, 1: 1000 } };
    assert.deepEqual(devicesOf(desired, [{}, {}]), [both, undefined]);
    assert.deepEqual(devicesOf(askingFor({ 'tpu/x': 1000 }), [{}]), [undefined]);
  });

  it('are not those that another row names, nor those of foreign objects', () => {
    const desired = askingFor({ 'gpu/a100': 1000 });
    const named = { cpuMillis: 1, memoryBytes: 1, storageBytes: 0, devices: { 'gpu/a100': { 0: 600 } } };
    assert.deepEqual(devicesOf(desired, [{}, { holds: named }]), [{ 'gpu/a100': { 1: 1000 } }, named.devices]);
    const foreign = [{ engine: 'docker' as const, name: 'x', resources: { 'gpu/a100': 0.25 }, ports: [] }];
    const nodes = [{ name: nodeName('n1'), foreign }];
    assert.deepEqual(devicesOf(desired, [{}, {}], nodes), [{ 'gpu/a100': { 1: 1000 } }, undefined]);
  });

  it('are parts of one piece for those that ask for a part', () => {
    const desired = askingFor({ 'gpu/a100': 400 });
    const part = (piece: number) => ({ 'gpu/a100': { [piece]: 400 } });
    assert.deepEqual(devicesOf(desired, [{}, {}, {}]), [part(0), part(0), part(1)]);
  });

  it('are all of one model where the model is open', () => {
    const all = devicesOf(askingFor({ 'gpu/*': 1000 }), [{}, {}, {}]);
    assert.deepEqual(all, [{ 'gpu/a100': { 0: 1000 } }, { 'gpu/a100': { 1: 1000 } }, { 'gpu/v100': { 0: 1000 } }]);
    assert.deepEqual(devicesOf(askingFor({ 'gpu/t4|v100': 1000 }), [{}]), [{ 'gpu/v100': { 0: 1000 } }]);
  });

  it('are what a row says in pieces, whoever made it', () => {
    const holds = { cpuMillis: 1, memoryBytes: 1, storageBytes: 0, extended: { 'gpu/a100': 2 } };
    const [devices] = devicesOf(askingFor({}), [{ holds }]);
    assert.deepEqual(devices, { 'gpu/a100': { 0: 1000, 1: 1000 } });
  });

  it('are nothing to an instance that is only held, or that says all that it holds', () => {
    const desired = askingFor({ 'gpu/a100': 1000 });
    const holds = { cpuMillis: 1, memoryBytes: 1, storageBytes: 0 };
    assert.deepEqual(devicesOf(desired, [{ allocation: 'held' }, { holds }]), [undefined, undefined]);
  });
});

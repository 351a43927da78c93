import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DesiredNode } from '../../src/model/desired.ts';
import { canonicalJson, sha256Hex } from '../../src/model/hash.ts';
import {
  allocationId,
  instanceId,
  nodeName,
  podName,
  revisionHash,
  runId,
  unitOf,
  type WorkloadId,
  workloadId,
} from '../../src/model/ids.ts';
import type { Allocation, Holds } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';
import { checkRecords } from '../../src/store/check/check.ts';
import { keys } from '../../src/store/keys.ts';
import { encodeAllocation, encodeOverride, encodeRevision, encodeWorkload } from '../../src/store/recorded.ts';

const web = workloadId('shop', 'web');
const api = workloadId('shop', 'api');
const run = runId('r1');
const revision: Revision = {
  engine: 'process',
  command: ['/bin/web'],
  args: [],
  env: {},
  resources: { cpuMillis: 500, memoryBytes: 1, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis: 500, memoryBytes: 'unlimited' },
  ports: [],
  stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
  restart: 'on-failure',
};
const hash = revisionHash(sha256Hex(canonicalJson(revision)).slice(0, 16));

/** Nodes are on one machine: they share its ports and nothing else. */
const node = (name: string, more: Partial<DesiredNode> = {}): DesiredNode => ({
  name: nodeName(name),
  pod: podName('p'),
  labels: {},
  lifecycle: 'online',
  engines: { process: { endpoint: 'local:' } },
  capacity: { cpuMillis: 2000, memoryBytes: 1000, storageBytes: 1000, 'gpu/a100': 2000 },
  reserved: {},
  overcommitCpuMilli: 1000,
  taints: [],
  portRange: { first: 1, last: 2 },
  portDomain: 'machine',
  ...more,
});
const nodes = [node('n1'), node('n2')];

type World = Map<string, string>;

function workload(world: World, id: WorkloadId, nextGeneration = 9): void {
  world.set(keys.workload(id), encodeWorkload({ failed: [], nextGeneration, lastGood: hash }));
  world.set(keys.revision(id, hash), encodeRevision(revision));
}

interface At {
  readonly workload?: WorkloadId;
  readonly ordinal?: number;
  readonly generation?: number;
  readonly node?: string;
  readonly state?: Allocation['state'];
  readonly revision?: string;
}

function place(world: World, at: At, holds: Partial<Holds> = {}): void {
  const { workload = web, ordinal = 2, generation = 1, node = 'n1', state = 'live' } = at;
  const instance = instanceId(workload, ordinal);
  const id = allocationId(instance, generation);
  const made = revisionHash(at.revision ?? hash);
  const amounts: Holds = { cpuMillis: 100, memoryBytes: 1, storageBytes: 0, ...holds };
  const where = { node: nodeName(node), engine: 'process', state, revision: made, holds: amounts } as const;
  world.set(keys.allocation(id), encodeAllocation({ id, instance, workload, ordinal, generation, ...where }));
}

function unit(world: World, id: WorkloadId, state: string): void {
  world.set(keys.runMeta(run), '{}');
  world.set(keys.unitPlan(run, unitOf(id), 0), '{"steps":');
  world.set(keys.unitPlan(run, unitOf(id), 1), '[]}');
  world.set(keys.unitStatus(run, unitOf(id)), JSON.stringify({ state }));
  world.set(keys.journal(run, unitOf(id), 0), '{"kind":"begin"}');
}

const half = { 'gpu/a100': { 0: 500 } };

/** Recorded as it should be: two workloads, two nodes. */
function sound(): World {
  const world: World = new Map([[keys.format, '{"formatVersion":"1.0","uid":"u","epoch":1}']]);
  workload(world, web);
  workload(world, api);
  place(world, { ordinal: 0 }, { ip: '10.0.0.1', ports: { http: 1 }, cpuset: '0', devices: half });
  place(world, { ordinal: 1, node: 'n2' }, { ip: '10.0.0.2', ports: { http: 2 }, cpuset: '0' });
  place(world, { workload: api, ordinal: 0 }, { devices: half });
  world.set('history/r0', '{}');
  return world;
}

const check = (world: World, of: readonly DesiredNode[] = nodes) => {
  const entries = [...world].sort().map(([key, value]) => ({ key, value, createRevision: 2, modRevision: 7 }));
  return checkRecords({ revision: 7, entries }, { nodes: of });
};

type Change = (world: World) => unknown;

const volume = (more: { readonly exclusive?: true } = {}) => [{ name: 'v', device: '/d', bytes: 1, ...more }];

const pin = { id: 'pin/shop/web', kind: 'pin', target: web, revision: revisionHash('ffff'), until: 1 } as const;

/** What is done to a sound store, and what is found: codes and subjects. */
const broken: Readonly<Record<string, readonly [Change, ...(readonly string[])]>> = {
  'a record that is not JSON': [(w) => w.set('alloc/shop/web/0/1', '{'), 'MUS2101 alloc/shop/web/0/1'],
  'a revision that was changed by hand': [
    (w) => w.set(keys.revision(api, hash), encodeRevision({ ...revision, args: ['--evil'] })),
    `MUS2101 revision/shop/api/${hash}`,
    'MUS2103 shop/api',
    'MUS2103 shop/api/0#1',
  ],
  'a journal entry without its kind': [
    (w) => {
      unit(w, web, 'running');
      w.set(keys.journal(run, unitOf(web), 1), '{}');
    },
    'MUS2101 run/r1/unit/shop/web/journal/0000000001',
  ],
  'a key of nobody': [(w) => w.set('workload/shop', '{}'), 'MUS2102 workload/shop'],
  'an allocation without its revision': [(w) => place(w, { revision: 'ffff' }), 'MUS2103 shop/web/2#1'],
  'an allocation without its workload': [(w) => w.delete(keys.workload(api)), 'MUS2103 shop/api/0#1'],
  'no identity': [(w) => w.delete(keys.format), 'MUS2103 format'],
  'a pin to a revision that is gone': [
    (w) => w.set(keys.override(pin.id), encodeOverride({ ...pin, actor: 'a', reason: 'r' })),
    'MUS2103 pin/shop/web',
  ],
  'a unit without its run': [
    (w) => {
      unit(w, web, 'stuck');
      w.delete(keys.runMeta(run));
    },
    'MUS2103 r1 shop/web',
  ],
  'a unit whose steps are cut short': [
    (w) => {
      unit(w, web, 'running');
      w.delete(keys.unitPlan(run, unitOf(web), 1));
    },
    'MUS2103 r1 shop/web',
  ],
  'an instance that is allocated twice': [
    (w) => place(w, { ordinal: 0, generation: 2, node: 'n2' }),
    'MUS2104 shop/web/0',
  ],
  'a generation that would come again': [(w) => workload(w, api, 1), 'MUS2105 shop/api/0#1'],
  'one address for two': [(w) => place(w, { node: 'n2' }, { ip: '10.0.0.1' }), 'MUS2106 address 10.0.0.1'],
  'one port for two nodes of a machine': [
    (w) => place(w, { node: 'n2' }, { ports: { x: 1 } }),
    'MUS2106 port 1 of machine',
  ],
  'one core for two': [(w) => place(w, {}, { cpuset: '0-1', cpuFragments: { 0: 1 } }), 'MUS2106 core 0 of n1'],
  'more of a device than there is': [
    (w) => place(w, {}, { devices: { 'gpu/a100': { 0: 1 } } }),
    'MUS2106 gpu/a100 0 of n1',
  ],
  'a volume beside an exclusive one': [
    (w) => {
      place(w, { ordinal: 2 }, { volumes: volume({ exclusive: true }) });
      place(w, { ordinal: 3 }, { volumes: volume() });
    },
    'MUS2106 device /d of n1',
  ],
  'more memory than there is': [(w) => place(w, {}, { memoryBytes: 999 }), 'MUS2107 n1'],
};

/** What may look odd and is as it should be. */
const good: Readonly<Record<string, Change>> = {
  'a unit in flight hands over from one generation to the next': (w) => {
    unit(w, web, 'running');
    place(w, { ordinal: 0, generation: 2, state: 'reserved' }, { ip: '10.0.0.1', ports: { http: 1 }, cpuset: '0' });
  },
  'a pruned instance is held while a new one runs': (w) => place(w, { ordinal: 0, generation: 2, state: 'held' }),
  'of one that is held only disk and address are charged': (w) =>
    place(w, { state: 'held' }, { cpuset: '0', ports: { http: 1 } }),
  'a unit was half written, and one waits': (w) => {
    w.set(keys.unitPlan(runId('r2'), unitOf(web), 0), '{');
    w.set(keys.runMeta(runId('r3')), '{}');
    w.set(keys.unitStatus(runId('r3'), unitOf(api)), '{"state":"waiting"}');
  },
  'a run that ended is half cleared away': (w) => {
    unit(w, web, 'done');
    w.delete(keys.runMeta(run));
  },
  'volumes share a device': (w) => {
    for (const ordinal of [2, 3]) place(w, { ordinal }, { volumes: volume() });
  },
};

describe('store check', () => {
  test('a sound store has no findings and says how much was read', () => {
    assert.deepEqual(check(sound()), { revision: 7, records: 9, findings: [], unchecked: [] });
    assert.deepEqual(check(new Map()).findings, []);
  });

  for (const [name, [change, ...expected]] of Object.entries(broken)) {
    test(`finds ${name}`, () => {
      const world = sound();
      change(world);
      const { findings } = check(world);
      assert.deepEqual(
        findings.map(({ code, subject }) => `${code} ${subject}`),
        expected,
      );
      for (const { harm, remedy } of findings) assert.ok(harm !== '' && remedy !== '');
    });
  }

  for (const [name, change] of Object.entries(good)) {
    test(`has nothing against it that ${name}`, () => {
      const world = sound();
      change(world);
      assert.deepEqual(check(world).findings, []);
    });
  }

  test('cores that are sold twice have two holders, not three', () => {
    const world = sound();
    const twice = [node('n1', { overcommitCpuMilli: 2000 }), node('n2')];
    place(world, { ordinal: 2 }, { cpuset: '0' });
    assert.deepEqual(check(world, twice).findings, []);
    place(world, { ordinal: 3 }, { cpuset: '0' });
    assert.deepEqual(
      check(world, twice).findings.map(({ subject }) => subject),
      ['core 0 of n1'],
    );
  });

  test('what only git or an engine knows is said not to be checked', () => {
    const capacity = { cpuMillis: 2000, 'gpu/a100': 2000 };
    const { unchecked, findings } = check(sound(), [node('n1', { capacity })]);
    assert.deepEqual(findings, []);
    assert.equal(unchecked.length, 2);
    assert.match(unchecked[0] ?? '', /^n1: memoryBytes: git does not say how much there is/);
    assert.match(unchecked[1] ?? '', /^n2: git does not declare it/);
  });
});

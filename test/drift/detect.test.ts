import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detectDrift } from '../../src/drift/detect.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  type NodeName,
  nodeName,
  revisionHash,
  type WorkloadId,
  workloadId,
} from '../../src/model/ids.ts';
import type { Observed, ObservedObject } from '../../src/model/observed.ts';
import type { Allocation, Recorded } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';

const web: WorkloadId = workloadId('shop', 'web');
const n1 = nodeName('n1');

function allocation(ordinal: number, change: Partial<Allocation> = {}): Allocation {
  const instance = instanceId(web, ordinal);
  return {
    id: allocationId(instance, 1),
    instance,
    workload: web,
    ordinal,
    generation: 1,
    node: n1,
    engine: 'docker',
    revision: revisionHash('r1'),
    state: 'live',
    objectId: `o${ordinal}`,
    holds: { cpuMillis: 100, memoryBytes: 0, storageBytes: 0 },
    ...change,
  };
}

function object(ordinal: number, change: Partial<ObservedObject> = {}): ObservedObject {
  return {
    node: n1,
    engine: 'docker',
    objectId: `o${ordinal}`,
    name: `prod.shop.web.${ordinal}.g1`,
    cluster: clusterUid('00000000-0000-4000-8000-000000000001'),
    allocation: allocationId(instanceId(web, ordinal), 1),
    revision: revisionHash('r1'),
    state: 'running',
    health: 'healthy',
    ports: {},
    actual: {},
    ...change,
  };
}

const recorded = (allocations: readonly Allocation[], nextGeneration = 2): Recorded => ({
  storeRevision: 1,
  workloads: new Map([[web, { failed: [], nextGeneration }]]),
  allocations,
  revisions: new Map(),
  nodes: new Map(),
  overrides: [],
  inFlight: [],
});

const seen = {
  liveness: 'alive',
  foreign: [],
  engines: { docker: { kind: 'reachable', version: '1', fingerprint: 'f', capacity: {} } },
} as const;
const unseen = {
  liveness: 'unknown',
  foreign: [],
  engines: { docker: { kind: 'unreachable', reason: 'no route' } },
} as const;

const observed = (
  objects: readonly ObservedObject[],
  nodes: ReadonlyMap<NodeName, Observed['nodes'] extends ReadonlyMap<NodeName, infer N> ? N : never> = new Map([
    [n1, seen],
  ]),
): Observed => ({ takenAt: 0, nodes, objects });

const kinds = (all: Recorded, now: Observed): readonly string[] =>
  detectDrift(all, now).map(({ kind, detail }) => `${kind}: ${detail}`);

test('nothing differs: no drift', () => {
  assert.deepEqual(kinds(recorded([allocation(0)]), observed([object(0)])), []);
});

test('each way to differ has its kind', () => {
  const cases: readonly (readonly [readonly ObservedObject[], string])[] = [
    [[], 'missing: nothing is left of it on the engine'],
    [[object(0, { state: 'exited', exitCode: 137 })], 'exited: exited with code 137'],
    [[object(0, { state: 'created' })], 'exited: created'],
    [[object(0, { state: 'restarting', restarts: 1 })], 'crashLoop: restarted 1 times'],
    [[object(0, { restarts: 3 })], 'crashLoop: restarted 3 times'],
    [[object(0, { health: 'unhealthy' })], 'unhealthy: runs, but fails its health check'],
    [[object(0, { revision: revisionHash('r2') })], 'changed: runs revision r2'],
    [[object(0, { node: nodeName('n2') })], 'moved: found on n2'],
    [[object(0), object(0, { objectId: 'other', node: nodeName('n2') })], 'duplicate: 2 objects on n1, n2'],
  ];
  for (const [objects, expected] of cases)
    assert.deepEqual(kinds(recorded([allocation(0)]), observed(objects)), [expected]);
});

test('what cannot be seen is unreachable, never missing', () => {
  const away = observed([], new Map([[n1, unseen]]));
  assert.deepEqual(kinds(recorded([allocation(0)]), away), ['nodeUnreachable: no route']);
  assert.deepEqual(kinds(recorded([allocation(0)]), observed([], new Map())), [
    'nodeUnreachable: its node is not in git',
  ]);
});

test('what a run works on is no drift', () => {
  for (const state of ['reserved', 'stopping', 'held'] as const) {
    assert.deepEqual(kinds(recorded([allocation(0, { state })]), observed([])), [], state);
  }
});

test('ours but unrecorded is a zombie when it is known to have been made too late, else an orphan', () => {
  const identity = { formatVersion: '1.0', uid: clusterUid('u'), epoch: 1 };
  const kindOf = (world: Recorded, stray: ObservedObject): readonly string[] =>
    detectDrift(world, observed([stray])).map(({ kind }) => kind);
  const late = object(7, { token: fencingToken({ epoch: 1, createRevision: 1 }) });
  assert.deepEqual(kindOf({ ...recorded([]), identity }, late), ['zombie']);
  assert.deepEqual(kindOf(recorded([]), late), ['orphan'], 'of a store without an epoch');
  assert.deepEqual(kindOf({ ...recorded([], 1), identity }, late), ['orphan'], 'newer than anything handed out');
});

test('a drift names the allocation, its workload and where', () => {
  const [drift] = detectDrift(recorded([allocation(0)]), observed([]));
  assert.deepEqual(drift, {
    kind: 'missing',
    allocation: 'shop/web/0#1',
    workload: web,
    node: n1,
    engine: 'docker',
    detail: 'nothing is left of it on the engine',
  });
});

test('what somebody changed of an engine’s own options is told as it is written in git; what is not set is none', () => {
  const body: Revision = {
    engine: 'docker',
    command: [],
    args: [],
    env: {},
    resources: { cpuMillis: 100, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} },
    limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
    ports: [],
    stop: { signal: 'SIGTERM', graceMs: 0, delayMs: 0 },
    restart: 'always',
    options: { pids: 100 },
  };
  const all = { ...recorded([allocation(0)]), revisions: new Map([[revisionHash('r1'), body]]) };
  const changed = (pids: number | null, swapBytes: number | null) =>
    kinds(all, observed([object(0, { actual: { '/options/pids': pids, '/options/swapBytes': swapBytes } })]));
  assert.deepEqual(changed(100, null), []);
  assert.deepEqual(changed(7, 1024), ['changed: docker.pids is 7, recorded 100; docker.swap is 1KiB, recorded none']);
  assert.deepEqual(changed(null, null), ['changed: docker.pids is none, recorded 100']);
});

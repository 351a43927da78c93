import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Stray, straysOf } from '../../src/drift/strays.ts';
import {
  allocationId,
  clusterUid,
  fencingToken,
  instanceId,
  nodeName,
  revisionHash,
  runId,
  unitOf,
  workloadId,
} from '../../src/model/ids.ts';
import type { ObservedObject } from '../../src/model/observed.ts';
import type { Recorded } from '../../src/model/recorded.ts';

const web = workloadId('shop', 'web');
const uid = clusterUid('00000000-0000-4000-8000-000000000001');

/** At epoch 2 and revision 100; generations below 5 were handed out, and #4 is recorded. */
const store: Recorded = {
  storeRevision: 100,
  identity: { formatVersion: '1.0', uid, epoch: 2 },
  workloads: new Map([[web, { failed: [], nextGeneration: 5 }]]),
  allocations: [
    {
      id: allocationId(instanceId(web, 0), 4),
      instance: instanceId(web, 0),
      workload: web,
      ordinal: 0,
      generation: 4,
      node: nodeName('n1'),
      engine: 'docker',
      revision: revisionHash('r'),
      state: 'live',
      holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 },
    },
  ],
  revisions: new Map(),
  nodes: new Map(),
  overrides: [],
  inFlight: [],
};

const object = (generation: number, token?: readonly [epoch: number, createRevision: number]): ObservedObject => ({
  node: nodeName('n1'),
  engine: 'docker',
  objectId: 'o',
  name: 'o',
  cluster: uid,
  allocation: allocationId(instanceId(web, 0), generation),
  revision: revisionHash('r'),
  ...(token !== undefined && { token: fencingToken({ epoch: token[0], createRevision: token[1] }) }),
  state: 'created',
  health: 'none',
  ports: {},
  actual: {},
});

const kindOf = (seen: ObservedObject, recorded: Recorded = store): Stray['kind'] | undefined =>
  straysOf(recorded, { takenAt: 0, nodes: new Map(), objects: [seen] })[0]?.kind;

test('an object says that the store went back in time by its generation or by who made it', () => {
  assert.equal(kindOf(object(5)), 'ahead', 'the generation that would be handed out next');
  assert.equal(kindOf(object(1), { ...store, workloads: new Map() }), 'ahead', 'nothing was handed out at all');
  assert.equal(kindOf(object(3, [3, 1])), 'ahead', 'an epoch that has not come yet');
  assert.equal(kindOf(object(3, [2, 101])), 'ahead', 'a leader that has not come yet');
  assert.equal(kindOf(object(4, [2, 101])), 'ahead', 'also of an allocation that is recorded');
});

test('what an allocation owns is no stray', () => {
  for (const token of [undefined, [1, 900], [2, 100]] as const) assert.equal(kindOf(object(4, token)), undefined);
});

test('a zombie is one that nobody can own any more; what is in doubt is an orphan', () => {
  assert.equal(kindOf(object(3, [2, 100])), 'zombie');
  assert.equal(kindOf(object(3)), 'orphan', 'who made it is not known');
  assert.equal(kindOf(object(3, [1, 50])), 'orphan', 'made before a restore, which forgets');
  const inFlight = [{ run: runId('r'), unit: unitOf(web), status: 'running' }];
  assert.equal(kindOf(object(3, [2, 100]), { ...store, inFlight }), 'orphan', 'somebody works on it');
});

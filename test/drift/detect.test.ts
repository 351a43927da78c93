import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { detectDrift } from '../../src/drift/detect.ts';
import { allocationId, clusterUid, instanceId, nodeName, revisionHash, workloadId } from '../../src/model/ids.ts';
import type { Observed, ObservedObject } from '../../src/model/observed.ts';
import type { Allocation, Recorded } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';

const web = workloadId('shop', 'web');
const instance = instanceId(web, 0);
const allocation: Allocation = {
  id: allocationId(instance, 1),
  instance,
  workload: web,
  ordinal: 0,
  generation: 1,
  node: nodeName('n1'),
  engine: 'docker',
  revision: revisionHash('1111aaaa2222bbbb'),
  state: 'live',
  objectId: 'c1',
  holds: { cpuMillis: 100, memoryBytes: 0, storageBytes: 0 },
};
const revision = {
  engine: 'docker',
  limits: { cpuMillis: 250, memoryBytes: 48 << 20 },
  restart: 'always',
} as unknown as Revision;

const recorded: Recorded = {
  storeRevision: 1,
  workloads: new Map([[web, { failed: [], nextGeneration: 2 }]]),
  allocations: [allocation],
  revisions: new Map([[allocation.revision, revision]]),
  nodes: new Map(),
  overrides: [],
  inFlight: [],
};

const observed = (actual: ObservedObject['actual']): Observed => ({
  takenAt: 0,
  nodes: new Map([
    [
      allocation.node,
      {
        liveness: 'alive',
        engines: { docker: { kind: 'reachable', version: '1', fingerprint: 'f', capacity: {}, features: [] } },
        foreign: [],
      },
    ],
  ]),
  objects: [
    {
      node: allocation.node,
      engine: 'docker',
      objectId: 'c1',
      name: 'c1',
      cluster: clusterUid('uid'),
      allocation: allocation.id,
      revision: allocation.revision,
      state: 'running',
      health: 'healthy',
      ports: {},
      actual,
    },
  ],
});

describe('drift', () => {
  test('a setting that was changed by hand is told with what it is and what it should be', () => {
    const [drift, ...more] = detectDrift(
      recorded,
      observed({ '/limits/cpuMillis': 1000, '/limits/memoryBytes': 48 << 20, '/restart': 'never' }),
    );
    assert.equal(drift?.kind, 'changed');
    assert.equal(drift?.detail, 'limits.cpu is 1, recorded 250m; restart is never, recorded always');
    assert.deepEqual(more, []);
  });

  test('settings as recorded, and those that the cluster ignores, are no drift', () => {
    assert.deepEqual(detectDrift(recorded, observed({ '/limits/cpuMillis': 250, '/restart': 'always' })), []);
    assert.deepEqual(detectDrift(recorded, observed({ '/limits/cpuMillis': 1000 }), ['/limits']), []);
  });
});

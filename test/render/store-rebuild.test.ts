import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allocationId, instanceId, nodeName, revisionHash, unitOf, workloadId } from '../../src/model/ids.ts';
import type { RebuiltAllocation, StoreRebuild } from '../../src/model/store-rebuild.ts';
import { renderStoreRebuild } from '../../src/render/store-rebuild.ts';
import { assertGolden } from '../golden.ts';

const web = workloadId('shop', 'web');

const allocation = (ordinal: number, generation: number, change: RebuiltAllocation['change']): RebuiltAllocation => ({
  allocation: allocationId(instanceId(web, ordinal), generation),
  node: nodeName(`n${ordinal + 1}`),
  engine: 'docker',
  revision: revisionHash('3333cccc4444dddd'),
  state: 'live',
  change,
});

const rebuild: StoreRebuild = {
  allocations: [
    allocation(0, 1, 'dropped'),
    allocation(0, 5, 'added'),
    allocation(1, 2, 'changed'),
    allocation(2, 3, 'unseen'),
    allocation(3, 4, 'unchanged'),
  ],
  generations: [{ workload: web, before: 3, after: 1_006 }],
  endedUnits: [unitOf(web)],
  unreadable: ['workload/shop/db'],
  unreachable: [{ node: nodeName('n3'), engine: 'docker', reason: 'no route to 10.0.0.3' }],
  notRestored: [
    {
      allocation: allocationId(instanceId(web, 7), 9),
      node: nodeName('n1'),
      reason: 'its cores, volumes, devices or address are known neither to its engine nor to the store',
    },
  ],
  findings: [],
};

const page = { color: false, width: 100, where: 'etcd://10.0.0.1:2379/muster' };

test('a rebuild that is not complete says what is missing, and what would be written', () => {
  assertGolden('store/rebuild-partial.txt', renderStoreRebuild(rebuild, page));
});

test('a complete one is short', () => {
  const complete = { ...rebuild, endedUnits: [], unreadable: [], unreachable: [], notRestored: [], generations: [] };
  const text = renderStoreRebuild({ ...complete, allocations: complete.allocations.slice(-1) }, page);
  assertGolden('store/rebuild-nothing.txt', text);
  assert.doesNotMatch(text, /not complete/);
});

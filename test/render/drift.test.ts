import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Drift, DriftKind } from '../../src/drift/detect.ts';
import type { AllocationId, NodeName, WorkloadId } from '../../src/model/ids.ts';
import { renderDriftText, viewDrift } from '../../src/render/drift.ts';
import { assertGolden } from '../golden.ts';

const policy = { changed: 'heal', orphan: 'report', ignoreFields: [] } as const;

const drifted = (kind: DriftKind, ordinal: number, node: string, detail: string): Drift => ({
  kind,
  allocation: `shop/web/${ordinal}#1` as AllocationId,
  workload: 'shop/web' as WorkloadId,
  node: node as NodeName,
  engine: 'docker',
  detail,
});

const found: readonly Drift[] = [
  ...Array.from({ length: 30 }, (_, ordinal) =>
    drifted('nodeUnreachable', ordinal, 'web-a-01', 'docker on web-a-01: connect ECONNREFUSED 10.0.0.1:2376'),
  ),
  drifted('zombie', 30, 'web-a-02', 'made by token 1.7, which is not the leader any more'),
  drifted('changed', 31, 'web-a-02', 'limits.cpu is 1, recorded 250m; limits.memory is 1GiB, recorded 128MiB'),
  drifted('missing', 32, 'web-a-02', 'nothing is left of it on the engine'),
  ...Array.from({ length: 22 }, (_, index) => drifted('exited', 40 + index, 'web-a-03', 'exited with code 137')),
];

test('drift by kind, what is healed first; a node that nobody sees is one line', () => {
  const view = viewDrift(found, { cluster: 'prod', live: 80, policy });
  assertGolden('drift/wide.txt', renderDriftText(view, { color: false, width: 100 }));
  assertGolden('drift/narrow.txt', renderDriftText(view, { color: false, width: 60 }));
});

test('what the cluster ignores is not told, and what it only reports is not healed', () => {
  const view = viewDrift(found, { cluster: 'prod', live: 80, policy: { ...policy, changed: 'report' } });
  assert.deepEqual(
    view.drift.flatMap(({ kind, healed }) => (kind === 'changed' ? [healed] : [])),
    [false],
  );
  const ignoring = viewDrift(found, { cluster: 'prod', live: 80, policy: { ...policy, changed: 'ignore' } });
  assert.ok(ignoring.drift.every(({ kind }) => kind !== 'changed'));
  const none = viewDrift([], { cluster: 'prod', live: 1, policy });
  assert.equal(renderDriftText(none, { color: false }), 'Cluster prod: nothing drifted, 1 instance as recorded\n');
});

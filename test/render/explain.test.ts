import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type InstanceId, nodeName, type RevisionHash, type WorkloadId } from '../../src/model/ids.ts';
import { explain, type Subject } from '../../src/plan/explain.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { renderExplanation } from '../../src/render/explain.ts';
import { assertGolden } from '../golden.ts';
import {
  GiB,
  namespaceName,
  node,
  now,
  podName,
  revision,
  spread,
  withNode,
  withRunning,
  workload,
  world,
} from '../plan/world.ts';

/** A rollout in the middle of things: a drain, a cordon, a full quota, an instance that is down, one that does not fit. */
function cluster(): PlanInputs {
  const web = (name: string, zone: string, change = {}) =>
    node(name, { zone, labels: { disk: 'ssd' }, capacity: { cpuMillis: 8000, memoryBytes: 8 * GiB }, ...change });
  const byZone = {
    pods: [podName('web')],
    require: { disk: 'ssd' },
    tolerate: [],
    partial: true,
    spread: [{ by: 'zone', minDomains: 2 }],
  } as const;
  const big = revision({
    resources: { cpuMillis: 500, memoryBytes: 7 * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
  });
  const inputs = withRunning(
    world({
      nodes: [
        web('web-a-01', 'a'),
        web('web-a-02', 'a', { lifecycle: 'maintenance' }),
        web('web-b-01', 'b'),
        web('web-b-02', 'b', { capacity: { cpuMillis: 8000, memoryBytes: 2 * GiB } }),
        web('web-b-03', 'b', { labels: {} }),
      ],
      workloads: [
        workload('payments/agent', { type: 'daemon' }),
        workload('payments/checkout', {
          replicas: 5,
          placement: byZone,
          hash: 'r2',
          revision: revision({ image: 'registry.local/app@sha256:02' }),
        }),
        workload('payments/db', { type: 'static', replicas: 1 }),
        workload('payments/report', { replicas: 1, revision: big, hash: 'big' }),
      ],
      quotas: [
        {
          name: 'payments',
          namespace: namespaceName('payments'),
          limits: { cpuMillis: 20_000, instances: 9 },
          parent: 'company',
        },
        { name: 'company', limits: { memoryBytes: 64 * GiB } },
      ],
    }),
    [
      ...spread('payments/agent', 2, ['web-a-01', 'web-b-01']),
      ...spread('payments/checkout', 3, ['web-a-01', 'web-a-02', 'web-b-01'], {
        holds: { ports: { http: 30_001 } },
        object: { startedAt: now - 7_200_000 },
      }),
      { workload: 'payments/checkout', ordinal: 3, node: 'web-b-01', object: { state: 'exited', exitCode: 137 } },
      { workload: 'payments/db', ordinal: 0, node: 'web-a-01' },
    ],
    {
      workloads: {
        'payments/checkout': {
          lastGood: 'r1' as RevisionHash,
          failed: [{ revision: 'r0' as RevisionHash, at: now - 1000, reason: 'answered 503' }],
        },
      },
    },
  );
  return withNode(inputs, 'web-b-01', {
    foreign: [{ engine: 'docker', name: 'backup', resources: { memoryBytes: 2 * GiB }, ports: [] }],
  });
}

function text(subject: Subject, width = 100): string {
  const found = explain(cluster(), subject);
  assert.ok(found !== undefined);
  return renderExplanation(found, 'text', { color: false, width, now });
}

const instance = (id: string): Subject => ({ kind: 'instance', id: id as InstanceId });
const nodeSubject = (name: string): Subject => ({ kind: 'node', name: nodeName(name) });

describe('explain in text', () => {
  const golden: readonly (readonly [name: string, subject: Subject])[] = [
    ['instance', instance('payments/checkout/0')],
    ['instance-down', instance('payments/checkout/3')],
    ['instance-drained', instance('payments/checkout/1')],
    ['instance-refused', instance('payments/report/0')],
    ['instance-static', instance('payments/db/0')],
    ['workload', { kind: 'workload', id: 'payments/checkout' as WorkloadId }],
    ['workload-daemon', { kind: 'workload', id: 'payments/agent' as WorkloadId }],
    ['node', nodeSubject('web-b-01')],
    ['node-drained', nodeSubject('web-a-02')],
  ];
  for (const [name, subject] of golden) {
    test(`${name} reads as in test/golden/explain/${name}.txt`, () => {
      assertGolden(`explain/${name}.txt`, text(subject));
    });
  }

  test('on a narrow terminal lines are cut at words', () => {
    const longest = Math.max(
      ...text(instance('payments/checkout/0'), 60)
        .split('\n')
        .map((line) => [...line].length),
    );
    assert.ok(longest <= 60, `${longest} columns`);
  });
});

test('JSON is the explanation itself, with its version', () => {
  const found = explain(cluster(), nodeSubject('web-a-01'));
  assert.ok(found !== undefined);
  const parsed: unknown = JSON.parse(renderExplanation(found, 'json', { color: false, now }));
  assert.deepEqual(parsed, JSON.parse(JSON.stringify({ formatVersion: '1.0', ...found })));
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { detectDrift } from '../../src/drift/detect.ts';
import type { Desired } from '../../src/model/desired.ts';
import {
  allocationId,
  clusterUid,
  instanceId,
  nodeName,
  revisionHash,
  runId,
  unitOf,
  workloadId,
} from '../../src/model/ids.ts';
import type { Observed, ObservedObject } from '../../src/model/observed.ts';
import type { Allocation, Override, Recorded } from '../../src/model/recorded.ts';
import { behindHint, behindText } from '../../src/reconcile/behind.ts';
import { renderStatusText } from '../../src/render/status.ts';
import { type StatusView, viewStatus } from '../../src/render/status-view.ts';
import { assertGolden } from '../golden.ts';

const now = Date.UTC(2026, 10, 21, 22);
const checkout = workloadId('payments', 'checkout');
const old = revisionHash('1111aaaa2222bbbb');
const wanted = revisionHash('3333cccc4444dddd');

const allocation = (ordinal: number, generation: number, node: string, revision = wanted): Allocation => ({
  id: allocationId(instanceId(checkout, ordinal), generation),
  instance: instanceId(checkout, ordinal),
  workload: checkout,
  ordinal,
  generation,
  node: nodeName(node),
  engine: 'process',
  revision,
  state: 'live',
  objectId: `object-${ordinal}`,
  holds: { cpuMillis: 100, memoryBytes: 0, storageBytes: 0 },
});

const object = (of: Allocation, over: Partial<ObservedObject> = {}): ObservedObject => ({
  node: of.node,
  engine: of.engine,
  objectId: of.objectId ?? '',
  name: of.instance,
  cluster: clusterUid('uid'),
  allocation: of.id,
  revision: of.revision,
  state: 'running',
  health: 'healthy',
  startedAt: now - 3_600_000,
  ports: { http: { host: '127.0.0.1', port: 31_000 + of.ordinal } },
  actual: {},
  ...over,
});

function world(): { readonly desired: Desired; readonly recorded: Recorded; readonly observed: Observed } {
  const good = allocation(0, 4, 'n1');
  const outdated = allocation(1, 2, 'n1', old);
  const dead = allocation(2, 6, 'n2');
  const unseen = allocation(3, 3, 'n3');
  const node = (name: string) => ({
    name: nodeName(name),
    pod: 'local',
    lifecycle: 'online',
    engines: { process: {} },
  });
  const reachable = { kind: 'reachable', version: '1', fingerprint: 'f', capacity: {} } as const;
  return {
    desired: {
      cluster: { name: 'prod' },
      commits: { platform: '3f2a9c1d00000000000000000000000000000000' },
      nodes: [node('n1'), node('n2'), node('n3')],
      workloads: [{ id: checkout, replicas: 5, type: 'stateless', revisionHash: wanted }],
    } as unknown as Desired,
    recorded: {
      storeRevision: 812,
      workloads: new Map([[checkout, { failed: [{ revision: old, at: 0, reason: 'gate' }], nextGeneration: 7 }]]),
      allocations: [good, outdated, dead, unseen],
      revisions: new Map(),
      nodes: new Map(),
      overrides: [],
      inFlight: [],
    },
    observed: {
      takenAt: now - 2_000,
      nodes: new Map([
        [nodeName('n1'), { liveness: 'alive', engines: { process: reachable }, foreign: [] }],
        [nodeName('n2'), { liveness: 'alive', engines: { process: reachable }, foreign: [] }],
        [
          nodeName('n3'),
          {
            liveness: 'unknown',
            engines: { process: { kind: 'unreachable', reason: 'connection refused' } },
            foreign: [],
          },
        ],
      ]),
      objects: [object(good), object(outdated), object(dead, { state: 'exited', exitCode: 137, health: 'none' })],
    },
  };
}

const view = (): StatusView => {
  const inputs = world();
  return viewStatus({ ...inputs, drift: detectDrift(inputs.recorded, inputs.observed), now });
};

describe('status', () => {
  test('desired, recorded and observed stand side by side, with age and drift', () => {
    assertGolden('status/mixed.txt', renderStatusText(view(), { color: false, width: 110, now }));
  });

  test('overrides and units that wait for an operator stand first; what has expired is not shown', () => {
    const { recorded, ...others } = world();
    const by = { actor: 'alice@build-7', reason: 'INC-812', until: now + 3_600_000 };
    const inFlight = [{ run: runId('20261121-025200-0f3a'), unit: unitOf(checkout), status: 'stuck' }];
    const overrides: readonly Override[] = [
      { id: 'pin/payments/checkout', kind: 'pin', target: checkout, revision: old, ...by },
      { id: 'cordon/n1', kind: 'cordon', target: 'n1', ...by },
      { id: 'freeze/payments', kind: 'freeze', target: 'payments', ...by },
      { id: 'freeze/*', kind: 'freeze', target: '*', ...by, until: now - 1 },
    ];
    const inputs = { ...others, recorded: { ...recorded, overrides, inFlight }, drift: [], now };
    assertGolden('status/overrides.txt', renderStatusText(viewStatus(inputs), { color: false, width: 110, now }));
  });

  test('of a rollout that is under way it is said which commit takes over, should git have changed since', () => {
    const { recorded, ...others } = world();
    const unit = { run: runId('20261121-025200-0f3a'), unit: unitOf(checkout), status: 'running', definition: 'older' };
    const textOf = (status: string): string => {
      const inFlight = [{ ...unit, status }];
      const inputs = { ...others, recorded: { ...recorded, inFlight }, drift: [], now };
      return renderStatusText(viewStatus(inputs), { color: false, width: 400, now });
    };
    assert.match(textOf('running'), /muster run ends it when the wave under way is through, and \w+ \S+ takes over/);
    assert.doesNotMatch(textOf('paused'), /takes over/);
    assert.doesNotMatch(textOf('unwinding'), /takes over/);
  });

  test('a store that went back in time is said before everything else, with what to do', () => {
    const detail = 'running, and made after this store, which would hand out generation 4 next';
    const newer = { kind: 'ahead', object: object(allocation(0, 7, 'n1')), detail } as const;
    const behind = `${behindText('etcd://10.0.0.1:2379/muster', [newer])}. ${behindHint}`;
    const shown = viewStatus({ ...world(), drift: [], now, behind });
    assertGolden('status/behind.txt', renderStatusText(shown, { color: false, width: 110, now }));
    assert.equal(shown.asDeclared, false);
  });

  test('a terminal of 60 columns stays readable', () => {
    const text = renderStatusText(view(), { color: false, width: 60, now });
    assertGolden('status/narrow.txt', text);
    assert.ok(text.split('\n').every((line) => [...line].length <= 60));
  });

  test('what cannot be seen is unknown, never missing', () => {
    const unseen = view().workloads[0]?.instances.find(({ id }) => id.endsWith('/3'));
    assert.equal(unseen?.observed, 'unknown');
    assert.match(unseen?.drift ?? '', /nodeUnreachable/);
  });

  test('what is stopped on purpose says why and until when; a node in maintenance is as git has it', () => {
    const base = world();
    const held = (ordinal: number, node: string): Allocation => ({
      ...allocation(ordinal, 1, node),
      state: 'held',
      heldSince: now - 7_200_000,
    });
    const gone = workloadId('payments', 'gone');
    const leaver = { ...held(0, 'n2'), workload: gone, instance: instanceId(gone, 0) };
    const allocations = [
      held(0, 'n1'),
      { ...allocation(1, 1, 'n2'), state: 'live' as const },
      { ...leaver, id: allocationId(leaver.instance, 1) },
    ];
    const prune = { stopAfterMs: 600_000, deleteAfterMs: 86_400_000, max: { sharePercent: 10, atLeast: 3 } };
    const inputs = {
      ...base,
      desired: {
        ...base.desired,
        cluster: { ...base.desired.cluster, prune },
        nodes: base.desired.nodes.map((node) =>
          node.name === 'n1' ? { ...node, lifecycle: 'maintenance' as const } : node,
        ),
        workloads: base.desired.workloads.map((each) => ({ ...each, type: 'static' as const, replicas: 2 })),
      },
      recorded: {
        ...base.recorded,
        workloads: new Map([[gone, { failed: [], nextGeneration: 2, missingSince: now - 7_800_000 }]]),
        allocations,
      },
      observed: {
        ...base.observed,
        nodes: new Map([...base.observed.nodes].filter(([name]) => name !== 'n3')),
        objects: allocations.map((own) =>
          object(own, own.state === 'live' ? {} : { state: 'exited', exitCode: 0, health: 'none' }),
        ),
      },
    };
    const shown = viewStatus({ ...inputs, drift: detectDrift(inputs.recorded, inputs.observed), now });
    assertGolden('status/held.txt', renderStatusText(shown, { color: false, width: 110, now }));
    assert.deepEqual([shown.drift, shown.asDeclared], [0, true]);
  });

  test('the same data are plain JSON', () => {
    assert.deepEqual(JSON.parse(JSON.stringify(view())), view());
    assert.equal(view().asDeclared, false);
  });
});

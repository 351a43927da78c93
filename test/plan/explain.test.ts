import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode } from '../../src/model/desired.ts';
import { type InstanceId, nodeName, type WorkloadId } from '../../src/model/ids.ts';
import { type Explanation, explain } from '../../src/plan/explain.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import {
  GiB,
  namespaceName,
  node,
  podName,
  revision,
  spread,
  withNode,
  withRunning,
  workload,
  world,
} from './world.ts';

const app = 'payments/checkout';

type Of<Kind extends Explanation['kind']> = Extract<Explanation, { kind: Kind }>;

function instanceOf(inputs: PlanInputs, id: string): Of<'instance'> {
  const found = explain(inputs, { kind: 'instance', id: id as InstanceId });
  assert.ok(found?.kind === 'instance');
  return found;
}

function workloadOf(inputs: PlanInputs, id: string): Of<'workload'> {
  const found = explain(inputs, { kind: 'workload', id: id as WorkloadId });
  assert.ok(found?.kind === 'workload');
  return found;
}

function nodeOf(inputs: PlanInputs, name: string): Of<'node'> {
  const found = explain(inputs, { kind: 'node', name: nodeName(name) });
  assert.ok(found?.kind === 'node');
  return found;
}

const sized = (name: string, memoryGiB: number, change: Partial<DesiredNode> = {}): DesiredNode =>
  node(name, { capacity: { cpuMillis: 8000, memoryBytes: memoryGiB * GiB }, ...change });

const rules = { pods: [podName('web')], require: {}, tolerate: [], partial: true };

describe('explain an instance', () => {
  const placement = { ...rules, require: { disk: 'ssd' } };
  const ssd = { disk: 'ssd' };
  const inputs = withRunning(
    world({
      workloads: [workload(app, { replicas: 2, placement })],
      nodes: [
        sized('n1', 4, { labels: ssd }),
        sized('n2', 4, { labels: ssd }),
        sized('n3', 0.5, { labels: ssd }),
        sized('n4', 4),
        sized('n5', 4, { labels: ssd, lifecycle: 'cordoned' }),
        sized('other', 4, { pod: podName('batch') }),
      ],
    }),
    spread(app, 2, ['n1', 'n2']),
  );

  test('where it is, that nothing moves it, and every other node with the first thing in the way', () => {
    const { at, next, elsewhere, balance, wanted, target } = instanceOf(inputs, `${app}/0`);
    assert.deepEqual([at?.node, at?.generation, at?.status, wanted, next], ['n1', 1, 'running', true, undefined]);
    assert.deepEqual(target, { revision: 'r1', followsGit: true });
    assert.deepEqual(balance?.strategy, 'auto');
    assert.equal(elsewhere?.considered, 4, 'nodes of other pods are no candidates');
    assert.deepEqual(elsewhere?.fits, ['n2']);
    assert.deepEqual(
      elsewhere?.reasons.map(({ key, nodes }) => [key, ...nodes]),
      [
        ['lifecycle', 'n5'],
        ['label', 'n4'],
        ['memory', 'n3'],
      ],
    );
    assert.deepEqual(elsewhere?.nearest, { node: 'n3', missing: { memoryBytes: GiB / 2 } });
  });

  test('what the plan does with it', () => {
    const changed = {
      ...inputs,
      desired: {
        ...inputs.desired,
        nodes: inputs.desired.nodes.map((entry) =>
          entry.name === 'n1' ? { ...entry, lifecycle: 'maintenance' as const } : entry,
        ),
      },
    };
    const { next } = instanceOf(changed, `${app}/0`);
    assert.deepEqual([next?.kind, next?.from, next?.node, next?.cause], ['move', 'n1', 'n2', 'drain']);
  });

  test('one that is to be made, and one that is refused', () => {
    const more = (replicas: number): PlanInputs => ({
      ...inputs,
      desired: { ...inputs.desired, workloads: [workload(app, { replicas, placement })] },
    });
    const made = instanceOf(more(3), `${app}/2`);
    assert.equal(made.at, undefined);
    assert.equal(made.next?.kind, 'create');
    const refused = instanceOf(more(9), `${app}/8`);
    assert.equal(refused.next, undefined);
    assert.equal(refused.refusals[0]?.code, 'MUS4001');
  });

  test('one that git does not want any more, and one that nobody knows', () => {
    const fewer = { ...inputs, desired: { ...inputs.desired, workloads: [workload(app, { replicas: 1, placement })] } };
    const { wanted, next } = instanceOf(fewer, `${app}/1`);
    assert.deepEqual([wanted, next?.kind], [false, 'remove']);
    assert.equal(explain(inputs, { kind: 'instance', id: `${app}/7` as InstanceId }), undefined);
    assert.equal(explain(inputs, { kind: 'instance', id: 'a/b/0' as InstanceId }), undefined);
  });

  test('what belongs to its node, and a node that would not take it any more', () => {
    const bound = withRunning(
      world({
        workloads: [
          workload('a/static', { type: 'static', replicas: 1 }),
          workload('a/data', { type: 'stateful', replicas: 1 }),
          workload('a/tainted', { replicas: 1 }),
        ],
        nodes: [sized('n1', 8, { taints: [{ key: 'gpu', value: 'yes', effect: 'NoSchedule' }] }), sized('n2', 8)],
      }),
      [
        { workload: 'a/static', ordinal: 0, node: 'n2' },
        {
          workload: 'a/data',
          ordinal: 0,
          node: 'n2',
          holds: { volumes: [{ name: 'v', device: '/data1', bytes: GiB }] },
        },
        { workload: 'a/tainted', ordinal: 0, node: 'n1' },
      ],
    );
    assert.equal(instanceOf(bound, 'a/static/0').bound, 'it is static, and never moves');
    assert.equal(instanceOf(bound, 'a/data/0').bound, 'its data is on /data1 of n2');
    assert.equal(instanceOf(bound, 'a/tainted/0').misplaced, 'have taint gpu=yes');
  });

  test('a node fits exactly when a move would find it', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 2, maxLength: 5 });
    const places = fc.array(fc.nat(4), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(sizes, places, fc.integer({ min: 1, max: 3 }), fc.boolean(), (memory, where, minDomains, away) => {
        const names = memory.map((_, index) => `n${index}`);
        const nodes = memory.map((size, index) => sized(`n${index}`, size, { zone: `z${index % 2}` }));
        const self = [{ to: app as WorkloadId, by: 'node' as const, required: true }];
        const spreadRule = [{ by: 'zone' as const, minDomains }];
        const definition = workload(app, {
          replicas: where.length,
          placement: { ...rules, spread: spreadRule, ...(away && { antiAffinity: self }) },
        });
        const random = withRunning(
          world({ workloads: [definition], nodes }),
          where.map((at, ordinal) => ({ workload: app, ordinal, node: names[at % names.length] ?? 'n0' })),
        );
        fc.pre(createPlan(random).steps.length === 0);
        const id = `${app}/0` as InstanceId;
        const { elsewhere } = instanceOf(random, id);
        const relocate = new Map([[id, { cause: 'rebalance', reason: 'asked' }]] as const);
        const moved = createPlan({ ...random, relocate }).steps.find(({ instance }) => instance === id);
        assert.equal(moved !== undefined, (elsewhere?.fits.length ?? 0) > 0);
        if (moved !== undefined) assert.ok(elsewhere?.fits.includes(moved.node));
      }),
      { numRuns: 200 },
    );
  });
});

describe('explain a workload', () => {
  const inputs = withRunning(
    world({
      workloads: [workload(app, { replicas: 6, hash: 'r2', revision: revision({ image: 'app@sha256:02' }) })],
      nodes: [sized('a1', 8, { zone: 'a' }), sized('a2', 8, { zone: 'a' }), sized('b1', 8, { zone: 'b' })],
      quotas: [
        { name: 'company', limits: { instances: 100 } },
        { name: 'payments', namespace: namespaceName('payments'), parent: 'company', limits: { cpuMillis: 20_000 } },
        { name: 'shop', namespace: namespaceName('shop'), limits: { cpuMillis: 1 } },
      ],
    }),
    spread(app, 6, ['a1', 'a2', 'b1', 'b1', 'b1', 'a1'], {}).map((entry) =>
      entry.ordinal === 5 ? { ...entry, object: { state: 'exited' as const } } : entry,
    ),
    {
      workloads: {
        [app]: { lastGood: 'r1' as never, failed: [{ revision: 'r0' as never, at: 0, reason: 'answered 503' }] },
      },
    },
  );

  test('revision, replicas, places, budget, quotas and what the plan would do', () => {
    const found = workloadOf(inputs, app);
    assert.deepEqual(found.replicas, { wanted: 6, recorded: 6, available: 5 });
    assert.deepEqual(
      [found.revisions.git, found.revisions.planned, found.revisions.lastGood, found.revisions.failed[0]?.revision],
      ['r2', 'r2', 'r1', 'r0'],
    );
    assert.deepEqual(found.revisions.running, [{ revision: 'r1', instances: 6 }]);
    assert.deepEqual(
      found.places.map(({ node: at, instances }) => `${at} ${instances.map(({ ordinal }) => ordinal).join()}`),
      ['a1 0,5', 'a2 1', 'b1 2,3,4'],
    );
    assert.deepEqual(found.budget, { of: 6, available: 5, maxUnavailable: 2, by: 'policy' });
    assert.deepEqual(
      found.balance?.spread.map(({ by, counts }) => `${by} ${counts.map(({ instances }) => instances).join()}`),
      ['zone 3,3'],
    );
    assert.deepEqual(
      found.quotas.map(({ name, dimension, used, own }) => `${name} ${dimension} ${used} ${own}`).sort(),
      ['company instances 6 6', 'payments cpuMillis 3000 3000'],
    );
    assert.equal(
      Object.values(found.unit?.steps ?? {}).reduce((sum, count) => sum + count, 0),
      6,
    );
    assert.deepEqual(found.oneMore?.fits, ['a1', 'a2', 'b1']);
  });

  test('a pin is named, with who and why', () => {
    const until = inputs.now + 1000;
    const pin = {
      id: 'p',
      kind: 'pin',
      target: app,
      revision: 'r1' as never,
      actor: 'ann',
      reason: 'CVE',
      until,
    } as const;
    const pinned = workloadOf({ ...inputs, recorded: { ...inputs.recorded, overrides: [pin] } }, app);
    assert.deepEqual([pinned.revisions.planned, pinned.revisions.pin?.actor], ['r1', 'ann']);
  });

  test('one that left git has neither budget nor target', () => {
    const gone = workloadOf({ ...inputs, desired: { ...inputs.desired, workloads: [] } }, app);
    assert.deepEqual([gone.type, gone.budget, gone.oneMore], ['not in git', undefined, undefined]);
    assert.equal(explain(inputs, { kind: 'workload', id: 'a/b' as WorkloadId }), undefined);
  });
});

describe('explain a node', () => {
  const inputs = withNode(
    withRunning(
      world({
        workloads: [
          workload(app, { replicas: 3 }),
          workload('a/data', { type: 'stateful', replicas: 1 }),
          workload('a/machine', { type: 'static', replicas: 1 }),
          workload('a/agent', { type: 'daemon' }),
        ],
        nodes: [sized('n1', 8), sized('n2', 2)],
      }),
      [
        ...spread(app, 3, ['n1', 'n1', 'n2']),
        {
          workload: 'a/data',
          ordinal: 0,
          node: 'n1',
          holds: { volumes: [{ name: 'v', device: '/data1', bytes: GiB }] },
        },
        { workload: 'a/machine', ordinal: 0, node: 'n1' },
        { workload: 'a/agent', ordinal: 0, node: 'n1' },
        { workload: 'a/agent', ordinal: 1, node: 'n2', holds: { memoryBytes: 0 } },
      ],
    ),
    'n1',
    { foreign: [{ engine: 'docker', name: 'backup', resources: { memoryBytes: GiB }, ports: [] }] },
  );

  test('what it has, who uses most, and what is not ours', () => {
    const { capacity, foreign, residents, closed } = nodeOf(inputs, 'n1');
    const memory = capacity.find(({ dimension }) => dimension === 'memoryBytes');
    assert.deepEqual(memory, {
      dimension: 'memoryBytes',
      total: 8 * GiB,
      used: 6 * GiB,
      foreign: GiB,
      top: [
        { workload: app, amount: 2 * GiB },
        { workload: 'a/agent', amount: GiB },
        { workload: 'a/data', amount: GiB },
      ],
    });
    assert.deepEqual(foreign, ['backup']);
    assert.deepEqual(
      residents.map(({ workload: id, instances }) => `${id} ${instances.map(({ ordinal }) => ordinal).join()}`),
      ['a/agent 0', 'a/data 0', 'a/machine 0', `${app} 0,1`],
    );
    assert.equal(closed, undefined);
  });

  test('what would become of it in maintenance, as the planner would do it', () => {
    const { ifDrained } = nodeOf(inputs, 'n1');
    assert.deepEqual(
      ifDrained?.moves.map(({ to }) => to),
      ['n2'],
    );
    assert.deepEqual(ifDrained?.stops, ['a/machine/0']);
    assert.ok(ifDrained?.stays.some(({ instance }) => instance === 'a/data/0'));
    assert.equal(
      ifDrained?.stays.some(({ instance }) => instance === 'a/agent/0'),
      false,
    );
  });

  test('why nothing new comes, and how its drain goes', () => {
    const draining = {
      ...inputs,
      desired: {
        ...inputs.desired,
        nodes: inputs.desired.nodes.map((entry) =>
          entry.name === 'n1' ? { ...entry, lifecycle: 'maintenance' as const } : entry,
        ),
      },
    };
    const found = nodeOf(draining, 'n1');
    assert.equal(found.closed, 'its lifecycle is maintenance');
    assert.equal(found.ifDrained, undefined);
    assert.ok(found.leaving.some(({ node: to }) => to === 'n2'));
    assert.ok(found.drain?.blocked.some(({ instance }) => instance === 'a/data/0'));
    assert.ok(nodeOf(draining, 'n2').coming.length > 0);
    const until = inputs.now + 1000;
    const cordon = { id: 'c', kind: 'cordon', target: 'n1', actor: 'ann', reason: 'DIMM 3', until } as const;
    const cordoned = { ...inputs, recorded: { ...inputs.recorded, overrides: [cordon] } };
    assert.equal(nodeOf(cordoned, 'n1').closed, 'ann cordoned it: DIMM 3');
    assert.equal(explain(inputs, { kind: 'node', name: nodeName('n9') }), undefined);
  });
});

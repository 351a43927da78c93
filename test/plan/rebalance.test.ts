import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode, Domain } from '../../src/model/desired.ts';
import { nodeName } from '../../src/model/ids.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { type Rebalance, type RebalanceOptions, rebalance } from '../../src/plan/rebalance.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { GiB, node, podName, revision, spread, withRunning, workload, world } from './world.ts';

const app = 'payments/checkout';
const cart = 'shop/cart';

const nodes = (names: readonly string[], change: Partial<DesiredNode> = {}): DesiredNode[] =>
  names.map((name) =>
    node(name, { zone: name[0] ?? 'a', capacity: { cpuMillis: 64_000, memoryBytes: 16 * GiB }, ...change }),
  );

type Planned = Extract<Rebalance, { kind: 'planned' }>;

/** The answer, after the checks that hold for every one: verified, bounded, moves alone, and nothing left to do after it. */
function balanced(inputs: PlanInputs, options: Partial<RebalanceOptions> = {}): Planned {
  const result = rebalance(inputs, { goal: { kind: 'even' }, maxMoves: 10, ...options });
  assert.equal(result.kind, 'planned');
  assert.deepEqual(verifyPlan(inputs, result.plan), []);
  assert.ok(result.plan.steps.length <= (options.maxMoves ?? 10));
  assert.ok(result.plan.steps.every(({ kind, cause }) => kind === 'move' && cause === 'rebalance'));
  assert.deepEqual(createPlan({ ...inputs, ...worldAfter(inputs, result.plan) }).steps, []);
  return result;
}

const movesOf = ({ plan }: Planned): string[] =>
  plan.steps.map(({ instance, from, node: to }) => `${instance} ${from} ${to}`);

const byZone = {
  placement: {
    pods: [podName('web')],
    require: {},
    tolerate: [],
    partial: true,
    spread: [{ by: 'zone' as Domain, minDomains: 2 }],
  },
};

describe('rebalance evens out', () => {
  test('zones first, as far as the spread asks', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 6, ...byZone })], nodes: nodes(['a1', 'a2', 'b1', 'b2']) }),
      spread(app, 6, ['a1', 'a1', 'a1', 'a2', 'a2', 'b1']),
    );
    const result = balanced(inputs);
    assert.equal(result.plan.steps.length, 2);
    assert.ok(result.plan.steps.every(({ from, node: to }) => from?.startsWith('a') && to.startsWith('b')));
    assert.deepEqual(
      result.better.find((better) => better.kind === 'spread' && better.by === 'zone'),
      { kind: 'spread', workload: app, by: 'zone', before: { most: 5, fewest: 1 }, after: { most: 3, fewest: 3 } },
    );
    assert.match(result.plan.steps[0]?.reason ?? '', /zone a has \d of payments\/checkout, zone b \d/);
  });

  test('counts per node, where the strategy evens them out', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 4 })], nodes: nodes(['a1', 'a2', 'a3']) }),
      spread(app, 4, ['a1']),
    );
    const result = balanced(inputs);
    assert.deepEqual(
      result.better.filter(({ kind }) => kind === 'spread'),
      [{ kind: 'spread', workload: app, by: 'node', before: { most: 4, fewest: 0 }, after: { most: 2, fewest: 1 } }],
    );
  });

  test('what is packed on purpose stays packed', () => {
    const inputs = withRunning(
      world({
        workloads: [workload(app, { replicas: 4 })],
        nodes: nodes(['a1', 'a2', 'a3']),
        pods: [{ name: podName('web'), strategy: 'fill' }],
      }),
      spread(app, 4, ['a1']),
    );
    assert.deepEqual(movesOf(balanced(inputs)), []);
  });

  test('use, once counts are even', () => {
    const inputs = withRunning(
      world({
        workloads: [1, 2, 3, 4].map((index) => workload(`a/w${index}`, { replicas: 1 })),
        nodes: nodes(['a1', 'a2'], { capacity: { cpuMillis: 4000, memoryBytes: 8 * GiB } }),
      }),
      [1, 2, 3, 4].map((index) => ({ workload: `a/w${index}`, ordinal: 0, node: 'a1' })),
    );
    const result = balanced(inputs);
    assert.equal(result.plan.steps.length, 2);
    assert.deepEqual(
      result.better.filter(({ kind }) => kind === 'use'),
      [{ kind: 'use', pod: 'web', before: { most: 0.5, fewest: 0 }, after: { most: 0.25, fewest: 0.25 } }],
    );
  });

  test('within the number of moves that is allowed, and says that there is more', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 9 })], nodes: nodes(['a1', 'a2', 'a3']) }),
      spread(app, 9, ['a1']),
    );
    const result = balanced(inputs, { maxMoves: 2 });
    assert.equal(result.plan.steps.length, 2);
    assert.equal(result.more, true);
    assert.equal(balanced(inputs, { maxMoves: 6 }).more, false);
  });

  test('only the pods that are named', () => {
    const inPod = (pod: string) => ({ placement: { pods: [podName(pod)], require: {}, tolerate: [], partial: true } });
    const inputs = withRunning(
      world({
        workloads: [workload(app, { replicas: 2, ...inPod('web') }), workload(cart, { replicas: 2, ...inPod('shop') })],
        nodes: [...nodes(['a1', 'a2']), ...nodes(['s1', 's2'], { pod: podName('shop') })],
        pods: ['web', 'shop'].map((name) => ({ name: podName(name), strategy: 'auto' as const })),
      }),
      [...spread(app, 2, ['a1']), ...spread(cart, 2, ['s1'])],
    );
    assert.deepEqual(movesOf(balanced(inputs, { pods: [podName('shop')] })), [`${cart}/1 s1 s2`]);
  });

  test('what the planner refuses is left, with why, and is not part of the plan', () => {
    const inputs = withRunning(
      world({
        workloads: [workload(app, { replicas: 4 })],
        nodes: [...nodes(['a1']), ...nodes(['a2'], { capacity: { cpuMillis: 64_000, memoryBytes: GiB / 2 } })],
      }),
      spread(app, 4, ['a1']),
    );
    const result = balanced(inputs);
    assert.deepEqual(result.plan.steps, []);
    assert.deepEqual(result.plan.refusals, []);
    assert.match(result.left[0]?.reason ?? '', / not fit: .*nearest: a2 needs 512 MiB more/);
  });

  test('data on the node, daemons, frozen workloads and what is down stay where they are', () => {
    const kinds = ['static', 'daemon', 'frozen', 'down', 'data'] as const;
    const until = 1_890_000_000_000;
    const inputs = withRunning(
      world({
        workloads: kinds.map((kind) =>
          workload(`a/${kind}`, { replicas: 2, ...((kind === 'static' || kind === 'daemon') && { type: kind }) }),
        ),
        nodes: nodes(['a1', 'a2', 'a3']),
      }),
      kinds.flatMap((kind) =>
        kind === 'daemon'
          ? spread('a/daemon', 3, ['a1', 'a2', 'a3'])
          : spread(`a/${kind}`, 2, ['a1'], {
              ...(kind === 'down' && { object: { health: 'starting' } }),
              ...(kind === 'data' && { holds: { volumes: [{ name: 'v', device: '/data1', bytes: GiB }] } }),
            }),
      ),
    );
    const freeze = { id: 'f', kind: 'freeze', target: 'a/frozen', actor: 'ann', reason: 'audit', until } as const;
    const frozen = { ...inputs, recorded: { ...inputs.recorded, overrides: [freeze] } };
    assert.deepEqual(movesOf(balanced(frozen)), []);
  });
});

describe('rebalance empties', () => {
  test('the nodes that are named, and puts nothing on any of them', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 6 })], nodes: nodes(['a1', 'a2', 'a3', 'a4']) }),
      spread(app, 6, ['a1', 'a2', 'a3', 'a4']),
    );
    const empty = ['a1', 'a2'].map(nodeName);
    const result = balanced(inputs, { goal: { kind: 'empty', nodes: empty } });
    assert.equal(result.plan.steps.length, 4);
    assert.ok(result.plan.steps.every(({ node: to }) => !empty.includes(to)));
    assert.deepEqual(
      result.better.find(({ kind }) => kind === 'empty'),
      { kind: 'empty', nodes: empty },
    );
  });

  test('the quietest nodes, as many as the others have room for', () => {
    const inputs = withRunning(
      world({
        workloads: [workload(app, { replicas: 6, revision: large, hash: 'large' })],
        nodes: nodes(['a1', 'a2', 'a3', 'a4']),
      }),
      spread(app, 6, ['a1', 'a1', 'a2', 'a2', 'a3', 'a4'], { hash: 'large' }),
      { revisions: { large } },
    );
    const result = balanced(inputs, { goal: { kind: 'fewest' } });
    assert.deepEqual(
      result.better.find(({ kind }) => kind === 'empty'),
      { kind: 'empty', nodes: ['a3', 'a4'] },
    );
  });
});

/** Three fit on a node. */
const large = revision({
  resources: { cpuMillis: 500, memoryBytes: 5 * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
});

describe('rebalance', () => {
  test('waits until the world is as git declares it', () => {
    const inputs = world({ workloads: [workload(app, { replicas: 2 })] });
    const result = rebalance(inputs, { goal: { kind: 'even' }, maxMoves: 10 });
    assert.equal(result.kind, 'unsettled');
    assert.equal(result.plan.steps.length, 2);
  });

  test('is idempotent, never makes counts worse and keeps every rule, wherever things are', () => {
    const counts = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 4, maxLength: 4 });
    const names = ['a1', 'a2', 'b1', 'b2'];
    fc.assert(
      fc.property(
        counts,
        counts,
        fc.integer({ min: 1, max: 12 }),
        fc.integer({ min: 4, max: 16 }),
        (first, second, maxMoves, size) => {
          const places = (of: readonly number[]): string[] =>
            of.flatMap((count, index) => Array(count).fill(names[index]) as string[]);
          const [apps, carts] = [places(first), places(second)];
          const inputs = withRunning(
            world({
              workloads: [
                workload(app, { replicas: apps.length, ...byZone }),
                workload(cart, { replicas: carts.length }),
              ],
              nodes: nodes(names, { capacity: { cpuMillis: 64_000, memoryBytes: size * GiB } }),
            }),
            [
              ...apps.map((at, ordinal) => ({ workload: app, ordinal, node: at })),
              ...carts.map((at, ordinal) => ({ workload: cart, ordinal, node: at })),
            ],
          );
          fc.pre(createPlan(inputs).steps.length === 0);
          const result = balanced(inputs, { maxMoves });
          const after = worldAfter(inputs, result.plan).recorded.allocations;
          for (const [id, before] of [
            [app, apps],
            [cart, carts],
          ] as const) {
            const now = after
              .filter((allocation) => allocation.workload === id)
              .map((allocation) => allocation.node as string);
            assert.ok(squares(now, 1) <= squares(before, 1), `zones of ${id}`);
          }
          assert.deepEqual(rebalance(inputs, { goal: { kind: 'even' }, maxMoves }), result);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** Sum of the squared counts, by the first letters of the nodes. */
function squares(places: readonly string[], letters: number): number {
  const counts = new Map<string, number>();
  for (const place of places) {
    const domain = place.slice(0, letters);
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, count) => sum + count * count, 0);
}

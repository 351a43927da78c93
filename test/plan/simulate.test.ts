import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode } from '../../src/model/desired.ts';
import { type NodeName, nodeName } from '../../src/model/ids.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { compileWithout } from '../../src/plan/simulate/compile-lost.ts';
import { headRoom } from '../../src/plan/simulate/head-room.ts';
import { isBelowBudget, isOutage } from '../../src/plan/simulate/hit.ts';
import { loseNodes, withoutNodes } from '../../src/plan/simulate/lose.ts';
import { openMonotone } from '../../src/plan/simulate/monotone.ts';
import { type Answer, searchLosses } from '../../src/plan/simulate/search.ts';
import { plannedWorld } from '../../src/plan/simulate/world.ts';
import { headRoomWarnings } from '../../src/plan/simulate/worse.ts';
import { simulate } from '../../src/plan/simulate.ts';
import { scenesOf, seeds } from './mutations-worlds.ts';
import { GiB, node, podName, revision, spread, withRunning, workload, world } from './world.ts';

const app = 'payments/checkout';
const ledger = 'payments/ledger';

/** Nodes that hold so many GiB. */
const nodes = (memoryGiB: Readonly<Record<string, number>>, change: Partial<DesiredNode> = {}): DesiredNode[] =>
  Object.entries(memoryGiB).map(([name, size]) =>
    node(name, { capacity: { cpuMillis: 64_000, memoryBytes: size * GiB }, ...change }),
  );

const lose = (inputs: PlanInputs, ...names: string[]) => simulate(inputs, { lose: names.map(nodeName) });

describe('losing nodes', () => {
  test('what was there is made anew elsewhere, and its budget is looked at for the moment of the loss', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 4 })], nodes: nodes({ n1: 8, n2: 8, n3: 8 }) }),
      spread(app, 4, ['n1', 'n1', 'n2', 'n3']),
    );
    const { workloads, survives, instances, basis } = lose(inputs, 'n1');
    assert.equal(survives, true);
    assert.equal(instances, 2);
    assert.equal(basis.kind, 'present');
    const [hit] = workloads;
    assert.deepEqual(hit?.available, { before: 4, left: 2, floor: 3, of: 4 });
    assert.equal(hit !== undefined && isBelowBudget(hit), true);
    assert.equal(hit !== undefined && isOutage(hit), false);
    assert.deepEqual(
      hit?.remade.map(({ instance, from }) => `${instance} ${from}`),
      [`${app}/0 n1`, `${app}/1 n1`],
    );
    assert.ok(hit?.remade.every(({ to }) => to !== 'n1'));
    assert.deepEqual([hit?.short, hit?.waiting], [[], []]);
  });

  test('what finds no room is short, with the nearest miss', () => {
    const inputs = withRunning(
      world({ workloads: [workload(ledger, { replicas: 3 })], nodes: nodes({ n1: 1, n2: 1, n3: 1 }) }),
      spread(ledger, 3, ['n1', 'n2', 'n3']),
    );
    const { workloads, survives } = lose(inputs, 'n2');
    assert.equal(survives, false);
    assert.deepEqual(workloads[0]?.short, [`${ledger}/1`]);
    assert.equal(workloads[0]?.refusals[0]?.code, 'MUS4001');
    assert.deepEqual(workloads[0]?.refusals[0]?.nearest, { node: 'n1', missing: { memoryBytes: GiB } });
  });

  test('what belongs to its node waits for it: that is not a lack of room', () => {
    const kinds = {
      'a/static': { type: 'static' },
      'a/stateful': { type: 'stateful' },
      'a/patient': { onLost: 'wait' },
      'a/agent': { type: 'daemon' },
    } as const;
    const ids = Object.keys(kinds) as (keyof typeof kinds)[];
    const inputs = withRunning(
      world({
        workloads: ids.map((id) => workload(id, { replicas: 1, ...kinds[id] })),
        nodes: nodes({ n1: 8, n2: 8 }),
      }),
      [...ids.map((id) => ({ workload: id, ordinal: 0, node: 'n1' })), { workload: 'a/agent', ordinal: 1, node: 'n2' }],
    );
    const { workloads, survives } = lose(inputs, 'n1');
    assert.equal(survives, true);
    assert.deepEqual(
      workloads.map(({ workload: id, waiting }) => `${id}: ${waiting.map(({ reason }) => reason).join()}`),
      [
        'a/agent: it is the daemon of n1',
        'a/patient: onLost: wait: until n1 is back',
        'a/stateful: it is stateful and may not run twice: until n1 is back (onLost: recreate makes it anew at once)',
        'a/static: it is static: until n1 is back',
      ],
    );
  });

  test('it is asked of the cluster as the plan leaves it', () => {
    const inputs = world({ workloads: [workload(app, { replicas: 2 })], nodes: nodes({ n1: 1, n2: 1 }) });
    const { basis, workloads, survives } = lose(inputs, 'n1');
    assert.equal(basis.kind, 'planned');
    assert.equal(basis.summary.create, 2);
    assert.deepEqual(workloads[0]?.available, { before: 2, left: 1, floor: 1, of: 2 });
    assert.equal(survives, false);
  });

  test('what the plan refuses anyway is not held against the loss', () => {
    const inputs = withRunning(
      world({
        workloads: [workload(app, { replicas: 1 }), workload('a/huge', { revision: huge, hash: 'h', replicas: 1 })],
        nodes: nodes({ n1: 8, n2: 8 }),
      }),
      spread(app, 1, ['n1']),
    );
    const { basis, survives, refusals } = lose(inputs, 'n1');
    assert.equal(basis.refused, 1);
    assert.deepEqual(refusals, []);
    assert.equal(survives, true);
  });

  test('a frozen workload waits, whatever room there is', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 1 })], nodes: nodes({ n1: 8, n2: 8 }) }),
      spread(app, 1, ['n1']),
    );
    const until = inputs.now + 1000;
    const freeze = { id: 'f', kind: 'freeze', target: app, actor: 'ann', reason: 'audit', until } as const;
    const { workloads } = lose({ ...inputs, recorded: { ...inputs.recorded, overrides: [freeze] } }, 'n1');
    assert.deepEqual(workloads[0]?.waiting, [{ instance: `${app}/0`, reason: 'its workload is frozen' }]);
  });

  test('nothing is held against the loss of an empty node, or of one that is lost already', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 1 })], nodes: nodes({ n1: 8, n2: 8 }) }),
      spread(app, 1, ['n1']),
    );
    assert.deepEqual(lose(inputs, 'n2').workloads, []);
    assert.equal(lose(inputs, 'n2').survives, true);
  });
});

const huge = revision({
  resources: { cpuMillis: 100, memoryBytes: 64 * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
});

describe('a loss and the spread of a workload', () => {
  const zoned = (minDomains: number, change: Partial<DesiredNode> = {}): PlanInputs =>
    withRunning(
      world({
        workloads: [
          workload(app, {
            replicas: 2,
            placement: {
              pods: [podName('web')],
              require: {},
              tolerate: [],
              partial: true,
              spread: [{ by: 'zone', minDomains }],
            },
          }),
        ],
        nodes: [
          ...nodes({ a1: 8, a2: 8 }, { zone: 'a' }),
          ...nodes({ b1: 8 }, { zone: 'b' }),
          ...nodes({ b2: 8 }, { zone: 'b', ...change }),
        ],
      }),
      spread(app, 2, ['a1', 'b1']),
    );

  test('is kept where the domain has another node', () => {
    const { workloads, survives } = lose(zoned(2), 'b1');
    assert.equal(survives, true);
    assert.deepEqual(workloads[0]?.remade, [{ instance: `${app}/1`, from: 'b1', to: 'b2' }]);
    assert.deepEqual(workloads[0]?.spread, []);
  });

  test('is broken, and said so, where the domain is gone', () => {
    const { workloads } = lose(zoned(2), 'b1', 'b2');
    assert.deepEqual(workloads[0]?.spread, [{ by: 'zone', minDomains: 2, domains: 1 }]);
  });

  test('a larger loss that relaxes a rule says nothing about a smaller one', () => {
    const planned = plannedWorld(zoned(2));
    const isMonotone = openMonotone(planned);
    assert.equal(isMonotone(loseNodes(planned, ['b1'].map(nodeName))), true);
    assert.equal(isMonotone(loseNodes(planned, ['b1', 'b2'].map(nodeName))), false);
    const forced = plannedWorld({
      ...zoned(1),
      desired: {
        ...zoned(1).desired,
        policies: [
          {
            name: 'sites',
            namespaces: ['*'],
            disruption: [],
            require: [{ spread: { by: 'zone', minDomains: 2 }, replicasFrom: 2 }],
          },
        ],
      },
    });
    assert.equal(openMonotone(forced)(loseNodes(forced, ['b1', 'b2'].map(nodeName))), false);
  });

  test('nor does it where somebody has to be near to somebody', () => {
    const inputs = zoned(1);
    const [first] = inputs.desired.workloads;
    assert.ok(first !== undefined);
    const affinity = [{ to: first.id, by: 'zone', required: true }] as const;
    const near = {
      ...inputs,
      desired: { ...inputs.desired, workloads: [{ ...first, placement: { ...first.placement, affinity } }] },
    };
    const planned = plannedWorld(near);
    assert.equal(openMonotone(planned)(loseNodes(planned, [nodeName('b1')])), false);
  });
});

describe('head-room', () => {
  /** `used` of `of` GiB on each of so many nodes, in instances of 1 GiB. */
  const even = (options: { readonly nodes: number; readonly used: number; readonly of: number }): PlanInputs => {
    const names = Array.from({ length: options.nodes }, (_, index) => `n${String(index).padStart(3, '0')}`);
    const count = options.nodes * options.used;
    return withRunning(
      world({
        workloads: [workload(app, { replicas: count })],
        nodes: nodes(Object.fromEntries(names.map((name) => [name, options.of]))),
      }),
      spread(app, count, names),
    );
  };

  test('any node may be lost where the others have room for what it holds', () => {
    const { pods } = headRoom(even({ nodes: 5, used: 4, of: 5 }), { any: 1 });
    assert.deepEqual(
      pods.map(({ pod, nodes: size, verdict, survives, complete }) => [pod, size, verdict, survives, complete]),
      [['web', 5, 'survives', 1, true]],
    );
  });

  test('the most that may be lost is said where more is asked for, with a loss that is too much', () => {
    const { pods } = headRoom(even({ nodes: 5, used: 4, of: 5 }), { any: 2 });
    const [pod] = pods;
    assert.deepEqual([pod?.verdict, pod?.survives], ['fails', 1]);
    assert.equal(pod?.failures.length, 1);
    assert.equal(pod?.failures[0]?.nodes.length, 2);
    assert.deepEqual(
      pod?.failures[0]?.short.map(({ workload: id, instances }) => [id, instances]),
      [[app, 5]],
    );
  });

  test('each node that cannot be lost is named', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 4 })], nodes: nodes({ big: 8, n1: 1, n2: 1 }) }),
      [...spread(app, 3, ['big']), { workload: app, ordinal: 3, node: 'n1' }],
    );
    const [pod] = headRoom(inputs, { any: 1 }).pods;
    assert.deepEqual(
      pod?.failures.map(({ nodes: names }) => names),
      [['big']],
    );
  });

  test('with room to spare a few plannings answer for hundreds of nodes', () => {
    const inputs = even({ nodes: 200, used: 2, of: 4 });
    const [single] = headRoom(inputs, { any: 1 }).pods;
    assert.deepEqual([single?.verdict, single?.complete], ['survives', true]);
    assert.ok((single?.plannings ?? 99) <= 8, `${single?.plannings} plannings`);
    const [pairs] = headRoom(inputs, { any: 2 }).pods;
    assert.deepEqual([pairs?.verdict, pairs?.survives], ['survives', 2]);
    assert.ok((pairs?.plannings ?? 999) <= 40, `${pairs?.plannings} plannings for 19,900 pairs`);
  });

  test('each zone is lost once, and what would be short is said', () => {
    const zoned = [
      ...nodes({ a1: 2, a2: 2 }, { zone: 'a' }),
      ...nodes({ b1: 1 }, { zone: 'b' }),
      ...nodes({ data: 8 }, { zone: 'b', pod: podName('data') }),
    ];
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 3 })], nodes: zoned }),
      spread(app, 3, ['a1', 'a2', 'b1']),
    );
    const { zones } = headRoom(inputs, { any: 1 });
    assert.deepEqual(
      zones.map(({ zone, nodes: names, survives, short }) => [
        zone,
        names.length,
        survives,
        short.map((s) => s.instances),
      ]),
      [
        ['a', 2, false, [2]],
        ['b', 2, true, []],
      ],
    );
  });

  test('workloads that have too much on one node are named with the node', () => {
    const inputs = withRunning(
      world({ workloads: [workload(app, { replicas: 4 })], nodes: nodes({ n1: 8, n2: 8, n3: 8 }) }),
      spread(app, 4, ['n1', 'n1', 'n2', 'n3']),
    );
    assert.deepEqual(headRoom(inputs, { any: 1 }).atRisk, [
      { workload: app, nodes: ['n1'], available: { before: 4, left: 2, floor: 3, of: 4 } },
    ]);
  });

  for (const seed of seeds) {
    test(`the world without some nodes is planned as if it had been looked at anew, seed ${seed}`, () => {
      for (const { name, inputs } of scenesOf(seed)) {
        const planned = plannedWorld(inputs);
        createPlan(planned.inputs, planned.compiled);
        const names = planned.cluster.nodes.map((node) => node.name);
        const losses = [...names.map((lost) => [lost]), names.slice(0, 3), names.filter((_, index) => index % 2 === 0)];
        for (const loss of losses) {
          const lost = new Set(loss);
          const without = withoutNodes(planned.inputs, lost);
          const plan = createPlan(without, compileWithout(planned, lost, without));
          assert.deepEqual(plan, createPlan(without), `${name}, without ${loss.join()}`);
        }
      }
    });
  }

  test('the answer is that of trying every combination', () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 2, maxLength: 6 });
    const counts = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 6, maxLength: 6 });
    fc.assert(
      fc.property(sizes, counts, fc.constantFrom(1, 2, 3), (memory, used, any) => {
        const inputs = randomWorld(memory, used);
        const planned = plannedWorld(inputs);
        const names = inputs.desired.nodes.map(({ name }) => name);
        const [pod] = headRoom(inputs, { any }).pods;
        const tooMuch = combinations(names, Math.min(any, names.length)).filter(
          (combination) => !loseNodes(planned, combination).survives,
        );
        assert.equal(pod?.complete || pod?.verdict === 'fails', true);
        assert.equal(pod?.verdict, tooMuch.length > 0 ? 'fails' : 'survives');
        if (any === 1) {
          const found = pod?.failures.flatMap(({ nodes: lost }) => lost) ?? [];
          assert.deepEqual([...found].sort(), tooMuch.flat().sort());
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe('a plan that takes head-room away', () => {
  const tight = (replicas: number): PlanInputs =>
    withRunning(
      world({ workloads: [workload(app, { replicas })], nodes: nodes({ n1: 3, n2: 3, n3: 3 }) }),
      spread(app, 6, ['n1', 'n2', 'n3']),
    );

  test('says which node may not be lost any more, and what would be short', () => {
    const inputs = tight(7);
    const warnings = headRoomWarnings(inputs, createPlan(inputs));
    assert.deepEqual(
      warnings.map(({ code, subject }) => `${code} ${subject}`),
      ['MUS5020 web'],
    );
    assert.match(
      warnings[0]?.message ?? '',
      /^pod web has less head-room after this plan: n\d.* payments\/checkout 1 short\)$/,
    );
  });

  test('is silent when it takes none, when there was none, and when nothing is done', () => {
    for (const inputs of [tight(6), tight(5)]) assert.deepEqual(headRoomWarnings(inputs, createPlan(inputs)), []);
    const full = withRunning(
      world({ workloads: [workload(app, { replicas: 9 })], nodes: nodes({ n1: 3, n2: 3, n3: 3 }) }),
      spread(app, 8, ['n1', 'n2', 'n3']),
    );
    assert.deepEqual(headRoomWarnings(full, createPlan(full)), []);
    const first = world({ workloads: [workload(app, { replicas: 9 })], nodes: nodes({ n1: 3, n2: 3, n3: 3 }) });
    assert.deepEqual(headRoomWarnings(first, createPlan(first)), []);
  });
});

/** Two workloads over nodes of several sizes, as far as they fit. */
function randomWorld(memory: readonly number[], used: readonly number[]): PlanInputs {
  const named = memory.map((size, index) => [`n${index}`, size] as const);
  const places = named.flatMap(([name, size], index) => Array(Math.min(size, used[index] ?? 0)).fill(name) as string[]);
  const first = places.filter((_, index) => index % 2 === 0);
  const second = places.filter((_, index) => index % 2 === 1);
  return withRunning(
    world({
      workloads: [workload(app, { replicas: first.length }), workload(ledger, { replicas: second.length })],
      nodes: nodes(Object.fromEntries(named)),
    }),
    [
      ...first.map((name, ordinal) => ({ workload: app, ordinal, node: name })),
      ...second.map((name, ordinal) => ({ workload: ledger, ordinal, node: name })),
    ],
  );
}

function combinations(names: readonly NodeName[], pick: number): readonly (readonly NodeName[])[] {
  if (pick === 0) return [[]];
  return names.flatMap((name, index) => combinations(names.slice(index + 1), pick - 1).map((rest) => [name, ...rest]));
}

describe('the search for losses that are too much', () => {
  const names = (count: number): NodeName[] => Array.from({ length: count }, (_, index) => nodeName(`n${index}`));

  test('finds exactly the combinations that fail, of whatever is monotone', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(weights, fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 30 }), (weight, pick, room) => {
        const all = names(weight.length);
        const of = (lost: readonly NodeName[]): number =>
          lost.reduce((sum, name) => sum + (weight[all.indexOf(name)] ?? 0), 0);
        const ask = (lost: readonly NodeName[]): Answer => (of(lost) > room ? 'fails' : 'survives');
        const found = searchLosses({ nodes: all, pick, most: 10_000, mostFailures: 10_000, ask });
        const key = (lost: readonly NodeName[]): string => [...lost].sort().join();
        const expected = combinations(all, pick).filter((lost) => of(lost) > room);
        assert.equal(found.complete, true);
        assert.deepEqual(found.failures.map(key).sort(), expected.map(key).sort());
      }),
    );
  });

  test('looks at each combination by itself where a larger loss says nothing', () => {
    const asked: string[] = [];
    const ask = (lost: readonly NodeName[]): Answer => {
      asked.push(lost.join());
      return lost.length > 1 ? 'unclear' : lost[0] === 'n3' ? 'fails' : 'survives';
    };
    const found = searchLosses({ nodes: names(8), pick: 1, most: 100, mostFailures: 100, ask });
    assert.deepEqual(found.failures, [['n3']]);
    assert.deepEqual(
      asked.filter((text) => !text.includes(',')),
      names(8),
    );
  });

  test('ends at its bound, and says that it is not complete', () => {
    const found = searchLosses({ nodes: names(64), pick: 2, most: 10, mostFailures: 100, ask: () => 'fails' });
    assert.deepEqual([found.complete, found.asked], [false, 10]);
  });
});

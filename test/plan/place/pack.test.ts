import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Strategy } from '../../../src/model/desired.ts';
import { openPack, type PackNodes } from '../../../src/plan/place/pack.ts';
import { compileDemand, type PackAsk, packAskOf, type Wanted } from '../../../src/plan/place/pack-demand.ts';
import { openPackShelf } from '../../../src/plan/place/pack-shelf.ts';
import { usableBy } from '../../../src/plan/place/pack-usable.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { chooseDevices } from '../../../src/plan/resources/device-choice.ts';
import type { DeviceState } from '../../../src/plan/resources/device-state.ts';
import { devices } from '../../../src/plan/resources/devices.ts';
import { verifyPlan } from '../../../src/plan/verify.ts';
import { GiB, node, podName, revision, workload, world } from '../world.ts';

interface World extends PackNodes {
  readonly touched: number[];
}

interface Machine {
  readonly cpuMillis: number;
  readonly memoryBytes?: number;
  /** Free thousandths of each of its devices. */
  readonly gpus?: readonly number[];
  readonly model?: string;
}

const models = ['a100', 't4'];

function worldOf(machines: readonly Machine[]): World {
  const dimensions = [
    'cpuMillis',
    'memoryBytes',
    'storageBytes',
    'bandwidthBits',
    ...models.map((model) => `gpu/${model}` as const),
  ] as const;
  const width = dimensions.length;
  const capacity = new Float64Array(machines.length * width);
  const states = machines.map(({ cpuMillis, memoryBytes = 1000, gpus = [], model = 'a100' }, node): DeviceState => {
    capacity.set([cpuMillis, memoryBytes], node * width);
    capacity[node * width + 4 + models.indexOf(model)] = gpus.length * 1000;
    return gpus.length === 0
      ? { kinds: [], spans: [], free: new Int32Array(0) }
      : { kinds: [`gpu/${model}`], spans: [{ from: 0, to: gpus.length }], free: Int32Array.from(gpus) };
  });
  const largest = Float64Array.from(['cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'], (_, d) =>
    Math.max(...machines.map((_machine, node) => capacity[node * width + d] as number)),
  );
  const used = new Float64Array(capacity.length);
  return {
    ledger: { dimensions, width, nodes: machines.length, capacity, used, largest },
    devicesOf: (node) => states[node] as DeviceState,
    touched: [],
  };
}

function ask(cpuMillis: number, extended: Readonly<Record<string, number>> = {}, memoryBytes = 0): PackAsk {
  const resources = { cpuMillis, memoryBytes, storageBytes: 0, bandwidthBits: 0, extended };
  return packAskOf(Float64Array.of(cpuMillis, memoryBytes, 0, 0), devices.askOf(revision({ resources })));
}

const wanted = (...classes: readonly (readonly [PackAsk, number])[]): readonly Wanted[] =>
  classes.map(([one, instances]) => ({ ask: one, instances }));

/** Charges an instance, as the planner does. */
function place({ ledger, devicesOf, touched }: World, one: PackAsk, node: number): void {
  const { free } = devicesOf(node);
  for (const { ask: device, picked } of chooseDevices(devicesOf(node), one.devices, undefined) ?? []) {
    for (const piece of picked.whole) free[piece] = (free[piece] as number) - 1000;
    if (picked.part >= 0) free[picked.part] = (free[picked.part] as number) - device.part;
  }
  for (const [d, amount] of one.counted.entries()) {
    ledger.used[node * ledger.width + d] = (ledger.used[node * ledger.width + d] as number) + amount;
  }
  touched.push(node);
}

const best = (losses: readonly number[]): number => losses.indexOf(Math.min(...losses));
const lossesOf = (world: World, classes: readonly Wanted[], one: PackAsk): readonly number[] => {
  const pack = openPack(world, classes);
  return Array.from({ length: world.ledger.nodes }, (_, node) => pack.loss(one, node));
};

test('a part of a device goes where one is begun, so that whole ones stay for who wants them', () => {
  const world = worldOf([
    { cpuMillis: 64_000, gpus: [1000, 1000] },
    { cpuMillis: 64_000, gpus: [600, 1000] },
  ]);
  const part = ask(1000, { 'gpu/a100': 400 });
  const classes = wanted([part, 5], [ask(1000, { 'gpu/a100': 1000 }), 5]);
  assert.equal(best(lossesOf(world, classes, part)), 1);
});

test('an instance goes where what it leaves still serves the others: the one with little cpu per device to the node that has little', () => {
  const world = worldOf([
    { cpuMillis: 64_000, gpus: [1000, 1000] },
    { cpuMillis: 12_000, gpus: [1000, 1000] },
  ]);
  const light = ask(2000, { 'gpu/a100': 1000 });
  const heavy = ask(10_000, { 'gpu/a100': 1000 });
  assert.equal(best(lossesOf(world, wanted([light, 10], [heavy, 10]), light)), 1);
});

test('a node whose cpu serves one instance counts as room for one, however many devices are free', () => {
  const world = worldOf([
    { cpuMillis: 12_000, gpus: [1000, 1000, 1000] },
    { cpuMillis: 36_000, gpus: [1000, 1000, 1000] },
  ]);
  const heavy = ask(12_000, { 'gpu/a100': 1000 });
  const cpuOnly = ask(6000);
  assert.equal(
    best(lossesOf(world, wanted([heavy, 10], [cpuOnly, 1]), cpuOnly)),
    1,
    'the other could take no heavy one',
  );
});

test('what only one model will do is left its model by those that have a choice, however few they are', () => {
  const world = worldOf([
    { cpuMillis: 64_000, gpus: [1000], model: 'a100' },
    ...Array.from({ length: 50 }, () => ({ cpuMillis: 64_000, gpus: [1000, 1000, 1000, 1000], model: 't4' })),
  ]);
  const any = ask(1000, { 'gpu/*': 1000 });
  const only = ask(1000, { 'gpu/a100': 1000 });
  assert.notEqual(best(lossesOf(world, wanted([any, 200], [only, 1]), any)), 0);
});

test('where nobody asks for devices, an instance that needs memory leaves the node that has cpu to the others', () => {
  const world = worldOf([
    { cpuMillis: 8000, memoryBytes: 16_000 },
    { cpuMillis: 1500, memoryBytes: 16_000 },
  ]);
  const memory = ask(500, {}, 12_000);
  const cpu = ask(2000, {}, 1000);
  assert.equal(best(lossesOf(world, wanted([memory, 5], [cpu, 20]), memory)), 1);
});

test('a plan that wants nothing but instances without needs loses nothing anywhere', () => {
  assert.deepEqual(lossesOf(worldOf([{ cpuMillis: 1000 }]), wanted([ask(0), 3]), ask(0)), [0]);
});

test('a pod with strategy pack keeps a whole node for who needs one, where even counts would leave no room', () => {
  const nodes = ['g1', 'g2'].map((name) =>
    node(name, { capacity: { cpuMillis: 32_000, memoryBytes: 64 * GiB, 'gpu/a100': 2000 } }),
  );
  const asking = (id: string, replicas: number, milli: number) =>
    workload(id, {
      hash: id,
      replicas,
      revision: revision({
        resources: {
          cpuMillis: 500,
          memoryBytes: GiB,
          storageBytes: 0,
          bandwidthBits: 0,
          extended: { 'gpu/a100': milli },
        },
      }),
    });
  const workloads = [asking('ml/a-infer', 4, 500), asking('ml/b-train', 1, 2000)];
  const planFor = (strategy: Strategy) => {
    const inputs = world({ nodes, workloads, pods: [{ name: podName('web'), strategy }] });
    const plan = createPlan(inputs);
    assert.deepEqual(verifyPlan(inputs, plan), []);
    return plan;
  };
  const { steps, refusals } = planFor('pack');
  assert.deepEqual(refusals, []);
  assert.deepEqual(
    steps.map(({ instance, node: on }) => `${instance} ${on}`),
    [...[0, 1, 2, 3].map((ordinal) => `ml/a-infer/${ordinal} g1`), 'ml/b-train/0 g2'],
  );
  assert.equal(planFor('auto').refusals.length, 1);
});

const milli = fc.constantFrom(0, 100, 190, 250, 500, 810, 1000, 1000);
const machine: fc.Arbitrary<Machine> = fc.record({
  cpuMillis: fc.integer({ min: 0, max: 20 }).map((cores) => cores * 1000),
  memoryBytes: fc.integer({ min: 0, max: 40 }),
  gpus: fc.array(milli, { maxLength: 6 }),
  model: fc.constantFrom(...models),
});
const anyAsk: fc.Arbitrary<PackAsk> = fc
  .record({
    cpu: fc.integer({ min: 0, max: 8 }),
    memory: fc.integer({ min: 0, max: 9 }),
    kind: fc.constantFrom('gpu/a100', 'gpu/t4', 'gpu/a100|t4', 'gpu/*'),
    gpu: fc.constantFrom(0, 100, 190, 470, 810, 1000, 2000),
  })
  .map(({ cpu, memory, kind, gpu }) => ask(cpu * 1000, gpu === 0 ? {} : { [kind]: gpu }, memory));
const classes = fc.array(fc.tuple(anyAsk, fc.integer({ min: 1, max: 50 })), { minLength: 1, maxLength: 8 });

test('what a class could use is every piece that it fits into, plus what instances of it alone would fill', () => {
  fc.assert(
    fc.property(machine, anyAsk, (one, wants) => {
      fc.pre(wants.devices.length > 0);
      const world = worldOf([one]);
      const state = world.devicesOf(0);
      const counted = world.ledger.capacity.slice(0, 4);
      const kinds = state.kinds.map((kind) => models.indexOf(kind.slice(4)));
      const demand = compileDemand(
        [{ ask: wants, instances: 1 }],
        models.map((model) => `gpu/${model}`),
      );
      const usable = usableBy(demand, 0, { counted, devices: state, kinds });
      let filled = 0;
      const [device] = wants.devices;
      const fits = (): boolean =>
        chooseDevices(state, wants.devices, undefined) !== undefined &&
        wants.counted.every(
          (amount, d) => amount === 0 || (counted[d] as number) - (world.ledger.used[d] as number) >= amount,
        );
      const hopeful = fits()
        ? state.free
            .filter((free) => free >= (device?.whole === 0 ? device.part : 1000))
            .reduce((sum, free) => sum + free, 0)
        : 0;
      while (fits()) {
        place(world, wants, 0);
        filled += (device?.whole ?? 0) * 1000 + (device?.part ?? 0);
      }
      assert.equal(usable, hopeful + filled);
    }),
  );
});

test('a loss is never below nothing, and infinite exactly where there is no room', () => {
  fc.assert(
    fc.property(fc.array(machine, { minLength: 1, maxLength: 4 }), classes, anyAsk, (machines, some, one) => {
      const world = worldOf(machines);
      for (const [node, loss] of lossesOf(world, wanted(...some), one).entries()) {
        const { capacity, width } = world.ledger;
        const fits =
          one.counted.every((amount, d) => (capacity[node * width + d] as number) >= amount) &&
          chooseDevices(world.devicesOf(node), one.devices, undefined) !== undefined;
        assert.equal(loss === Number.POSITIVE_INFINITY, !fits);
        assert.ok(loss >= 0 && (loss === Number.POSITIVE_INFINITY || Number.isSafeInteger(loss)), `${loss}`);
      }
    }),
  );
});

test('the order in which workloads are declared changes nothing', () => {
  fc.assert(
    fc.property(fc.array(machine, { minLength: 1, maxLength: 4 }), classes, anyAsk, (machines, some, one) => {
      const world = worldOf(machines);
      assert.deepEqual(lossesOf(world, wanted(...some), one), lossesOf(world, wanted(...some.toReversed()), one));
    }),
  );
});

test('what was remembered while placing is what a look at everything anew gives', () => {
  const moves = fc.array(fc.tuple(fc.nat(7), fc.nat(3)), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(machine, { minLength: 4, maxLength: 4 }), classes, moves, (machines, some, placements) => {
      const world = worldOf(machines);
      const asks = wanted(...some);
      const pack = openPack(world, asks);
      for (const [index, node] of placements) {
        const one = some[index % some.length]?.[0] as PackAsk;
        if (pack.loss(one, node) !== Number.POSITIVE_INFINITY) place(world, one, node);
        for (const [other] of some) {
          const now = Array.from({ length: 4 }, (_, at) => pack.loss(other, at));
          assert.deepEqual(now, lossesOf(world, asks, other));
        }
      }
    }),
    { numRuns: 50 },
  );
});

test('the shelf always has the best node first, the first of equals, whatever got better or worse and was set aside', () => {
  const nodes = [1, 3, 4, 6, 7, 9, 12];
  const action = fc.oneof(
    fc.record({
      kind: fc.constant('scores' as const),
      // More than there are nodes, too, before anybody looks.
      changes: fc.array(fc.tuple(fc.nat(nodes.length - 1), fc.constantFrom(0, 1, 2, 3, Number.POSITIVE_INFINITY)), {
        maxLength: 12,
      }),
    }),
    fc.record({ kind: fc.constantFrom('setAside' as const, 'restore' as const) }),
  );
  fc.assert(
    fc.property(fc.array(fc.nat(5), { minLength: 13, maxLength: 13 }), fc.array(action), (start, actions) => {
      const scores = [...start];
      const touched: number[] = [];
      const shelf = openPackShelf(nodes, { scoreOf: (node) => scores[node] as number, touched });
      let aside: number[] = [];
      const expected = (): number | undefined =>
        nodes
          .filter((node) => !aside.includes(node) && scores[node] !== Number.POSITIVE_INFINITY)
          .sort((a, b) => (scores[a] as number) - (scores[b] as number) || a - b)[0];
      for (const step of actions) {
        if (step.kind === 'scores') {
          for (const [at, score] of step.changes) {
            scores[nodes[at] as number] = score;
            touched.push(nodes[at] as number, 2);
          }
        } else if (step.kind === 'restore') {
          shelf.restore();
          aside = [];
        } else {
          const node = shelf.best();
          if (node === undefined) continue;
          shelf.setAside();
          aside.push(node);
        }
        assert.equal(shelf.best(), expected());
        if (shelf.best() !== undefined) assert.equal(shelf.score(), scores[expected() as number]);
      }
    }),
  );
});

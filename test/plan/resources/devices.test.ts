import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode } from '../../../src/model/desired.ts';
import type { ForeignObject } from '../../../src/model/observed.ts';
import type { Dimension, Resources } from '../../../src/model/resources.ts';
import type { Revision } from '../../../src/model/revision.ts';
import { devices, type HeldDevices } from '../../../src/plan/resources/devices.ts';
import { node, revision } from '../world.ts';
import { factsOf, placedResourceContract } from './contract.ts';

const kinds = ['gpu/a100', 'gpu/t4', 'gpu/v100', 'nic/fast'] as const;

const anyNode = fc
  .record({
    counts: fc.tuple(...kinds.map(() => fc.integer({ min: 0, max: 3 }))),
    reserved: fc.constantFrom(0, 0, 0, 1000, 500),
  })
  .map(({ counts, reserved }) =>
    node('n1', {
      capacity: Object.fromEntries(kinds.map((kind, index) => [kind, (counts[index] ?? 0) * 1000])) as Resources,
      reserved: { 'gpu/a100': reserved },
    }),
  );

const anyRevision = fc
  .dictionary(
    fc.constantFrom('gpu/a100', 'gpu/t4', 'gpu/a100|v100', 'gpu/a100|t4', 'gpu/*', 'nic/fast'),
    fc.constantFrom(300, 500, 700, 1000, 1000, 2000),
    { minKeys: 1, maxKeys: 3 },
  )
  .map((extended) => asking(extended));

function asking(extended: Readonly<Record<string, number>>): Revision {
  return revision({
    resources: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: { ...extended } },
  });
}

placedResourceContract('devices', {
  resource: devices,
  node: anyNode,
  revision: anyRevision,
  foreign: fc.array(
    fc.constantFrom(500, 1000, 2000).map((milli) => ({
      engine: 'docker' as const,
      name: 'theirs',
      resources: { 'gpu/v100': milli } as Resources,
      ports: [],
    })),
    { maxLength: 1 },
  ),
});

/** One machine, on which instances come, change and leave. */
function host(definition: DesiredNode, foreign: readonly ForeignObject[] = []) {
  const facts = factsOf(definition, foreign);
  const state = devices.open(facts);
  const askOf = (extended: Readonly<Record<string, number>>) => {
    const ask = devices.askOf(asking(extended));
    assert.ok(ask !== undefined);
    return ask;
  };
  return {
    add(extended: Readonly<Record<string, number>>): HeldDevices | undefined {
      const held = devices.choose(state, askOf(extended), { node: facts, keep: undefined });
      if (held !== undefined) devices.take(state, held);
      return held;
    },
    replace(held: HeldDevices, extended: Readonly<Record<string, number>>): HeldDevices | undefined {
      devices.release(state, held);
      const next = devices.choose(state, askOf(extended), { node: facts, keep: held });
      devices.take(state, next ?? held);
      return next;
    },
    remove: (held: HeldDevices) => devices.release(state, held),
    room: (extended: Readonly<Record<string, number>>) =>
      devices.room(state, askOf(extended), { node: facts, atMost: 1000 }),
    short: (extended: Readonly<Record<string, number>>) => devices.short(state, askOf(extended), facts),
  };
}

const machine = (capacity: Readonly<Record<string, number>>): DesiredNode => node('n1', { capacity });

const theirs = (resources: Resources): ForeignObject => ({ engine: 'docker', name: 'theirs', resources, ports: [] });

describe('devices', () => {
  test('whole pieces are free ones, a part goes to the tightest piece that is begun', () => {
    const { add } = host(machine({ 'gpu/a100': 4000 }));
    assert.deepEqual(add({ 'gpu/a100': 500 }), { 'gpu/a100': { 0: 500 } });
    assert.deepEqual(add({ 'gpu/a100': 700 }), { 'gpu/a100': { 1: 700 } });
    assert.deepEqual(add({ 'gpu/a100': 300 }), { 'gpu/a100': { 1: 300 } });
    assert.deepEqual(add({ 'gpu/a100': 2000 }), { 'gpu/a100': { 2: 1000, 3: 1000 } });
    assert.deepEqual(add({ 'gpu/a100': 500 }), { 'gpu/a100': { 0: 500 } });
    assert.equal(add({ 'gpu/a100': 100 }), undefined);
  });

  test('an open model: all pieces of one, of the one with least to spare', () => {
    const { add, room } = host(machine({ 'gpu/a100': 3000, 'gpu/t4': 1000, 'gpu/v100': 2000, 'nic/fast': 9000 }));
    assert.equal(room({ 'gpu/*': 2000 }), 2);
    assert.deepEqual(add({ 'gpu/*': 2000 }), { 'gpu/v100': { 0: 1000, 1: 1000 } });
    assert.deepEqual(add({ 'gpu/a100|v100': 2000 }), { 'gpu/a100': { 0: 1000, 1: 1000 } });
    assert.equal(add({ 'gpu/*': 2000 }), undefined);
    assert.deepEqual(add({ 'gpu/a100': 500 }), { 'gpu/a100': { 2: 500 } });
    assert.deepEqual(add({ 'gpu/*': 300 }), { 'gpu/a100': { 2: 300 } });
  });

  test('an open model: a part goes where it breaks no whole piece', () => {
    const { add } = host(machine({ 'gpu/a100': 3000, 'gpu/v100': 1000 }));
    assert.deepEqual(add({ 'gpu/a100': 500 }), { 'gpu/a100': { 0: 500 } });
    assert.deepEqual(add({ 'gpu/*': 300 }), { 'gpu/a100': { 0: 300 } });
    assert.deepEqual(add({ 'gpu/*': 300 }), { 'gpu/v100': { 0: 300 } });
  });

  test('of models that are alike the first by name', () => {
    const { add } = host(machine({ 'gpu/v100': 2000, 'gpu/a100': 2000 }));
    assert.deepEqual(add({ 'gpu/*': 1000 }), { 'gpu/a100': { 0: 1000 } });
  });

  test('several lines are all met, each by devices of its own, or none is', () => {
    const { add, room } = host(machine({ 'gpu/a100': 2000, 'gpu/v100': 1000, 'nic/fast': 1000 }));
    assert.equal(room({ 'gpu/a100': 1000, 'gpu/*': 500 }), 2);
    assert.deepEqual(add({ 'gpu/*': 2000, 'gpu/a100|v100': 1000, 'nic/fast': 1000 }), {
      'gpu/a100': { 0: 1000, 1: 1000 },
      'gpu/v100': { 0: 1000 },
      'nic/fast': { 0: 1000 },
    });
    assert.equal(add({ 'gpu/a100': 1000 }), undefined);
    const { short } = host(machine({ 'gpu/a100': 1000 }));
    assert.deepEqual(short({ 'gpu/*': 1000, 'gpu/a100': 1000 }), {
      text: 'have too few devices for gpu/a100 and gpu/* together',
      missing: {},
    });
  });

  test('a line that could have either leaves to another what only that can use', () => {
    const { add } = host(machine({ 'gpu/a100': 1000, 'gpu/v100': 1000 }));
    // Taken for itself, the first would take the a100, which the second needs.
    assert.deepEqual(add({ 'gpu/a100|v100': 1000, 'gpu/a100|t4': 1000 }), {
      'gpu/a100': { 0: 1000 },
      'gpu/v100': { 0: 1000 },
    });
  });

  test('where the first choice of a line leaves nothing for a later one, another is tried', () => {
    const { add } = host(machine({ 'gpu/a100': 1000, 'gpu/t4': 1000, 'gpu/v100': 1000 }));
    assert.deepEqual(add({ 'gpu/a100|v100': 1000, 'gpu/a100|x9': 1000, 'gpu/t4|v100': 1000 }), {
      'gpu/a100': { 0: 1000 },
      'gpu/t4': { 0: 1000 },
      'gpu/v100': { 0: 1000 },
    });
  });

  test('what was held is given up where all lines fit only without it', () => {
    const { add, replace } = host(machine({ 'gpu/a100': 2000 }));
    const held = add({ 'gpu/a100': 1000 }) as HeldDevices;
    assert.deepEqual(add({ 'gpu/a100': 700 }), { 'gpu/a100': { 1: 700 } });
    assert.deepEqual(replace(held, { 'gpu/a100': 300, 'gpu/*': 1000 }), { 'gpu/a100': { 0: 1000, 1: 300 } });
  });

  test('what is reserved are the last pieces, what is foreign has the first', () => {
    const definition = { ...machine({ 'gpu/a100': 4000 }), reserved: { 'gpu/a100': 1000 } as Resources };
    const { add } = host(definition, [theirs({ 'gpu/a100': 1500 })]);
    assert.deepEqual(add({ 'gpu/a100': 1000 }), { 'gpu/a100': { 2: 1000 } });
    assert.deepEqual(add({ 'gpu/a100': 500 }), { 'gpu/a100': { 1: 500 } });
    assert.equal(add({ 'gpu/a100': 100 }), undefined);
  });

  test('an instance keeps its pieces and its model while it changes', () => {
    const { add, replace, remove } = host(machine({ 'gpu/a100': 3000, 'gpu/v100': 1000 }));
    const first = add({ 'gpu/a100': 1000 }) as HeldDevices;
    const held = add({ 'gpu/a100': 1000 }) as HeldDevices;
    remove(first);
    const open = replace(held, { 'gpu/*': 1000 }) as HeldDevices;
    assert.deepEqual(open, { 'gpu/a100': { 1: 1000 } });
    const two = replace(open, { 'gpu/*': 2000 }) as HeldDevices;
    assert.deepEqual(two, { 'gpu/a100': { 0: 1000, 1: 1000 } });
    const part = replace(two, { 'gpu/*': 400 }) as HeldDevices;
    assert.deepEqual(part, { 'gpu/a100': { 0: 400 } });
    assert.deepEqual(replace(part, { 'gpu/v100': 1000 }), { 'gpu/v100': { 0: 1000 } });
  });

  test('what a node lacks is said as an operator would, in thousandths of the nearest model', () => {
    const { add, short } = host(machine({ 'gpu/a100': 2000, 'gpu/v100': 1000 }));
    add({ 'gpu/a100': 700 });
    add({ 'gpu/v100': 800 });
    assert.deepEqual(short({ 'gpu/t4': 1000 }), { text: 'have no gpu/t4', missing: {} });
    assert.deepEqual(short({ 'gpu/v100': 1000 }), { text: 'have no free gpu/v100', missing: { 'gpu/v100': 1000 } });
    assert.deepEqual(short({ 'gpu/a100': 3000 }), { text: 'have no 3 free gpu/a100', missing: { 'gpu/a100': 2000 } });
    assert.deepEqual(short({ 'gpu/a100|v100': 2000 }), {
      text: 'have no 2 free gpu/a100|v100 of one model',
      missing: { 'gpu/a100': 1000 },
    });
    assert.deepEqual(short({ 'gpu/v100': 500 }), {
      text: 'have no gpu/v100 with 0.5 free',
      missing: { 'gpu/v100': 500 },
    });
  });

  test('whatever comes and goes, no piece is sold for more than it has', () => {
    fc.assert(
      fc.property(anyNode, fc.array(fc.tuple(anyRevision, fc.boolean()), { maxLength: 25 }), (definition, arrivals) => {
        const { add, remove } = host(definition);
        const here: HeldDevices[] = [];
        for (const [body, leaves] of arrivals) {
          const held = add(body.resources.extended);
          if (held !== undefined) {
            here.push(held);
            assertMeets(held, body.resources.extended);
          }
          const first = leaves ? here.shift() : undefined;
          if (first !== undefined) remove(first);
          assertFits(definition, here);
        }
      }),
    );
  });
});

function assertFits({ capacity, reserved }: DesiredNode, here: readonly HeldDevices[]): void {
  const pieces = here.flatMap((held) =>
    Object.entries(held).flatMap(([kind, parts]) =>
      Object.entries(parts).map(([piece, milli]) => ({ kind, piece, milli })),
    ),
  );
  const sums = new Map<string, number>();
  for (const { kind, piece, milli } of pieces) {
    for (const name of [kind, `${kind} ${piece}`]) sums.set(name, (sums.get(name) ?? 0) + milli);
  }
  for (const [name, milli] of sums) {
    const [kind = '', piece] = name.split(' ');
    const amount = (capacity[kind as Dimension] ?? 0) - (reserved[kind as Dimension] ?? 0);
    assert.ok(milli <= (piece === undefined ? amount : Math.min(1000, amount)), `${name} is sold for ${milli}`);
  }
}

/** As much as was asked for, of models that were asked for. */
function assertMeets(held: HeldDevices, extended: Readonly<Record<string, number>>): void {
  const sum = (amounts: readonly number[]): number => amounts.reduce((a, b) => a + b, 0);
  assert.equal(sum(Object.values(held).flatMap((pieces) => Object.values(pieces))), sum(Object.values(extended)));
  const asked = Object.keys(extended).flatMap((kind) => {
    const [family = '', models = ''] = kind.split('/');
    return models === '*'
      ? kinds.filter((name) => name.startsWith(`${family}/`))
      : models.split('|').map((m) => `${family}/${m}`);
  });
  for (const kind of Object.keys(held)) assert.ok(asked.includes(kind), `${kind} was not asked for`);
}

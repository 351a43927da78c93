import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode } from '../../../src/model/desired.ts';
import type { Holds } from '../../../src/model/recorded.ts';
import type { Revision } from '../../../src/model/revision.ts';
import { cores, type HeldCores } from '../../../src/plan/resources/cores.ts';
import { GiB, node, revision } from '../world.ts';
import { factsOf, placedResourceContract } from './contract.ts';

const anyNode = fc
  .record({
    count: fc.integer({ min: 0, max: 8 }),
    numaNodes: fc.integer({ min: 0, max: 3 }),
    overcommit: fc.constantFrom(1000, 1000, 1000, 1500, 2000, 3000, 500),
    numaGiB: fc.integer({ min: 1, max: 8 }),
  })
  .map(({ count, numaNodes, overcommit, numaGiB }) => {
    const all = Array.from({ length: count }, (_, core) => core);
    const numa = Array.from({ length: numaNodes }, (_, index) => ({
      cpus: all.filter((core) => core % numaNodes === index),
      memoryBytes: numaGiB * GiB,
    }));
    return machine(count, { overcommitCpuMilli: overcommit, ...(numaNodes > 0 && { numa }) });
  });

const anyRevision = fc
  .record({
    cpuMillis: fc.constantFrom(300, 500, 700, 1000, 1000, 1300, 1500, 1700, 2000, 2500, 3000),
    memoryGiB: fc.integer({ min: 1, max: 3 }),
    numa: fc.constantFrom('prefer' as const, 'require' as const, 'none' as const),
  })
  .map(({ cpuMillis, memoryGiB, numa }) => bound(cpuMillis, { numa, memoryGiB }));

function machine(count: number, change: Partial<DesiredNode> = {}): DesiredNode {
  return node('n1', { capacity: { cpuMillis: count * 1000, memoryBytes: 64 * GiB }, ...change });
}

interface BoundOptions {
  readonly numa?: 'prefer' | 'require' | 'none';
  readonly memoryGiB?: number;
}

function bound(cpuMillis: number, { numa = 'prefer', memoryGiB = 1 }: BoundOptions = {}): Revision {
  return revision({
    resources: { cpuMillis, memoryBytes: memoryGiB * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
    cpu: { bind: true, numa },
  });
}

placedResourceContract('cores', {
  resource: cores,
  node: anyNode,
  revision: anyRevision,
  // Where `prefer` had to be content with several NUMA nodes, it moves together as soon as it can.
  stays: ({ numa }, { memory }) => numa !== 'prefer' || memory !== undefined,
});

/** One machine, on which instances come, change and leave. */
function host(definition: DesiredNode) {
  const facts = factsOf(definition);
  const state = cores.open(facts);
  const askOf = (body: Revision) => {
    const ask = cores.askOf(body);
    assert.ok(ask !== undefined);
    return ask;
  };
  return {
    add(body: Revision): HeldCores | undefined {
      const held = cores.choose(state, askOf(body), { node: facts, keep: undefined });
      if (held !== undefined) cores.take(state, held);
      return held;
    },
    replace(held: HeldCores, body: Revision): HeldCores | undefined {
      cores.release(state, held);
      const next = cores.choose(state, askOf(body), { node: facts, keep: held });
      cores.take(state, next ?? held);
      return next;
    },
    take: (held: HeldCores) => cores.take(state, held),
    remove: (held: HeldCores) => cores.release(state, held),
    room: (body: Revision) => cores.room(state, askOf(body), { node: facts, atMost: 1000 }),
    short: (body: Revision) => cores.short(state, askOf(body), facts),
  };
}

/** "0-1,3 3:500 numa 0": cores, how much of those that are not whole, NUMA node. */
function text(held: HeldCores | undefined): string {
  if (held === undefined) return 'no room';
  const { cpuset, cpuFragments = {}, numaNode }: Partial<Holds> = cores.holdsOf(held);
  const parts = Object.entries(cpuFragments).map(([core, milli]) => ` ${core}:${milli}`);
  return `${cpuset}${parts.join('')}${numaNode === undefined ? '' : ` numa ${numaNode}`}`;
}

describe('bound cpu', () => {
  test('is whole cores, and the rest of one more core', () => {
    const { add } = host(machine(8));
    assert.equal(text(add(bound(2500))), '0-2 0:500');
    assert.equal(text(add(bound(2500))), '0,3-4 0:500');
    assert.equal(text(add(bound(300))), '5 5:300');
    assert.equal(text(add(bound(2000))), '6-7');
    assert.equal(text(add(bound(1000))), 'no room');
  });

  test('parts go to the tightest core that is begun, so that whole cores stay free', () => {
    const { add } = host(machine(4));
    assert.equal(text(add(bound(700))), '0 0:700');
    assert.equal(text(add(bound(500))), '1 1:500');
    assert.equal(text(add(bound(300))), '0 0:300');
    assert.equal(text(add(bound(500))), '1 1:500');
    assert.equal(text(add(bound(2000))), '2-3');
  });

  test('what asks for no binding is not looked at', () => {
    assert.equal(cores.askOf(revision()), undefined);
    assert.equal(cores.heldOf({ cpuMillis: 500, memoryBytes: 0, storageBytes: 0 }), undefined);
  });

  test('nobody is bound where nobody knows how many cores there are', () => {
    const { room, short } = host(node('n1', { capacity: {} }));
    assert.equal(room(bound(1000)), 0);
    assert.deepEqual(short(bound(1000)), { text: 'have no known number of cores (capacity.cpu)', missing: {} });
  });

  test('a core that is sold several times is held by several, a whole core by one', () => {
    const sold = host(machine(2, { overcommitCpuMilli: 3000 }));
    assert.equal(sold.room(bound(1000)), 6);
    assert.equal(sold.room(bound(2000)), 3);
    assert.equal(host(machine(2)).room(bound(2000)), 1);
    assert.match(host(machine(2, { overcommitCpuMilli: 800 })).short(bound(1000)).text, /overcommit\.cpu is below 1/);
  });

  test('what other hands recorded is held, even twice: then a core is free when both have left', () => {
    const { take, remove, add, room } = host(machine(2));
    const theirs: HeldCores = { whole: [0, 1, 17], parts: [] };
    take(theirs);
    take(theirs);
    remove(theirs);
    assert.equal(room(bound(1000)), 0);
    remove(theirs);
    assert.equal(text(add(bound(2000))), '0-1');
  });
});

describe('an instance that changes', () => {
  test('keeps its cores while it shrinks and grows', () => {
    const { add, replace } = host(machine(8));
    add(bound(1000));
    const two = add(bound(2000)) as HeldCores;
    assert.equal(text(two), '1-2');
    const one = replace(two, bound(1500)) as HeldCores;
    assert.equal(text(one), '1-2 2:500');
    add(bound(300));
    const less = replace(one, bound(1200)) as HeldCores;
    assert.equal(text(less), '1-2 2:200');
    assert.equal(text(replace(less, bound(3000))), '1,3-4');
  });

  test('grows its part into the whole core once nobody else has a part of it', () => {
    const { add, replace, remove } = host(machine(4));
    const other = add(bound(300)) as HeldCores;
    const held = add(bound(1700)) as HeldCores;
    assert.equal(text(held), '0-1 0:700');
    remove(other);
    assert.equal(text(replace(held, bound(2000))), '0-1');
    const beside = host(machine(4));
    const first = beside.add(bound(1000)) as HeldCores;
    const second = beside.add(bound(1700)) as HeldCores;
    assert.equal(text(second), '1-2 1:700');
    beside.remove(first);
    assert.equal(text(beside.replace(second, bound(2000))), '1-2');
  });

  test('stays as it is when the larger one finds no room', () => {
    const { add, replace, room } = host(machine(2));
    const held = add(bound(1000)) as HeldCores;
    add(bound(1000));
    assert.equal(text(replace(held, bound(1500))), 'no room');
    assert.equal(room(bound(300)), 0);
  });
});

describe('NUMA nodes', () => {
  const numa = (...lists: readonly (readonly [first: number, last: number, memoryGiB: number])[]) =>
    lists.map(([first, last, memoryGiB]) => ({
      cpus: Array.from({ length: last - first + 1 }, (_, index) => first + index),
      memoryBytes: memoryGiB * GiB,
    }));

  test('the tightest that has cores and memory for all of it is taken', () => {
    const { add } = host(machine(10, { numa: numa([0, 3, 8], [4, 6, 8], [7, 9, 2]) }));
    assert.equal(text(add(bound(2000, { memoryGiB: 4 }))), '4-5 numa 1');
    assert.equal(text(add(bound(2000, { memoryGiB: 4 }))), '0-1 numa 0');
    assert.equal(text(add(bound(2000, { memoryGiB: 2 }))), '2-3 numa 0');
    assert.equal(text(add(bound(2000, { memoryGiB: 1 }))), '7-8 numa 2');
  });

  test('a part goes to the NUMA node where it breaks no whole core', () => {
    const { add, take } = host(machine(6, { numa: numa([0, 3, 8], [4, 5, 8]) }));
    take({ whole: [], parts: [{ core: 2, milli: 300 }] });
    assert.equal(text(add(bound(500))), '2 2:500 numa 0');
    assert.equal(text(add(bound(500))), '4 4:500 numa 1');
  });

  test('prefer is content with several, as few as possible; require is not', () => {
    const layout = { numa: numa([0, 1, 4], [2, 5, 4], [6, 8, 4]) };
    const { add, room, short } = host(machine(9, layout));
    assert.equal(room(bound(5000, { numa: 'require' })), 0);
    assert.deepEqual(short(bound(5000, { numa: 'require' })), {
      text: 'have no NUMA node with 5 free cores',
      missing: { cpuMillis: 1000 },
    });
    assert.equal(text(add(bound(6000))), '0-5');
    assert.equal(text(add(bound(3000, { numa: 'require' }))), '6-8 numa 2');
  });

  test('memory short in one NUMA node: require waits, prefer is not tied to it', () => {
    const { add, short } = host(machine(4, { numa: numa([0, 1, 2], [2, 3, 1]) }));
    assert.equal(text(add(bound(2000, { memoryGiB: 2 }))), '0-1 numa 0');
    assert.equal(text(add(bound(2000, { memoryGiB: 2, numa: 'require' }))), 'no room');
    assert.deepEqual(short(bound(2000, { memoryGiB: 2, numa: 'require' })), {
      text: 'have no NUMA node with 2 free cores and 2GiB of memory',
      missing: { memoryBytes: GiB },
    });
    assert.equal(text(add(bound(2000, { memoryGiB: 2 }))), '2-3');
  });

  test('nothing that requires NUMA goes where it is not declared; none does not look at it', () => {
    const { add, short } = host(machine(4));
    assert.equal(text(add(bound(1000, { numa: 'require' }))), 'no room');
    assert.deepEqual(short(bound(1000, { numa: 'require' })), { text: 'have no NUMA nodes declared', missing: {} });
    const { add: addBeside } = host(machine(4, { numa: numa([0, 1, 1], [2, 3, 1]) }));
    assert.equal(text(addBeside(bound(3000, { numa: 'none', memoryGiB: 8 }))), '0-2');
  });

  test('a successor stays in its NUMA node, and moves as a whole when it outgrows it', () => {
    const { add, replace } = host(machine(7, { numa: numa([0, 2, 8], [3, 6, 8]) }));
    const held = add(bound(2000, { memoryGiB: 2 })) as HeldCores;
    assert.equal(text(held), '0-1 numa 0');
    const larger = replace(held, bound(3000, { memoryGiB: 4 })) as HeldCores;
    assert.equal(text(larger), '0-2 numa 0');
    assert.equal(text(replace(larger, bound(4000))), '3-6 numa 1');
  });

  test('going from one NUMA node to another holds memory on both until the old one is gone', () => {
    const before: HeldCores = { whole: [0], parts: [], memory: { numaNode: 0, bytes: 2 * GiB } };
    const after: HeldCores = { whole: [4], parts: [], memory: { numaNode: 1, bytes: 3 * GiB } };
    assert.deepEqual(cores.beyond(before, after), before);
    const grown: HeldCores = { whole: [0, 1], parts: [], memory: { numaNode: 0, bytes: 3 * GiB } };
    assert.deepEqual(cores.beyond(grown, before), {
      whole: [1],
      parts: [],
      memory: { numaNode: 0, bytes: GiB },
    });
    assert.deepEqual(cores.beyond({ whole: [0, 2], parts: [] }, { whole: [2], parts: [{ core: 0, milli: 400 }] }), {
      whole: [],
      parts: [{ core: 0, milli: 600 }],
    });
  });
});

describe('whatever comes and goes', () => {
  test('no core is over its capacity, whole cores are nobody else’s, and NUMA memory suffices', () => {
    fc.assert(
      fc.property(anyNode, fc.array(fc.tuple(anyRevision, fc.boolean()), { maxLength: 25 }), (definition, arrivals) => {
        const { add, remove } = host(definition);
        const here: HeldCores[] = [];
        for (const [body, leaves] of arrivals) {
          const held = add(body);
          if (held !== undefined) here.push(held);
          const first = leaves ? here.shift() : undefined;
          if (first !== undefined) remove(first);
          assertFits(definition, here);
        }
      }),
    );
  });

  test('parts of one size break as few cores as they can', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(100, 300, 400, 500, 700),
        fc.integer({ min: 0, max: 12 }),
        (count, milli, instances) => {
          const { add, room } = host(machine(count));
          let placed = 0;
          for (let i = 0; i < instances; i += 1) if (add(bound(milli)) !== undefined) placed += 1;
          assert.equal(room(bound(1000)), count - Math.ceil(placed / Math.floor(1000 / milli)));
        },
      ),
    );
  });
});

function assertFits(definition: DesiredNode, here: readonly HeldCores[]): void {
  const sold = new Map<number, number>();
  const sell = (core: number, milli: number): void => void sold.set(core, (sold.get(core) ?? 0) + milli);
  for (const { whole, parts, memory } of here) {
    for (const core of whole) sell(core, 1000);
    for (const { core, milli } of parts) sell(core, milli);
    const own = [...whole, ...parts.map(({ core }) => core)];
    assert.equal(new Set(own).size, own.length, 'a core twice in one instance');
    const cpus = memory && definition.numa?.[memory.numaNode]?.cpus;
    if (memory !== undefined)
      assert.ok(
        own.every((core) => cpus?.includes(core)),
        'outside of its NUMA node',
      );
  }
  for (const [core, milli] of sold) {
    assert.ok(milli <= definition.overcommitCpuMilli, `core ${core} is sold for ${milli}`);
    assert.ok(core * 1000 < (definition.capacity.cpuMillis ?? 0), `there is no core ${core}`);
  }
  for (const [index, { memoryBytes }] of (definition.numa ?? []).entries()) {
    const held = here.flatMap(({ memory }) => (memory?.numaNode === index ? [memory.bytes] : []));
    assert.ok(held.reduce((sum, bytes) => sum + bytes, 0) <= memoryBytes, `memory of NUMA node ${index}`);
  }
}

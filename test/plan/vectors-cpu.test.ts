import assert from 'node:assert/strict';
import type { Plan } from '../../src/model/plan.ts';
import type { Resources } from '../../src/model/resources.ts';
import type { Revision } from '../../src/model/revision.ts';
import { worldAfter } from '../../src/plan/after.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { cores } from '../../src/plan/resources/cores.ts';
import { factsOf } from './resources/contract.ts';
import {
  anywhere,
  app,
  bound,
  holding,
  type Machine,
  type MachineVector,
  machineOf,
  madeBy,
  many,
  milliOf,
  other,
  type PerCore,
  piecesIn,
  planned,
  resized,
  resizing,
  resources,
  testVectors,
  type Vector,
} from './vectors.ts';
import { node, type Running, revision, withRunning, workload, world } from './world.ts';

/**
 * The vectors of cores and NUMA nodes. Muster differs on purpose in:
 * - a core of which less or more is sold than of another: there it has another capacity, here somebody else holds some of it;
 * - there is no bound on how many cores have parts (`max_share`): what is packed needs none;
 * - instances that are not bound share all cores of their node, and are not moved off those that others are bound to.
 */
testVectors('vectors of cores', {
  'cpu-bind': checkBinding,
  numa: checkBinding,
  'realloc-cpu': checkResize,
  remap: checkSharing,
});

interface BindingVector extends MachineVector {
  readonly max_share: number;
  readonly request: { readonly cpu: number; readonly memory: number };
}

interface BindingResult {
  readonly plan_count: number;
  readonly plans?: readonly { readonly numa: string; readonly cpu_map: PerCore }[];
}

function checkBinding(vector: Vector): void {
  if (vector.name === 'negative available memory trap') {
    checkShortMemory(vector);
    return;
  }
  const of = vector.input as BindingVector;
  const expected = vector.expected as BindingResult;
  const next = bound({ cpuMillis: Math.round(of.request.cpu * 1000), memoryBytes: of.request.memory });
  const machine = machineOf(of);
  const plan = planned(
    withRunning(
      world({
        nodes: [machine.node],
        workloads: [other, workload(app, { replicas: many, hash: 'next', revision: next, placement: anywhere })],
      }),
      [machine.others],
      { revisions: { other: other.revision, next } },
    ),
  );
  const made = madeBy(plan);
  // Nothing is to be gained by sharing fewer cores than could be: all six hold three instances, not two.
  assert.equal(made.length, of.max_share === 2 ? 3 : expected.plan_count);
  assert.equal(roomOn(machine, next), made.length);
  if (expected.plans === undefined) return;
  const plans = made.map((holds) => ({ numa: String(holds.numaNode ?? ''), cpu_map: piecesIn(holds) }));
  if (vector.name.startsWith('consume a full core')) {
    // Which of three free cores is shared is a tie, and here the first; how much is left of how many is not.
    assert.deepEqual(usage(plans), usage(expected.plans));
    return;
  }
  assert.deepEqual(sorted(plans), sorted(expected.plans));
  if (vector.name.startsWith('1 core over')) assert.deepEqual(plans.slice(0, 2), expected.plans.slice(0, 2));
}

const sorted = (plans: NonNullable<BindingResult['plans']>): readonly string[] =>
  plans.map(({ numa, cpu_map }) => `${numa} ${JSON.stringify(cpu_map, Object.keys(cpu_map).sort())}`).sort();

function usage(plans: NonNullable<BindingResult['plans']>): readonly number[] {
  const used = new Map<string, number>();
  for (const { cpu_map } of plans)
    for (const [core, pieces] of Object.entries(cpu_map)) used.set(core, (used.get(core) ?? 0) + pieces);
  return [...used.values()].sort((a, b) => a - b);
}

/** How many fit as the planner counts them, before it places any: cores, or memory where that is less. */
function roomOn({ node: definition, taken }: Machine, next: Revision): number {
  const facts = factsOf(definition);
  const state = cores.open(facts);
  const held = cores.heldOf(taken);
  if (held !== undefined) cores.take(state, held);
  const ask = cores.askOf(next);
  assert.ok(ask !== undefined);
  const { memoryBytes } = next.resources;
  const byMemory = memoryBytes === 0 ? many : Math.floor((definition.capacity.memoryBytes ?? 0) / memoryBytes);
  return cores.room(state, ask, { node: facts, atMost: Math.min(many, byMemory) });
}

/** A node that was made smaller than what is on it takes nothing more, and nothing breaks. */
function checkShortMemory({ input, expected }: Vector): void {
  const { available_memory, memory_request } = input as {
    readonly available_memory: number;
    readonly memory_request: number;
  };
  const { correct_plan_count } = expected as { readonly correct_plan_count: number };
  const next = bound({ cpuMillis: 1000, memoryBytes: memory_request });
  const capacity = { cpuMillis: 3000, memoryBytes: 8192 };
  const definition = node('n1', { capacity, numa: [{ cpus: [0, 1, 2], memoryBytes: capacity.memoryBytes }] });
  const holds = { memoryBytes: capacity.memoryBytes - available_memory, cpuset: '2', cpuMillis: 1000, numaNode: 0 };
  const inputs = withRunning(
    world({
      nodes: [definition],
      workloads: [other, workload(app, { replicas: 3, hash: 'next', revision: next, placement: anywhere })],
    }),
    [{ workload: 'vectors/other', ordinal: 0, node: 'n1', hash: 'other', holds }],
    { revisions: { other: other.revision, next } },
  );
  assert.equal(madeBy(createPlan(inputs)).length, correct_plan_count);
  const facts = factsOf(definition);
  const state = cores.open(facts);
  cores.take(state, { whole: [2], parts: [], memory: { numaNode: 0, bytes: holds.memoryBytes } });
  const ask = cores.askOf(bound({ cpuMillis: 1000, memoryBytes: memory_request }, 'require'));
  assert.ok(ask !== undefined);
  assert.equal(cores.room(state, ask, { node: facts, atMost: many }), correct_plan_count);
}

function checkResize(vector: Vector): void {
  const check = resizes[vector.name] ?? checkRebinding;
  check(vector);
}

const resizes: Readonly<Record<string, (vector: Vector) => void>> = {
  'delta exceeds the node': checkTooMuch,
  'empty delta without keep-cpu-bind drops the binding': checkUnbinding,
  'NUMA delta trap': checkNumaDelta,
};

function checkRebinding({ input, expected }: Vector): void {
  const { free_pieces, current_binding, new_cpu } = input as {
    readonly free_pieces: PerCore;
    readonly current_binding: PerCore;
    readonly new_cpu: number;
  };
  const { plans } = expected as { readonly plans: readonly PerCore[] };
  const names = Object.keys(free_pieces);
  const theirs = names.map((name) => [name, milliOf(100 - (free_pieces[name] ?? 0) - (current_binding[name] ?? 0))]);
  const mine = names.map((name) => [name, milliOf(current_binding[name] ?? 0)]);
  const before = holding(Object.fromEntries(mine));
  const plan = resized(node('n1', { capacity: { cpuMillis: names.length * 1000 } }), {
    now: bound({ cpuMillis: before.cpuMillis }),
    next: bound({ cpuMillis: new_cpu * 1000 }),
    holds: before,
    theirs: holding(Object.fromEntries(theirs)),
  });
  assert.deepEqual(
    plan.steps.map(({ holds }) => piecesIn(holds)),
    plans,
  );
  if (plans.length === 0) assert.equal(plan.refusals[0]?.code, 'MUS4001');
}

interface ReallocVector {
  readonly node: {
    readonly cpu_map: PerCore;
    readonly memory: number;
    readonly numa: Readonly<Record<string, string>>;
    readonly numa_memory: Readonly<Record<string, number>>;
  };
  readonly workload: {
    readonly cpu_request: number;
    readonly memory_request: number;
    readonly cpu_map: PerCore;
    readonly numa_node: string;
  };
  readonly request_delta: { readonly 'cpu-request'?: number };
}

function reallocated(
  { node: there, workload: mine, request_delta }: ReallocVector,
  next: (of: Resources) => Revision,
): Plan {
  const { node: machine } = machineOf({ ...there, cpu_capacity: there.cpu_map, cpu_usage: {} });
  const of = { cpuMillis: mine.cpu_request * 1000, memoryBytes: mine.memory_request };
  const cpuMillis = of.cpuMillis + (request_delta['cpu-request'] ?? 0) * 1000;
  const pieces = Object.entries(mine.cpu_map).map(([core, amount]) => [core, milliOf(amount)]);
  return resized(machine, {
    now: bound(of),
    next: next({ ...of, cpuMillis }),
    holds: { ...holding(Object.fromEntries(pieces)), ...of, numaNode: Number(mine.numa_node) },
  });
}

function checkTooMuch({ input, expected }: Vector): void {
  assert.equal((expected as { readonly ok: boolean }).ok, false);
  const plan = reallocated(input as ReallocVector, bound);
  assert.deepEqual(plan.steps, []);
  assert.equal(plan.refusals[0]?.code, 'MUS4001');
}

/** There a binding is dropped that is not asked for again; here, one that git does not say any more. */
function checkUnbinding({ input, expected }: Vector): void {
  const { cpu_map, cpu_request, memory_request } = expected as ReallocVector['workload'];
  const plan = reallocated(input as ReallocVector, (of) => revision({ resources: resources(of) }));
  const [step] = plan.steps;
  assert.deepEqual(piecesIn(step?.holds ?? holding({})), cpu_map);
  assert.deepEqual(step?.holds, { cpuMillis: cpu_request * 1000, memoryBytes: memory_request, storageBytes: 0 });
}

/** Growing on a NUMA node charges it with the difference: afterwards exactly the rest is left there, and no byte more. */
function checkNumaDelta({ input, expected }: Vector): void {
  const { origin_numa_memory, new_numa_memory } = input as Readonly<Record<string, Readonly<Record<string, number>>>>;
  const { correct_delta } = expected as { readonly correct_delta: Readonly<Record<string, number>> };
  const before = origin_numa_memory?.['0'] ?? 0;
  const after = new_numa_memory?.['0'] ?? 0;
  const total = after * 2;
  const machine = node('n1', {
    capacity: { cpuMillis: 4000, memoryBytes: total * 2 },
    numa: [{ cpus: [0, 1, 2, 3], memoryBytes: total }],
  });
  const one = { cpuMillis: 1000 };
  const holds = { ...one, cpuset: '0', numaNode: 0, memoryBytes: before };
  const of = { now: bound({ ...one, memoryBytes: before }), next: bound({ ...one, memoryBytes: after }), holds };
  const inputs = resizing(machine, of);
  const plan = planned(inputs);
  assert.equal(plan.steps[0]?.holds.numaNode, 0);
  assert.equal((plan.steps[0]?.holds.memoryBytes ?? 0) - before, correct_delta['0']);
  for (const { memoryBytes, fits } of [
    { memoryBytes: total - after + 1, fits: 0 },
    { memoryBytes: total - after, fits: 1 },
  ]) {
    const rest = bound({ ...one, memoryBytes }, 'require');
    const beside = workload('vectors/rest', { replicas: 1, hash: 'rest', revision: rest, placement: anywhere });
    const { desired } = resizing(machine, of, [beside]);
    const later = { ...inputs, ...worldAfter(inputs, plan), desired };
    assert.equal(planned(later).steps.length, fits);
  }
}

/**
 * There instances that are not bound are moved to the cores that nobody is bound to, whenever those change. Here they hold
 * no cores, and one instance's binding changes nothing for another: what git does not say is not touched.
 */
function checkSharing({ input, expected }: Vector): void {
  const { cores: count, workloads } = input as {
    readonly cores: number;
    readonly workloads: Readonly<Record<string, 'unbound' | PerCore>>;
  };
  const { untouched } = expected as { readonly untouched: readonly string[] };
  const bodies = { unbound: revision({ resources: resources({}) }), bound: bound({ cpuMillis: 2000 }) };
  const running = Object.entries(workloads).map(([name, has]): Running => {
    const isBound = has !== 'unbound';
    const pieces = isBound ? Object.entries(has).map(([core, amount]) => [core, milliOf(amount)]) : [];
    return {
      workload: `vectors/${name}`,
      ordinal: 0,
      node: 'n1',
      hash: isBound ? 'bound' : 'unbound',
      holds: holding(Object.fromEntries(pieces)),
    };
  });
  const one = bound({ cpuMillis: 1000 });
  const inputs = withRunning(
    world({
      nodes: [node('n1', { capacity: { cpuMillis: count * 1000 } })],
      workloads: [
        ...running.map(({ workload: id, hash = '' }) =>
          workload(id, {
            replicas: 1,
            hash,
            revision: hash === 'bound' ? bodies.bound : bodies.unbound,
            placement: anywhere,
          }),
        ),
        workload(app, { replicas: many, hash: 'one', revision: one, placement: anywhere }),
      ],
    }),
    running,
    { revisions: { ...bodies, one } },
  );
  const plan = planned(inputs);
  // The cores that there are shared out are here those that further instances can be bound to.
  const free = madeBy(plan).map(({ cpuset }) => cpuset);
  assert.deepEqual(free, (expected as Readonly<Record<string, unknown>>)['id1']);
  for (const name of untouched) assert.ok(plan.steps.every(({ instance }) => !instance.startsWith(`vectors/${name}/`)));
}

import assert from 'node:assert/strict';
import type { Holds } from '../../src/model/recorded.ts';
import type { Resources } from '../../src/model/resources.ts';
import { devices } from '../../src/plan/resources/devices.ts';
import { normaliseText } from '../source/documents.ts';
import {
  allOrNothing,
  anywhere,
  app,
  bound,
  madeBy,
  many,
  other,
  type PerCore,
  piecesIn,
  planned,
  resized,
  resources,
  testVectors,
  type Vector,
} from './vectors.ts';
import { node, type Running, revision, withRunning, workload, world } from './world.ts';

/**
 * The vectors of how much a node has, and of devices. Muster differs on purpose in:
 * - cpu that is not bound is charged as well, instead of only being compared with the number of cores;
 * - what the machine itself needs is what `reserved` says, and not a fifth of its memory;
 * - how full a node is, is how full it is in the dimension that has least left, with no weights;
 * - a kind of device is a model of a group: `gpu/nvidia-3090`.
 */
testVectors('vectors of capacity and devices', {
  'capacity-cpumem': checkCapacity,
  'node-resource': checkNode,
  'capacity-merge': checkMerge,
  'realloc-gpu': checkDevices,
  'capacity-gpu': checkDevices,
});

interface CapacityVector {
  readonly node?: { readonly cpu_map: PerCore; readonly memory: number };
  readonly nodes?: readonly { readonly name: string; readonly cores: number; readonly memory: number }[];
  readonly count?: number;
  readonly request: {
    readonly 'cpu-bind'?: boolean;
    readonly 'cpu-request'?: number;
    readonly 'memory-request'?: number;
  };
}

async function checkCapacity({ name, input, expected }: Vector): Promise<void> {
  const { node: single, nodes = [], count, request } = input as CapacityVector;
  const { ok, total, per_node } = expected as {
    readonly ok?: boolean;
    readonly total?: number;
    readonly per_node?: number;
  };
  if ((request['memory-request'] ?? 0) < 0) {
    const text = `spec: {image: "app@sha256:${'0'.repeat(64)}", resources: {memory: ${request['memory-request']}}}`;
    const { problems } = await normaliseText(
      `apiVersion: muster/v1\nkind: Workload\nmetadata: {name: app, namespace: vectors}\n${text}`,
    );
    assert.equal(ok, false);
    assert.deepEqual(
      problems.map(({ pointer }) => pointer),
      ['/spec/resources/memory'],
    );
    return;
  }
  // There cpu that is not bound is not charged; here that is a core that is sold a hundred times.
  const overcommitCpuMilli = name.startsWith('512MB') ? 100_000 : 1000;
  const machines =
    single === undefined ? nodes : [{ name: 'n1', cores: Object.keys(single.cpu_map).length, memory: single.memory }];
  const of = {
    cpuMillis: Math.round((request['cpu-request'] ?? 0) * 1000),
    memoryBytes: request['memory-request'] ?? 0,
  };
  const next = request['cpu-bind'] === true ? bound(of) : revision({ resources: resources(of) });
  const plan = planned(
    world({
      nodes: machines.map(({ name: machine, cores: count, memory }) =>
        node(machine, { capacity: { cpuMillis: count * 1000, memoryBytes: memory }, overcommitCpuMilli }),
      ),
      workloads: [
        workload(app, {
          replicas: count ?? many,
          revision: next,
          placement: count === undefined ? anywhere : allOrNothing,
        }),
      ],
    }),
  );
  if (ok !== undefined) assert.equal(plan.steps.length, ok ? count : 0);
  if (total === undefined) return;
  const counts = machines.map(({ name: machine }) => plan.steps.filter((step) => step.node === machine).length);
  assert.deepEqual(
    counts,
    machines.map(() => per_node),
  );
  assert.equal(plan.steps.length, total);
}

function checkNode(vector: Vector): void {
  if (vector.name.startsWith('most idle')) {
    checkMostIdle(vector);
    return;
  }
  const { engine } = vector.input as { readonly engine: { readonly ncpu: number; readonly mem_total: number } };
  const { memory, cpu_map, numa } = vector.expected as {
    readonly memory: number;
    readonly cpu_map: PerCore;
    readonly numa: Readonly<Record<string, string>>;
  };
  const machine = node('n1', {
    capacity: { cpuMillis: engine.ncpu * 1000, memoryBytes: engine.mem_total },
    reserved: { memoryBytes: engine.mem_total - memory },
    numa: Object.entries(numa).map(([core]) => ({ cpus: [Number(core)], memoryBytes: engine.mem_total / 2 })),
  });
  const filled = (of: Resources, replicas: number): readonly Holds[] =>
    madeBy(
      planned(
        world({ nodes: [machine], workloads: [workload(app, { replicas, revision: bound(of), placement: anywhere })] }),
      ),
    );
  const memoryBytes = memory / 2;
  const made = filled({ cpuMillis: 1000, memoryBytes }, 3);
  assert.deepEqual(Object.assign({}, ...made.map(piecesIn)), cpu_map);
  assert.deepEqual(Object.fromEntries(made.map(({ cpuset = '', numaNode }) => [cpuset, String(numaNode)])), numa);
  assert.equal(filled({ cpuMillis: 1000, memoryBytes: memoryBytes + 1 }, 2).length, 1);
}

function checkMostIdle({ input, expected }: Vector): void {
  const { nodes } = input as {
    readonly nodes: Readonly<
      Record<string, { readonly cores: number; readonly memory: number; readonly used_memory: number }>
    >;
  };
  const used = Object.entries(nodes).map(
    ([name, { used_memory }], ordinal): Running => ({
      workload: 'vectors/other',
      ordinal,
      node: name,
      hash: 'other',
      holds: { cpuMillis: 0, memoryBytes: used_memory },
    }),
  );
  const next = revision({ resources: resources({ cpuMillis: 100, memoryBytes: 100 }) });
  const plan = planned(
    withRunning(
      world({
        nodes: Object.entries(nodes).map(([name, { cores: count, memory }]) =>
          node(name, { capacity: { cpuMillis: count * 1000, memoryBytes: memory } }),
        ),
        workloads: [
          { ...other, replicas: used.length },
          workload(app, { replicas: 1, hash: 'next', revision: next, placement: { ...anywhere, strategy: 'global' } }),
        ],
      }),
      used,
      { revisions: { other: other.revision, next } },
    ),
  );
  assert.deepEqual(
    plan.steps.map((step) => step.node),
    [(expected as { readonly node: string }).node],
  );
}

/** There plugins answer and are merged by weight, in an order of chance. Here the tightest dimension decides, whichever it is. */
function checkMerge({ input, expected }: Vector): void {
  const { plugins } = input as { readonly plugins: readonly { readonly capacity: number }[] };
  const { capacity } = expected as { readonly capacity: number };
  const [a = 0, b = 0] = plugins.map((plugin) => plugin.capacity);
  for (const [cpu, memory] of [
    [a, b],
    [b, a],
  ] as const) {
    const next = revision({ resources: resources({ cpuMillis: 1000, memoryBytes: 1000 }) });
    const machine = node('n1', { capacity: { cpuMillis: cpu * 1000, memoryBytes: memory * 1000 } });
    const plan = planned(
      world({ nodes: [machine], workloads: [workload(app, { replicas: many, revision: next, placement: anywhere })] }),
    );
    assert.equal(plan.steps.length, capacity);
  }
}

/** There a resize is a difference; here git says what there should be. A kind there is a model of `gpu` here. */
function checkDevices({ input, expected }: Vector): void {
  const { current, delta, available, request } = input as Readonly<Record<string, PerCore | undefined>>;
  const { result, capacity } = expected as { readonly result?: PerCore; readonly capacity?: number };
  const all = { ...current, ...delta, ...available };
  const machine = node('n1', {
    capacity: gpus(Object.fromEntries(Object.keys(all).map((name) => [name, available?.[name] ?? 1]))),
  });
  if (request !== undefined) {
    const next = revision({ resources: resources(gpus(request)) });
    const inputs = world({
      nodes: [machine],
      workloads: [workload(app, { replicas: many, revision: next, placement: anywhere })],
    });
    assert.equal(planned(inputs).steps.length, capacity);
    return;
  }
  const names = Object.keys(all).filter((name) => (current?.[name] ?? 0) + (delta?.[name] ?? 0) > 0);
  const wanted = Object.fromEntries(names.map((name) => [name, (current?.[name] ?? 0) + (delta?.[name] ?? 0)]));
  assert.deepEqual(wanted, result);
  const now = revision({ resources: resources(gpus(current ?? {})) });
  const next = revision({ resources: resources(gpus(wanted)) });
  const held = { devices: firstPieces(current ?? {}) };
  const changes = Object.keys(delta ?? {}).length > 0;
  const plan = resized(machine, { now, next: changes ? next : now, holds: held });
  assert.deepEqual(
    plan.steps.map(({ holds }) => devices.heldOf(holds)),
    changes ? [firstPieces(result ?? {})] : [],
  );
}

const gpus = (counts: PerCore): Resources =>
  Object.fromEntries(Object.entries(counts).map(([name, count]) => [`gpu/${name}`, count * 1000]));

const firstPieces = (counts: PerCore): Readonly<Record<string, PerCore>> =>
  Object.fromEntries(
    Object.entries(counts).map(([name, count]) => [
      `gpu/${name}`,
      Object.fromEntries(Array.from({ length: count }, (_, piece) => [String(piece), 1000])),
    ]),
  );

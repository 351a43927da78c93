import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Placement, Strategy } from '../../src/model/desired.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { node, type Running, revision, withNode, withRunning, workload, world } from './world.ts';

/** Facts of a production scheduler, beside the repo; they are not ours to publish. */
const file = join(import.meta.dirname, '../../../shared/vectors/eru.json');
const id = 'vectors/app';

interface VectorNode {
  readonly node: string;
  readonly capacity: number;
  readonly count: number;
  /** Shares of the node: what is used, and what one instance adds. */
  readonly usage: number;
  readonly rate: number;
}

interface Vector {
  readonly area: string;
  readonly name: string;
  readonly input: {
    readonly need: number;
    readonly limit: number;
    readonly nodes: readonly VectorNode[];
  };
  readonly expected: {
    readonly ok: boolean;
    readonly error?: string;
    readonly final_counts_sorted?: readonly number[];
    readonly deploy?: Readonly<Record<string, number>>;
  };
}

/** Other areas have test files of their own. */
const fits = ({ area }: Vector): boolean => area.startsWith('strategy/');

function check({ area, input, expected }: Vector): void {
  const strategy = area.replace('strategy/', '') as Strategy;
  const { nodes, need, limit } = input;
  const before = nodes.map(({ count }) => count).reduce((a, b) => a + b, 0);
  const { replicas, perNode } = wishOf(strategy, { need, limit, nodes, before });
  // A node with room for `capacity` more: a core for each instance, there or to come.
  const inputs = world({
    nodes: nodes.map(({ node: name, capacity, count }) =>
      node(name, { capacity: { cpuMillis: (capacity + count) * 1000 } }),
    ),
    workloads: [
      workload('vectors/other', { replicas: strategy === 'each' ? before : 0, revision: oneCore, placement: anywhere }),
      workload(id, {
        replicas,
        revision: oneCore,
        placement: { ...anywhere, strategy, partial: false, ...(perNode > 0 && { perNode }) },
      }),
    ],
  });
  // EACH adds to whatever is there, whereas Muster says how many there should be: what is there belongs to another.
  const owner = strategy === 'each' ? 'vectors/other' : id;
  const running: Running[] = [];
  for (const { node: name, count } of nodes) {
    for (let i = 0; i < count; i += 1) running.push({ workload: owner, ordinal: running.length, node: name });
  }
  const plan = createPlan(withRunning(inputs, running, { revisions: { r1: oneCore } }));
  if (expected.error === 'ErrAlreadyFilled') {
    // There it is an error to ask for what is there already; here it is what a reconciler hopes for.
    assert.deepEqual([plan.steps, plan.refusals], [[], []]);
    return;
  }
  if (!expected.ok) {
    assert.equal(plan.refusals[0]?.code, 'MUS4001');
    assert.deepEqual(plan.steps, []);
    return;
  }
  const counts = new Map(nodes.map(({ node: name, count }) => [name as string, count]));
  for (const step of plan.steps) counts.set(step.node, (counts.get(step.node) ?? 0) + 1);
  assert.deepEqual(plan.refusals, []);
  assert.deepEqual(
    [...counts.values()].sort((a, b) => a - b),
    expected.final_counts_sorted,
  );
}

/**
 * A node's size is what makes one instance its rate, and what else is used of it is not ours. How many fit follows from
 * that; the capacities that the vectors give decide none of their outcomes.
 */
function checkGlobal({ input, expected }: Vector): void {
  const { nodes, need } = input;
  const cpuMillis = askFor(nodes);
  const sizeOf = ({ rate }: VectorNode): number => (rate === 0 ? 10_000 : Math.round(cpuMillis / rate));
  const body = revision({ resources: { cpuMillis, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} } });
  const before = nodes.reduce((sum, { count }) => sum + count, 0);
  const bare = world({
    nodes: nodes.map((each) => node(each.node, { capacity: { cpuMillis: sizeOf(each) } })),
    workloads: [
      workload(id, {
        replicas: before + need,
        revision: body,
        placement: { ...anywhere, strategy: 'global', partial: false },
      }),
    ],
  });
  const ordinals = nodes.flatMap(({ node: name, count }) => new Array<string>(count).fill(name));
  let inputs = withRunning(
    bare,
    ordinals.map((name, ordinal): Running => ({ workload: id, ordinal, node: name })),
    { revisions: { r1: body } },
  );
  for (const each of nodes) {
    const others = Math.round(each.usage * sizeOf(each)) - each.count * cpuMillis;
    inputs = withNode(inputs, each.node, {
      foreign: [{ engine: 'docker', name: 'others', resources: { cpuMillis: others }, ports: [] }],
    });
  }
  const plan = createPlan(inputs);
  if (!expected.ok) {
    assert.deepEqual([plan.refusals[0]?.code, plan.steps], ['MUS4001', []]);
    return;
  }
  const deployed: Record<string, number> = {};
  for (const step of plan.steps) deployed[step.node] = (deployed[step.node] ?? 0) + 1;
  assert.deepEqual([plan.refusals, deployed], [[], expected.deploy]);
}

/** Thousandths of a core, so small where rates are tiny that nodes stay within what can be counted exactly. */
function askFor(nodes: readonly VectorNode[]): number {
  const rate = Math.min(...nodes.map((each) => each.rate));
  return rate === 0 ? 0 : rate < 1e-6 ? 1 : 600;
}

const anywhere: Placement = { pods: [], require: {}, tolerate: [], partial: true };

const oneCore = revision({
  resources: { cpuMillis: 1000, memoryBytes: 0, storageBytes: 0, bandwidthBits: 0, extended: {} },
});

/** The sentence in which Muster is asked for the same. */
function wishOf(
  strategy: Strategy,
  input: Vector['input'] & { readonly before: number },
): { readonly replicas: number; readonly perNode: number } {
  const { need, limit, nodes, before } = input;
  const chosen = limit === 0 ? nodes.length : limit;
  switch (strategy) {
    case 'auto':
    case 'global':
    case 'drained':
    case 'pack':
      return { replicas: before + need, perNode: limit };
    case 'each':
      return { replicas: need * chosen, perNode: need };
    case 'fill': {
      // `need` on each of `limit` nodes: the fullest are topped up, the others keep what they have.
      const sorted = nodes.map(({ count }) => count).sort((a, b) => b - a);
      const filled = sorted.slice(0, chosen).reduce((sum, count) => sum + Math.max(need, count), 0);
      return { replicas: filled + sorted.slice(chosen).reduce((sum, count) => sum + count, 0), perNode: need };
    }
  }
}

if (!existsSync(file)) {
  test('placement vectors', { skip: 'no ../shared/vectors/eru.json beside the repo' }, () => {});
} else {
  const vectors = JSON.parse(readFileSync(file, 'utf8')) as readonly Vector[];
  for (const vector of vectors.filter(fits)) {
    const checked = vector.area === 'strategy/global' ? checkGlobal : check;
    test(`vector ${vector.area}: ${vector.name}`, () => checked(vector));
  }
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DesiredNode, Lifecycle } from '../../src/model/desired.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan, openPlanner } from '../../src/plan/plan.ts';
import { scenesOf, seeds } from './mutations-worlds.ts';

const lifecycles: readonly Lifecycle[] = ['online', 'cordoned', 'maintenance', 'offline'];

describe('a planner that remembers the world', () => {
  for (const seed of seeds) {
    test(`plans another life cycle of some nodes as if it had looked anew, seed ${seed}`, () => {
      for (const { name, inputs: scene } of scenesOf(seed)) {
        for (const inputs of [scene, settled(scene), settled(oneAtATime(scene)), settled(withoutSome(scene))]) {
          const planner = openPlanner();
          planner(inputs);
          for (let round = 0; round < 8; round += 1) {
            const other = withNodes(inputs, (node, index) => {
              const lifecycle = lifecycles[(index * 7 + round * 3 + seed) % 4] ?? 'online';
              return (index + round) % 3 === 0 ? { ...node, lifecycle } : node;
            });
            assert.deepEqual(planner(other), createPlan(other), `${name}, round ${round}`);
          }
          assert.deepEqual(planner(inputs), createPlan(inputs), `${name}, and back`);
        }
      }
    });
  }

  test('looks anew where a node is another in more than its life cycle', () => {
    for (const { name, inputs } of scenesOf(1)) {
      const planner = openPlanner();
      planner(inputs);
      const others: readonly ((node: DesiredNode, index: number) => DesiredNode)[] = [
        (node) => ({ ...node, capacity: { ...node.capacity, memoryBytes: 1 } }),
        (node) => ({ ...node, labels: { other: 'yes' } }),
        (node, index) => ({ ...node, zone: `z${index}` }),
      ];
      for (const other of others) {
        const changed = withNodes(inputs, other);
        assert.deepEqual(planner(changed), createPlan(changed), name);
      }
      const fewer = { ...inputs, desired: { ...inputs.desired, nodes: inputs.desired.nodes.slice(1) } };
      assert.deepEqual(planner(fewer), createPlan(fewer), name);
    }
  });
});

const withNodes = (inputs: PlanInputs, change: (node: DesiredNode, index: number) => DesiredNode): PlanInputs => ({
  ...inputs,
  desired: { ...inputs.desired, nodes: inputs.desired.nodes.map(change) },
});

/** Everything runs as git wants it: most workloads have nothing to do. */
const settled = (inputs: PlanInputs): PlanInputs => ({ ...inputs, ...worldAfter(inputs, createPlan(inputs)) });

const withoutSome = (inputs: PlanInputs): PlanInputs =>
  withNodes(inputs, (node, index) => (index % 3 === 0 ? { ...node, lifecycle: 'offline' } : node));

/** One node's drain makes others of its zone wait. */
const oneAtATime = (inputs: PlanInputs): PlanInputs => ({
  ...inputs,
  desired: {
    ...inputs.desired,
    cluster: { ...inputs.desired.cluster, drain: { perZone: { kind: 'count', count: 1 } } },
  },
});

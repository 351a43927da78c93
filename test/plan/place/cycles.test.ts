import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { DesiredNode } from '../../../src/model/desired.ts';
import type { PlanInputs } from '../../../src/plan/inputs.ts';
import { createPlan } from '../../../src/plan/plan.ts';
import { verifyPlan } from '../../../src/plan/verify.ts';
import { GiB, node, revision, withRunning, workload, world } from '../world.ts';

const nodeOf = (name: string): DesiredNode =>
  node(name, { labels: { name }, capacity: { cpuMillis: 4000, memoryBytes: 4 * GiB } });

/** Each workload has one instance on a node, and is to be on another one. Nodes have 4 GiB. */
function moves(of: Readonly<Record<string, { from: string; to: string; gib: number }>>, spare?: string): PlanInputs {
  const names = [...new Set([...Object.values(of).map(({ from }) => from), ...(spare === undefined ? [] : [spare])])];
  const bodies = Object.fromEntries(
    Object.entries(of).map(([name, { gib }]) => [
      name,
      revision({
        resources: { cpuMillis: 100, memoryBytes: gib * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
      }),
    ]),
  );
  const workloads = Object.entries(of).map(([name, { to }]) => {
    const known = workload(`payments/${name}`, { replicas: 1, hash: name, revision: bodies[name] ?? revision() });
    return { ...known, placement: { ...known.placement, require: { name: to } } };
  });
  return withRunning(
    world({ nodes: names.sort().map(nodeOf), workloads }),
    Object.entries(of).map(([name, { from }]) => ({
      workload: `payments/${name}`,
      ordinal: 0,
      node: from,
      hash: name,
      holds: { cpuMillis: 100, memoryBytes: (of[name]?.gib ?? 0) * GiB, storageBytes: 0 },
    })),
    { revisions: bodies },
  );
}

function told(inputs: PlanInputs): readonly string[] {
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan.warnings.flatMap(({ message }) => (/change places/.test(message) ? [message] : []));
}

describe('moves that would have to change places', () => {
  it('are named, with where each is to go and what helps', () => {
    const inputs = moves({ api: { from: 'n1', to: 'n2', gib: 3 }, web: { from: 'n2', to: 'n1', gib: 3 } });
    assert.deepEqual(told(inputs), [
      'moves would have to change places: payments/api/0 (n1 → n2), payments/web/0 (n2 → n1): none has room before the next one has left. ' +
        'Room on one more node, or scaling one of them down for a moment, breaks the cycle',
    ]);
    const { steps, refusals } = createPlan(inputs);
    assert.deepEqual(steps, []);
    assert.equal(refusals.length, 2);
  });

  it('are named once, however many they are', () => {
    const [message, ...others] = told(
      moves({
        a: { from: 'n1', to: 'n2', gib: 3 },
        b: { from: 'n2', to: 'n3', gib: 3 },
        c: { from: 'n3', to: 'n1', gib: 3 },
      }),
    );
    assert.match(message ?? '', /a\/0 \(n1 → n2\), payments\/b\/0 \(n2 → n3\), payments\/c\/0 \(n3 → n1\)/);
    assert.deepEqual(others, []);
  });

  it('are none where one of them would not fit even then, where one has room, or where nobody waits for the first', () => {
    const tooLarge = moves({
      api: { from: 'n1', to: 'n2', gib: 3 },
      web: { from: 'n2', to: 'n1', gib: 2 },
      other: { from: 'n2', to: 'n2', gib: 2 },
    });
    assert.deepEqual(told(tooLarge), []);
    assert.equal(createPlan(tooLarge).refusals.length, 2);
    assert.deepEqual(told(moves({ api: { from: 'n1', to: 'n2', gib: 3 }, web: { from: 'n2', to: 'n1', gib: 1 } })), []);
    const chain = moves({ api: { from: 'n1', to: 'n2', gib: 3 }, web: { from: 'n2', to: 'n3', gib: 3 } }, 'n3');
    assert.deepEqual(told(chain), []);
  });
});

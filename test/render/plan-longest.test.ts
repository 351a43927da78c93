import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type UnitId, unitOf, type WorkloadId } from '../../src/model/ids.ts';
import type { PlannedUnit } from '../../src/model/plan.ts';
import { longestChain } from '../../src/render/plan-longest.ts';

const id = (name: string): UnitId => unitOf(`shop/${name}` as WorkloadId);

const unit = (name: string, worstCaseMs: number, after: readonly string[] = []): PlannedUnit => ({
  id: id(name),
  after: after.map(id),
  waves: [],
  worstCaseMs,
});

test('units that wait for each other take as long as all of them together', () => {
  const units = [unit('db', 10), unit('web', 5, ['db', 'cache']), unit('cache', 20), unit('front', 1, ['web'])];
  assert.deepEqual(longestChain({ units }), { units: ['cache', 'web', 'front'].map(id), worstCaseMs: 26 });
});

test('one that takes longer by itself than others in a row is the longest', () => {
  const units = [unit('a', 1), unit('b', 1, ['a']), unit('slow', 3)];
  assert.deepEqual(longestChain({ units }), { units: [id('slow')], worstCaseMs: 3 });
});

test('what a unit comes after but is not in the plan is done already', () => {
  assert.deepEqual(longestChain({ units: [unit('web', 5, ['db'])] }), { units: [id('web')], worstCaseMs: 5 });
  assert.equal(longestChain({ units: [] }), undefined);
});

test('a plan with a cycle, which no planner makes, still has an answer', () => {
  const chain = longestChain({ units: [unit('a', 1, ['b']), unit('b', 1, ['a'])] });
  assert.ok(chain !== undefined && chain.units.length <= 2);
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { codes } from '../../src/model/codes.ts';
import { planId } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { renderPlanText } from '../../src/render/plan-text.ts';
import { assertGolden } from '../golden.ts';
import { noRoom } from './goldens/no-room.ts';
import { nodes } from './goldens/nodes.ts';
import type { Cases } from './goldens/parts.ts';
import { refusals } from './goldens/refusals.ts';
import { steps } from './goldens/steps.ts';
import { transactions } from './goldens/transactions.ts';
import { warnings } from './goldens/warnings.ts';
import { stepLines } from './world.ts';

/**
 * What is planned for a world: `test/golden/planner/<name>.txt` has the text that a person reads, and below it the steps
 * with what that leaves out. Every plan passes the second opinion.
 */
const all: Readonly<Record<string, Cases>> = { steps, nodes, warnings, refusals, transactions, 'no room': noRoom };

const fileOf = (name: string): string => `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}.txt`;

for (const [group, cases] of Object.entries(all)) {
  describe(`plan goldens: ${group}`, () => {
    for (const [name, make] of Object.entries(cases)) {
      test(name, () => {
        const inputs = make();
        const plan = createPlan(inputs);
        assert.deepEqual(verifyPlan(inputs, plan), []);
        assertGolden(`planner/${fileOf(name)}`, goldenOf(plan));
      });
    }
  });
}

/** The id says nothing to a reader, and would change with every other line. */
function goldenOf(plan: Plan): string {
  const text = renderPlanText({ ...plan, id: planId(`sha256:${'0'.repeat(64)}`) }, { color: false, width: 80 });
  const body = text.split('\n').slice(3).join('\n');
  const below = stepLines(plan);
  return below.length === 0 ? body : `${body}\n${below.join('\n')}\n`;
}

describe('plan goldens together', () => {
  const folder = join(import.meta.dirname, '../golden/planner');
  const files = Object.values(all).flatMap((cases) => Object.keys(cases).map(fileOf));

  test('no golden file is left over, and no two cases share one', () => {
    assert.deepEqual(readdirSync(folder).sort(), [...files].sort());
  });

  test('every refusal and warning of the planner has one', () => {
    // Said by `status` and by the preview of a loss: they have their own.
    const elsewhere = ['MUS5011', 'MUS5020'];
    const planners = Object.keys(codes).filter((code) => /^MUS[45]/.test(code) && !elsewhere.includes(code));
    const texts = files.map((file) => readFileSync(join(folder, file), 'utf8'));
    const missing = planners.filter((code) => !texts.some((text) => text.includes(code)));
    assert.deepEqual(missing, []);
  });

  test('every kind of step and every cause has one', () => {
    const plans = Object.values(all).flatMap((cases) => Object.values(cases).map((make) => createPlan(make())));
    const told = (pick: (step: Plan['steps'][number]) => string): readonly string[] =>
      [...new Set(plans.flatMap((plan) => plan.steps.map(pick)))].sort();
    assert.deepEqual(
      told(({ kind }) => kind),
      ['create', 'forget', 'move', 'remove', 'replace', 'stop', 'update'],
    );
    // What nobody owns is only reported: nothing is done to orphans.
    assert.deepEqual(
      told(({ cause }) => cause),
      ['change', 'drain', 'heal', 'lost', 'new', 'preempt', 'prune', 'quota', 'rebalance', 'rollback', 'scale'],
    );
  });

  test('every reason that rules out a node has one', () => {
    const keys = Object.values(noRoom).flatMap((make) =>
      createPlan(make()).refusals.flatMap(({ byReason }) => Object.keys(byReason)),
    );
    assert.deepEqual([...new Set(keys)].sort(), [
      'addresses',
      'affinity',
      'bandwidth',
      'cores',
      'cpu',
      'devices',
      'engine',
      'gpu/a100',
      'label',
      'leaves',
      'lifecycle',
      'liveness',
      'memory',
      'perNode',
      'ports',
      'spread',
      'storage',
      'strategy',
      'taint',
      'volumes',
    ]);
  });
});

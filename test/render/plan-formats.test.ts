import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { instanceId, nodeName, planId, unitOf, workloadId } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { renderPlan } from '../../src/render/plan.ts';
import { planJsonChunks } from '../../src/render/plan-json.ts';
import { assertGolden } from '../golden.ts';
import { nodes } from '../plan/goldens/nodes.ts';
import { checkout, planOf, refused, rollout, step } from './plans.ts';

const render = (plan: Plan, format: Parameters<typeof renderPlan>[1]): string =>
  [...renderPlan(plan, format, { color: false })].join('');

const full = planOf(rollout(12, 'stop-first').steps, {
  ...refused,
  availability: { [checkout]: { lowest: 10, of: 12 } },
  quota: [{ name: 'payments', dimension: 'instances', before: 412, peak: 414, after: 412, limit: 420 }],
  goals: [
    {
      kind: 'drain',
      node: nodeName('web-a-01'),
      units: [unitOf(checkout)],
      waves: 7,
      worstCaseMs: 1_800_000,
      blocked: [],
    },
    {
      kind: 'drain',
      node: nodeName('db-a-01'),
      units: [],
      blocked: [{ instance: instanceId(workloadId('payments', 'db'), 0), reason: 'it is static: it never moves' }],
    },
  ],
  warnings: [{ code: 'MUS5010', message: 'odd, but: allowed\nso far', subject: 'payments/checkout' }],
});

describe('plan as markdown', () => {
  test('a pull request shows verdict, table, diff, waves, quota and warnings', () => {
    assertGolden('plan/rollout.md', render(full, 'markdown'));
  });

  test('a drain shows what leaves in which order, who serves meanwhile and what stays', () => {
    const make = nodes['drain in waves, daemon last, static stays'] ?? assert.fail('the world of the golden is gone');
    const plan = { ...createPlan(make()), id: planId(`sha256:${'0'.repeat(64)}`) };
    assertGolden('plan/drain.md', render(plan, 'markdown'));
  });

  test('a comment stays under 60 KB, whole and well-formed, and says what is missing', () => {
    const many = planOf(
      Array.from({ length: 4000 }, (_, index) =>
        step({
          kind: 'create',
          ordinal: index % 4,
          unit: `payments/service-with-a-long-name-${Math.floor(index / 4)}`,
        }),
      ),
    );
    const text = render(many, 'markdown');
    assert.ok(Buffer.byteLength(text) <= 60_000, `${Buffer.byteLength(text)} bytes`);
    assert.match(text, /Cut to fit a comment: the details of \d+ more workloads/);
    assert.match(text, /\*\*Plan: 4000 to create/);
    assert.equal(text.match(/<details>/g)?.length, text.match(/<\/details>/g)?.length);
  });

  test('names and values from YAML are shown, never rendered', () => {
    const changes = [
      { path: '/env/X', before: '```\n</details><script>', after: '@everyone', class: 'recreate' as const },
    ];
    const text = render(planOf([step({ kind: 'replace', ordinal: 0, changes })], { cluster: 'prod' }), 'markdown');
    assert.equal(text.match(/^```/gm)?.length, 2, 'the code block is not ended early');
  });
});

describe('plan as JSON', () => {
  test('the chunks are the plan', () => {
    assert.deepEqual(JSON.parse([...planJsonChunks(full)].join('')), full);
    assert.deepEqual(JSON.parse([...planJsonChunks(planOf([]))].join('')), planOf([]));
  });

  test('a big plan is never one string', () => {
    const big = rollout(5000);
    const longest = Math.max(...[...planJsonChunks(big)].map((chunk) => chunk.length));
    assert.ok(longest < JSON.stringify(big).length / 4, `a chunk of ${longest} characters`);
  });
});

describe('plan for CI systems', () => {
  for (const format of ['github', 'junit', 'sarif'] as const) {
    test(`${format} is as in test/golden/plan/refused.${format}`, () => {
      assertGolden(`plan/refused.${format}`, render(full, format));
    });
  }

  test('line breaks and separators cannot forge another GitHub command', () => {
    const plan = planOf([], { warnings: [{ code: 'MUS5001', message: 'a\n::error::forged', subject: 'x,y:z' }] });
    const lines = render(plan, 'github').trimEnd().split('\n');
    assert.equal(lines.length, 2);
    assert.match(lines[0] ?? '', /^::warning title=MUS5001 x%2Cy%3Az::a%0A::error::forged$/);
  });

  test('control characters do not break XML', () => {
    const plan = planOf([], {
      refusals: [{ code: 'MUS4001', subject: 'a', instances: 1, message: 'bell \u0007 <&">', byReason: {} }],
    });
    const text = render(plan, 'junit');
    assert.ok(!text.includes('\u0007'));
    assert.match(text, /message="bell · &lt;&amp;&quot;&gt;"/);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { instanceId, nodeName, unitOf, workloadId } from '../../src/model/ids.ts';
import type { Plan, StepKind } from '../../src/model/plan.ts';
import { renderPlanText } from '../../src/render/plan-text.ts';
import { assertGolden } from '../golden.ts';
import { checkout, imageChange, planOf, refused, rollout, step } from './plans.ts';

const text = (plan: Plan, width = 100): string => renderPlanText(plan, { color: false, width });

const longest = (rendered: string): number => Math.max(...rendered.split('\n').map((line) => [...line].length));

describe('plan text', () => {
  for (const kind of [
    'create',
    'update',
    'replace',
    'stop',
    'remove',
    'forget',
  ] as const satisfies readonly StepKind[]) {
    test(`a ${kind} reads as in test/golden/plan/${kind}.txt`, () => {
      const changes = kind === 'update' || kind === 'replace' ? imageChange : [];
      const cause = kind === 'create' ? 'new' : kind === 'update' || kind === 'replace' ? 'change' : 'prune';
      const reason = kind === 'create' ? 'new' : cause === 'prune' ? 'left git' : '/image, /env/LOG_LEVEL changed';
      const plan = planOf([step({ kind, ordinal: 3, changes, over: { cause, reason } })]);
      assertGolden(`plan/${kind}.txt`, text(plan));
    });
  }

  test('a drain shows moves, what stays and why', () => {
    const moves = [0, 1].map((ordinal) =>
      step({
        kind: 'move',
        ordinal,
        node: `web-a-0${ordinal + 2}`,
        from: 'web-a-01',
        wave: ordinal,
        over: { cause: 'drain', reason: 'web-a-01 is drained' },
      }),
    );
    const plan = planOf(moves, {
      availability: { [checkout]: { lowest: 2, of: 2 } },
      goals: [
        {
          kind: 'drain',
          node: nodeName('web-a-01'),
          units: [unitOf(checkout)],
          waves: 2,
          worstCaseMs: 600_000,
          blocked: [0, 1].map((ordinal) => ({
            instance: instanceId(workloadId('payments', 'db'), ordinal),
            reason: 'it is static: it never moves; remove it or bring the node back online',
          })),
        },
      ],
    });
    assertGolden('plan/drain.txt', text(plan));
  });

  test('identical diffs of many instances are shown once', () => {
    const rendered = text(rollout(12, 'stop-first'));
    assertGolden('plan/rollout.txt', rendered);
    assert.equal(rendered.match(/checkout:1\.5/g)?.length, 1);
  });

  test('a long list is cut and says how to see the rest', () => {
    const rendered = text(rollout(128));
    assert.match(rendered, /… and 112 more instances \(muster show PLAN --all, or -o json\)/);
    assert.doesNotMatch(renderPlanText(rollout(128), { color: false, width: 100, all: true }), /more instances/);
  });

  test('refusals show reasons and the nearest miss, and the verdict counts them', () => {
    const rendered = text(planOf([step({ kind: 'create', ordinal: 0 })], refused));
    assertGolden('plan/refused.txt', rendered);
    assert.match(rendered, /2 refused\.\n$/);
  });

  test('what the message of a refusal says is not said again', () => {
    const message =
      '2 of 6 instances do not fit: 28 of 40 nodes lack label disk=ssd, 12 lack memory; nearest: web-a-07 needs 2 GiB more';
    const [first] = refused.refusals ?? [];
    assert.ok(first !== undefined);
    const rendered = text(planOf([], { refusals: [{ ...first, message }] }), 200);
    assert.match(rendered, /do not fit: 28 of 40 nodes lack label/);
    assert.doesNotMatch(rendered, /ruled out|web-a-07 lacks/);
  });

  test('quota, capacity and warnings are shown with before, peak and after', () => {
    const plan = planOf([step({ kind: 'create', ordinal: 0 })], {
      quota: [
        { name: 'payments', dimension: 'cpuMillis', before: 190_000, peak: 196_500, after: 195_500, limit: 200_000 },
        { name: 'payments', dimension: 'instances', before: 412, peak: 413, after: 413, limit: 420 },
        { name: 'idle', dimension: 'cpuMillis', before: 5, peak: 5, after: 5, limit: 10 },
        { name: 'research', dimension: 'gpu/a100', before: 2, peak: 3.5, after: 2.5, limit: 8 },
        { name: 'shrunk', dimension: 'instances', before: 12, peak: 12, after: 12, limit: 10 },
      ],
      capacity: [
        {
          pod: 'web',
          dimension: 'memoryBytes',
          before: 1024 ** 4,
          peak: 1024 ** 4,
          after: 1.5 * 1024 ** 4,
          total: 2 * 1024 ** 4,
        },
      ],
      warnings: [
        { code: 'MUS5001', message: '3 nodes are not in the snapshot and are taken as empty' },
        { code: 'MUS5010', message: `${checkout}: 2 steps wait: 1 of 3 instances are unavailable`, subject: checkout },
      ],
    });
    assertGolden('plan/quota.txt', text(plan));
  });

  test('nothing to do is said in one line', () => {
    assertGolden('plan/empty.txt', text(planOf([])));
  });

  test('multi-line values are shown as a unified diff', () => {
    const script = (port: number): readonly string[] => [
      '-e',
      `const http = require('node:http');\nconst port = ${port};\nhttp.createServer(serve).listen(port);\n`,
    ];
    const changes = [{ path: '/args', before: script(80), after: script(8080), class: 'recreate' as const }];
    const rendered = text(planOf([step({ kind: 'replace', ordinal: 0, changes })]));
    assertGolden('plan/multiline.txt', rendered);
    assert.match(rendered, /-const port = 80;/);
  });

  test('a terminal of 60 columns stays readable', () => {
    const rendered = text(planOf(rollout(12, 'stop-first').steps, refused), 60);
    assertGolden('plan/narrow.txt', rendered);
    assert.ok(longest(rendered) <= 60, `a line of ${longest(rendered)} columns`);
  });

  test('colours are only there when asked for', () => {
    const plan = rollout(3);
    assert.ok(!renderPlanText(plan, { color: false }).includes('\u001b['));
    assert.ok(renderPlanText(plan, { color: true }).includes('\u001b['));
  });
});

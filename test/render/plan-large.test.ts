import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type InstanceId, nodeName, unitOf, type WorkloadId } from '../../src/model/ids.ts';
import type { Goal, Plan, Step } from '../../src/model/plan.ts';
import { renderPlanText } from '../../src/render/plan-text.ts';
import { assertGolden } from '../golden.ts';
import { planOf, rollout, step } from './plans.ts';

/** What an operator reads when thousands of instances are concerned: little, and what is unusual first. */
const text = (plan: Plan, { all = false, width = 80 } = {}): string =>
  renderPlanText(plan, { color: false, width, all });

const longest = (rendered: string): number => Math.max(...rendered.split('\n').map((line) => [...line].length));

const workloadName = (index: number): string => `shop/service-${String(index).padStart(3, '0')}`;

/** Moves off drained nodes, one or two of each workload. */
const moves = (workloads: number): readonly Step[] =>
  Array.from({ length: workloads }, (_, index) => index).flatMap((index) =>
    Array.from({ length: 1 + (index % 2) }, (_none, ordinal) =>
      step({
        kind: 'move',
        ordinal,
        unit: workloadName(index),
        node: `web-b-${index % 40}`,
        from: `web-a-${index % 7}`,
        wave: ordinal,
        over: { cause: 'drain', reason: `web-a-${index % 7} is in maintenance` },
      }),
    ),
  );

const availability = (workloads: number): Plan['availability'] =>
  Object.fromEntries(
    Array.from({ length: workloads }, (_, index) => [workloadName(index), { lowest: 2 + (index % 2), of: 3 }]),
  );

const drain = (index: number, blocked: Goal['blocked'] = []): Goal => ({
  kind: 'drain',
  node: nodeName(`web-a-${String(index).padStart(2, '0')}`),
  units: [unitOf(workloadName(index) as WorkloadId)],
  waves: 1 + (index % 3),
  worstCaseMs: 60_000 * (1 + (index % 3)),
  blocked,
});

describe('a large plan as text', () => {
  test('thousands of steps fit a few screens of 80 columns, and what is left out is added up', () => {
    const plan = planOf(moves(3334), { availability: availability(3334) });
    assert.equal(plan.steps.length, 5001);
    const rendered = text(plan);
    assert.ok(rendered.split('\n').length < 150, `${rendered.split('\n').length} lines`);
    assert.ok(longest(rendered) <= 80, `a line of ${longest(rendered)} columns`);
    const from = rendered.indexOf('… and 3319');
    assertGolden('plan/large-rest.txt', rendered.slice(from));
    assert.ok(text(plan, { all: true }).includes('shop/service-3333 '));
  });

  test('workloads that nobody is served by for a while are among those that are shown', () => {
    const last = workloadName(99) as WorkloadId;
    const plan = planOf(moves(100), { availability: { ...availability(100), [last]: { lowest: 0, of: 1 } } });
    const rendered = text(plan);
    assert.match(rendered, /^shop\/service-099 {2}.*lowest 0 of 1$/m);
    assert.match(rendered, /^Nobody serves for a while: shop\/service-099\.$/m);
    assert.doesNotMatch(rendered, /^shop\/service-039 /m);
  });

  test('a warning about a workload that is not shown is not lost', () => {
    const subject = workloadName(99);
    const message = `${subject}: 2 steps wait: 1 of 3 instances are unavailable, and at most 1 may be`;
    const rendered = text(planOf(moves(100), { warnings: [{ code: 'MUS5010', subject, message }] }), { width: 120 });
    assert.ok(rendered.includes(`▲ ${message} MUS5010`), rendered);
  });

  test('of many warnings of one kind a few are shown, and the others counted', () => {
    const warnings = Array.from({ length: 300 }, (_, index) => ({
      code: index < 290 ? 'MUS5002' : 'MUS5009',
      message: `warning ${index}`,
    }));
    const rendered = text(planOf([], { warnings }));
    assert.match(rendered, /… and 285 more like this \(MUS5002\)/);
    assert.match(rendered, /… and 5 more like this \(MUS5009\)/);
  });

  test('the waves of a long rollout are one row, as long as they do the same', () => {
    const rendered = text(rollout(5000, 'stop-first'));
    assert.match(rendered, /^ {2}2-2500 +4m → 166h40m +4998 of 5000 +-\/\+ 2 each, until healthy$/m);
    assert.match(rendered, /… and 4984 more instances/);
  });

  test('a timeline that changes with every wave is cut in the middle', () => {
    const steps = Array.from({ length: 40 }, (_, wave) =>
      Array.from({ length: 1 + (wave % 2) }, (_none, index) =>
        step({ kind: 'create', ordinal: wave * 2 + index, wave }),
      ),
    ).flat();
    const rendered = text(planOf(steps));
    assertGolden('plan/long-timeline.txt', rendered.slice(rendered.indexOf('  wave')));
    assert.match(text(planOf(steps), { all: true }), /^ {2}25 /m);
  });

  test('many nodes are drained: those that cannot be left come first, the others are counted', () => {
    const stuck = { instance: 'payments/db/0' as InstanceId, reason: 'it is static: it never moves' };
    const goals = Array.from({ length: 100 }, (_, index) => drain(index, index === 77 ? [stuck] : []));
    const rendered = text(planOf(moves(2), { goals }));
    assertGolden('plan/many-drains.txt', rendered.slice(rendered.indexOf('Drains')));
    assert.match(rendered, /1 drain blocked\.\n$/);
  });

  test('of many quotas the fullest are shown', () => {
    const quota = Array.from({ length: 200 }, (_, index) => ({
      name: `team-${String(index).padStart(3, '0')}-with-a-name-that-is-much-longer-than-its-row-can-hold`,
      dimension: 'cpuMillis' as const,
      before: 0,
      peak: index * 1000,
      after: index * 1000,
      limit: 200_000,
    }));
    const rendered = text(planOf([], { quota }));
    assert.match(rendered, /^ {2}team-199-.*… +cpu +0 +199 +199 +200 +100 %$/m);
    assert.match(rendered, /… and 175 more rows, all less full/);
    assert.ok(longest(rendered.slice(0, rendered.indexOf('… and 175'))) <= 80);
  });

  test('many instances with several reasons: how many have which', () => {
    const steps = Array.from({ length: 20 }, (_, ordinal) =>
      step({
        kind: 'move',
        ordinal,
        node: 'web-b-01',
        from: `web-a-${ordinal % 3}`,
        over: { cause: 'drain', reason: `web-a-${ordinal % 3} is in maintenance` },
      }),
    );
    assert.match(text(planOf(steps)), /^ {8}7 × web-a-0 is in maintenance\n {8}7 × web-a-1 .*\n {8}6 × web-a-2 /m);
  });
});

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { present } from '../../src/model/assert.ts';
import { expandStep } from '../../src/model/effects.ts';
import { runId, unitOf } from '../../src/model/ids.ts';
import type { ProgressEvent, RunOutcome } from '../../src/reconcile/progress.ts';
import { renderHistoryText } from '../../src/render/history.ts';
import { renderOutcomeText } from '../../src/render/outcome.ts';
import { createProgress } from '../../src/render/progress.ts';
import { assertGolden } from '../golden.ts';
import { checkout, rollout } from './plans.ts';

const plan = rollout(2);
const unit = unitOf(checkout);
const run = runId('20261121-220000-abcd');
const effects = expandStep(present(plan.steps[0], 'a step'));

/** A rollout that goes wrong in its second effect and is undone. */
function story(): readonly ProgressEvent[] {
  const [reserve, pull, create, start, healthy] = effects.slice(0, 5).map((effect) => present(effect, 'an effect'));
  const done = (effect: typeof reserve, undo = false): readonly ProgressEvent[] => [
    { kind: 'effectStarted', unit, effect: present(effect, 'effect'), undo },
    { kind: 'effectDone', unit, effect: present(effect, 'effect'), undo, tookMs: 420 },
  ];
  const reason = 'not healthy within 5 s: GET http://127.0.0.1:31001/healthz answered 503';
  const failing = present(healthy, 'await');
  return [
    { kind: 'runStarted', run, plan },
    { kind: 'unitStarted', unit },
    { kind: 'waveStarted', unit, wave: 0, of: 2 },
    ...[reserve, pull, create, start].flatMap((effect) => done(effect)),
    { kind: 'waiting', unit, what: 'waiting for 2 good checks' },
    { kind: 'effectStarted', unit, effect: failing, undo: false },
    { kind: 'effectFailed', unit, effect: failing, undo: false, error: reason },
    { kind: 'unitFailed', unit, reason },
    ...done(start, true),
    { kind: 'unitEnded', unit, result: { unit, state: 'undone', reason } },
    { kind: 'runEnded', outcome: outcome() },
  ];
}

const outcome = (): RunOutcome => ({
  run,
  units: [{ unit, state: 'undone', reason: 'payments/checkout/0#5 on web-a-01: not healthy within 5 s' }],
  startedAt: 0,
  endedAt: 6_500,
});

function terminal(columns: number, isTTY: boolean) {
  const state = { isTTY, columns, rows: 24, text: '', write: (text: string) => (state.text += text) };
  return state;
}

describe('progress', () => {
  test('a pipe gets one plain line an event, without colours or cursor movements', () => {
    const target = terminal(80, false);
    const progress = createProgress(target, { color: false, now: () => 0 });
    for (const event of story()) progress.report(event);
    progress.close();
    assert.ok(!target.text.includes('\u001b'));
    assertGolden('progress/lines.txt', target.text);
  });

  for (const columns of [100, 60, 40]) {
    test(`a terminal of ${columns} columns gets a block that is redrawn in place and never wraps`, () => {
      const target = terminal(columns, true);
      const progress = createProgress(target, { color: false, now: () => 0 });
      for (const event of story()) progress.report(event);
      progress.close();
      progress.close();
      const screen = replay(target.text);
      assert.equal(screen.filter((line) => line.startsWith('payments/checkout ')).length, 1, screen.join('\n'));
      assert.match(screen.find((line) => line.startsWith('payments/checkout ')) ?? '', /undone/);
      assert.match(screen.at(-1) ?? '', /1 of 1 workloads ended/);
      const block = screen.slice(-2);
      assert.ok(block.every((line) => [...line].length < columns));
      assert.ok(
        screen.some((line) => line.includes('await failed')),
        'failures stay above the block',
      );
    });
  }

  test('more workloads than rows are cut, the busy ones first', () => {
    const target = { ...terminal(80, true), rows: 8 };
    let text = '';
    target.write = (part: string) => (text += part);
    const progress = createProgress(target, { color: false, now: () => 0 });
    for (let index = 0; index < 50; index += 1)
      progress.report({ kind: 'unitStarted', unit: unitOf(`a/u${index}` as typeof checkout) });
    progress.report({ kind: 'waiting', unit: unitOf('a/u49' as typeof checkout), what: 'for a node' });
    progress.close();
    const screen = replay(text);
    assert.ok(screen.length <= 8, screen.join('\n'));
    assert.match(screen[0] ?? '', /^a\/u49 .*for a node/);
    assert.ok(
      screen.some((line) => line.startsWith('… and 45 more')),
      screen.join('\n'),
    );
  });
});

describe('how a run ended', () => {
  test('what is not done is told with its reason', () => {
    assertGolden('progress/outcome.txt', renderOutcomeText(outcome(), { color: false, width: 80 }));
    const good = renderOutcomeText({ ...outcome(), units: [{ unit, state: 'done' }] }, { color: false });
    assert.equal(good, 'Applied: 1 workload done in 6.5s.\n');
  });

  test('history shows when, who, which commit, what and how it ended', () => {
    const base = { run, plan: plan.id, actor: 'ada@build-7', commits: plan.basis.commits, summary: plan.summary };
    const entries = [
      {
        ...base,
        startedAt: Date.UTC(2026, 10, 21, 22),
        endedAt: Date.UTC(2026, 10, 21, 22, 3),
        units: outcome().units,
      },
      {
        ...base,
        startedAt: Date.UTC(2026, 10, 21, 21),
        endedAt: Date.UTC(2026, 10, 21, 21, 0, 4),
        units: [{ unit, state: 'done' as const }],
      },
    ];
    assertGolden('progress/history.txt', renderHistoryText(entries, { color: false, width: 80 }));
    assert.equal(renderHistoryText([], { color: false }), 'Nothing has been applied yet.\n');
  });
});

/** What a terminal shows in the end: just enough of one for cursor-up and erase-below. */
function replay(text: string): readonly string[] {
  const lines: string[] = [''];
  // biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with a control character
  for (const part of text.split(/(\u001b\[\d+A\r\u001b\[J|\n)/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: as above
    const up = /^\u001b\[(\d+)A/.exec(part);
    if (up !== null) lines.splice(lines.length - 1 - Number(up[1]), Number.POSITIVE_INFINITY, '');
    else if (part === '\n') lines.push('');
    else lines[lines.length - 1] += part;
  }
  return lines.filter((line) => line !== '');
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeName } from '../../src/model/ids.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { type RebalanceOptions, rebalance } from '../../src/plan/rebalance.ts';
import { type PlannedRebalance, renderBetterText, renderRebalance } from '../../src/render/rebalance.ts';
import { assertGolden } from '../golden.ts';
import { GiB, node, podName, spread, withRunning, workload, world } from '../plan/world.ts';

/** Two zones: the checkout is crowded into one, the ledger cannot go anywhere. */
function cluster(): PlanInputs {
  const web = (name: string, zone: string, memory = 8) =>
    node(name, { zone, capacity: { cpuMillis: 8000, memoryBytes: memory * GiB } });
  const byZone = [{ by: 'zone', minDomains: 2 }] as const;
  const ledgerOnly = { disk: 'ssd' };
  return withRunning(
    world({
      nodes: [
        web('web-a-01', 'a'),
        web('web-a-02', 'a'),
        web('web-b-01', 'b'),
        { ...web('ledger-01', 'a', 3), labels: ledgerOnly },
        { ...web('ledger-02', 'a', 1), labels: ledgerOnly, overcommitCpuMilli: 10 },
      ],
      workloads: [
        workload('payments/checkout', {
          replicas: 5,
          placement: { pods: [podName('web')], require: {}, tolerate: [], partial: true, spread: byZone, perNode: 4 },
        }),
        workload('payments/ledger', {
          replicas: 3,
          placement: { pods: [podName('web')], require: ledgerOnly, tolerate: [], partial: true },
        }),
      ],
    }),
    [
      ...spread('payments/checkout', 5, ['web-a-01', 'web-a-01', 'web-a-02', 'web-a-02', 'web-b-01']),
      ...spread('payments/ledger', 3, ['ledger-01']),
    ],
  );
}

function rebalanced(options: Partial<RebalanceOptions> = {}): PlannedRebalance {
  const result = rebalance(cluster(), { goal: { kind: 'even' }, maxMoves: 10, ...options });
  assert.ok(result.kind === 'planned');
  return result;
}

const text = (result: PlannedRebalance): string => renderRebalance(result, 'text', { color: false, width: 100 });
const after = (result: PlannedRebalance): string => renderBetterText(result, { color: false, width: 100 });

describe('rebalance in text', () => {
  test('what gets better and what is left read as in test/golden/rebalance/even.txt, after the plan', () => {
    const result = rebalanced();
    assertGolden('rebalance/even.txt', after(result));
    assert.match(text(result), /^Plan for cluster prod\n/);
    assert.ok(text(result).endsWith(after(result)));
  });

  test('emptied nodes read as in test/golden/rebalance/empty.txt', () => {
    const nodes = [nodeName('web-a-02')];
    assertGolden('rebalance/empty.txt', after(rebalanced({ goal: { kind: 'empty', nodes }, maxMoves: 1 })));
    assertGolden('rebalance/empty-all.txt', after(rebalanced({ goal: { kind: 'empty', nodes } })));
  });

  test('where nothing gets better it says so', () => {
    const pods = [podName('db')];
    assert.match(text(rebalanced({ pods })), /\nNothing would get better\.\n$/);
  });
});

test('markdown adds what gets better to that of the plan', () => {
  const rendered = renderRebalance(rebalanced(), 'markdown', { color: false });
  assert.match(rendered, /^### .+ Muster: cluster `prod`\n/u);
  assert.match(
    rendered,
    /\| payments\/checkout \| 4 \/ 1 → 3 \/ 2 \| instances in the fullest and the emptiest zone \|\n/,
  );
});

test('JSON is the answer itself, with its version', () => {
  const result = rebalanced();
  const parsed: unknown = JSON.parse(renderRebalance(result, 'json', { color: false }));
  assert.deepEqual(parsed, JSON.parse(JSON.stringify({ formatVersion: '1.0', ...result })));
});

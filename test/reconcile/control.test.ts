import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runId, unitOf, workloadId } from '../../src/model/ids.ts';
import { createLiveRuns } from '../../src/reconcile/control.ts';

test('a run that ends lets go of its own units, not of what another run has begun of them since', () => {
  const live = createLiveRuns();
  const [first, second] = [live.open(runId('run-1')), live.open(runId('run-2'))];
  const unit = unitOf(workloadId('shop', 'api'));
  live.begin(unit, first);
  live.end(unit, first);
  live.begin(unit, second);
  // The rest of the first run has come to its end as well.
  live.end(unit, first);
  assert.equal(live.runOf(unit), runId('run-2'));
  assert.deepEqual(
    live.claims().map(({ run }) => run),
    ['run-2'],
  );
  live.end(unit, second);
  assert.equal(live.runOf(unit), undefined);
});

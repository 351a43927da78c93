import assert from 'node:assert/strict';
import { test } from 'node:test';
import { afterAttempt, type BackoffState, notBefore } from '../../src/drift/backoff.ts';
import { type UnitId, unitOf, workloadId } from '../../src/model/ids.ts';

const unit = unitOf(workloadId('shop', 'web'));
const settings = { firstMs: 1_000, maxMs: 8_000, forgetAfterMs: 60_000 };

function attempts(times: readonly number[], key = 'k'): ReadonlyMap<UnitId, BackoffState> {
  return times.reduce<ReadonlyMap<UnitId, BackoffState>>(
    (states, now) => afterAttempt(states, { unit, key, now }, settings),
    new Map(),
  );
}

test('the first attempt waits for nothing', () => {
  assert.equal(notBefore(new Map(), unit, 'k'), 0);
});

test('attempts that follow each other wait twice as long each time, up to the maximum', () => {
  assert.equal(notBefore(attempts([0]), unit, 'k'), 1_000);
  assert.equal(notBefore(attempts([0, 1_000]), unit, 'k'), 3_000);
  assert.equal(notBefore(attempts([0, 1_000, 3_000]), unit, 'k'), 7_000);
  assert.equal(notBefore(attempts([0, 1, 2, 3, 4, 5, 6]), unit, 'k'), 8_006);
});

test('another definition of the workload is not held up by failures of the last one', () => {
  assert.equal(notBefore(attempts([0, 1, 2]), unit, 'another'), 0);
});

test('after a quiet time the count starts again', () => {
  assert.equal(notBefore(attempts([0, 1, 2, 70_000]), unit, 'k'), 71_000);
});

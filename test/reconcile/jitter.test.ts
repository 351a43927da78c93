import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { jittered } from '../../src/reconcile/jitter.ts';

describe('jitter', () => {
  const waits = Array.from({ length: 1000 }, (_, i) => jittered(1000, `node-${i} docker create 250`));

  test('is between half of the wait and all of it, and the same every time', () => {
    assert.ok(waits.every((wait) => wait >= 500 && wait <= 1000));
    assert.equal(jittered(1000, 'node-1 docker create 250'), waits[1]);
  });

  test('spreads those that failed together over the whole of it', () => {
    const tenths = Array.from({ length: 10 }, (_, i) => waits.filter((w) => Math.floor((w - 500) / 50.1) === i).length);
    assert.ok(
      tenths.every((count) => count > 50 && count < 200),
      `${tenths}`,
    );
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { formatInstant, parseInstant } from '../../src/model/instant.ts';

describe('instants', () => {
  it('are written as the platform writes them, and read back', () => {
    const milliseconds = fc.integer({ min: Date.UTC(1600, 0, 1), max: Date.UTC(2500, 0, 1) });
    fc.assert(
      fc.property(milliseconds, (ms) => {
        assert.equal(formatInstant(ms), new Date(ms).toISOString());
        assert.equal(parseInstant(formatInstant(ms)), ms);
      }),
    );
  });

  it('are read with any offset and any number of decimals', () => {
    assert.equal(parseInstant('2026-11-21T22:40:03+08:00'), Date.UTC(2026, 10, 21, 14, 40, 3));
    assert.equal(parseInstant('2026-11-21T22:40:03.5-01:30'), Date.UTC(2026, 10, 22, 0, 10, 3, 500));
    assert.equal(parseInstant('2024-02-29 00:00:00Z'), Date.UTC(2024, 1, 29));
  });

  it('are not read from days that do not exist, or from other text', () => {
    for (const text of [
      '2026-02-29T00:00:00Z',
      '2026-13-01T00:00:00Z',
      '2026-01-01',
      'yesterday',
      '2026-01-01T24:00:00Z',
    ]) {
      assert.equal(parseInstant(text), undefined, text);
    }
  });
});

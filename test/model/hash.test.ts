import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, sha256Hex } from '../../src/model/hash.ts';

describe('hashes', () => {
  it('SHA-256 is that of node:crypto for every length around the block boundaries', () => {
    for (let length = 0; length <= 200; length += 1) {
      const text = 'é1'.repeat(length).slice(0, length);
      assert.equal(sha256Hex(text), reference(text), `length ${length}`);
    }
    const large = 'muster '.repeat(50_000);
    assert.equal(sha256Hex(large), reference(large));
  });

  it('SHA-256 is that of node:crypto for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        assert.equal(sha256Hex(text), reference(text));
      }),
      { numRuns: 200 },
    );
  });

  it('canonical JSON is the same whatever order keys were set in, and reads back as what was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        assert.equal(canonicalJson(reversed), canonicalJson(value));
        assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)));
      }),
      { numRuns: 200 },
    );
  });

  it('canonical JSON leaves out members that are undefined', () => {
    assert.equal(canonicalJson({ b: undefined, a: [undefined, null, true, 1, 'x'] }), '{"a":[null,null,true,1,"x"]}');
    assert.equal(canonicalJson({ only: undefined }), '{}');
  });
});

const reference = (text: string): string => createHash('sha256').update(text).digest('hex');

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { share, shareByName } from '../../src/model/share.ts';

test('what is equal is the very same, what is not is as the new one has it', () => {
  const before = { a: { x: [1, 2] }, b: { y: 'old' }, c: [{ n: 1 }, { n: 2 }] };
  const next = { a: { x: [1, 2] }, b: { y: 'new' }, c: [{ n: 1 }, { n: 3 }] };
  const shared = share(before, next);
  assert.deepEqual(shared, { a: { x: [1, 2] }, b: { y: 'new' }, c: [{ n: 1 }, { n: 3 }] });
  assert.equal(shared.a, before.a);
  assert.notEqual(shared.b, before.b);
  assert.equal(shared.c[0], before.c[0]);
  assert.deepEqual([before.b, next.a === before.a], [{ y: 'old' }, false], 'neither is changed');
});

test('something that came, went or is another kind of thing is a difference', () => {
  const pairs: readonly (readonly [unknown, unknown])[] = [
    [{ a: 1 }, { a: 1, b: undefined }],
    [{ a: 1, b: undefined }, { a: 1 }],
    [[1], [1, 2]],
    [[1, 2], [1]],
    [{ 0: 1 }, [1]],
    [new Map([['a', 1]]), new Map([['b', 1]])],
    [new Map([['a', 1]]), { a: 1 }],
    [null, {}],
    [1, '1'],
  ];
  for (const [previous, next] of pairs) {
    const shared = share(previous, next);
    assert.deepEqual(shared, next);
    assert.notEqual(shared, previous);
  }
});

test('a list by name keeps its items whatever comes before them', () => {
  const before = [
    { name: 'b', at: { x: 1 } },
    { name: 'c', at: { x: 2 } },
  ];
  const next = [
    { name: 'a', at: { x: 0 } },
    { name: 'b', at: { x: 1 } },
    { name: 'c', at: { x: 2 } },
  ];
  const shared = shareByName(before, next, ({ name }) => name);
  assert.deepEqual(shared, next);
  assert.deepEqual([shared[1] === before[0], shared[2] === before[1]], [true, true]);
  assert.equal(
    shareByName(before, structuredClone(before), ({ name }) => name),
    before,
  );
});

test('whatever the data: the result equals the new value, and is the old one when that does', () => {
  const data = fc.oneof(fc.jsonValue(), fc.dictionary(fc.string(), fc.jsonValue(), { noNullPrototype: true }));
  fc.assert(
    fc.property(data, data, (previous, next) => {
      assert.deepEqual(share(previous, next), next);
      assert.ok(Object.is(share(previous, structuredClone(previous)), previous));
    }),
  );
});

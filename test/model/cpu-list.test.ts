import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatCpuList, parseCpuList } from '../../src/model/cpu-list.ts';

test('a list of cores is read as the kernel writes it', () => {
  assert.deepEqual(parseCpuList('0-3,8'), [0, 1, 2, 3, 8]);
  assert.deepEqual(parseCpuList('8, 0-1'), [0, 1, 8]);
  assert.deepEqual(parseCpuList('7'), [7]);
});

test('what is not a list of cores, each once, is none', () => {
  for (const text of ['', '0-', '3-0', '0-3,2', '1,1', 'a', '-1', '0,,1', '0-99999', '0-8192']) {
    assert.equal(parseCpuList(text), undefined, text);
  }
});

test('a list that is written is read as the same cores', () => {
  assert.equal(formatCpuList([0, 1, 2, 4]), '0-2,4');
  assert.equal(formatCpuList([]), '');
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat({ max: 300 }), { minLength: 1 }), (some) => {
      const cores = some.sort((a, b) => a - b);
      assert.deepEqual(parseCpuList(formatCpuList(cores)), cores);
    }),
  );
});

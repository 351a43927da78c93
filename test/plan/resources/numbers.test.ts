import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  countFree,
  lowestFree,
  openNumbers,
  releaseNumber,
  takeNumber,
  timesTaken,
} from '../../../src/plan/resources/numbers.ts';

/** Around the ends of words and pages, and of what 32 bits with a sign can say. */
const bases = [0, 1000, 65_000, 2 ** 31 - 40, 2 ** 32 - 80];

const anyScene = fc.record({
  base: fc.constantFrom(...bases),
  full: fc.nat({ max: 70 }),
  moves: fc.array(fc.record({ offset: fc.nat({ max: 79 }), sign: fc.constantFrom(1, 1, -1) }), { maxLength: 60 }),
  first: fc.nat({ max: 79 }),
  length: fc.nat({ max: 79 }),
  atMost: fc.nat({ max: 90 }),
});

test('numbers are taken and free as a plain count of takes and releases says', () => {
  fc.assert(
    fc.property(anyScene, ({ base, full, moves, first, length, atMost }) => {
      const numbers = openNumbers();
      const counts = new Map<number, number>();
      const move = (number: number, sign: number): void => {
        (sign > 0 ? takeNumber : releaseNumber)(numbers, number);
        counts.set(number, (counts.get(number) ?? 0) + sign);
      };
      for (let offset = 0; offset < full; offset += 1) move(base + offset, 1);
      for (const { offset, sign } of moves) move(base + offset, sign);
      const range = { first: base + first, last: base + first + length };
      const free: number[] = [];
      for (let number = range.first; number <= range.last; number += 1) {
        assert.equal(timesTaken(numbers, number), counts.get(number) ?? 0);
        if ((counts.get(number) ?? 0) <= 0) free.push(number);
      }
      assert.equal(lowestFree(numbers, range), free[0]);
      assert.equal(countFree(numbers, range, atMost), Math.min(free.length, atMost));
    }),
  );
});

test('taking says that it was free before, releasing that it is free now', () => {
  const numbers = openNumbers();
  const told = [takeNumber, takeNumber, releaseNumber, releaseNumber].map((move) => move(numbers, 7));
  assert.deepEqual(told, [true, false, false, true]);
});

test('a full page is passed over to the next', () => {
  const numbers = openNumbers();
  for (let number = 0; number < 4096; number += 1) takeNumber(numbers, number);
  releaseNumber(numbers, 3000);
  assert.equal(lowestFree(numbers, { first: 0, last: 5000 }), 3000);
  assert.equal(lowestFree(numbers, { first: 3001, last: 5000 }), 4096);
  assert.equal(lowestFree(numbers, { first: 3001, last: 4095 }), undefined);
  assert.equal(countFree(numbers, { first: 0, last: 5000 }, 10_000), 1 + 905);
});

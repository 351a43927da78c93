import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { openWriter } from '../../src/reconcile/writer.ts';
import { assertTransaction } from '../../src/store/limits.ts';
import { maxOperations, type Operation } from '../../src/store/store.ts';

const put = (key: string, value = ''): Operation => ({ kind: 'put', key, value });

/** A store that takes its time, and what it was given. */
function slowStore(refuses: (operations: readonly Operation[]) => boolean = () => false) {
  const transactions: (readonly Operation[])[] = [];
  let under = 0;
  const writer = openWriter(async (operations) => {
    assert.equal(under, 0, 'one transaction at a time: later writes never overtake earlier ones');
    under += 1;
    await sleep(1);
    under -= 1;
    if (refuses(operations)) throw new Error('refused');
    transactions.push(operations);
  });
  return { writer, transactions };
}

describe('writes of a run', () => {
  it('those that are asked for at the same time go together, and resolve when they are durable', async () => {
    const { writer, transactions } = slowStore();
    await Promise.all(Array.from({ length: 10 }, (_, index) => writer.write([put(`a${index}`)])));
    assert.deepEqual(
      transactions.map(({ length }) => length),
      [10],
    );
    const first = writer.write([put('b')]);
    assert.equal(transactions.length, 1);
    await first;
    assert.equal(transactions.length, 2);
  });

  it('whatever is asked for: each write is whole in one transaction, in order, and every transaction is one that a store takes', async () => {
    const writes = fc.array(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 40 }), fc.constantFrom(1, 100, 200_000)), {
        minLength: 1,
        maxLength: 40,
      }),
      { maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(writes, async (asked) => {
        const { writer, transactions } = slowStore();
        const own = asked.map((write, number) =>
          [...new Map(write.map(([key, chars]) => [`k${key}`, put(`k${key}`, `${number}`.padEnd(chars))]))].map(
            ([, operation]) => operation,
          ),
        );
        await Promise.all(own.map((operations) => writer.write(operations)));
        assert.deepEqual(transactions.flat(), own.flat(), 'nothing is lost, doubled or overtaken');
        for (const operations of transactions) {
          const parts = own.filter((write) => write.some((operation) => operations.includes(operation)));
          assert.deepEqual(parts.flat(), operations, 'no write is torn apart');
          if (parts.length > 1) assertTransaction({ compares: [], operations });
        }
      }),
      { numRuns: 30 },
    );
  });

  it('one that is refused takes along what was in its transaction, and nothing else', async () => {
    const { writer, transactions } = slowStore((operations) => operations.some(({ key }) => key === 'bad'));
    const together = [writer.write([put('bad')]), writer.write([put('with it')])];
    await Promise.all(together.map((write) => assert.rejects(write, /refused/)));
    await writer.write([put('after')]);
    assert.deepEqual(transactions, [[put('after')]]);
  });

  it('a group never has more operations than a transaction takes', async () => {
    const { writer, transactions } = slowStore();
    const count = maxOperations * 2 + 1;
    await Promise.all(Array.from({ length: count }, (_, index) => writer.write([put(`k${index}`)])));
    assert.deepEqual(
      transactions.map(({ length }) => length),
      [maxOperations, maxOperations, 1],
    );
  });
});

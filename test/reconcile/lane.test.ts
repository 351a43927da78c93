import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openLane } from '../../src/reconcile/lane.ts';
import { openPatience } from '../../src/reconcile/patience.ts';

/** Work that ends when it is told to. */
function held(): { readonly work: () => Promise<void>; readonly end: () => void; readonly began: () => boolean } {
  let end = (): void => undefined;
  let began = false;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    work: () => {
      began = true;
      return ended;
    },
    end: () => end(),
    began: () => began,
  };
}

test('so many at a time, in the order in which they came', async () => {
  const inLane = openLane({ places: 2, patienceMs: 60_000, mostBeside: 10 });
  const all = [held(), held(), held(), held()];
  const ended = all.map(({ work }) => inLane(work));
  await sleep(0);
  assert.deepEqual(
    all.map(({ began }) => began()),
    [true, true, false, false],
  );
  all[1]?.end();
  await ended[1];
  await sleep(0);
  assert.deepEqual(
    all.map(({ began }) => began()),
    [true, true, true, false],
  );
  for (const { end } of all) end();
  await Promise.all(ended);
});

test('what takes long goes on beside while others wait, as many as there is room for', async () => {
  const inLane = openLane({ places: 2, patienceMs: 20, mostBeside: 3 });
  const stuck = [held(), held(), held(), held(), held()];
  const ended = stuck.map(({ work }) => inLane(work));
  const waits = held();
  const last = inLane(waits.work);
  await sleep(150);
  // Two in place and three beside: there is no room for the sixth.
  assert.deepEqual(
    stuck.map(({ began }) => began()),
    [true, true, true, true, true],
  );
  assert.equal(waits.began(), false);
  stuck[0]?.end();
  await ended[0];
  await sleep(60);
  assert.equal(waits.began(), true);
  for (const { end } of [...stuck, waits]) end();
  await Promise.all([...ended, last]);
});

test('a failure gives the place back', async () => {
  const inLane = openLane({ places: 1, patienceMs: 60_000, mostBeside: 0 });
  await assert.rejects(
    inLane(() => Promise.reject(new Error('no'))),
    /no/,
  );
  assert.equal(await inLane(async () => 7), 7);
});

test('what did not answer in time is waited for less, and now and then the whole time again', () => {
  const patience = openPatience();
  const deadlines = Array.from({ length: 8 }, () => {
    const deadlineMs = patience.deadlineFor('n1/docker');
    patience.timedOut('n1/docker');
    return deadlineMs;
  });
  assert.deepEqual(deadlines, [10_000, 2_000, 2_000, 2_000, 2_000, 2_000, 10_000, 2_000]);
  assert.equal(patience.deadlineFor('n2/docker'), 10_000);
  patience.answered('n1/docker');
  assert.equal(patience.deadlineFor('n1/docker'), 10_000);
});

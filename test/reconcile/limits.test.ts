import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { DesiredCluster } from '../../src/model/desired.ts';
import { nodeName, podName } from '../../src/model/ids.ts';
import { type CallAt, createLimits, type Limits } from '../../src/reconcile/limits.ts';

/** Calls that end when they are told to, and a clock that goes on when it is told to. */
function bench(apply: DesiredCluster['apply']) {
  let now = 0;
  const sleepers: { readonly at: number; readonly wake: () => void }[] = [];
  const running: { readonly name: string; readonly end: () => void }[] = [];
  const startedAt = new Map<string, number>();
  const limits: Limits = createLimits({
    apply,
    podOf: (node) => podName(node.startsWith('web') ? 'web' : 'db'),
    signal: new AbortController().signal,
    clock: {
      now: () => now,
      monotonic: () => now,
      sleep: (ms) => new Promise((wake) => void sleepers.push({ at: now + ms, wake })),
    },
  });
  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i += 1) await turn();
  };
  return {
    startedAt,
    begin(name: string, at: Partial<CallAt> = {}): void {
      const where: CallAt = { node: nodeName('web-1'), engine: 'docker', kind: 'create', ...at };
      void limits.change(where, () => {
        startedAt.set(name, now);
        return new Promise<void>((end) => void running.push({ name, end }));
      });
    },
    running: async (): Promise<readonly string[]> => {
      await settled();
      return running.map(({ name }) => name);
    },
    async end(name: string): Promise<void> {
      const index = running.findIndex((call) => call.name === name);
      running.splice(index, 1)[0]?.end();
      await settled();
    },
    async advance(ms: number): Promise<void> {
      await settled();
      now += ms;
      for (const sleeper of sleepers.filter(({ at }) => at <= now)) {
        sleepers.splice(sleepers.indexOf(sleeper), 1);
        sleeper.wake();
      }
      await settled();
    },
  };
}

const wide = { parallelism: 100, perNode: 100 };

describe('named limits', () => {
  test('a batch is the most at once; the next starts when one ends', async () => {
    const calls = bench({ ...wide, limits: { 'pod/web': { batch: 2, everyMs: 0 } } });
    for (const name of ['a', 'b', 'c']) calls.begin(name);
    calls.begin('other pod', { node: nodeName('db-1') });
    assert.deepEqual([...(await calls.running())].sort(), ['a', 'b', 'other pod']);
    await calls.end('a');
    assert.deepEqual([...(await calls.running())].sort(), ['b', 'c', 'other pod']);
  });

  test('`every` is the least time between two starts', async () => {
    const calls = bench({ ...wide, limits: { 'engine/docker': { everyMs: 10 } } });
    for (const name of ['a', 'b', 'c']) calls.begin(name);
    await calls.advance(10);
    await calls.advance(10);
    assert.deepEqual(
      [...calls.startedAt],
      [
        ['a', 0],
        ['b', 10],
        ['c', 20],
      ],
    );
  });

  test('`registry` bounds pulls, and nothing else', async () => {
    const calls = bench({ ...wide, limits: { registry: { batch: 1, everyMs: 0 } } });
    calls.begin('pull 1', { kind: 'pull' });
    calls.begin('pull 2', { kind: 'pull', node: nodeName('web-2') });
    calls.begin('create');
    assert.deepEqual([...(await calls.running())].sort(), ['create', 'pull 1']);
  });

  test('all that apply hold: who waits for one keeps no place that others could use', async () => {
    const calls = bench({ parallelism: 2, perNode: 1, limits: { 'node/web-1': { batch: 1, everyMs: 1000 } } });
    calls.begin('a');
    calls.begin('b');
    assert.deepEqual(await calls.running(), ['a']);
    await calls.end('a');
    assert.deepEqual(await calls.running(), [], 'b waits for its turn');
    calls.begin('elsewhere 1', { node: nodeName('web-2') });
    calls.begin('elsewhere 2', { node: nodeName('web-3') });
    assert.deepEqual(await calls.running(), ['elsewhere 1', 'elsewhere 2']);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/reconcile/clock.ts';
import { createWake } from '../../src/reconcile/triggers.ts';

const never = new AbortController().signal;
const longMs = 20_000;

test('signals between two waits are one', async () => {
  const wake = createWake(systemClock);
  wake.signal('engine');
  wake.signal('engine');
  assert.equal(await wake.wait({ timeoutMs: longMs, signal: never }), 'engine');
  assert.equal(await wake.wait({ timeoutMs: 1, signal: never }), 'resync');
});

test('a commit is not lost behind an engine event that came first', async () => {
  const wake = createWake(systemClock);
  wake.signal('engine');
  wake.signal('source');
  wake.signal('engine');
  assert.equal(await wake.wait({ timeoutMs: longMs, signal: never }), 'source');
});

test('a signal ends a wait at once, and so does a stop', async () => {
  const wake = createWake(systemClock);
  const waiting = wake.wait({ timeoutMs: longMs, signal: never });
  wake.signal('source');
  assert.equal(await waiting, 'source');
  const stop = new AbortController();
  const stopped = wake.wait({ timeoutMs: longMs, signal: stop.signal });
  stop.abort();
  assert.equal(await stopped, 'resync');
});

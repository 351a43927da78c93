import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { stepId } from '../../src/model/ids.ts';
import { enter, initialStatus, nextStatus, replay, type UnitEvent, type UnitStatus } from '../../src/reconcile/saga.ts';

const started = (effect: string): UnitEvent => ({ kind: 'effectStarted', effect });
const done = (effect: string): UnitEvent => ({ kind: 'effectDone', effect });
const gateFailure: UnitEvent = { kind: 'failed', failure: { kind: 'gate', reason: 'not healthy' } };

test('a unit that passes its waves commits, settles and is done', () => {
  const status = replay([
    started('a'),
    done('a'),
    { kind: 'waveDone', wave: 0 },
    { kind: 'committed' },
    started('b'),
    done('b'),
    { kind: 'ended', state: 'done' },
  ]).status;
  assert.equal(status.state, 'done');
  assert.equal(status.wavesDone, 1);
});

test('a failure turns a unit around, and it ends undone', () => {
  const status = replay([
    started('a'),
    done('a'),
    gateFailure,
    started('undo:a'),
    done('undo:a'),
    { kind: 'ended', state: 'undone' },
  ]).status;
  assert.equal(status.state, 'undone');
  assert.equal(status.failure?.kind, 'gate');
});

test('what was started and not done is known after a crash', () => {
  const { effects } = replay([started('a'), started('b'), done('a')]);
  assert.deepEqual(
    [...effects],
    [
      ['a', 'done'],
      ['b', 'started'],
    ],
  );
});

test('an effect that is done again after a crash is open until it is done', () => {
  const ledger = replay([started('a')]);
  enter(ledger, started('a'));
  assert.equal(ledger.effects.get('a'), 'started');
});

test('a refused event leaves the ledger as it was', () => {
  const ledger = replay([{ kind: 'committed' }]);
  assert.throws(() => enter(ledger, { kind: 'stepSettled', step: stepId('s1') }), /illegal/);
  assert.equal(ledger.settled.size, 0);
});

test('a stuck unit that is tried again goes on where it was stuck', () => {
  const unwinding = replay([gateFailure, { kind: 'ended', state: 'stuck' }, { kind: 'retried' }]);
  assert.equal(unwinding.status.state, 'unwinding');
  const settling = replay([{ kind: 'committed' }, { kind: 'ended', state: 'stuck' }, { kind: 'retried' }]);
  assert.equal(settling.status.state, 'settling');
});

test('illegal transitions throw', () => {
  const illegal: readonly (readonly UnitEvent[])[] = [
    [done('never started')],
    [{ kind: 'waveDone', wave: 1 }],
    [{ kind: 'committed' }, gateFailure],
    [{ kind: 'ended', state: 'done' }],
    [gateFailure, { kind: 'committed' }],
    [gateFailure, { kind: 'ended', state: 'done' }],
    [{ kind: 'committed' }, { kind: 'ended', state: 'undone' }],
    [{ kind: 'committed' }, { kind: 'stepSettled', step: stepId('s1') }],
    [{ kind: 'retried' }],
    [{ kind: 'committed' }, { kind: 'ended', state: 'done' }, started('a')],
  ];
  for (const events of illegal) assert.throws(() => replay(events), /illegal transition/, JSON.stringify(events));
});

test('whatever the journal holds, the function either moves on or throws: a terminal state is never left but by a retry', () => {
  const event = fc.oneof(
    fc.constantFrom('a', 'b', 'c').map(started),
    fc.constantFrom('a', 'b', 'c').map(done),
    fc.constantFrom(0, 1, 2).map((wave): UnitEvent => ({ kind: 'waveDone', wave })),
    fc.constantFrom<UnitEvent>(gateFailure, { kind: 'committed' }, { kind: 'retried' }),
    fc.constantFrom('done', 'undone', 'stuck').map((state): UnitEvent => ({ kind: 'ended', state })),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 30 }), (events) => {
      let status: UnitStatus = initialStatus;
      for (const each of events) {
        const before = status;
        try {
          status = nextStatus(status, each);
        } catch {
          continue;
        }
        if (before.state === 'done' || before.state === 'undone') assert.fail(`left ${before.state} by ${each.kind}`);
        if (before.state === 'stuck') assert.equal(each.kind, 'retried');
      }
    }),
  );
});

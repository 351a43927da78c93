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

const told = { actor: 'alice@desk', reason: 'later' };
const paused: UnitEvent = { kind: 'paused', told };
const resumed: UnitEvent = { kind: 'resumed', told };
const abandoned: UnitEvent = { kind: 'abandoned', told };
const cancelled: UnitEvent = { kind: 'failed', failure: { kind: 'cancelled', reason: 'cancelled by alice@desk' } };

test('a paused unit stays where it is until somebody resumes, cancels or abandons it', () => {
  const before = replay([started('a'), done('a'), { kind: 'waveDone', wave: 0 }]).status;
  const status = nextStatus(before, paused);
  assert.deepEqual(status, { ...before, paused: told });
  assert.deepEqual(nextStatus(status, resumed), before);
  assert.deepEqual(nextStatus(status, abandoned).state, 'abandoned');
  assert.deepEqual(nextStatus(status, cancelled), {
    state: 'unwinding',
    wavesDone: 1,
    failure: { kind: 'cancelled', reason: 'cancelled by alice@desk' },
  });
});

test('a unit that is superseded cleans up after what it did, and is neither undone nor committed any more', () => {
  const superseded: UnitEvent = { kind: 'superseded', by: 'main 1234567' };
  const before = replay([started('a'), done('a'), { kind: 'waveDone', wave: 0 }]).status;
  const status = nextStatus(before, superseded);
  assert.deepEqual(status, { state: 'settling', wavesDone: 1, superseded: 'main 1234567' });
  assert.equal(nextStatus(status, { kind: 'ended', state: 'done' }).state, 'done');
  for (const next of [
    gateFailure,
    cancelled,
    superseded,
    { kind: 'committed' } as const,
    { kind: 'waveDone', wave: 1 } as const,
  ])
    assert.throws(() => nextStatus(status, next), /illegal transition/);
  for (const events of [
    [gateFailure, superseded],
    [paused, superseded],
    [{ kind: 'committed' } as const, superseded],
  ])
    assert.throws(() => replay(events), /illegal transition/);
});

test('a step is left only of a stuck unit, and stays left when it is tried again', () => {
  const left: UnitEvent = { kind: 'stepLeft', step: stepId('s1'), told };
  const ledger = replay([gateFailure, { kind: 'ended', state: 'stuck' }, left, { kind: 'retried' }]);
  assert.deepEqual([...ledger.left], ['s1']);
  assert.throws(() => replay([gateFailure, left]), /illegal transition/);
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
    [resumed],
    [paused, started('a')],
    [paused, { kind: 'committed' }],
    [paused, gateFailure],
    [gateFailure, { kind: 'ended', state: 'stuck' }, paused],
    [abandoned, abandoned],
    [abandoned, started('a')],
    [gateFailure, { kind: 'ended', state: 'undone' }, abandoned],
    [{ kind: 'committed' }, { kind: 'ended', state: 'done' }, started('a')],
  ];
  for (const events of illegal) assert.throws(() => replay(events), /illegal transition/, JSON.stringify(events));
});

test('whatever the journal holds, the function either moves on or throws: an end is never left, what is stuck or paused only by a word of an operator', () => {
  const event = fc.oneof(
    fc.constantFrom('a', 'b', 'c').map(started),
    fc.constantFrom('a', 'b', 'c').map(done),
    fc.constantFrom(0, 1, 2).map((wave): UnitEvent => ({ kind: 'waveDone', wave })),
    fc.constantFrom<UnitEvent>(
      gateFailure,
      { kind: 'committed' },
      { kind: 'superseded', by: 'x' },
      { kind: 'retried' },
    ),
    fc.constantFrom<UnitEvent>(paused, resumed, abandoned, cancelled, { kind: 'stepLeft', step: stepId('s1'), told }),
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
        const ends: readonly string[] = ['done', 'undone', 'abandoned'];
        if (ends.includes(before.state)) assert.fail(`left ${before.state} by ${each.kind}`);
        if (before.state === 'stuck') assert.ok(['retried', 'stepLeft', 'abandoned'].includes(each.kind), each.kind);
        if (before.paused === undefined) continue;
        const words = each === cancelled || ['paused', 'resumed', 'abandoned'].includes(each.kind);
        assert.ok(words && each.kind !== 'paused', `${each.kind} while paused`);
      }
    }),
  );
});

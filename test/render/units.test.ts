import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  allocationId,
  instanceId,
  nodeName,
  planId,
  revisionHash,
  runId,
  stepId,
  unitOf,
  workloadId,
} from '../../src/model/ids.ts';
import type { Step } from '../../src/model/plan.ts';
import type { Allocation, Holds } from '../../src/model/recorded.ts';
import type { InFlight } from '../../src/reconcile/inspect.ts';
import type { FoundUnit, JournalEntry } from '../../src/reconcile/journal.ts';
import { replay, type UnitEvent } from '../../src/reconcile/saga.ts';
import { viewRuns } from '../../src/render/run-view.ts';
import { renderRun, renderRunList } from '../../src/render/runs.ts';
import { viewUnits } from '../../src/render/unit-view.ts';
import { renderUnit, renderUnitList } from '../../src/render/units.ts';
import { assertGolden } from '../golden.ts';

const now = Date.UTC(2026, 10, 21, 3, 12);
const startedAt = now - 20 * 60_000;
const checkout = workloadId('payments', 'checkout');
const run = runId('20261121-025200-0f3a');
const holds: Holds = { cpuMillis: 500, memoryBytes: 2 ** 29, storageBytes: 0 };
const alice = { actor: 'alice@build-7', reason: 'the database is down' };

const step: Step = {
  id: stepId('s1'),
  kind: 'replace',
  instance: instanceId(checkout, 0),
  generation: 5,
  node: nodeName('web-a-01'),
  engine: 'docker',
  unit: unitOf(checkout),
  wave: 0,
  class: 'recreate',
  undo: 'reversible',
  order: 'create-first',
  cause: 'change',
  revision: revisionHash('2222bbbb'),
  replaces: {
    generation: 4,
    node: nodeName('web-a-02'),
    engine: 'docker',
    revision: revisionHash('1111aaaa'),
    holds,
    object: 'running',
  },
  changes: [],
  reason: 'image',
  holds,
};
const made = allocationId(step.instance, 5);
const old = allocationId(step.instance, 4);

const allocation = (id: Allocation['id'], generation: number, fields: Partial<Allocation>): Allocation => ({
  id,
  instance: step.instance,
  workload: checkout,
  ordinal: 0,
  generation,
  node: nodeName('web-a-01'),
  engine: 'docker',
  revision: step.revision,
  state: 'live',
  holds,
  ...fields,
});

const begun = (key: string): readonly UnitEvent[] => [{ kind: 'effectStarted', effect: `s1:${key}:${made}` }];
const doneWith = (key: string): readonly UnitEvent[] => [
  ...begun(key),
  { kind: 'effectDone', effect: `s1:${key}:${made}` },
];
const way: readonly UnitEvent[] = [...doneWith('reserve'), ...doneWith('create'), ...doneWith('start')];
const why = 'not healthy within 60 s: connection refused [MUS6001]';
const stuck: readonly UnitEvent[] = [
  ...way,
  { kind: 'failed', failure: { kind: 'gate', reason: why } },
  { kind: 'effectStarted', effect: `undo:s1:create:${made}` },
  { kind: 'ended', state: 'stuck', reason: `${why}; and could not be undone: device or resource busy [MUS6007]` },
  { kind: 'retried' },
  { kind: 'effectStarted', effect: `undo:s1:create:${made}` },
  { kind: 'ended', state: 'stuck', reason: `${why}; and could not be undone: device or resource busy [MUS6007]` },
];

function found(events: readonly UnitEvent[]): FoundUnit {
  const entries = events.map(
    (event, index): JournalEntry => ({ ...event, at: startedAt + index * 30_000, token: '1.7' }),
  );
  const planned = {
    id: unitOf(checkout),
    after: [],
    waves: [{ steps: [step.id], gate: 'healthy', observeMs: 0 }],
  } as const;
  return {
    run,
    record: {
      unit: unitOf(checkout),
      planned: { ...planned, worstCaseMs: 0 },
      steps: [step],
      settings: { healthyDeadlineMs: 60_000, maxUnavailable: 1, base: [], pruned: false },
    },
    ledger: replay(events),
    entries,
    next: entries.length,
  };
}

function inFlight(events: readonly UnitEvent[], over: Partial<InFlight> = {}): InFlight {
  const summary = { create: 0, update: 0, replace: 1, move: 0, stop: 0, remove: 0, forget: 0, unchanged: 3 };
  const meta = { plan: planId('sha256:4f3c2a1b'), actor: 'alice@build-7', startedAt, commits: {}, summary };
  return {
    open: { begun: [found(events)], waiting: [], newer: [], ended: [] },
    runs: new Map([[run, meta]]),
    recorded: {
      storeRevision: 812,
      workloads: new Map(),
      allocations: [
        allocation(old, 4, { node: nodeName('web-a-02'), revision: revisionHash('1111aaaa'), objectId: '9f8e7d6c' }),
        allocation(made, 5, { state: 'stopping', objectId: '1a2b3c4d' }),
      ],
      revisions: new Map(),
      nodes: new Map(),
      overrides: [],
      inFlight: [],
    },
    history: [],
    requests: [],
    ...over,
  };
}

const leader = {
  actor: 'muster@ctl-1',
  pid: 4711,
  host: 'ctl-1',
  command: 'muster run',
  since: startedAt - 86_400_000,
};
const page = { color: false, width: 100, now };
const only = (world: InFlight) => {
  const [unit] = viewUnits(world);
  assert.ok(unit !== undefined);
  return unit;
};

describe('units in flight', () => {
  test('a stuck one: why, what is where, what is held, what was tried, what each command would do', () => {
    assertGolden('units/stuck.txt', renderUnit(only(inFlight(stuck)), page));
  });

  test('a paused one may be resumed, cancelled or abandoned', () => {
    assertGolden(
      'units/paused.txt',
      renderUnit(only(inFlight([...way, { kind: 'paused', told: alice }], { leader })), page),
    );
  });

  test('one that is carried out, and one that nobody works on', () => {
    assertGolden('units/running.txt', renderUnit(only(inFlight(way, { leader })), page));
    assert.match(only(inFlight(way)).goesOn, /^nobody works on it: the next `muster apply` or `muster run` goes on/);
  });

  test('the list names those that wait for somebody first, and says so', () => {
    const open = {
      begun: [found(stuck)],
      waiting: [{ run, unit: unitOf(workloadId('payments', 'api')) }],
      newer: [{ run, unit: unitOf(workloadId('payments', 'ledger')), format: 3 }],
      ended: [],
    };
    assertGolden('units/list.txt', renderUnitList(viewUnits(inFlight(stuck, { open })), page));
    assert.equal(renderUnitList([], page), 'No unit is in flight.\n');
  });

  test('on a narrow terminal every line stays within it', () => {
    const text = renderUnit(only(inFlight(stuck)), { ...page, width: 60 });
    assertGolden('units/narrow.txt', text);
  });
});

describe('runs', () => {
  const finished = {
    run: runId('20261120-220000-0e01'),
    plan: planId('sha256:99887766'),
    actor: 'bob@desk',
    startedAt: startedAt - 18_000_000,
    endedAt: startedAt - 17_900_000,
    commits: {},
    summary: { create: 1, update: 0, replace: 0, move: 0, stop: 0, remove: 0, forget: 0, unchanged: 0 },
    units: [{ unit: unitOf(checkout), state: 'done' }],
  } as const;

  test('those in flight and finished ones in one list, newest first', () => {
    assertGolden('units/runs.txt', renderRunList(viewRuns(inFlight(stuck, { history: [finished] })), page));
  });

  test('of a unit that a newer commit took over, the run and its unit say by which', () => {
    const reason = 'superseded by platform 1a2b3c4 after 1 wave';
    const ended = { ...finished, units: [{ unit: unitOf(checkout), state: 'superseded', reason }] } as const;
    const [, view] = viewRuns(inFlight(stuck, { history: [ended] }));
    assert.ok(view !== undefined);
    assert.match(renderRun(view, page), /superseded by platform 1a2b3c4 after 1 wave/);
    const text = renderUnit(only(inFlight([...way, { kind: 'superseded', by: 'platform 1a2b3c4' }])), page);
    assert.match(text, /superseded by platform 1a2b3c4: what is done stays, the rest is planned anew/);
  });

  test('one in flight: each unit, what has been asked of it, what can be done', () => {
    const asked = { id: 'r', command: { kind: 'pauseRun', run }, ...alice, at: now, until: now } as const;
    const [view] = viewRuns(inFlight(way, { leader, requests: [asked] }));
    assert.ok(view !== undefined);
    assertGolden('units/run.txt', renderRun(view, page));
  });

  test('one that is stuck says where to look, one that is paused how it goes on', () => {
    const [waits] = viewRuns(inFlight(stuck));
    assert.match(waits === undefined ? '' : renderRun(waits, page), /muster unit show payments\/checkout/);
    const [paused] = viewRuns(inFlight([...way, { kind: 'paused', told: alice }]));
    assert.match(paused === undefined ? '' : renderRun(paused, page), new RegExp(`muster runs resume ${run}`));
  });
});

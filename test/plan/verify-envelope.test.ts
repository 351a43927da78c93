import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandStep } from '../../src/model/effects.ts';
import { instanceId, nodeName, revisionHash, stepId, type UnitId, unitOf } from '../../src/model/ids.ts';
import type { Plan, Step } from '../../src/model/plan.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { planOf } from './verify-world.ts';
import { node, type Running, revision, withRunning, workload, world } from './world.ts';

/**
 * Envelopes against the truth: small plans whose every interleaving is walked, effect by effect, by a program that knows
 * nothing of envelopes. Memory is used while an object is there and not stopped, disk until the commit.
 */

interface Action {
  readonly kind: 'create' | 'create-first' | 'stop-first' | 'update' | 'remove';
  readonly wave: number;
  readonly before: number;
  readonly after: number;
}

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom('create', 'create-first', 'stop-first', 'update', 'remove'),
  wave: fc.nat(2),
  before: fc.integer({ min: 1, max: 4 }),
  after: fc.integer({ min: 1, max: 4 }),
});

/** Units of up to three actions, and whether each comes after the one before it. */
const story = fc.record({
  units: fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 2 }),
  memory: fc.integer({ min: 1, max: 20 }),
  storage: fc.integer({ min: 1, max: 20 }),
});

type Story = typeof story extends fc.Arbitrary<infer Value> ? Value : never;

const holdsOf = (amount: number): Holds => ({ cpuMillis: 0, memoryBytes: amount, storageBytes: amount });
const idOf = (unit: number) => workload(`payments/w${unit}`).id;

function worldOf({ units, memory, storage }: Story): PlanInputs {
  const running = units.flatMap((actions, unit) =>
    actions.flatMap(({ kind, before }, ordinal): readonly Running[] =>
      kind === 'create' ? [] : [{ workload: idOf(unit), ordinal, node: 'n1', generation: 1, holds: holdsOf(before) }],
    ),
  );
  const inputs = world({
    nodes: [node('n1', { capacity: { memoryBytes: memory, storageBytes: storage } })],
    workloads: units.map((actions, unit) => workload(idOf(unit), { replicas: actions.length })),
  });
  return withRunning(inputs, running, { revisions: { r1: revision() } });
}

function planFor({ units }: Story, after: Readonly<Record<string, readonly UnitId[]>>): Plan {
  const steps = units.flatMap((actions, unit) => {
    // Waves without a step are left out: a plan has none.
    const waves = [...new Set(actions.map(({ wave }) => wave))].sort();
    return actions.map((known, ordinal) => stepOf(known, { unit, ordinal, wave: waves.indexOf(known.wave) }));
  });
  return { ...planOf(steps, after), cluster: 'prod' };
}

function stepOf(
  { kind, before, after }: Action,
  { unit, ordinal, wave }: { readonly unit: number; readonly ordinal: number; readonly wave: number },
): Step {
  const common = {
    id: stepId(`u${unit}-${ordinal}`),
    instance: instanceId(idOf(unit), ordinal),
    node: nodeName('n1'),
    engine: 'docker',
    unit: unitOf(idOf(unit)),
    wave,
    class: 'recreate',
    undo: 'compensable',
    cause: 'change',
    revision: revisionHash('r1'),
    changes: [],
    reason: 'for the walk',
  } as const;
  const old = { generation: 1, node: nodeName('n1'), engine: 'docker', revision: revisionHash('r1') } as const;
  switch (kind) {
    case 'create':
      return { ...common, kind, generation: 2, order: 'create-first', holds: holdsOf(after) };
    case 'create-first':
    case 'stop-first': {
      const replaces = { ...old, holds: holdsOf(before), object: 'running' } as const;
      return { ...common, kind: 'replace', generation: 2, order: kind, holds: holdsOf(after), replaces };
    }
    case 'update':
      return { ...common, kind, generation: 1, order: 'in-place', holds: holdsOf(after), heldBefore: holdsOf(before) };
    case 'remove':
      return { ...common, kind, generation: 1, order: 'in-place', holds: holdsOf(before) };
  }
}

/** What is used in one state. */
interface Use {
  readonly memory: number;
  readonly storage: number;
}

/** A step's uses after each of its effects, the first before any of them. */
function usesOf(step: Step, { kind, before, after }: Action): readonly Use[] {
  const has = kind === 'create' ? 0 : before;
  let use: Use = { memory: has, storage: has };
  const uses = [use];
  for (const effect of expandStep(step)) {
    if (effect.phase === 'settle') continue;
    if (effect.kind === 'create') use = { memory: use.memory + after, storage: use.storage + after };
    else if (effect.kind === 'stop') use = { memory: use.memory - before, storage: use.storage };
    else if (effect.kind === 'update') use = { memory: after, storage: Math.max(before, after) };
    else continue;
    uses.push(use);
  }
  return uses;
}

/** The most memory and disk that any reachable state uses: every unit at any point of its waves, in any interleaving. */
function mostUsed({ units }: Story, plan: Plan): Use {
  const steps = units.map((actions, unit) =>
    actions.map((known, ordinal) => {
      const step = plan.steps.find(({ id }) => id === `u${unit}-${ordinal}`) as Step;
      return { wave: step.wave, uses: usesOf(step, known) };
    }),
  );
  const after = plan.units.map((unit) => unit.after.map((id) => plan.units.findIndex((other) => other.id === id)));
  const start = steps.map((unit) => unit.map(() => 0));
  const seen = new Set<string>([JSON.stringify(start)]);
  const queue = [start];
  const most = { memory: 0, storage: 0 };
  const isDone = (state: readonly (readonly number[])[], unit: number, wave: number): boolean =>
    steps[unit]?.every((step, i) => step.wave > wave || state[unit]?.[i] === step.uses.length - 1) === true;
  for (let state = queue.pop(); state !== undefined; state = queue.pop()) {
    const used = { memory: 0, storage: 0 };
    for (const [unit, places] of state.entries()) {
      for (const [i, place] of places.entries()) {
        used.memory += steps[unit]?.[i]?.uses[place]?.memory ?? 0;
        used.storage += steps[unit]?.[i]?.uses[place]?.storage ?? 0;
      }
    }
    most.memory = Math.max(most.memory, used.memory);
    most.storage = Math.max(most.storage, used.storage);
    for (const [unit, places] of state.entries()) {
      if (!(after[unit] ?? []).every((other) => isDone(state, other, Number.POSITIVE_INFINITY))) continue;
      for (const [i, place] of places.entries()) {
        const step = steps[unit]?.[i];
        if (step === undefined || place === step.uses.length - 1 || !isDone(state, unit, step.wave - 1)) continue;
        const next = state.map((row, u) => (u === unit ? row.map((at, s) => (s === i ? at + 1 : at)) : row));
        const key = JSON.stringify(next);
        if (seen.has(key)) continue;
        seen.add(key);
        queue.push(next);
      }
    }
  }
  return most;
}

/** Dimensions that the verifier finds exceeded, and those that some state exceeds on top of what is there already. */
function compare(told: Story, after: Readonly<Record<string, readonly UnitId[]>>) {
  const plan = planFor(told, after);
  const most = mostUsed(told, plan);
  const now = told.units.flat().reduce((sum, { kind, before }) => sum + (kind === 'create' ? 0 : before), 0);
  const exceeded = (['memory', 'storage'] as const).filter((what) => most[what] > Math.max(told[what], now));
  const found = verifyPlan(worldOf(told), plan).filter(({ rule }) => rule === 'capacity');
  const names = found.map(({ message }) => (message.startsWith('memory') ? 'memory' : 'storage')).sort();
  return { exceeded, names, plan };
}

const runs = { numRuns: 400 };

test('a node is found too full exactly when some interleaving of the units fills it', () => {
  fc.assert(
    fc.property(story, (told) => {
      const { exceeded, names, plan } = compare(told, {});
      assert.deepEqual(names, exceeded, JSON.stringify(plan.units));
    }),
    runs,
  );
});

const behind = { [idOf(1)]: [unitOf(idOf(0))] };

test('units that wait for others are never found to fit where they do not', () => {
  fc.assert(
    fc.property(story, (told) => {
      const { exceeded, names, plan } = compare(told, behind);
      for (const what of exceeded) assert.ok(names.includes(what), JSON.stringify(plan.units));
    }),
    runs,
  );
});

test('a unit has the memory of the one that it waits for, and not its disk', () => {
  const leaves: Action = { kind: 'remove', wave: 0, before: 4, after: 1 };
  const comes: Action = { kind: 'create', wave: 0, before: 1, after: 4 };
  const told = { units: [[leaves], [comes]], memory: 4, storage: 8 };
  assert.deepEqual(compare(told, behind).names, []);
  assert.deepEqual(compare(told, {}).names, ['memory']);
  assert.deepEqual(compare({ ...told, storage: 7 }, behind).names, ['storage']);
});

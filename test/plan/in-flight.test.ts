import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { expandStep } from '../../src/model/effects.ts';
import { allocationId, parseInstanceId, runId } from '../../src/model/ids.ts';
import type { Plan, PlannedUnit, Step } from '../../src/model/plan.ts';
import type { Allocation, InFlightUnit } from '../../src/model/recorded.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import type { Rule, Violation } from '../../src/plan/verify/violation.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { withWork } from '../../src/store/in-flight.ts';
import { keys } from '../../src/store/keys.ts';
import type { KeyValue } from '../../src/store/store.ts';
import { roomMadeByHand, type Scene, scenesOf, seeds } from './mutations-worlds.ts';
import { planText } from './world.ts';

/**
 * A unit in flight is charged what it may come to hold, whatever it holds now. The check: what is planned beside it fits
 * together with the unit itself, as a second program sees it, that is not told that anything is in flight.
 */
const amounts: ReadonlySet<Rule> = new Set<Rule>([
  'capacity',
  'quota',
  'cores',
  'numa',
  'devices',
  'volumes',
  'ports',
  'addresses',
]);

const run = runId('r1');

/** What the store says of a unit with this journal. */
function found(plan: Plan, unit: PlannedUnit, events: readonly object[]): InFlightUnit {
  const steps = plan.steps.filter((step) => step.unit === unit.id);
  const entry = (key: string, value: object): KeyValue => ({
    key,
    value: JSON.stringify(value),
    createRevision: 1,
    modRevision: 1,
  });
  const entries = [
    entry(keys.unitPlan(run, unit.id, 0), { planned: unit, steps }),
    ...events.map((event, index) => entry(keys.journal(run, unit.id, index), event)),
  ];
  const [known] = withWork([{ run, unit: unit.id, status: 'running' }], entries, (value, decode) => decode(value));
  assert.ok(known);
  return known;
}

/** The world once the first waves of a unit are through, but not committed. */
function after(inputs: PlanInputs, steps: readonly Step[]): readonly Allocation[] {
  const all = new Map(inputs.recorded.allocations.map((allocation) => [allocation.id, allocation]));
  for (const step of steps) {
    for (const { kind, allocation, phase } of expandStep(step)) {
      const known = all.get(allocation);
      if (phase === 'settle') continue;
      if (kind === 'stop' && known !== undefined && step.replaces?.object !== 'dead')
        all.set(allocation, { ...known, state: 'stopping' });
      if (kind === 'update' && known !== undefined)
        all.set(allocation, { ...known, revision: step.revision, holds: step.holds });
      if (kind === 'reserve') all.set(allocation, made(step));
    }
  }
  return [...all.values()].sort((a, b) =>
    a.workload === b.workload ? a.ordinal - b.ordinal || a.generation - b.generation : a.workload < b.workload ? -1 : 1,
  );
}

const made = (step: Step): Allocation => ({
  id: allocationId(step.instance, step.generation),
  instance: step.instance,
  ...parseInstanceId(step.instance),
  generation: step.generation,
  node: step.node,
  engine: step.engine,
  revision: step.revision,
  state: 'live',
  objectId: `of ${step.id}`,
  holds: step.holds,
});

/** The units of `plan`, and beside them one that is in flight. */
function together({ inputs, plan }: Scene, beside: Plan, unit: PlannedUnit): readonly Violation[] {
  const rename = (id: string): Step['id'] => `other-${id}` as Step['id'];
  const steps = plan.steps.filter((step) => step.unit === unit.id).map((step) => ({ ...step, id: rename(step.id) }));
  const waves = unit.waves.map((wave) => ({ ...wave, steps: wave.steps.map(rename) }));
  const units = [...beside.units, { ...unit, after: [], waves }].sort((a, b) => (a.id < b.id ? -1 : 1));
  return verifyPlan(inputs, { ...beside, units, steps: [...beside.steps, ...steps] }).filter(({ rule }) =>
    amounts.has(rule),
  );
}

const stepsOf = ({ plan }: Scene, unit: PlannedUnit, waves = unit.waves.length): readonly Step[] => {
  const ids = new Set(unit.waves.slice(0, waves).flatMap((wave) => wave.steps));
  return plan.steps.filter(({ id }) => ids.has(id));
};

const begun = (steps: readonly Step[]): readonly object[] =>
  steps.flatMap((step) =>
    expandStep(step)
      .filter(({ phase }) => phase === 'do')
      .flatMap(({ key }) => [
        { kind: 'effectStarted', effect: key },
        { kind: 'effectDone', effect: key },
      ]),
  );

/** Planned while the unit is in flight, with these allocations recorded. */
function planBeside(scene: Scene, inFlight: InFlightUnit, allocations: readonly Allocation[]): Plan {
  const { inputs, plan } = scene;
  const touched = plan.steps.filter((step) => step.unit === inFlight.unit);
  const bodies = new Map(inputs.desired.workloads.map((known) => [known.revisionHash, known.revision]));
  const revisions = new Map(inputs.recorded.revisions);
  for (const { revision } of touched) {
    const body = bodies.get(revision);
    if (body !== undefined) revisions.set(revision, body);
  }
  const recorded = { ...inputs.recorded, revisions, allocations, inFlight: [inFlight] };
  const beside = createPlan({ ...inputs, recorded });
  assert.deepEqual(verifyPlan({ ...inputs, recorded }, beside), [], planText(beside));
  assert.ok(beside.units.every(({ id }) => id !== inFlight.unit));
  return beside;
}

describe('a unit in flight', () => {
  for (const scene of [...seeds.slice(0, 2).flatMap(scenesOf), roomMadeByHand()]) {
    it(`leaves room for itself and its undo, wherever it is, in ${scene.name}`, () => {
      // What comes after others begins when these have given back what it needs.
      for (const unit of scene.plan.units.filter(({ after: first }) => first.length === 0)) {
        const { allocations } = scene.inputs.recorded;
        const idle = planBeside(scene, found(scene.plan, unit, []), allocations);
        assert.deepEqual(together(scene, idle, unit), [], `${unit.id} that has begun nothing\n${planText(idle)}`);
        for (let waves = 1; waves <= unit.waves.length; waves += 1) {
          const steps = stepsOf(scene, unit, waves);
          const there = after(scene.inputs, steps);
          const going = planBeside(scene, found(scene.plan, unit, begun(steps)), there);
          assert.deepEqual(together(scene, going, unit), [], `${unit.id} after ${waves} waves\n${planText(going)}`);
          const failed = [...begun(steps), { kind: 'failed', failure: { kind: 'gate', reason: 'ill' } }];
          const undone = planBeside(scene, found(scene.plan, unit, failed), there);
          const part = { ...unit, waves: unit.waves.slice(0, waves) };
          assert.deepEqual(together(scene, undone, part), [], `${unit.id} undone after ${waves}\n${planText(undone)}`);
          const superseded = [...begun(steps), { kind: 'superseded', by: 'main 1234567' }];
          planBeside(scene, found(scene.plan, unit, superseded), there);
        }
        const committed = found(scene.plan, unit, [...begun(stepsOf(scene, unit)), { kind: 'committed' }]);
        planBeside(scene, committed, after(scene.inputs, stepsOf(scene, unit)));
      }
    });
  }
});

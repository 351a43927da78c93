import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Plan } from '../../src/model/plan.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan, openPlanner } from '../../src/plan/plan.ts';
import { type RebalanceOptions, rebalance } from '../../src/plan/rebalance.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { anyCommit, applyCommit, start } from './generated-story.ts';
import { anyEnd, anyTrouble, applyTrouble, worldWhen } from './generated-trouble.ts';
import { planText } from './world.ts';

/** More of them, and a failure's seed and path, by MUSTER_PROPERTY_RUNS, _SEED and _PATH: see CONTRIBUTING. */
const { MUSTER_PROPERTY_RUNS, MUSTER_PROPERTY_SEED, MUSTER_PROPERTY_PATH } = process.env;
const runs = {
  numRuns: Number(MUSTER_PROPERTY_RUNS ?? 100),
  ...(MUSTER_PROPERTY_SEED !== undefined && { seed: Number(MUSTER_PROPERTY_SEED) }),
  ...(MUSTER_PROPERTY_PATH !== undefined && { path: MUSTER_PROPERTY_PATH }),
};
const chapter = fc.record({ commit: anyCommit, trouble: anyTrouble, end: anyEnd });
const story = fc.tuple(anyCommit, fc.array(chapter, { minLength: 1, maxLength: 3 }), fc.nat());

test('every plan passes the second opinion, is the same whatever the order of its inputs, and leaves nothing to do', () => {
  fc.assert(
    fc.property(story, ([first, chapters, seed]) => {
      let inputs = start(first);
      for (const chapter of [undefined, ...chapters]) {
        if (chapter !== undefined) inputs = applyTrouble(applyCommit(inputs, chapter.commit), chapter.trouble);
        const plan = createPlan(inputs);
        assertSound(inputs, plan);
        assertOneAnswer(inputs, plan, seed);
        const after = { ...inputs, ...worldAfter(inputs, plan) };
        assertSettled(after, plan);
        if (chapter?.end === undefined) {
          assertBalances(after);
          inputs = after;
        } else {
          inputs = worldWhen(inputs, plan, chapter.end);
          assertSound(inputs, createPlan(inputs));
        }
      }
    }),
    runs,
  );
});

function assertSound(inputs: PlanInputs, plan: Plan): void {
  assert.deepEqual(verifyPlan(inputs, plan), [], planText(plan));
}

/** Neither the order of what is read nor what a planner remembers makes a difference. */
function assertOneAnswer(inputs: PlanInputs, plan: Plan, seed: number): void {
  const planner = openPlanner();
  planner(inputs);
  for (const other of [createPlan(shuffleInputs(inputs, seed)), planner(inputs)]) {
    assert.equal(planText(other), planText(plan));
    assert.equal(JSON.stringify(other), JSON.stringify(plan));
  }
}

/** A plan that refused nothing and let nothing wait has nothing left to do; any other comes to rest, and does not flap. */
function assertSettled(inputs: PlanInputs, plan: Plan): void {
  let next = createPlan(inputs);
  const waits = plan.warnings.some(({ code }) => code === 'MUS5010' || code === 'MUS5006');
  const whole = plan.refusals.length === 0 && !waits && plan.goals.every((goal) => goal.blocked.length === 0);
  const told = [planText(plan), planText(next)];
  let world = inputs;
  for (let round = 0; round < (whole ? 0 : 6) && next.steps.length > 0; round += 1) {
    assertSound(world, next);
    world = { ...world, ...worldAfter(world, next) };
    next = createPlan(world);
    told.push(planText(next));
  }
  assert.deepEqual(next.steps, [], told.join('\n--- and then\n'));
}

/** Where there is nothing else to do: moves that are sound, and that nothing takes back. */
function assertBalances(inputs: PlanInputs): void {
  for (const goal of goals) {
    const result = rebalance(inputs, { goal, maxMoves: 4 });
    if (result.kind === 'unsettled' || result.plan.steps.length === 0) continue;
    const { plan } = result;
    const { relocate: _, ...rest } = inputs;
    assertSound(rest, plan);
    const moves = plan.steps.filter(({ cause }) => cause === 'rebalance');
    assert.ok(moves.length <= 4, planText(plan));
    const after = { ...rest, ...worldAfter(rest, plan) };
    const next = createPlan(after);
    // What had been refused may find room by them; nothing goes back.
    for (const { steps } of [{ steps: plan.steps.filter((step) => !moves.includes(step)) }, next]) {
      assert.ok(
        steps.every(({ kind }) => kind === 'create'),
        `${planText(plan)}\n--- and then\n${planText(next)}`,
      );
    }
  }
}

const goals: readonly RebalanceOptions['goal'][] = [{ kind: 'even' }, { kind: 'fewest' }];

function shuffled<Value>(list: readonly Value[], seed: number): readonly Value[] {
  let state = seed + 1;
  const keyed = list.map((value) => {
    state = (state * 48_271) % 2_147_483_647;
    return { value, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}

function shuffleInputs(inputs: PlanInputs, seed: number): PlanInputs {
  const { desired, recorded, observed } = inputs;
  return {
    ...inputs,
    desired: { ...desired, nodes: shuffled(desired.nodes, seed), workloads: shuffled(desired.workloads, seed) },
    recorded: {
      ...recorded,
      allocations: shuffled(recorded.allocations, seed),
      workloads: new Map(shuffled([...recorded.workloads], seed)),
    },
    observed: {
      ...observed,
      objects: shuffled(observed.objects, seed),
      nodes: new Map(shuffled([...observed.nodes], seed)),
    },
  };
}

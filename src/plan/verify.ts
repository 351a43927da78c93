import { isEmptyPlan, type Plan } from '../model/plan.ts';
import type { PlanInputs } from './inputs.ts';
import { isOpenedFor, openVerifier, type Verifier } from './verify/base.ts';
import { checkCapacity } from './verify/capacity.ts';
import { checkDisruption } from './verify/disruption.ts';
import { checkEligibility, createRulesets } from './verify/eligibility.ts';
import { checkFrozen } from './verify/frozen.ts';
import { checkGoals, checkOrder } from './verify/order.ts';
import { checkPieces } from './verify/pieces.ts';
import { checkPlacement } from './verify/placement.ts';
import { checkPreemption } from './verify/preemption.ts';
import { checkReferences } from './verify/references.ts';
import { checkRemovals } from './verify/removals.ts';
import { checkRevisions } from './verify/revisions.ts';
import { checkSticky } from './verify/sticky.ts';
import { checkStructure } from './verify/structure.ts';
import type { Violation } from './verify/violation.ts';
import { createWorld } from './verify/world.ts';

/** More would not be read by anybody. */
const maxViolations = 1000;

/**
 * The second opinion: an independent program that shares only `model/` with the planner. It recomputes from the effect
 * table what every unit can hold in every state, undo included, and checks the plan against the world it is given. A
 * plan that fails is a bug, or is stale, and is never applied. Linear in steps and in what is recorded on the nodes and
 * of the workloads that they touch, once the world is indexed: `openVerifier` does that for several plans.
 */
export function verifyPlan(
  inputs: PlanInputs,
  plan: Plan,
  opened: Verifier | undefined = undefined,
): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (rule: Violation['rule'], subject: string, message: string): void => {
    if (violations.length < maxViolations) violations.push({ rule, subject, message });
  };
  const base = baseFor(inputs, plan, opened);
  const world = createWorld(inputs, plan, base);
  checkStructure(world, report);
  checkOrder(world, report);
  checkGoals(world, report);
  if (isEmptyPlan(plan)) return violations;
  const rulesetOf = createRulesets(world);
  checkFrozen(world, report);
  checkReferences(world, report);
  checkRevisions(world, report);
  checkEligibility(world, rulesetOf, report);
  checkSticky(world, report);
  checkPlacement(world, rulesetOf, report);
  checkPieces(world, report);
  checkCapacity(world, report);
  checkDisruption(world, report);
  checkPreemption(world, report);
  checkRemovals(world, report);
  return violations;
}

function baseFor(inputs: PlanInputs, plan: Plan, opened: Verifier | undefined): Verifier {
  if (opened !== undefined && isOpenedFor(opened, inputs)) return opened;
  if (!isEmptyPlan(plan)) return openVerifier(inputs);
  // It touches nothing, so nothing that is recorded has to be looked at.
  const { desired, recorded, observed } = inputs;
  return openVerifier({
    desired,
    recorded: { ...recorded, allocations: [] },
    observed: { ...observed, objects: [] },
  });
}

import { isEmptyPlan, type Plan } from '../model/plan.ts';
import type { PlanInputs } from './inputs.ts';
import { checkCapacity } from './verify/capacity.ts';
import { checkDisruption } from './verify/disruption.ts';
import { checkEligibility } from './verify/eligibility.ts';
import { checkReferences } from './verify/references.ts';
import { checkRemovals } from './verify/removals.ts';
import { checkStructure } from './verify/structure.ts';
import { checkUniqueness } from './verify/uniqueness.ts';
import type { Violation } from './verify/violation.ts';
import { createWorld } from './verify/world.ts';

/** More would not be read by anybody. */
const maxViolations = 1000;

/**
 * The second opinion: an independent program that shares only `model/` with the planner. It recomputes from the effect
 * table what every unit can hold in every state, undo included, and checks the plan against the world it is given. A
 * plan that fails is a bug, or is stale, and is never applied. Linear in steps and recorded allocations.
 */
export function verifyPlan(inputs: PlanInputs, plan: Plan): readonly Violation[] {
  const violations: Violation[] = [];
  const report = (rule: Violation['rule'], subject: string, message: string): void => {
    if (violations.length < maxViolations) violations.push({ rule, subject, message });
  };
  const world = createWorld(inputs, plan);
  checkStructure(world, report);
  if (isEmptyPlan(plan)) return violations;
  checkReferences(world, report);
  checkEligibility(world, report);
  checkCapacity(world, report);
  checkUniqueness(world, report);
  checkDisruption(world, report);
  checkRemovals(world, report);
  return violations;
}

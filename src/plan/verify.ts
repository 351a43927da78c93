import { isEmptyPlan, type Plan } from '../model/plan.ts';
import type { PlanInputs } from './inputs.ts';
import { isOpenedFor, openVerifier, type Verifier } from './verify/base.ts';
import { capacityCheck } from './verify/capacity.ts';
import { disruptionCheck } from './verify/disruption.ts';
import { drainsCheck } from './verify/drains.ts';
import { createRulesets, eligibilityCheck } from './verify/eligibility.ts';
import { frozenCheck } from './verify/frozen.ts';
import { goalsCheck } from './verify/goals.ts';
import { checkOrder } from './verify/order.ts';
import { piecesCheck } from './verify/pieces.ts';
import { placementCheck } from './verify/placement.ts';
import { preemptionCheck } from './verify/preemption.ts';
import { quotaDrainsCheck } from './verify/quota-drains.ts';
import { referencesCheck } from './verify/references.ts';
import { removalsCheck } from './verify/removals.ts';
import { revisionsCheck } from './verify/revisions.ts';
import { rolloutCheck } from './verify/rollout.ts';
import { stickyCheck } from './verify/sticky.ts';
import { structureCheck } from './verify/structure.ts';
import { transactionsCheck } from './verify/transactions.ts';
import type { Report, Violation } from './verify/violation.ts';
import { type Check, createWorld, openWork, type World } from './verify/world.ts';

/** More would not be read by anybody. */
const maxViolations = 1000;

/**
 * The second opinion: an independent program that shares only `model/` with the planner. It recomputes from the effect
 * table what every unit can hold in every state, undo included, and checks the plan against the world it is given. A
 * plan that fails is a bug, or is stale, and is never applied. Linear in the steps and in what is recorded on the nodes
 * and of the workloads that they touch, once the world is indexed: `openVerifier` does that for several plans.
 */
export function verifyPlan(
  inputs: PlanInputs,
  plan: Plan,
  opened: Verifier | undefined = undefined,
): readonly Violation[] {
  const violations: Violation[] = [];
  const report: Report = (rule, subject, message) => {
    if (violations.length < maxViolations) violations.push({ rule, subject, message });
  };
  const world = createWorld(inputs, plan, baseFor(inputs, plan, opened));
  checkOrder(world, report);
  const checks = openChecks(world, report);
  // Unit by unit through all rules, so that each step is looked at while it is at hand.
  for (const unit of plan.units) {
    const work = openWork(world, unit);
    for (const check of checks) check.unit(work);
  }
  for (const { end } of checks) end?.();
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

/** Each rule, in the order in which a reader wants to hear of them. */
function openChecks(world: World, report: Report): readonly Check[] {
  const rulesetOf = createRulesets(world);
  return [
    structureCheck(world, report),
    goalsCheck(world, report),
    drainsCheck(world, report),
    frozenCheck(world, report),
    referencesCheck(world, report),
    revisionsCheck(world, report),
    eligibilityCheck(world, rulesetOf, report),
    stickyCheck(report),
    placementCheck(world, report),
    piecesCheck(world, report),
    capacityCheck(world, report),
    disruptionCheck(world, report),
    rolloutCheck(world, rulesetOf, report),
    transactionsCheck(world, report),
    preemptionCheck(world, report),
    removalsCheck(world, report),
    quotaDrainsCheck(world, report),
  ];
}

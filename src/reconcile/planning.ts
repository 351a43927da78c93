import { runFailureCodes } from '../model/failure-codes.ts';
import { isEmptyPlan, type Plan } from '../model/plan.ts';
import type { PlanInputs } from '../plan/inputs.ts';
import { openPlanner } from '../plan/plan.ts';
import { isOpenedFor, openVerifier, type Verifier } from '../plan/verify/base.ts';
import { verifyPlan } from '../plan/verify.ts';

/** How long a saved plan may be applied. */
export const planExpiresAfterMs = 24 * 3_600_000;

/** The world as one pass saw it, and the verified plan that it led to. */
interface Planned {
  readonly inputs: PlanInputs;
  readonly plan: Plan;
}

/** Plans and verifies. A plan that its verifier refuses is a bug, and is never shown as good nor applied. */
export const planAndVerify = (inputs: PlanInputs): Planned => openPlanning()(inputs);

/**
 * `planAndVerify` pass after pass: what the planner and its verifier work out from nodes, records and observation is kept
 * as long as these are the same objects, each on its own side.
 */
export function openPlanning(): (inputs: PlanInputs) => Planned {
  const planner = openPlanner();
  let verifier: Verifier | undefined;
  return (inputs) => {
    const plan = planner(inputs);
    if (verifier !== undefined && !isOpenedFor(verifier, inputs)) verifier = undefined;
    // A plan without steps is verified without looking at what is recorded.
    if (!isEmptyPlan(plan)) verifier ??= openVerifier(inputs);
    assertVerified(inputs, plan, verifier);
    return { inputs, plan };
  };
}

export class PlanRejected extends Error {
  override readonly name = 'PlanRejected';
  readonly violations: readonly string[];

  constructor(violations: readonly string[]) {
    super(
      `the plan does not pass verification: ${violations[0] ?? ''}${violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''} [${runFailureCodes.rejected}]`,
    );
    this.violations = violations;
  }
}

/** For a plan that was made in another way. Throws `PlanRejected`. */
export function assertVerified(inputs: PlanInputs, plan: Plan, verifier?: Verifier): void {
  const violations = verifyPlan(inputs, plan, verifier);
  if (violations.length === 0) return;
  throw new PlanRejected(violations.map(({ rule, subject, message }) => `${rule} (${subject}): ${message}`));
}

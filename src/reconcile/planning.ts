import { runFailureCodes } from '../model/failure-codes.ts';
import type { Plan } from '../model/plan.ts';
import type { PlanInputs } from '../plan/inputs.ts';
import { createPlan } from '../plan/plan.ts';
import { verifyPlan } from '../plan/verify.ts';

/** How long a saved plan may be applied. */
export const planExpiresAfterMs = 24 * 3_600_000;

/** The world as one pass saw it, and the verified plan that it led to. */
interface Planned {
  readonly inputs: PlanInputs;
  readonly plan: Plan;
}

/** Plans and verifies. A plan that its verifier refuses is a bug, and is never shown as good nor applied. */
export function planAndVerify(inputs: PlanInputs): Planned {
  const plan = createPlan(inputs);
  assertVerified(inputs, plan);
  return { inputs, plan };
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
export function assertVerified(inputs: PlanInputs, plan: Plan): void {
  const violations = verifyPlan(inputs, plan);
  if (violations.length === 0) return;
  throw new PlanRejected(violations.map(({ rule, subject, message }) => `${rule} (${subject}): ${message}`));
}

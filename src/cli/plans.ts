import { isEmptyPlan, type Plan } from '../model/plan.ts';
import { type ExitCode, exitCodes } from './exit.ts';

/** Refused wins over changed: CI must not merge what cannot be carried out. */
export function planExitCode(plan: Plan, options: { readonly detailed: boolean }): ExitCode {
  if (plan.refusals.length > 0) return exitCodes.refused;
  return options.detailed && !isEmptyPlan(plan) ? exitCodes.changes : exitCodes.ok;
}

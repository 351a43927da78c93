import type { PlanWarning, Refusal } from '../model/plan.ts';

/** What the stages have to say to people: collected while planning, sorted at the end. */
export interface Notes {
  readonly warnings: PlanWarning[];
  readonly refusals: Refusal[];
  warn(code: string, subject: string | undefined, message: string): void;
  refuse(refusal: Refusal): void;
}

export function openNotes(): Notes {
  const warnings: PlanWarning[] = [];
  const refusals: Refusal[] = [];
  return {
    warnings,
    refusals,
    warn: (code, subject, message) => {
      warnings.push({ code, message, ...(subject !== undefined && { subject }) });
    },
    refuse: (refusal) => {
      refusals.push(refusal);
    },
  };
}

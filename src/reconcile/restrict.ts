import type { UnitId } from '../model/ids.ts';
import type { Plan, PlanSummary, StepKind } from '../model/plan.ts';

/**
 * The plan with only some of its units. Units are independent (their envelopes fit together), so any choice is as safe
 * as the whole; a unit that comes after one that is left out is left out too.
 */
export function restrictPlan(plan: Plan, keep: (unit: UnitId) => boolean): Plan {
  const planned = new Map(plan.units.map((unit) => [unit.id, unit]));
  const isKept = (unit: UnitId): boolean =>
    keep(unit) && (planned.get(unit)?.after ?? []).every((before) => !planned.has(before) || isKept(before));
  const units = plan.units.filter((unit) => isKept(unit.id));
  if (units.length === plan.units.length) return plan;
  const kept = new Set(units.map((unit) => unit.id));
  const steps = plan.steps.filter((step) => kept.has(step.unit));
  const counts: Record<StepKind, number> = { create: 0, update: 0, replace: 0, move: 0, stop: 0, remove: 0, forget: 0 };
  for (const step of steps) counts[step.kind] += 1;
  const summary: PlanSummary = { ...counts, unchanged: plan.summary.unchanged };
  return { ...plan, units, steps, summary };
}

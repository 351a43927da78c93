import type { TransactionId, UnitId } from '../model/ids.ts';
import type { Plan, PlanSummary, StepKind } from '../model/plan.ts';

/**
 * The plan with only some of its units. Units are independent (their envelopes fit together), so any choice is as safe
 * as the whole; left out as well is what comes after a unit that is, and what commits together with one.
 */
export function restrictPlan(plan: Plan, keep: (unit: UnitId) => boolean): Plan {
  const followers = followersOf(plan);
  const together = membersOf(plan);
  const left = new Set(plan.units.map(({ id }) => id).filter((id) => !keep(id)));
  const queue = [...left];
  // Each is left out at most once.
  for (let out = queue.pop(); out !== undefined; out = queue.pop()) {
    for (const unit of [...(followers.get(out) ?? []), ...(together.get(out) ?? [])]) {
      if (left.has(unit)) continue;
      left.add(unit);
      queue.push(unit);
    }
  }
  const isKept = (unit: UnitId): boolean => !left.has(unit);
  const units = plan.units.filter((unit) => isKept(unit.id));
  if (units.length === plan.units.length) return plan;
  const kept = new Set(units.map((unit) => unit.id));
  const steps = plan.steps.filter((step) => kept.has(step.unit));
  const counts: Record<StepKind, number> = { create: 0, update: 0, replace: 0, move: 0, stop: 0, remove: 0, forget: 0 };
  for (const step of steps) counts[step.kind] += 1;
  const summary: PlanSummary = { ...counts, unchanged: plan.summary.unchanged };
  return { ...plan, units, steps, summary };
}

function followersOf({ units }: Plan): ReadonlyMap<UnitId, readonly UnitId[]> {
  const followers = new Map<UnitId, UnitId[]>();
  for (const { id, after } of units) {
    for (const before of after) followers.set(before, [...(followers.get(before) ?? []), id]);
  }
  return followers;
}

function membersOf({ units }: Plan): ReadonlyMap<UnitId, readonly UnitId[]> {
  const groups = new Map<TransactionId, UnitId[]>();
  const together = new Map<UnitId, readonly UnitId[]>();
  for (const { id, transaction } of units) {
    if (transaction === undefined) continue;
    const group = groups.get(transaction) ?? [];
    groups.set(transaction, group);
    group.push(id);
    together.set(id, group);
  }
  return together;
}

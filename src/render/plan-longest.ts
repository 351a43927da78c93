import type { UnitId } from '../model/ids.ts';
import type { Plan, PlannedUnit } from '../model/plan.ts';

/** Units that wait for each other, first to last, and how long they take together at worst. */
export interface Chain {
  readonly units: readonly UnitId[];
  readonly worstCaseMs: number;
}

/** Units go side by side but where one comes after another: the chain that takes longest, the first of equal ones. */
export function longestChain({ units }: Pick<Plan, 'units'>): Chain | undefined {
  const byId = new Map(units.map((unit) => [unit.id, unit]));
  const ends = new Map<UnitId, number>();
  let last: PlannedUnit | undefined;
  for (const unit of units) {
    const end = endOf(unit, byId, ends);
    if (last === undefined || end > (ends.get(last.id) ?? 0)) last = unit;
  }
  if (last === undefined) return undefined;
  return { units: chainTo(last, byId, ends), worstCaseMs: ends.get(last.id) ?? 0 };
}

/** When a unit is over, counted from the start of the first. `after` has no cycles: the planner refuses them. */
function endOf(unit: PlannedUnit, byId: ReadonlyMap<UnitId, PlannedUnit>, ends: Map<UnitId, number>): number {
  const known = ends.get(unit.id);
  if (known !== undefined) return known;
  // What is on its way up the chain is not counted again, should a plan that somebody else made have a cycle.
  ends.set(unit.id, unit.worstCaseMs);
  const begin = leaders(unit, byId).reduce((latest, leader) => Math.max(latest, endOf(leader, byId, ends)), 0);
  ends.set(unit.id, begin + unit.worstCaseMs);
  return begin + unit.worstCaseMs;
}

const leaders = ({ after }: PlannedUnit, byId: ReadonlyMap<UnitId, PlannedUnit>): readonly PlannedUnit[] =>
  after.flatMap((id) => byId.get(id) ?? []);

function chainTo(
  last: PlannedUnit,
  byId: ReadonlyMap<UnitId, PlannedUnit>,
  ends: ReadonlyMap<UnitId, number>,
): readonly UnitId[] {
  const chain = new Set([last.id]);
  const endsAt = ({ id }: PlannedUnit): number => ends.get(id) ?? 0;
  // Bounded by the number of units: none is in the chain twice.
  for (let unit: PlannedUnit | undefined = last; unit !== undefined; ) {
    const before: readonly PlannedUnit[] = leaders(unit, byId).filter(({ id }) => !chain.has(id));
    const next: PlannedUnit | undefined = before.reduce<PlannedUnit | undefined>(
      (latest, leader) => (latest === undefined || endsAt(leader) > endsAt(latest) ? leader : latest),
      undefined,
    );
    if (next !== undefined) chain.add(next.id);
    unit = next;
  }
  return [...chain].reverse();
}

import type { UnitId } from '../../model/ids.ts';
import type { World } from './world.ts';

/** Everything that a unit waits for, directly or not. A cycle, which the order rules report, ends where it closes. */
export function createBefore({ plan }: World): (unit: UnitId) => ReadonlySet<UnitId> {
  const after = new Map(plan.units.map((unit) => [unit.id, unit.after]));
  const known = new Map<UnitId, ReadonlySet<UnitId>>();
  return (unit) => {
    const found = known.get(unit);
    if (found !== undefined) return found;
    const seen = new Set<UnitId>();
    const stack = [...(after.get(unit) ?? [])];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      if (seen.has(next) || next === unit) continue;
      seen.add(next);
      stack.push(...(after.get(next) ?? []));
    }
    known.set(unit, seen);
    return seen;
  };
}

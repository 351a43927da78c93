import { type UnitId, unitOf, workloadOfUnit } from '../../model/ids.ts';
import type { Report } from './violation.ts';
import type { World } from './world.ts';

/** `after` names units of this plan, holds what git asks for, and has no cycle: those that commit together wait as one. */
export function checkOrder(world: World, report: Report): void {
  const { units } = world.plan;
  const after = new Map<UnitId, readonly UnitId[]>(units.map((unit) => [unit.id, unit.after]));
  const gated = new Set<UnitId>();
  for (const { id, waves } of units) if (waves.some(({ gate }) => gate === 'healthy')) gated.add(id);
  for (const unit of units) {
    for (const earlier of unit.after) {
      if (!after.has(earlier)) report('order', unit.id, `comes after ${earlier}, which is not in the plan`);
    }
    if (!gated.has(unit.id)) continue;
    for (const wanted of world.workloads.get(workloadOfUnit(unit.id))?.after ?? []) {
      const earlier = unitOf(wanted);
      if (gated.has(earlier) && !unit.after.includes(earlier)) {
        report('order', unit.id, `git wants it after ${earlier}, the plan does not`);
      }
    }
  }
  const stuck = waitingForEachOther(asOne(world));
  if (stuck.length > 0) report('order', stuck.join(', '), 'wait for each other');
}

/** By unit, or by transaction where several commit together: what all of them come after. */
function asOne({ plan: { units } }: World): ReadonlyMap<string, readonly string[]> {
  const nameOf = new Map<UnitId, string>(
    units.map(({ id, transaction }) => [id, transaction === undefined ? id : `transaction ${transaction}`]),
  );
  const after = new Map<string, Set<string>>();
  for (const { id, after: earlier } of units) {
    const name = nameOf.get(id) ?? id;
    const before = after.get(name) ?? new Set();
    after.set(name, before);
    for (const unit of earlier) before.add(nameOf.get(unit) ?? unit);
  }
  return new Map([...after].map(([name, before]) => [name, [...before]]));
}

/** Kahn: take away what waits for nothing; what is left waits for itself. */
function waitingForEachOther(after: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const waiting = new Map<string, number>();
  const followers = new Map<string, string[]>();
  const ready: string[] = [];
  for (const [unit, earlier] of after) {
    const known = earlier.filter((id) => after.has(id));
    if (known.length === 0) ready.push(unit);
    else waiting.set(unit, known.length);
    for (const id of known) {
      const list = followers.get(id);
      if (list === undefined) followers.set(id, [unit]);
      else list.push(unit);
    }
  }
  for (let next = ready.pop(); next !== undefined; next = ready.pop()) {
    for (const follower of followers.get(next) ?? []) {
      const count = (waiting.get(follower) ?? 0) - 1;
      if (count > 0) waiting.set(follower, count);
      else {
        waiting.delete(follower);
        ready.push(follower);
      }
    }
  }
  return [...waiting.keys()].sort();
}

import { type InstanceId, parseInstanceId, type UnitId, workloadOfUnit } from '../model/ids.ts';
import type { Plan, PlannedUnit, PlanWarning, Step } from '../model/plan.ts';

/** A unit of a plan arranged for reading: steps that differ only in instance and node are one group. */
export interface UnitView {
  readonly unit: PlannedUnit;
  readonly steps: readonly Step[];
  readonly groups: readonly StepGroup[];
  readonly lowest?: { readonly lowest: number; readonly of: number };
  readonly notes: readonly PlanWarning[];
  /** Units that commit together with it. */
  readonly together: readonly UnitId[];
}

export interface StepGroup {
  /** What all steps of the group have in common is read from the first. */
  readonly first: Step;
  /** By ordinal. */
  readonly steps: readonly Step[];
  /** Why, and how many steps say so; the most frequent first. */
  readonly reasons: readonly (readonly [reason: string, steps: number])[];
}

/** Units that are not shown, added up. */
export interface HiddenUnits {
  readonly units: number;
  /** What they do, by kind of step and cause; the most steps first. */
  readonly work: readonly HiddenWork[];
  /** The longest of them. */
  readonly worstCaseMs: number;
  /** Most instances of one of them that are unavailable at once. */
  readonly mostUnavailable: number;
}

export interface HiddenWork {
  readonly first: Step;
  readonly steps: number;
  readonly units: number;
}

/** Units in the plan's order, each with its steps grouped; where there are too many, those to be noticed are shown. */
export function viewUnits(
  plan: Plan,
  most = Number.POSITIVE_INFINITY,
): { readonly shown: readonly UnitView[]; readonly hidden: HiddenUnits | undefined } {
  const stepsByUnit = groupBy(plan.steps, (step) => step.unit);
  const units = plan.units.filter((unit) => stepsByUnit.has(unit.id));
  const notes = groupBy(plan.warnings, (warning) => warning.subject);
  const chosen = units.length <= most ? undefined : choose(plan, units, stepsByUnit, most);
  const shown = units
    .filter((unit) => chosen?.has(unit.id) !== false)
    .map((unit) => viewUnit(plan, unit, stepsByUnit.get(unit.id) ?? [], notes.get(unit.id) ?? []));
  if (chosen === undefined) return { shown, hidden: undefined };
  const hidden = units.filter((unit) => !chosen.has(unit.id));
  return { shown, hidden: addUp(plan, hidden, stepsByUnit) };
}

/** The first units to be noticed, and as many others as there is room for. */
function choose(
  plan: Plan,
  units: readonly PlannedUnit[],
  stepsByUnit: ReadonlyMap<UnitId, readonly Step[]>,
  most: number,
): ReadonlySet<UnitId> {
  const isUnusual = ({ id }: PlannedUnit): boolean =>
    isDown(plan, id) || (stepsByUnit.get(id) ?? []).some((step) => step.class === 'dataLoss' || step.forced === true);
  const first = units.filter(isUnusual).slice(0, most);
  const chosen = new Set(first.map(({ id }) => id));
  for (const { id } of units) {
    if (chosen.size >= most) break;
    chosen.add(id);
  }
  return chosen;
}

/** None of its instances serves at the worst moment, though some did. */
export function isDown({ availability }: Plan, unit: UnitId): boolean {
  const counts = availability[workloadOfUnit(unit)];
  return counts !== undefined && counts.of > 0 && counts.lowest === 0;
}

function addUp(
  plan: Plan,
  units: readonly PlannedUnit[],
  stepsByUnit: ReadonlyMap<UnitId, readonly Step[]>,
): HiddenUnits {
  const steps = units.flatMap(({ id }) => stepsByUnit.get(id) ?? []);
  const work = [...groupBy(steps, ({ kind, cause }) => `${kind} ${cause}`).values()].map((members): HiddenWork => {
    const [first] = members as [Step, ...Step[]];
    return { first, steps: members.length, units: new Set(members.map(({ unit }) => unit)).size };
  });
  const missed = units.map(({ id }) => {
    const counts = plan.availability[workloadOfUnit(id)];
    return counts === undefined ? 0 : counts.of - counts.lowest;
  });
  return {
    units: units.length,
    work: work.sort((a, b) => b.steps - a.steps),
    worstCaseMs: units.reduce((longest, unit) => Math.max(longest, unit.worstCaseMs), 0),
    mostUnavailable: missed.reduce((most, count) => Math.max(most, count), 0),
  };
}

function viewUnit(plan: Plan, unit: PlannedUnit, steps: readonly Step[], notes: readonly PlanWarning[]): UnitView {
  const lowest = plan.availability[workloadOfUnit(unit.id)];
  const groups = [...groupBy(steps, groupKey).values()].map(groupOf);
  const together = plan.units.filter(
    ({ id, transaction }) => transaction !== undefined && transaction === unit.transaction && id !== unit.id,
  );
  return {
    unit,
    steps,
    groups,
    ...(lowest !== undefined && { lowest }),
    notes,
    together: together.map(({ id }) => id),
  };
}

function groupOf(members: readonly Step[]): StepGroup {
  const [first] = members as [Step, ...Step[]];
  const reasons = [...groupBy(members, ({ reason }) => reason)].map(
    ([reason, { length }]) => [reason, length] as const,
  );
  return { first, steps: byOrdinal(members), reasons: reasons.sort(([, a], [, b]) => b - a) };
}

const groupKey = (step: Step): string =>
  JSON.stringify([step.kind, step.order, step.class, step.undo, step.cause, step.forced, step.engine, step.changes]);

const byOrdinal = (steps: readonly Step[]): readonly Step[] =>
  steps
    .map((step) => ({ step, ordinal: ordinalOf(step.instance) }))
    .sort((a, b) => a.ordinal - b.ordinal || a.step.generation - b.step.generation)
    .map(({ step }) => step);

export const ordinalOf = (instance: InstanceId): number => parseInstanceId(instance).ordinal;

export function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** Warnings that belong to no unit that is shown. */
export function generalWarnings(plan: Plan, shown: readonly UnitView[]): readonly PlanWarning[] {
  const units = new Set<string>(shown.map(({ unit }) => unit.id));
  return plan.warnings.filter((warning) => warning.subject === undefined || !units.has(warning.subject));
}

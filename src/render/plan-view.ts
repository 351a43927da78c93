import { type InstanceId, parseInstanceId, type UnitId, workloadOfUnit } from '../model/ids.ts';
import type { Plan, PlannedUnit, PlanWarning, Step, StepKind } from '../model/plan.ts';

/** A unit of a plan arranged for reading: steps that differ only in instance and node are one group. */
export interface UnitView {
  readonly unit: PlannedUnit;
  readonly groups: readonly StepGroup[];
  readonly stepCount: number;
  readonly lowest?: { readonly lowest: number; readonly of: number };
  readonly notes: readonly PlanWarning[];
  readonly waveSizes: readonly number[];
}

export interface StepGroup {
  /** What all steps of the group have in common is read from the first. */
  readonly first: Step;
  readonly steps: readonly Step[];
  /** The reason, when all steps share it. */
  readonly reason?: string;
}

export const symbols: Readonly<Record<StepKind, string>> = {
  create: '+',
  update: '~',
  replace: '-/+',
  move: '→',
  stop: '-',
  remove: '-',
  forget: '.',
};

/** Units in the plan's order, each with its steps grouped: the first `most`, and how many there are besides. */
export function viewUnits(
  plan: Plan,
  most = Number.POSITIVE_INFINITY,
): { readonly shown: readonly UnitView[]; readonly hidden: number } {
  const stepsByUnit = groupBy(plan.steps, (step) => step.unit);
  const units = plan.units.filter((unit) => stepsByUnit.has(unit.id));
  const shown = units.slice(0, most).map((unit) => viewUnit(plan, unit, stepsByUnit.get(unit.id) ?? []));
  return { shown, hidden: units.length - shown.length };
}

function viewUnit(plan: Plan, unit: PlannedUnit, steps: readonly Step[]): UnitView {
  const groups = [...groupBy(steps, groupKey).values()].map((members): StepGroup => {
    const [first] = members as [Step, ...Step[]];
    const shared = members.every((step) => step.reason === first.reason);
    return { first, steps: [...members].sort(byOrdinal), ...(shared && { reason: first.reason }) };
  });
  const lowest = plan.availability[workloadOfUnit(unit.id)];
  return {
    unit,
    groups,
    stepCount: steps.length,
    ...(lowest !== undefined && { lowest }),
    notes: plan.warnings.filter((warning) => warning.subject === unit.id),
    waveSizes: unit.waves.map((wave) => wave.steps.length),
  };
}

const groupKey = (step: Step): string =>
  JSON.stringify([step.kind, step.order, step.class, step.undo, step.cause, step.forced, step.engine, step.changes]);

const byOrdinal = (a: Step, b: Step): number =>
  ordinalOf(a.instance) - ordinalOf(b.instance) || a.generation - b.generation;

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
export function generalWarnings(plan: Plan): readonly PlanWarning[] {
  const shown = new Set<string>(plan.steps.map((step): UnitId => step.unit));
  return plan.warnings.filter((warning) => warning.subject === undefined || !shown.has(warning.subject));
}

/** `Plan: 3 to create, 1 to update, …`: the one line that everybody reads. */
export function verdict(plan: Plan): string {
  const { summary, refusals } = plan;
  const refused = refusals.length === 0 ? '' : ` ${refusals.length} refused.`;
  if (plan.steps.length === 0) {
    if (refusals.length > 0) return `Nothing can be changed; ${summary.unchanged} unchanged.${refused}`;
    return `No changes. ${restingText(plan)}`;
  }
  const rare = [
    summary.stop > 0 ? `, ${summary.stop} to stop` : '',
    summary.forget > 0 ? `, ${summary.forget} to forget` : '',
  ].join('');
  return (
    `Plan: ${summary.create} to create, ${summary.update} to update, ${summary.replace} to replace, ` +
    `${summary.move} to move, ${summary.remove} to remove${rare}; ${summary.unchanged} unchanged.${refused}`
  );
}

/** Why there is nothing to do; a workload that stays on an earlier revision is not as git declares it. */
function restingText({ summary, warnings }: Plan): string {
  if (summary.unchanged === 0) return 'Nothing is declared and nothing runs.';
  const pinned = warnings.filter(({ code }) => code === 'MUS5005').map(({ subject }) => subject);
  const waiting = warnings.filter(({ code }) => code === 'MUS5002' || code === 'MUS5010').length;
  if (pinned.length > 0)
    return `${pinned.join(', ')} ${pinned.length === 1 ? 'stays' : 'stay'} on an earlier revision than git declares.`;
  if (waiting > 0) return `${summary.unchanged} instances are as git declares them; see the warnings for what waits.`;
  return `All ${summary.unchanged} instances are as git declares them.`;
}

/** The message with what it is about in front, once: most messages begin with it already. */
export const withSubject = (of: { readonly subject?: string | undefined; readonly message: string }): string =>
  of.subject === undefined || of.message.startsWith(of.subject) ? of.message : `${of.subject}: ${of.message}`;

/** `platform 3f2a9c1, payments (working tree)` */
export const commitsText = (commits: Plan['basis']['commits']): string =>
  Object.entries(commits)
    .map(([source, commit]) => `${source} ${commit === 'worktree' ? '(working tree)' : commit.slice(0, 7)}`)
    .join(', ');

/** Enough of the plan's id to recognise it. */
export const shortPlanId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/** `1 + 2 + 2`, or `1 + 49 × 2` for long roll-outs. */
export function waveShape(sizes: readonly number[]): string {
  const runs: { size: number; count: number }[] = [];
  for (const size of sizes) {
    const last = runs.at(-1);
    if (last !== undefined && last.size === size) last.count += 1;
    else runs.push({ size, count: 1 });
  }
  return runs.map(({ size, count }) => (count > 1 ? `${count} × ${size}` : `${size}`)).join(' + ');
}

const causes: Readonly<Record<Step['cause'], string>> = {
  new: 'new',
  scale: 'scaled',
  change: 'changed',
  heal: 'healed',
  drain: 'drained',
  lost: 'lost',
  prune: 'left git',
  rollback: 'rolled back',
  orphan: 'orphan',
  preempt: 'preempted',
  quota: 'over quota',
  rebalance: 'rebalanced',
};

export const causeText = (cause: Step['cause']): string => causes[cause];

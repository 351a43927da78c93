import { assert, present } from '../model/assert.ts';
import type { Desired, DesiredWorkload } from '../model/desired.ts';
import { type Effect, expandStep } from '../model/effects.ts';
import {
  type InstanceId,
  type RevisionHash,
  type StepId,
  type TransactionId,
  type UnitId,
  workloadOfUnit,
} from '../model/ids.ts';
import type { Cause, Plan, PlannedUnit, Step } from '../model/plan.ts';
import type { Recorded } from '../model/recorded.ts';
import { type CountedOf, openCounted } from './counted.ts';

/**
 * Everything that a unit needs to be finished or unwound by whoever finds it, stored before its first effect: git may
 * have moved on by then, and may not even load.
 */
export interface UnitRecord {
  readonly unit: UnitId;
  readonly planned: PlannedUnit;
  readonly steps: readonly Step[];
  readonly settings: UnitSettings;
  /** Absent: it commits by itself. */
  readonly group?: UnitGroup;
}

/** Units of one run that commit together, or all go back. */
export interface UnitGroup {
  readonly transaction: TransactionId;
  /** This one included, by id. */
  readonly members: readonly UnitId[];
}

export interface UnitSettings {
  readonly healthyDeadlineMs: number;
  /** Most instances that may be unavailable at once while the unit runs. */
  readonly maxUnavailable: number;
  /** Instances that the budget is counted over. */
  readonly base: readonly InstanceId[];
  /** The revision that the unit brings, and leaves behind as last good; absent when it brings none. */
  readonly target?: RevisionHash;
  /** Hash of the workload's definition in git (`PlanBasis.workloads`); absent when it has left git. */
  readonly definition?: string;
  /** Pruned: the workload has left git. */
  readonly pruned: boolean;
}

/** Causes whose steps commit by themselves: a rollback never puts an instance back on a node that is being left, nor in the way of a more urgent one. */
const committedAlone: ReadonlySet<Cause> = new Set<Cause>([
  'heal',
  'drain',
  'lost',
  'prune',
  'orphan',
  'preempt',
  'quota',
  'rebalance',
]);

/** What is not a part of a rollout: repairs, moves, evictions, removals that nothing waits for. */
export const commitsAlone = (step: Step): boolean =>
  committedAlone.has(step.cause) || (step.kind === 'move' && !bringsRevision(step));

/** The instance is at another revision after the step, or is there for the first time. */
function bringsRevision(step: Step): boolean {
  const { kind, replaces, revision, revisionBefore } = step;
  return (makes(step) || kind === 'update') && (replaces?.revision ?? revisionBefore) !== revision;
}

const makes = ({ kind }: Step): boolean => kind === 'create' || kind === 'replace' || kind === 'move';

/** The records of all units of a plan, in the plan's order. */
export function unitRecords(options: {
  readonly plan: Plan;
  readonly desired: Desired;
  readonly recorded: Recorded;
  /** Unix ms */
  readonly now: number;
}): readonly UnitRecord[] {
  const { plan, desired, recorded } = options;
  const steps = new Map<UnitId, Step[]>();
  for (const step of plan.steps) {
    const own = steps.get(step.unit);
    if (own === undefined) steps.set(step.unit, [step]);
    else own.push(step);
  }
  const workloads = new Map(desired.workloads.map((workload) => [workload.id, workload]));
  const countedOf = openCounted(options);
  const groups = unitGroups(plan);
  return plan.units.map((planned) => {
    const workload = workloads.get(workloadOfUnit(planned.id));
    const own = present(steps.get(planned.id), `steps of unit ${planned.id}`);
    const group = planned.transaction && groups.get(planned.transaction);
    return {
      ...(group !== undefined && { group }),
      unit: planned.id,
      planned,
      steps: own,
      settings: settingsOf({
        planned,
        steps: own,
        workload,
        countedOf,
        lastGood: recorded.workloads.get(workloadOfUnit(planned.id))?.lastGood,
        definition: plan.basis.workloads[workloadOfUnit(planned.id)],
      }),
    };
  });
}

function unitGroups({ units }: Plan): ReadonlyMap<TransactionId, UnitGroup> {
  const members = new Map<TransactionId, UnitId[]>();
  for (const { id, transaction } of units) {
    if (transaction === undefined) continue;
    members.set(transaction, [...(members.get(transaction) ?? []), id]);
  }
  return new Map([...members].map(([transaction, ids]) => [transaction, { transaction, members: ids.sort() }]));
}

function settingsOf(options: {
  readonly planned: PlannedUnit;
  readonly steps: readonly Step[];
  readonly workload: DesiredWorkload | undefined;
  readonly countedOf: CountedOf;
  readonly lastGood: RevisionHash | undefined;
  readonly definition: string | undefined;
}): UnitSettings {
  const { planned, steps, workload, countedOf, lastGood, definition } = options;
  // All that a unit brings are of one revision: what git asks for, unless that failed before or is pinned away. Where a
  // rollout was abandoned, what it left is made anew by a heal or a move, and only then proves good or bad.
  const brings = steps.find(bringsRevision) ?? steps.find((step) => makes(step) && step.revision !== lastGood);
  const target = brings?.revision;
  return {
    healthyDeadlineMs: workload?.update.healthyDeadlineMs ?? 300_000,
    maxUnavailable: planned.maxUnavailable ?? 1,
    base: workload === undefined ? [] : countedOf(workload, steps),
    ...(target !== undefined && { target }),
    ...(definition !== undefined && { definition }),
    pruned: workload === undefined,
  };
}

/** A unit's effects, indexed the ways the executor asks for them. */
export interface UnitEffects {
  readonly steps: ReadonlyMap<StepId, Step>;
  readonly bySteps: ReadonlyMap<StepId, readonly Effect[]>;
  readonly byKey: ReadonlyMap<string, Effect>;
}

export function effectsOf(record: UnitRecord): UnitEffects {
  const steps = new Map(record.steps.map((step) => [step.id, step]));
  const bySteps = new Map(record.steps.map((step) => [step.id, expandStep(step)]));
  const byKey = new Map([...bySteps.values()].flat().map((effect) => [effect.key, effect]));
  assert(
    byKey.size === [...bySteps.values()].reduce((sum, effects) => sum + effects.length, 0),
    'effect keys are unique in a unit',
  );
  return { steps, bySteps, byKey };
}

import { assert, present } from '../model/assert.ts';
import type { Desired, DesiredWorkload } from '../model/desired.ts';
import { type Effect, expandStep } from '../model/effects.ts';
import {
  type InstanceId,
  instanceId,
  type RevisionHash,
  type StepId,
  type UnitId,
  type WorkloadId,
  workloadOfUnit,
} from '../model/ids.ts';
import type { Cause, Plan, PlannedUnit, Step } from '../model/plan.ts';
import type { Recorded } from '../model/recorded.ts';

/**
 * Everything that a unit needs to be finished or unwound by whoever finds it, stored before its first effect: git may
 * have moved on by then, and may not even load.
 */
export interface UnitRecord {
  readonly unit: UnitId;
  readonly planned: PlannedUnit;
  readonly steps: readonly Step[];
  readonly settings: UnitSettings;
}

export interface UnitSettings {
  readonly healthyDeadlineMs: number;
  /** Most instances that may be unavailable at once while the unit runs. */
  readonly maxUnavailable: number;
  /** Instances that had an allocation when the unit was planned: what the budget is counted over. */
  readonly base: readonly InstanceId[];
  /** The revision that a rollout leaves behind as last good; absent when the unit rolls nothing out. */
  readonly target?: RevisionHash;
  /** Pruned: the workload has left git. */
  readonly pruned: boolean;
}

/** Causes whose steps commit by themselves: a rollback never puts an instance back on a node that is being left. */
const committedAlone: ReadonlySet<Cause> = new Set<Cause>(['heal', 'drain', 'lost', 'prune', 'orphan']);

export const commitsAlone = (step: Step): boolean => committedAlone.has(step.cause);

/** The records of all units of a plan, in the plan's order. */
export function unitRecords(options: {
  readonly plan: Plan;
  readonly desired: Desired;
  readonly recorded: Recorded;
}): readonly UnitRecord[] {
  const { plan, desired, recorded } = options;
  const steps = new Map<UnitId, Step[]>();
  for (const step of plan.steps) {
    const own = steps.get(step.unit);
    if (own === undefined) steps.set(step.unit, [step]);
    else own.push(step);
  }
  const workloads = new Map(desired.workloads.map((workload) => [workload.id, workload]));
  const bases = basesOf(recorded);
  return plan.units.map((planned) => {
    const id = workloadOfUnit(planned.id);
    const own = present(steps.get(planned.id), `steps of unit ${planned.id}`);
    return {
      unit: planned.id,
      planned,
      steps: own,
      settings: settingsOf({
        steps: own,
        workload: workloads.get(id),
        base: bases.get(id) ?? [],
        maxUnavailable: planned.maxUnavailable ?? 1,
      }),
    };
  });
}

/** Each workload's instances that have a live allocation, in ordinal order. */
function basesOf(recorded: Recorded): ReadonlyMap<WorkloadId, readonly InstanceId[]> {
  const ordinals = new Map<WorkloadId, Set<number>>();
  for (const allocation of recorded.allocations) {
    if (allocation.state === 'held' || allocation.state === 'reserved') continue;
    const own = ordinals.get(allocation.workload) ?? new Set();
    own.add(allocation.ordinal);
    ordinals.set(allocation.workload, own);
  }
  return new Map(
    [...ordinals].map(([workload, own]) => [
      workload,
      [...own].sort((a, b) => a - b).map((ordinal) => instanceId(workload, ordinal)),
    ]),
  );
}

function settingsOf(options: {
  readonly steps: readonly Step[];
  readonly workload: DesiredWorkload | undefined;
  readonly base: readonly InstanceId[];
  readonly maxUnavailable: number;
}): UnitSettings {
  const { steps, workload, base, maxUnavailable } = options;
  const rollsOut = steps.some((step) => !commitsAlone(step) && step.kind !== 'remove' && step.kind !== 'forget');
  const kept =
    workload === undefined
      ? []
      : base.filter((instance) => ordinalOf(instance) < Math.max(workload.replicas, 1) || workload.type === 'daemon');
  return {
    healthyDeadlineMs: workload?.update.healthyDeadlineMs ?? 300_000,
    maxUnavailable,
    base: kept,
    ...(rollsOut && workload !== undefined && { target: rolloutTarget(steps, workload) }),
    pruned: workload === undefined,
  };
}

/** The newest revision that the unit brings; the desired one unless a failed revision is pinned away. */
function rolloutTarget(steps: readonly Step[], workload: DesiredWorkload): RevisionHash {
  const brought = steps.find((step) => step.cause === 'change' || step.cause === 'new' || step.cause === 'scale');
  return brought?.revision ?? workload.revisionHash;
}

const ordinalOf = (instance: InstanceId): number => Number(instance.slice(instance.lastIndexOf('/') + 1));

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

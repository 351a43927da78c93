import { assertNever } from '../../model/assert.ts';
import type { UnitId, WorkloadId } from '../../model/ids.ts';
import { type PlanSummary, planFormatVersion, type Step, type Wave } from '../../model/plan.ts';
import type { Report } from './violation.ts';
import type { World } from './world.ts';

/** The plan is whole: every step in one wave of its workload's unit, units ordered without a cycle, counts that add up. */
export function checkStructure(world: World, report: Report): void {
  checkFormat(world, report);
  checkWaves(world, report);
  checkOrder(world, report);
  checkSummary(world, report);
}

function checkFormat({ plan, inputs }: World, report: Report): void {
  const [major] = plan.formatVersion.split('.');
  if (major !== planFormatVersion.split('.')[0]) {
    report('format', 'plan', `format version ${plan.formatVersion} is not one of ${planFormatVersion}'s major version`);
  }
  if (plan.cluster !== inputs.desired.cluster.name) {
    report('format', 'plan', `made for cluster ${plan.cluster}, not for ${inputs.desired.cluster.name}`);
  }
}

function checkWaves(world: World, report: Report): void {
  const { items, itemsById } = world;
  for (const { step, workloadId } of items) {
    if (itemsById.size !== items.length && itemsById.get(step.id)?.step !== step)
      report('structure', step.id, 'two steps have this id');
    if (step.unit !== (workloadId as string)) {
      report('structure', step.id, `works on ${step.instance}, but is in the unit of ${step.unit}`);
    }
  }
  const placed = new Uint8Array(items.length);
  const units = new Set<UnitId>();
  for (const { unit, waves } of world.units) {
    if (units.has(unit.id)) report('structure', unit.id, 'two units have this id');
    units.add(unit.id);
    for (const [index, wave] of waves.entries()) {
      if (wave.items.length !== wave.wave.steps.length) reportMissing(world, unit.id, index, wave.wave, report);
      for (const { index: position, step } of wave.items) {
        if (placed[position] === 1) report('structure', step.id, 'is in more than one wave');
        placed[position] = 1;
        if (step.unit !== unit.id || step.wave !== index) {
          report('structure', step.id, `is in wave ${index} of ${unit.id}, but says wave ${step.wave} of ${step.unit}`);
        }
      }
    }
  }
  for (const { index, step } of items) if (placed[index] !== 1) report('structure', step.id, 'is in no wave');
}

function reportMissing({ itemsById }: World, unit: UnitId, index: number, wave: Wave, report: Report): void {
  for (const id of wave.steps) {
    if (!itemsById.has(id)) report('structure', unit, `wave ${index} names step ${id}, which is not in the plan`);
  }
}

/** `after` names units of this plan, holds what git asks for, and has no cycle. */
function checkOrder({ plan, workloads }: World, report: Report): void {
  const after = new Map<UnitId, readonly UnitId[]>(plan.units.map((unit) => [unit.id, unit.after]));
  const gated = new Set(
    plan.units.filter(({ waves }) => waves.some((wave) => wave.gate === 'healthy')).map(({ id }) => id),
  );
  for (const unit of plan.units) {
    for (const earlier of unit.after) {
      if (!after.has(earlier)) report('order', unit.id, `comes after ${earlier}, which is not in the plan`);
    }
    if (!gated.has(unit.id)) continue;
    for (const wanted of workloads.get(unit.id as string as WorkloadId)?.after ?? []) {
      const earlier = wanted as string as UnitId;
      if (gated.has(earlier) && !unit.after.includes(earlier)) {
        report('order', unit.id, `git wants it after ${earlier}, the plan does not`);
      }
    }
  }
  // Kahn: take away what waits for nothing; what is left waits for itself.
  const waiting = new Map(plan.units.map((unit) => [unit.id, unit.after.filter((id) => after.has(id)).length]));
  const followers = new Map<UnitId, UnitId[]>();
  for (const unit of plan.units) {
    for (const earlier of unit.after) {
      const list = followers.get(earlier);
      if (list === undefined) followers.set(earlier, [unit.id]);
      else list.push(unit.id);
    }
  }
  const ready = [...waiting].filter(([, count]) => count === 0).map(([id]) => id);
  let next = ready.pop();
  while (next !== undefined) {
    waiting.delete(next);
    for (const follower of followers.get(next) ?? []) {
      const count = (waiting.get(follower) ?? 0) - 1;
      waiting.set(follower, count);
      if (count === 0) ready.push(follower);
    }
    next = ready.pop();
  }
  if (waiting.size > 0) report('order', [...waiting.keys()].sort().join(', '), 'wait for each other');
}

function checkSummary({ plan }: World, report: Report): void {
  const counted = { create: 0, update: 0, replace: 0, move: 0, stop: 0, remove: 0, forget: 0 };
  for (const step of plan.steps) counted[summaryKey(step)]++;
  for (const key of Object.keys(counted) as (keyof typeof counted)[]) {
    if (plan.summary[key] !== counted[key]) {
      report('summary', key, `the summary says ${plan.summary[key]}, the steps say ${counted[key]}`);
    }
  }
}

function summaryKey(step: Step): Exclude<keyof PlanSummary, 'unchanged'> {
  switch (step.kind) {
    case 'create':
    case 'update':
    case 'replace':
    case 'move':
    case 'stop':
    case 'remove':
    case 'forget':
      return step.kind;
    default:
      return assertNever(step.kind);
  }
}

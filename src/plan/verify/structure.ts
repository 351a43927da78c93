import type { StepId, UnitId } from '../../model/ids.ts';
import { type Plan, type PlanSummary, planFormatVersion, type Step, type Wave } from '../../model/plan.ts';
import type { Report } from './violation.ts';
import type { Check, UnitWork, World } from './world.ts';

/** The plan is whole: every step in one wave of its workload's unit, a gate behind whatever is made, counts that add up. */
export function structureCheck(world: World, report: Report): Check {
  const { plan } = world;
  const units = new Set<UnitId>();
  const seen = new Uint8Array(plan.steps.length);
  return {
    unit: (work) => {
      if (units.has(work.unit.id)) report('structure', work.unit.id, 'two units have this id');
      units.add(work.unit.id);
      checkUnit(world, work, seen, report);
    },
    end: () => {
      checkFormat(world, report);
      checkIds(plan, report);
      checkSummary(world, report);
      if (!seen.includes(0)) return;
      for (const [position, { id }] of plan.steps.entries()) {
        if (seen[position] === 0) report('structure', id, 'is in no wave');
      }
    },
  };
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

/** No two steps have one id. Mostly they are numbered in order, which needs no memory to see. */
function checkIds({ steps }: Plan, report: Report): void {
  let position = 0;
  while (position < steps.length && isNumbered((steps[position] as Step).id, position + 1)) position += 1;
  if (position === steps.length) return;
  const seen = new Set<StepId>();
  for (const { id } of steps) {
    if (seen.has(id)) report('structure', id, 'two steps have this id');
    seen.add(id);
  }
}

/** True for `s` and the number as it is written. */
function isNumbered(id: string, number: number): boolean {
  let rest = number;
  for (let at = id.length - 1; at >= 1; at--) {
    if (id.charCodeAt(at) - 48 !== rest % 10) return false;
    rest = (rest - (rest % 10)) / 10;
  }
  return rest === 0 && id.length > 1 && id.charCodeAt(0) === 115 && id.charCodeAt(1) !== 48;
}

function checkUnit(world: World, { unit, waves }: UnitWork, seen: Uint8Array, report: Report): void {
  for (const [index, { wave, items }] of waves.entries()) {
    if (items.length !== wave.steps.length) reportMissing(world, { unit: unit.id, index, wave }, report);
    let waits = false;
    for (const { position, step, shape, ordinal } of items) {
      if (seen[position] === 1) report('structure', step.id, 'is in more than one wave');
      seen[position] = 1;
      if (step.unit !== unit.id || step.wave !== index) {
        const says = `says wave ${step.wave} of ${step.unit}`;
        report('structure', step.id, `is in wave ${index} of ${unit.id}, but ${says}`);
      }
      if (ordinal < 0) {
        report('structure', step.id, `works on ${step.instance}, but is in the unit of ${unit.id}`);
      }
      waits ||= shape.makes || shape.updates;
    }
    if (waits && wave.gate !== 'healthy') {
      report('gate', unit.id, `wave ${index} makes or changes instances, and nobody waits for them to be healthy`);
    }
  }
}

function reportMissing(
  { plan: { steps } }: World,
  { unit, index, wave }: { readonly unit: UnitId; readonly index: number; readonly wave: Wave },
  report: Report,
): void {
  const known = new Set(steps.map(({ id }) => id));
  for (const id of wave.steps) {
    if (!known.has(id)) report('structure', unit, `wave ${index} names step ${id}, which is not in the plan`);
  }
}

function checkSummary({ plan }: World, report: Report): void {
  const counted = { create: 0, update: 0, replace: 0, move: 0, stop: 0, remove: 0, forget: 0 };
  for (const { kind } of plan.steps) counted[kind] += 1;
  for (const key of Object.keys(counted) as (keyof typeof counted & keyof PlanSummary)[]) {
    if (plan.summary[key] !== counted[key]) {
      report('summary', key, `the summary says ${plan.summary[key]}, the steps say ${counted[key]}`);
    }
  }
}

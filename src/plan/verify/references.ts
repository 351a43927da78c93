import { type AllocationId, allocationId } from '../../model/ids.ts';
import type { Step, Undo } from '../../model/plan.ts';
import type { Allocation, AllocationState, Holds } from '../../model/recorded.ts';
import { objectOf, objectsOn, observedAt } from './base.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/**
 * Steps speak of what is recorded as it is recorded, end what they take the place of, make what was never there before
 * and do not promise an easier way back than there is.
 */
export function referencesCheck(world: World, report: Report): Check {
  return { unit: (work) => checkUnit(world, work, report) };
}

function checkUnit(world: World, work: UnitWork, report: Report): void {
  const next = world.inputs.recorded.workloads.get(work.id)?.nextGeneration ?? 1;
  const made: Made = { highest: -1, ordinals: undefined };
  const worked = new Set<number>();
  const startsAnew = work.items.some(({ shape, step }) => shape.makes && step.replaces === undefined);
  const there = startsAnew ? ordinalsThere(world, work) : nothingThere;
  for (const item of work.items) {
    const { step, shape } = item;
    if (undoRank[step.undo] < undoRank[shape.undo]) {
      report('undo', step.id, `says ${step.undo}, but its effects are ${shape.undo}`);
    }
    if (!shape.makes || step.replaces !== undefined) checkPredecessor(world, item, worked, report);
    else if (step.kind !== 'create') {
      report('recorded', step.id, `a ${step.kind} of ${step.instance} that replaces nothing`);
    }
    if (shape.makes) checkMade(work, item, { next, made, there }, report);
  }
}

const undoRank: Readonly<Record<Undo, number>> = { reversible: 0, compensable: 1, final: 2 };

/** The allocation that a step ends, replaces or changes exists exactly so, and no other step works on it. */
function checkPredecessor(world: World, item: Item, worked: Set<number>, report: Report): void {
  const { step, old, oldIndex } = item;
  const id = old?.id ?? allocationId(step.instance, step.replaces?.generation ?? step.generation);
  if (old === undefined) {
    if (!isOrphan(world, item, id)) report('recorded', step.id, `${id} is not recorded`);
    return;
  }
  if (worked.has(oldIndex)) report('recorded', step.id, `another step ends or changes ${id} as well`);
  worked.add(oldIndex);
  const wrong = difference(step, old) ?? falseAbsence(world, item, old);
  if (wrong !== undefined) report('recorded', step.id, `${id} is recorded otherwise: ${wrong}`);
}

/** Where what a step says about its predecessor is not what is recorded. */
function difference(step: Step, allocation: Allocation): string | undefined {
  const { kind, replaces } = step;
  const said = replaces ?? step;
  const holds = replaces?.holds ?? step.heldBefore ?? step.holds;
  const revision = replaces?.revision ?? step.revisionBefore ?? step.revision;
  if (said.node !== allocation.node) return `node ${said.node}, not ${allocation.node}`;
  if (said.engine !== allocation.engine) return `engine ${said.engine}, not ${allocation.engine}`;
  const says = kind !== 'update' || step.revisionBefore !== undefined;
  if (says && revision !== allocation.revision) return `revision ${revision}, not ${allocation.revision}`;
  if (!sameHolds(holds, allocation.holds)) return 'other holds than it has';
  if (kind === 'replace' && step.node !== allocation.node) return `replaces on ${step.node}: that is a move`;
  if (kind !== 'move') return undefined;
  if (step.from !== allocation.node) return `moves from ${step.from ?? 'nowhere'}, not ${allocation.node}`;
  return step.node === allocation.node ? 'moves to where it is' : undefined;
}

/** What is said to be gone is never stopped: it must not be there when somebody can look. */
function falseAbsence({ base }: World, { shape, home, oldIndex }: Item, old: Allocation): string | undefined {
  if (!shape.endsNothing) return undefined;
  const seen = observedAt(base, home);
  const answers = seen?.liveness === 'alive' && seen.engines[old.engine]?.kind === 'reachable';
  return answers && objectOf(base, oldIndex) !== undefined ? 'said to be gone, but its object is there' : undefined;
}

/** One of our objects on that node that no allocation owns: the only thing unrecorded that may be taken away. */
function isOrphan({ base }: World, { step, node }: Item, id: AllocationId): boolean {
  if (step.kind !== 'remove' && step.kind !== 'stop') return false;
  for (const index of objectsOn(base, node)) {
    const object = base.objects[index];
    if (object?.allocation === id && object.engine === step.engine) return true;
  }
  return false;
}

/** What is made is made once, under a generation that was never used, and in the place of what was there. */
function checkMade(
  { id, findRecorded }: UnitWork,
  { step: { instance, generation, replaces, id: step }, ordinal }: Item,
  of: { readonly next: number; readonly made: Made; readonly there: ReadonlyMap<number, Allocation> },
  report: Report,
): void {
  if (isMadeTwice(of.made, ordinal)) report('generation', step, `another step makes ${instance} as well`);
  if (!Number.isSafeInteger(generation) || generation < of.next) {
    report(
      'generation',
      step,
      `generation ${generation} of ${instance} may have been used: the next of ${id} is ${of.next}`,
    );
  }
  if (findRecorded(ordinal, generation) >= 0) {
    report('generation', step, `${instance}#${generation} is recorded already`);
  }
  const there = replaces === undefined ? of.there.get(ordinal) : undefined;
  if (there !== undefined) report('recorded', step, `makes ${instance} beside ${there.id}, which is ${there.state}`);
}

/** Ordinals that a unit makes: mostly they come in order, and the last one says it all. */
interface Made {
  highest: number;
  ordinals: Set<number> | undefined;
}

function isMadeTwice(made: Made, ordinal: number): boolean {
  if (made.ordinals === undefined && ordinal === made.highest + 1) {
    made.highest = ordinal;
    return false;
  }
  made.ordinals ??= new Set(Array.from({ length: made.highest + 1 }, (_, known) => known));
  const twice = made.ordinals.has(ordinal);
  made.ordinals.add(ordinal);
  return twice;
}

/** By ordinal: an allocation that a new one of the same instance has to replace. */
function ordinalsThere({ base }: World, { allocations }: UnitWork): ReadonlyMap<number, Allocation> {
  if (allocations.length === 0) return nothingThere;
  const there = new Map<number, Allocation>();
  for (const index of allocations) {
    const allocation = base.allocations[index] as Allocation;
    if (isThere[allocation.state]) there.set(allocation.ordinal, allocation);
  }
  return there;
}

const nothingThere: ReadonlyMap<number, Allocation> = new Map();

/** What is reserved or being stopped is left over from a run, and goes its own way. */
const isThere: Readonly<Record<AllocationState, boolean>> = {
  reserved: false,
  live: true,
  stopping: false,
  held: true,
  lost: true,
};

function sameHolds(a: Holds, b: Holds): boolean {
  if (a === b) return true;
  if (a.cpuMillis !== b.cpuMillis || a.memoryBytes !== b.memoryBytes || a.storageBytes !== b.storageBytes) return false;
  if ((a.bandwidthBits ?? 0) !== (b.bandwidthBits ?? 0) || a.ip !== b.ip || a.numaNode !== b.numaNode) return false;
  return (
    (a.cpuset ?? '') === (b.cpuset ?? '') &&
    sameTree(a.cpuFragments, b.cpuFragments) &&
    sameTree(a.devices, b.devices) &&
    sameTree(a.ports, b.ports) &&
    sameTree(a.volumes, b.volumes)
  );
}

/** Plain data, compared member by member; what is absent is the same as what is empty. */
function sameTree(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (!isTree(a) || !isTree(b)) return (a === undefined && isEmpty(b)) || (b === undefined && isEmpty(a));
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => sameTree(a[name], b[name]));
}

const isTree = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;
const isEmpty = (value: unknown): boolean => isTree(value) && Object.keys(value).length === 0;

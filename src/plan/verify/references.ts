import { type AllocationId, allocationId, type InstanceId } from '../../model/ids.ts';
import type { Step, Undo } from '../../model/plan.ts';
import type { Allocation, Holds } from '../../model/recorded.ts';
import type { Report } from './violation.ts';
import { makesAllocation, predecessorOf, revisionOf, type World, workloadOf } from './world.ts';

/**
 * Steps speak of what is recorded as it is recorded, make what was never there before, leave frozen workloads alone and
 * do not promise an easier way back than there is.
 */
export function checkReferences(world: World, report: Report): void {
  const frozen = frozenWorkloads(world);
  const made = new Set<InstanceId>();
  const worked = new Set<AllocationId>();
  for (const step of world.plan.steps) {
    const reason = frozen.get(workloadOf(step.instance)) ?? frozen.get('*');
    if (reason !== undefined) report('frozen', step.id, `touches ${step.instance}: ${reason}`);
    checkPredecessor(world, step, worked, report);
    if (makesAllocation(step)) checkMade(world, step, made, report);
    checkRevision(world, step, report);
    checkUndo(world, step, report);
  }
}

function frozenWorkloads({ inputs }: World): ReadonlyMap<string, string> {
  const { inFlight, overrides } = inputs.recorded;
  return new Map<string, string>([
    ...overrides
      .filter(({ kind, until }) => kind === 'freeze' && until > inputs.now)
      .map(({ target, actor, reason }) => [target, `frozen by ${actor} (${reason})`] as const),
    ...inFlight.map(({ unit, run, status }) => [unit, `its unit is in flight in run ${run} (${status})`] as const),
  ]);
}

/** The allocation that a step ends, replaces or changes exists exactly so. */
function checkPredecessor(world: World, step: Step, worked: Set<AllocationId>, report: Report): void {
  if (makesAllocation(step) && step.replaces === undefined) {
    if (step.kind !== 'create') report('recorded', step.id, `a ${step.kind} of ${step.instance} that replaces nothing`);
    return;
  }
  const generation = makesAllocation(step) ? (step.replaces?.generation ?? 0) : step.generation;
  const id = allocationId(step.instance, generation);
  if (worked.has(id)) report('recorded', step.id, `another step ends or changes ${id} as well`);
  worked.add(id);
  const allocation = predecessorOf(world, step);
  if (allocation === undefined) {
    if (!isOrphanOf(world, step, id)) report('recorded', step.id, `${id} is not recorded`);
    return;
  }
  const said = step.replaces ?? { ...step, holds: step.heldBefore ?? step.holds };
  const wrong = [
    said.node !== allocation.node && `node ${said.node}, not ${allocation.node}`,
    said.engine !== allocation.engine && `engine ${said.engine}, not ${allocation.engine}`,
    step.kind !== 'update' &&
      said.revision !== allocation.revision &&
      `revision ${said.revision}, not ${allocation.revision}`,
    !sameHolds(said.holds, allocation) && 'other holds than it has',
    step.kind === 'move' &&
      step.from !== allocation.node &&
      `moves from ${step.from ?? 'nowhere'}, not ${allocation.node}`,
    step.kind === 'move' && step.node === allocation.node && 'moves to where it is',
    step.kind === 'replace' && step.node !== allocation.node && `replaces on ${step.node}: that is a move`,
  ].filter((problem) => problem !== false);
  if (wrong.length > 0) report('recorded', step.id, `${id} is recorded otherwise: ${wrong.join('; ')}`);
}

/** One of our objects on that node that no allocation owns: the only thing unrecorded that may be taken away. */
function isOrphanOf({ inputs }: World, step: Step, id: AllocationId): boolean {
  if (step.kind !== 'remove' && step.kind !== 'stop') return false;
  return inputs.observed.objects.some(
    (object) => object.allocation === id && object.node === step.node && object.engine === step.engine,
  );
}

/** What is made is made once, under a generation that was never used. */
function checkMade(world: World, step: Step, made: Set<InstanceId>, report: Report): void {
  if (made.has(step.instance)) report('generation', step.id, `another step makes ${step.instance} as well`);
  made.add(step.instance);
  const workload = workloadOf(step.instance);
  const next = world.inputs.recorded.workloads.get(workload)?.nextGeneration ?? 1;
  if (!Number.isSafeInteger(step.generation) || step.generation < next) {
    report(
      'generation',
      step.id,
      `generation ${step.generation} of ${step.instance} may have been used: the next is ${next}`,
    );
  }
  if (world.allocations.has(allocationId(step.instance, step.generation))) {
    report('generation', step.id, `${step.instance}#${step.generation} is recorded already`);
  }
}

/** A made or changed allocation has a revision that exists, holds what that asks for and has its ports. */
function checkRevision(world: World, step: Step, report: Report): void {
  if (!makesAllocation(step) && step.kind !== 'update') return;
  const revision = revisionOf(world, step);
  if (revision === undefined) {
    report('revision', step.id, `revision ${step.revision} is neither wanted nor recorded`);
    return;
  }
  const { resources } = revision;
  const { holds } = step;
  const wrong = [
    revision.engine !== step.engine && `engine ${step.engine}, not ${revision.engine}`,
    holds.cpuMillis !== resources.cpuMillis && `cpuMillis ${holds.cpuMillis}, not ${resources.cpuMillis}`,
    holds.memoryBytes !== resources.memoryBytes && `memoryBytes ${holds.memoryBytes}, not ${resources.memoryBytes}`,
    holds.storageBytes !== resources.storageBytes &&
      `storageBytes ${holds.storageBytes}, not ${resources.storageBytes}`,
    (holds.bandwidthBits ?? 0) !== resources.bandwidthBits &&
      `bandwidthBits ${holds.bandwidthBits ?? 0}, not ${resources.bandwidthBits}`,
    ...Object.entries(resources.extended).map(
      ([name, count]) =>
        (holds.extended?.[name] ?? 0) !== count && `${name} ${holds.extended?.[name] ?? 0}, not ${count}`,
    ),
    ...revision.ports.map((port) => {
      const given = holds.ports?.[port.name];
      if (port.publish === 'none') return false;
      if (given === undefined) return `no host port for ${port.name}`;
      return port.publish !== 'auto' && port.publish !== given && `port ${port.name} at ${given}, not ${port.publish}`;
    }),
  ].filter((problem) => problem !== false);
  if (wrong.length > 0)
    report('revision', step.id, `${step.instance} does not hold what its revision asks for: ${wrong.join('; ')}`);
}

const undoRank: Readonly<Record<Undo, number>> = { reversible: 0, compensable: 1, final: 2 };

function checkUndo(world: World, step: Step, report: Report): void {
  const needed = world.shapeOf(step).undo;
  if (undoRank[step.undo] < undoRank[needed]) {
    report('undo', step.id, `says ${step.undo}, but its effects are ${needed}`);
  }
}

function sameHolds(a: Holds, { holds: b }: Allocation): boolean {
  return (
    a === b ||
    (a.cpuMillis === b.cpuMillis &&
      a.memoryBytes === b.memoryBytes &&
      a.storageBytes === b.storageBytes &&
      (a.bandwidthBits ?? 0) === (b.bandwidthBits ?? 0) &&
      a.ip === b.ip &&
      sameCounts(a.ports, b.ports) &&
      sameCounts(a.extended, b.extended))
  );
}

function sameCounts(a: Readonly<Record<string, number>> = {}, b: Readonly<Record<string, number>> = {}): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

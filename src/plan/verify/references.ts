import { type AllocationId, allocationId, type InstanceId } from '../../model/ids.ts';
import type { Step, Undo } from '../../model/plan.ts';
import { type Allocation, extendedOf, type Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { Report } from './violation.ts';
import { type Item, revisionOf, type World } from './world.ts';

/**
 * Steps speak of what is recorded as it is recorded, make what was never there before, leave frozen workloads alone and
 * do not promise an easier way back than there is.
 */
export function checkReferences(world: World, report: Report): void {
  const frozen = frozenWorkloads(world);
  const made = new Set<InstanceId>();
  const worked = new Set<AllocationId>();
  for (const item of world.items) {
    const { step, shape } = item;
    const reason = frozen.size === 0 ? undefined : (frozen.get(item.workloadId) ?? frozen.get('*'));
    if (reason !== undefined) report('frozen', step.id, `touches ${step.instance}: ${reason}`);
    checkPredecessor(world, item, worked, report);
    if (shape.makes) checkMade(world, item, made, report);
    if (shape.makes || shape.updates) checkRevision(world, item, report);
    if (undoRank[step.undo] < undoRank[shape.undo]) {
      report('undo', step.id, `says ${step.undo}, but its effects are ${shape.undo}`);
    }
  }
}

const undoRank: Readonly<Record<Undo, number>> = { reversible: 0, compensable: 1, final: 2 };

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
function checkPredecessor(world: World, item: Item, worked: Set<AllocationId>, report: Report): void {
  const { step, shape, old } = item;
  if (shape.makes && step.replaces === undefined) {
    if (step.kind !== 'create') report('recorded', step.id, `a ${step.kind} of ${step.instance} that replaces nothing`);
    return;
  }
  const id = old?.id ?? allocationId(step.instance, step.replaces?.generation ?? step.generation);
  if (worked.has(id)) report('recorded', step.id, `another step ends or changes ${id} as well`);
  worked.add(id);
  if (old === undefined) {
    if (!isOrphanOf(world, step, id)) report('recorded', step.id, `${id} is not recorded`);
    return;
  }
  const wrong = differences(step, old);
  if (wrong.length > 0) report('recorded', step.id, `${id} is recorded otherwise: ${wrong.join('; ')}`);
}

/** Where what a step says about its predecessor is not what is recorded. */
function differences(step: Step, allocation: Allocation): readonly string[] {
  const said = step.replaces ?? { ...step, holds: step.heldBefore ?? step.holds };
  return [
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
}

/** One of our objects on that node that no allocation owns: the only thing unrecorded that may be taken away. */
function isOrphanOf({ inputs }: World, step: Step, id: AllocationId): boolean {
  if (step.kind !== 'remove' && step.kind !== 'stop') return false;
  return inputs.observed.objects.some(
    (object) => object.allocation === id && object.node === step.node && object.engine === step.engine,
  );
}

/** What is made is made once, under a generation that was never used. */
function checkMade(world: World, { step, workloadId }: Item, made: Set<InstanceId>, report: Report): void {
  if (made.has(step.instance)) report('generation', step.id, `another step makes ${step.instance} as well`);
  made.add(step.instance);
  const next = world.inputs.recorded.workloads.get(workloadId)?.nextGeneration ?? 1;
  if (!Number.isSafeInteger(step.generation) || step.generation < next) {
    report(
      'generation',
      step.id,
      `generation ${step.generation} of ${step.instance} may have been used: the next is ${next}`,
    );
  }
  if (world.allocations.size > 0 && world.allocations.has(allocationId(step.instance, step.generation))) {
    report('generation', step.id, `${step.instance}#${step.generation} is recorded already`);
  }
}

/** A made or changed allocation has a revision that exists, holds what that asks for and has its ports. */
function checkRevision(world: World, { step, workload }: Item, report: Report): void {
  const revision = revisionOf(world, workload, step.revision);
  if (revision === undefined) {
    report('revision', step.id, `revision ${step.revision} is neither wanted nor recorded`);
    return;
  }
  if (revision.engine !== step.engine) report('revision', step.id, `engine ${step.engine}, not ${revision.engine}`);
  if (holdsWhatIsAsked(step.holds, revision)) return;
  const wrong = [...wrongAmounts(step.holds, revision), ...wrongPorts(step.holds, revision)];
  report('revision', step.id, `${step.instance} does not hold what its revision asks for: ${wrong.join('; ')}`);
}

/** Says the same as `wrongAmounts` and `wrongPorts` being empty, without making a list. */
function holdsWhatIsAsked(holds: Holds, { resources, ports }: Revision): boolean {
  if (holds.cpuMillis !== resources.cpuMillis || holds.memoryBytes !== resources.memoryBytes) return false;
  if (holds.storageBytes !== resources.storageBytes) return false;
  if ((holds.bandwidthBits ?? 0) !== resources.bandwidthBits) return false;
  for (const { name, publish } of ports) {
    if (publish === 'none') continue;
    const given = holds.ports?.[name];
    if (given === undefined || (publish !== 'auto' && publish !== given)) return false;
  }
  return wrongExtended(holds, resources.extended).length === 0;
}

function wrongAmounts(holds: Holds, { resources }: Revision): readonly string[] {
  const wrong: string[] = [];
  for (const name of amountNames) {
    const [held, asked] = [holds[name] ?? 0, resources[name]];
    if (held !== asked) wrong.push(`${name} ${held}, not ${asked}`);
  }
  return [...wrong, ...wrongExtended(holds, resources.extended)];
}

/** In thousandths of a piece. */
function wrongExtended(holds: Holds, asked: Readonly<Record<string, number>>): readonly string[] {
  const held = extendedOf(holds);
  return Object.entries(asked).flatMap(([name, milli]) =>
    (held[name] ?? 0) === milli ? [] : [`${name} ${held[name] ?? 0}, not ${milli}`],
  );
}

function wrongPorts(holds: Holds, { ports }: Revision): readonly string[] {
  return ports.flatMap(({ name, publish }) => {
    if (publish === 'none') return [];
    const given = holds.ports?.[name];
    if (given === undefined) return [`no host port for ${name}`];
    return publish !== 'auto' && publish !== given ? [`port ${name} at ${given}, not ${publish}`] : [];
  });
}

const amountNames = ['cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;

function sameHolds(a: Holds, { holds: b }: Allocation): boolean {
  return (
    a === b ||
    (a.cpuMillis === b.cpuMillis &&
      a.memoryBytes === b.memoryBytes &&
      a.storageBytes === b.storageBytes &&
      (a.bandwidthBits ?? 0) === (b.bandwidthBits ?? 0) &&
      a.ip === b.ip &&
      sameCounts(a.ports, b.ports) &&
      sameCounts(extendedOf(a), extendedOf(b)))
  );
}

function sameCounts(a: Readonly<Record<string, number>> = {}, b: Readonly<Record<string, number>> = {}): boolean {
  const names = Object.keys(a);
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name]);
}

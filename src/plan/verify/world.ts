import type { DesiredWorkload } from '../../model/desired.ts';
import type { NodeName, RevisionHash, StepId, WorkloadId } from '../../model/ids.ts';
import { workloadOfUnit } from '../../model/ids.ts';
import type { Plan, PlannedUnit, Step, Wave } from '../../model/plan.ts';
import type { Allocation } from '../../model/recorded.ts';
import type { PlanInputs } from '../inputs.ts';
import { allocationsOf, factsOf, type Verifier } from './base.ts';
import type { RevisionFacts } from './revision-facts.ts';
import { createShapes, type Shape } from './shape.ts';

/** One plan over one world. */
export interface World {
  readonly inputs: PlanInputs;
  readonly plan: Plan;
  readonly base: Verifier;
  readonly workloads: ReadonlyMap<WorkloadId, DesiredWorkload>;
  /** Nodes that an override cordons. */
  readonly cordoned: ReadonlySet<NodeName>;
  readonly shapeOf: (step: Step) => Shape;
  /** The position of a step; -1: the plan has none of that id. */
  readonly find: (id: StepId) => number;
}

/** A unit with everything that the rules ask about its steps, looked up once. It is made for the rules and then let go. */
export interface UnitWork {
  readonly unit: PlannedUnit;
  readonly id: WorkloadId;
  /** Absent when it left git. */
  readonly workload: DesiredWorkload | undefined;
  /** Recorded allocations of the workload, by position. */
  readonly allocations: Int32Array;
  /** The position of one of them; -1: there is none of that ordinal and generation. */
  readonly findRecorded: FindRecorded;
  readonly waves: readonly WaveWork[];
  /** Of all waves, in their order. */
  readonly items: readonly Item[];
}

export interface WaveWork {
  readonly wave: Wave;
  /** Ids that name no step are left out here and reported by the structure rules. */
  readonly items: readonly Item[];
}

export interface Item {
  /** Where the plan has the step. */
  readonly position: number;
  readonly step: Step;
  readonly shape: Shape;
  /** The step's node; -1: neither git nor the records know it. */
  readonly node: number;
  /** The ordinal of the step's instance; -1 where it is none of its unit's workload. */
  readonly ordinal: number;
  /** Position of the recorded allocation that the step updates or ends, not of the one that it makes; -1: none. */
  readonly oldIndex: number;
  readonly old: Allocation | undefined;
  /** The node of the old one; -1: none. */
  readonly home: number;
  /** Of the revision that is made or changed to; undefined where nothing is, or nobody knows it. */
  readonly facts: RevisionFacts | undefined;
}

export const createWorld = (inputs: PlanInputs, plan: Plan, base: Verifier): World => ({
  inputs,
  plan,
  base,
  workloads: new Map(inputs.desired.workloads.map((workload) => [workload.id, workload])),
  cordoned: new Set(
    inputs.recorded.overrides
      .filter(({ kind, until }) => kind === 'cordon' && until > inputs.now)
      .map(({ target }) => target as NodeName),
  ),
  shapeOf: createShapes(),
  find: createFinder(plan.steps),
});

/** Positions by id. Waves mostly name the steps in the order in which the plan has them: then nothing is looked up. */
function createFinder(steps: readonly Step[]): (id: StepId) => number {
  let next = 0;
  let index: Map<StepId, number> | undefined;
  return (id) => {
    if (steps[next]?.id === id) return next++;
    index ??= new Map(steps.map((step, position) => [step.id, position]));
    const position = index.get(id) ?? -1;
    if (position >= 0) next = position + 1;
    return position;
  };
}

export function openWork(world: World, unit: PlannedUnit): UnitWork {
  const id = workloadOfUnit(unit.id);
  const allocations = allocationsOf(world.base, id);
  const findRecorded = createRecordFinder(world.base, allocations);
  const known = { id, workload: world.workloads.get(id), findRecorded };
  const openItem = itemOpener(world, known);
  const waves = unit.waves.map((wave): WaveWork => {
    const items: Item[] = [];
    for (const step of wave.steps) {
      const position = world.find(step);
      if (position >= 0) items.push(openItem(position));
    }
    return { wave, items };
  });
  const [only] = waves;
  const items = waves.length === 1 && only !== undefined ? only.items : waves.flatMap((wave) => wave.items);
  return { ...known, unit, allocations, waves, items };
}

type FindRecorded = (ordinal: number, generation: number) => number;

/** Allocations are mostly there once for each ordinal, in order: then they are where one looks first. */
export function createRecordFinder({ allocations }: Verifier, own: Int32Array): FindRecorded {
  if (own.length === 0) return nothingRecorded;
  if (own.every((position, place) => allocations[position]?.ordinal === place)) {
    return (ordinal, generation) => {
      const position = own[ordinal] ?? -1;
      return position >= 0 && allocations[position]?.generation === generation ? position : -1;
    };
  }
  const index = new Map([...own].map((position) => [recordKey(allocations[position] as Allocation), position]));
  return (ordinal, generation) => index.get(recordKey({ ordinal, generation })) ?? -1;
}

const nothingRecorded: FindRecorded = () => -1;

/** Both as one number: a generation is far below 2^32, and what is not is recorded nowhere. */
const recordKey = ({ ordinal, generation }: Pick<Allocation, 'ordinal' | 'generation'>): number =>
  ordinal * 4_294_967_296 + generation;

function itemOpener(
  world: World,
  { id, workload, findRecorded }: Pick<UnitWork, 'id' | 'workload' | 'findRecorded'>,
): (position: number) => Item {
  const { base, plan, shapeOf } = world;
  // Neighbours are mostly of one revision.
  let lastRevision: RevisionHash | undefined;
  let lastFacts: RevisionFacts | undefined;
  return (position) => {
    const step = plan.steps[position] as Step;
    const shape = shapeOf(step);
    const ordinal = ordinalOf(step.instance, id);
    const generation = shape.makes ? step.replaces?.generation : step.generation;
    const oldIndex = generation === undefined ? -1 : findRecorded(ordinal, generation);
    if ((shape.makes || shape.updates) && step.revision !== lastRevision) {
      lastRevision = step.revision;
      lastFacts = factsFor(world, workload, lastRevision);
    }
    return {
      position,
      step,
      shape,
      node: base.nodes.indexOf.get(step.node) ?? -1,
      ordinal,
      oldIndex,
      old: oldIndex < 0 ? undefined : base.allocations[oldIndex],
      home: oldIndex < 0 ? -1 : (base.homes[oldIndex] as number),
      facts: shape.makes || shape.updates ? lastFacts : undefined,
    };
  };
}

/** A revision by its hash: what the workload wants now, else what is recorded. */
function factsFor(
  { inputs, base }: World,
  workload: DesiredWorkload | undefined,
  hash: RevisionHash,
): RevisionFacts | undefined {
  const revision = workload?.revisionHash === hash ? workload.revision : inputs.recorded.revisions.get(hash);
  return revision && factsOf(base, revision);
}

/** The ordinal in `namespace/workload/ordinal`; -1 when the instance is none of the workload. */
function ordinalOf(instance: string, workload: string): number {
  const slash = workload.length;
  if (instance.length === slash + 1 || instance.charCodeAt(slash) !== 47 || !instance.startsWith(workload)) return -1;
  let ordinal = 0;
  for (let at = slash + 1; at < instance.length; at++) {
    const digit = instance.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return -1;
    ordinal = ordinal * 10 + digit;
  }
  return ordinal;
}

/** One rule, or a few that belong together: looks at the units one by one, and at what it found when all are through. */
export interface Check {
  readonly unit: (work: UnitWork) => void;
  readonly end?: () => void;
}

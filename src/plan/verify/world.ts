import type { DesiredNode, DesiredWorkload } from '../../model/desired.ts';
import {
  type AllocationId,
  allocationId,
  type InstanceId,
  type NodeName,
  type StepId,
  type UnitId,
  type WorkloadId,
} from '../../model/ids.ts';
import type { ObservedNode } from '../../model/observed.ts';
import type { Plan, PlannedUnit, Step, Wave } from '../../model/plan.ts';
import type { Allocation, RecordedNode } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import type { PlanInputs } from '../inputs.ts';
import { createShapes, type Shape } from './shape.ts';

/** The inputs, indexed as far as a plan touches them. */
export interface World {
  readonly inputs: PlanInputs;
  readonly plan: Plan;
  readonly units: readonly UnitWork[];
  readonly nodes: ReadonlyMap<NodeName, NodeWorld>;
  readonly workloads: ReadonlyMap<WorkloadId, DesiredWorkload>;
  /** Recorded allocations of the workloads that the plan touches. */
  readonly allocations: ReadonlyMap<AllocationId, Allocation>;
  readonly allocationsOf: ReadonlyMap<WorkloadId, readonly Allocation[]>;
  /** Nodes that a step makes, changes or ends something on. */
  readonly touchedNodes: ReadonlySet<NodeName>;
  readonly shapeOf: (step: Step) => Shape;
}

export interface UnitWork {
  readonly unit: PlannedUnit;
  readonly workload: WorkloadId;
  readonly waves: readonly { readonly wave: Wave; readonly steps: readonly Step[] }[];
}

export interface NodeWorld {
  readonly desired: DesiredNode;
  readonly recorded: RecordedNode | undefined;
  readonly observed: ObservedNode | undefined;
  /** Cordoned by an override that has not expired. */
  readonly cordoned: boolean;
}

export function createWorld(inputs: PlanInputs, plan: Plan): World {
  const { desired, recorded } = inputs;
  const touchedNodes = new Set<NodeName>();
  const touchedWorkloads = new Set<WorkloadId>();
  for (const step of plan.steps) {
    touchedNodes.add(step.node);
    if (step.replaces !== undefined) touchedNodes.add(step.replaces.node);
    touchedWorkloads.add(workloadOf(step.instance));
  }
  const allocations = new Map<AllocationId, Allocation>();
  const allocationsOf = new Map<WorkloadId, Allocation[]>();
  for (const allocation of recorded.allocations) {
    if (!touchedWorkloads.has(allocation.workload)) continue;
    allocations.set(allocation.id, allocation);
    const siblings = allocationsOf.get(allocation.workload);
    if (siblings === undefined) allocationsOf.set(allocation.workload, [allocation]);
    else siblings.push(allocation);
  }
  return {
    inputs,
    plan,
    units: unitsOf(plan),
    nodes: nodesOf(inputs, touchedNodes),
    workloads: new Map(desired.workloads.map((workload) => [workload.id, workload])),
    allocations,
    allocationsOf,
    touchedNodes,
    shapeOf: createShapes(),
  };
}

/** Waves with their steps looked up. Ids that name no step are left out here and reported by the structure rules. */
function unitsOf(plan: Plan): readonly UnitWork[] {
  const steps = new Map<StepId, Step>(plan.steps.map((step) => [step.id, step]));
  return plan.units.map((unit) => ({
    unit,
    workload: unit.id as UnitId as string as WorkloadId,
    waves: unit.waves.map((wave) => ({
      wave,
      steps: wave.steps.map((id) => steps.get(id)).filter((step) => step !== undefined),
    })),
  }));
}

function nodesOf(
  { desired, recorded, observed, now }: PlanInputs,
  touched: ReadonlySet<NodeName>,
): ReadonlyMap<NodeName, NodeWorld> {
  const cordoned = new Set(
    recorded.overrides.filter(({ kind, until }) => kind === 'cordon' && until > now).map(({ target }) => target),
  );
  const nodes = new Map<NodeName, NodeWorld>();
  for (const node of desired.nodes) {
    if (!touched.has(node.name)) continue;
    nodes.set(node.name, {
      desired: node,
      recorded: recorded.nodes.get(node.name),
      observed: observed.nodes.get(node.name),
      cordoned: cordoned.has(node.name),
    });
  }
  return nodes;
}

/** The workload of an instance id of any origin; the id itself where it has no ordinal. */
export function workloadOf(instance: InstanceId): WorkloadId {
  const slash = instance.lastIndexOf('/');
  return (slash < 0 ? instance : instance.slice(0, slash)) as string as WorkloadId;
}

/** The recorded allocation that a step updates or ends, not the one that it makes. */
export function predecessorOf(world: World, step: Step): Allocation | undefined {
  const generation = makesAllocation(step) ? step.replaces?.generation : step.generation;
  return generation === undefined ? undefined : world.allocations.get(allocationId(step.instance, generation));
}

export const makesAllocation = (step: Step): boolean =>
  step.kind === 'create' || step.kind === 'replace' || step.kind === 'move';

/** A revision by its hash: what the workload wants now, else what is recorded. */
export function revisionOf(world: World, step: Pick<Step, 'instance' | 'revision'>): Revision | undefined {
  const workload = world.workloads.get(workloadOf(step.instance));
  if (workload !== undefined && workload.revisionHash === step.revision) return workload.revision;
  return world.inputs.recorded.revisions.get(step.revision);
}

import type { DesiredNode, DesiredWorkload } from '../../model/desired.ts';
import {
  type AllocationId,
  allocationId,
  type InstanceId,
  type NodeName,
  type RevisionHash,
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
  readonly items: readonly Item[];
  readonly itemsById: ReadonlyMap<StepId, Item>;
  readonly units: readonly UnitWork[];
  readonly nodes: ReadonlyMap<NodeName, NodeWorld>;
  readonly workloads: ReadonlyMap<WorkloadId, DesiredWorkload>;
  /** Recorded allocations of the workloads that the plan touches. */
  readonly allocations: ReadonlyMap<AllocationId, Allocation>;
  readonly allocationsOf: ReadonlyMap<WorkloadId, readonly Allocation[]>;
  /** Nodes that a step makes, changes or ends something on. */
  readonly touchedNodes: ReadonlySet<NodeName>;
}

/** A step with everything that several rules ask about it, looked up once. */
export interface Item {
  /** Position in the plan. */
  readonly index: number;
  readonly step: Step;
  readonly shape: Shape;
  readonly workloadId: WorkloadId;
  readonly workload: DesiredWorkload | undefined;
  /** The recorded allocation that it updates or ends, not the one that it makes. */
  readonly old: Allocation | undefined;
}

export interface UnitWork {
  readonly unit: PlannedUnit;
  readonly workload: WorkloadId;
  readonly waves: readonly { readonly wave: Wave; readonly items: readonly Item[] }[];
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
    touchedWorkloads.add(workloadOf(step.instance, step.unit));
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
  const workloads = new Map(desired.workloads.map((workload) => [workload.id, workload]));
  const items = itemsOf(plan, workloads, allocations);
  const itemsById = new Map<StepId, Item>();
  for (const item of items) itemsById.set(item.step.id, item);
  return {
    inputs,
    plan,
    items,
    itemsById,
    units: unitsOf(plan, itemsById),
    nodes: nodesOf(inputs, touchedNodes),
    workloads,
    allocations,
    allocationsOf,
    touchedNodes,
  };
}

function itemsOf(plan: Plan, workloads: World['workloads'], allocations: World['allocations']): readonly Item[] {
  const shapeOf = createShapes();
  return plan.steps.map((step, index) => {
    const shape = shapeOf(step);
    const workloadId = workloadOf(step.instance, step.unit);
    const generation = shape.makes ? step.replaces?.generation : step.generation;
    const old =
      generation === undefined || allocations.size === 0
        ? undefined
        : allocations.get(allocationId(step.instance, generation));
    return { index, step, shape, workloadId, workload: workloads.get(workloadId), old };
  });
}

/** Waves with their steps looked up. Ids that name no step are left out here and reported by the structure rules. */
function unitsOf(plan: Plan, items: World['itemsById']): readonly UnitWork[] {
  return plan.units.map((unit) => ({
    unit,
    workload: unit.id as UnitId as string as WorkloadId,
    waves: unit.waves.map((wave) => ({
      wave,
      items: wave.steps.map((id) => items.get(id)).filter((item) => item !== undefined),
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

/** The workload of an instance id of any origin; the id itself where it has no ordinal. Mostly it is what the unit is called. */
function workloadOf(instance: InstanceId, unit: UnitId): WorkloadId {
  const slash = instance.lastIndexOf('/');
  if (slash === unit.length && instance.startsWith(unit)) return unit as string as WorkloadId;
  return (slash < 0 ? instance : instance.slice(0, slash)) as string as WorkloadId;
}

/** A revision by its hash: what the workload wants now, else what is recorded. */
export function revisionOf(
  { inputs }: World,
  workload: DesiredWorkload | undefined,
  hash: RevisionHash,
): Revision | undefined {
  return workload?.revisionHash === hash ? workload.revision : inputs.recorded.revisions.get(hash);
}

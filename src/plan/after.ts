import { expandStep } from '../model/effects.ts';
import { type AllocationId, allocationId, clusterUid, parseInstanceId, type WorkloadId } from '../model/ids.ts';
import type { Observed, ObservedObject } from '../model/observed.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { Allocation, Recorded, RecordedWorkload } from '../model/recorded.ts';
import type { PlanInputs } from './inputs.ts';

/**
 * The world as it will be once the plan is applied and everything turned out well: what `snapshot --after` writes.
 * Planning on it gives no steps. It goes by the effect table, as the executor does.
 */
export function worldAfter(
  inputs: PlanInputs,
  plan: Plan,
): { readonly recorded: Recorded; readonly observed: Observed } {
  const state: State = {
    now: inputs.now,
    uid: inputs.recorded.identity?.uid ?? clusterUid(plan.cluster),
    allocations: new Map(inputs.recorded.allocations.map((allocation) => [allocation.id, allocation])),
    objects: new Map(),
  };
  const strays = takeObjects(state, inputs.observed.objects);
  for (const step of plan.steps) applyStep(state, step);
  return {
    recorded: {
      ...inputs.recorded,
      allocations: [...state.allocations.values()].sort(byInstance),
      workloads: workloadsAfter(inputs, plan),
      revisions: revisionsAfter(inputs, plan),
    },
    observed: { ...inputs.observed, objects: [...state.objects.values(), ...strays] },
  };
}

/**
 * Sorts out whose the objects are: an allocation's is where that is recorded, and the recorded one where it was started
 * twice. Returns the others, which stay as they are.
 */
function takeObjects({ allocations, objects }: State, observed: readonly ObservedObject[]): readonly ObservedObject[] {
  const strays: ObservedObject[] = [];
  for (const object of observed) {
    const allocation = allocations.get(object.allocation);
    const known = objects.get(object.allocation);
    const isRecorded = allocation?.objectId === object.objectId;
    if (allocation?.node !== object.node || (known !== undefined && !isRecorded)) {
      strays.push(object);
      continue;
    }
    if (known !== undefined) strays.push(known);
    objects.set(object.allocation, object);
  }
  return strays;
}

interface State {
  readonly now: number;
  readonly uid: ObservedObject['cluster'];
  readonly allocations: Map<AllocationId, Allocation>;
  readonly objects: Map<AllocationId, ObservedObject>;
}

function applyStep(state: State, step: Step): void {
  for (const { kind, allocation } of expandStep(step)) {
    const known = state.allocations.get(allocation);
    switch (kind) {
      case 'create':
        state.allocations.set(allocation, made(step));
        state.objects.set(allocation, running(state, step));
        break;
      case 'update':
        if (known !== undefined) {
          state.allocations.set(allocation, { ...known, revision: step.revision, holds: step.holds });
          state.objects.set(allocation, running(state, step));
        }
        break;
      case 'hold':
        if (known !== undefined) state.allocations.set(allocation, { ...known, state: 'held', heldSince: state.now });
        break;
      case 'remove':
        state.objects.delete(allocation);
        break;
      case 'release':
        state.allocations.delete(allocation);
        break;
      case 'stop': {
        const object = state.objects.get(allocation);
        if (object !== undefined) state.objects.set(allocation, { ...object, state: 'exited', health: 'none' });
        break;
      }
      case 'reserve':
      case 'pull':
      case 'start':
      case 'await':
        break;
    }
  }
}

function made(step: Step): Allocation {
  const { workload, ordinal } = parseInstanceId(step.instance);
  return {
    id: allocationId(step.instance, step.generation),
    instance: step.instance,
    workload,
    ordinal,
    generation: step.generation,
    node: step.node,
    engine: step.engine,
    revision: step.revision,
    state: 'live',
    objectId: objectIdOf(step),
    holds: step.holds,
  };
}

function running(state: State, step: Step): ObservedObject {
  const id = allocationId(step.instance, step.generation);
  const ports = Object.entries(step.holds.ports ?? {}).map(([name, port]) => [name, { host: step.node, port }]);
  return {
    node: step.node,
    engine: step.engine,
    objectId: state.objects.get(id)?.objectId ?? objectIdOf(step),
    name: id,
    cluster: state.uid,
    allocation: id,
    revision: step.revision,
    state: 'running',
    health: 'healthy',
    startedAt: state.now,
    ports: Object.fromEntries(ports),
    actual: {},
  };
}

const objectIdOf = (step: Step): string => `planned:${step.instance}#${step.generation}`;

const byInstance = (a: Allocation, b: Allocation): number =>
  a.workload === b.workload ? a.ordinal - b.ordinal || a.generation - b.generation : a.workload < b.workload ? -1 : 1;

function workloadsAfter({ recorded }: PlanInputs, plan: Plan): ReadonlyMap<WorkloadId, RecordedWorkload> {
  const workloads = new Map(recorded.workloads);
  for (const step of plan.steps) {
    const { workload } = parseInstanceId(step.instance);
    const known = workloads.get(workload) ?? { failed: [], nextGeneration: 1 };
    const makes = step.kind === 'create' || step.kind === 'replace' || step.kind === 'move';
    workloads.set(workload, {
      ...known,
      nextGeneration: Math.max(known.nextGeneration, step.generation + 1),
      ...((makes || step.kind === 'update') && { lastGood: step.revision }),
    });
  }
  return workloads;
}

function revisionsAfter({ desired, recorded }: PlanInputs, plan: Plan): Recorded['revisions'] {
  const revisions = new Map(recorded.revisions);
  const used = new Set(plan.steps.map((step) => step.revision));
  for (const { revisionHash, revision } of desired.workloads)
    if (used.has(revisionHash)) revisions.set(revisionHash, revision);
  return revisions;
}

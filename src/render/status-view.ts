import { commitsText } from '../model/commits.ts';
import type { Desired } from '../model/desired.ts';
import {
  type AllocationId,
  type InstanceId,
  instanceId,
  type NodeName,
  parseAllocationId,
  type RevisionHash,
  type WorkloadId,
} from '../model/ids.ts';
import type { Health, ObjectState, Observed } from '../model/observed.ts';
import type { Allocation, Override, Recorded } from '../model/recorded.ts';
import { isOutdated } from '../plan/outdated.ts';
import { formatAge } from './amounts.ts';

export interface StatusInputs {
  readonly desired: Desired;
  readonly recorded: Recorded;
  readonly observed: Observed;
  /** What `detectDrift` found. */
  readonly drift: readonly { readonly allocation: AllocationId; readonly kind: string; readonly detail: string }[];
  /** Why the store is not to be believed, and what to do: it went back in time. */
  readonly behind?: string;
  /** Unix ms */
  readonly now: number;
}

/** Desired, recorded and observed side by side: plain data, the same for text and JSON. */
export interface StatusView {
  readonly cluster: string;
  readonly commits: Desired['commits'];
  readonly storeRevision: number;
  /** Unix ms at which the engines were asked. */
  readonly observedAt: number;
  readonly nodes: readonly StatusNode[];
  readonly workloads: readonly StatusWorkload[];
  readonly drift: number;
  /** The store went back in time: nothing is applied until somebody has mended it. */
  readonly behind?: string;
  /** Deviations from git that are in force now. */
  readonly overrides: readonly Override[];
  /** Nothing drifted, nothing is at another revision, nothing is missing. */
  readonly asDeclared: boolean;
}

export interface StatusNode {
  readonly name: NodeName;
  readonly pod: string;
  readonly lifecycle: string;
  readonly liveness: string;
  readonly instances: number;
  readonly problem?: string;
}

export interface StatusWorkload {
  readonly id: WorkloadId;
  /** Absent when git does not declare it any more. */
  readonly desired?: number;
  readonly desiredRevision?: RevisionHash;
  readonly recorded: number;
  readonly running: number;
  readonly healthy: number;
  /** Stopped while their nodes are in maintenance, as git has it. */
  readonly waiting: number;
  readonly failedRevisions: readonly RevisionHash[];
  /** A run that is not finished works on it. */
  readonly inFlight?: string;
  readonly instances: readonly StatusInstance[];
}

export interface StatusInstance {
  readonly id: InstanceId;
  readonly generation: number;
  readonly node: NodeName;
  readonly revision: RevisionHash;
  readonly recorded: Allocation['state'] | 'none';
  readonly observed: ObjectState | 'missing' | 'unknown';
  readonly health: Health | 'none';
  /** How long the object has been running. */
  readonly ageMs?: number;
  readonly endpoints: readonly string[];
  /** Why it is stopped on purpose, and what becomes of it. */
  readonly held?: string;
  /** What is not as recorded (drift). */
  readonly drift?: string;
  /** What is not as git declares (change). */
  readonly change?: string;
}

/** Joins the three states by allocation. Nothing is concluded about what cannot be seen: it is `unknown`. */
export function viewStatus(inputs: StatusInputs): StatusView {
  const { desired, recorded, observed } = inputs;
  const workloads = viewWorkloads(inputs);
  const drift = workloads
    .flatMap((workload) => workload.instances)
    .filter((instance) => instance.drift !== undefined).length;
  return {
    cluster: desired.cluster.name,
    commits: desired.commits,
    storeRevision: recorded.storeRevision,
    observedAt: observed.takenAt,
    nodes: viewNodes(inputs),
    workloads,
    drift,
    ...(inputs.behind !== undefined && { behind: inputs.behind }),
    overrides: recorded.overrides.filter(({ until }) => until > inputs.now),
    asDeclared:
      drift === 0 &&
      inputs.behind === undefined &&
      workloads.every(
        (workload) =>
          workload.recorded + workload.waiting >= (workload.desired ?? 0) &&
          workload.instances.every((instance) => instance.change === undefined),
      ),
  };
}

type ByAllocation = ReadonlyMap<AllocationId, readonly Observed['objects'][number][]>;

function viewWorkloads(inputs: StatusInputs): readonly StatusWorkload[] {
  const { desired, recorded, observed } = inputs;
  const objects = new Map<AllocationId, Observed['objects'][number][]>();
  for (const object of observed.objects)
    objects.set(object.allocation, [...(objects.get(object.allocation) ?? []), object]);
  const allocations = new Map<WorkloadId, Allocation[]>();
  for (const allocation of recorded.allocations) {
    allocations.set(allocation.workload, [...(allocations.get(allocation.workload) ?? []), allocation]);
  }
  const known = new Set(recorded.allocations.map((allocation) => allocation.id));
  const orphans = [...objects.keys()].filter((id) => !known.has(id));
  const ids = new Set<WorkloadId>([
    ...desired.workloads.map((workload) => workload.id),
    ...allocations.keys(),
    ...orphans.map((id) => parseAllocationId(id).workload),
  ]);
  return [...ids].sort().map((id) => viewWorkload({ id, inputs, own: allocations.get(id) ?? [], orphans, objects }));
}

function viewWorkload(of: {
  readonly id: WorkloadId;
  readonly inputs: StatusInputs;
  readonly own: readonly Allocation[];
  readonly orphans: readonly AllocationId[];
  readonly objects: ByAllocation;
}): StatusWorkload {
  const { id, own, objects } = of;
  const { desired, recorded } = of.inputs;
  const wanted = desired.workloads.find((workload) => workload.id === id);
  const orphans = of.orphans.filter((allocation) => parseAllocationId(allocation).workload === id);
  const instances = [
    ...own.map((allocation) => viewAllocation(allocation, of.inputs, objects, wanted?.revisionHash)),
    ...orphans.flatMap((allocation) => viewOrphan(allocation, of.inputs, objects)),
  ].sort((a, b) => ordinal(a) - ordinal(b) || a.generation - b.generation);
  const inFlight = recorded.inFlight.find((unit) => (unit.unit as string) === id);
  return {
    id,
    ...(wanted !== undefined && { desiredRevision: wanted.revisionHash }),
    ...(wanted !== undefined && wanted.type !== 'daemon' && { desired: wanted.replicas }),
    recorded: own.filter((allocation) => allocation.state === 'live').length,
    running: instances.filter((instance) => instance.observed === 'running').length,
    healthy: instances.filter(
      (instance) => instance.observed === 'running' && ['healthy', 'none'].includes(instance.health),
    ).length,
    waiting: own.filter((allocation) => waitsForNode(allocation, of.inputs)).length,
    failedRevisions: (recorded.workloads.get(id)?.failed ?? []).map((failed) => failed.revision),
    ...(inFlight !== undefined && { inFlight: inFlightText(of.inputs.desired, inFlight) }),
    instances,
  };
}

/** Whether a run goes on with it by itself, or an operator has to say so. */
function inFlightText(desired: Desired, inFlight: Recorded['inFlight'][number]): string {
  const { run, unit, status, transaction } = inFlight;
  if (status === 'stuck' || status === 'paused' || status === 'waiting')
    return `its unit is ${status === 'waiting' ? 'not begun, since its run is paused' : status} in run ${run}: muster unit show ${unit}`;
  if (status === 'running' && inFlight.isReady === true)
    return `its unit has passed its last gate in run ${run} and waits for the others of transaction ${transaction}: muster unit show ${unit}`;
  if (status === 'running' && transaction !== undefined && isOutdated(desired, inFlight))
    return `its unit is running in run ${run}; git has changed it since: ${commitsText(desired.commits)} comes after transaction ${transaction} has ended`;
  if (status === 'running' && isOutdated(desired, inFlight))
    return `its unit is running in run ${run}; git has changed it since: muster run ends it when the wave under way is through, and ${commitsText(desired.commits)} takes over`;
  return `its unit is ${status} in run ${run}; the next apply or run goes on with it`;
}

const ordinal = (instance: StatusInstance): number => Number(instance.id.slice(instance.id.lastIndexOf('/') + 1));

function viewAllocation(
  allocation: Allocation,
  inputs: StatusInputs,
  objects: ByAllocation,
  desiredRevision: RevisionHash | undefined,
): StatusInstance {
  const found = objects.get(allocation.id) ?? [];
  const object = found.find((candidate) => candidate.objectId === allocation.objectId) ?? found[0];
  const seen = isSeen(inputs.observed, allocation);
  const drift = driftOf(allocation.id, inputs);
  const held = whyHeld(allocation, inputs);
  const change =
    desiredRevision !== undefined && desiredRevision !== allocation.revision && allocation.state === 'live'
      ? `git wants revision ${desiredRevision.slice(0, 8)}`
      : undefined;
  return {
    id: allocation.instance,
    generation: allocation.generation,
    node: allocation.node,
    revision: allocation.revision,
    recorded: allocation.state,
    observed: object?.state ?? (seen ? 'missing' : 'unknown'),
    health: object?.health ?? 'none',
    ...(object?.state === 'running' && object.startedAt !== undefined && { ageMs: inputs.now - object.startedAt }),
    endpoints: Object.entries(object?.ports ?? {}).map(([name, { host, port }]) => `${name} ${host}:${port}`),
    ...(held !== undefined && { held }),
    ...(drift !== undefined && { drift }),
    ...(change !== undefined && { change }),
  };
}

/** A static instance of a node that is not online is wanted, and comes back with its node. */
function waitsForNode({ state, workload, ordinal, node }: Allocation, { desired }: StatusInputs): boolean {
  if (state !== 'held') return false;
  const wanted = desired.workloads.find(({ id }) => id === workload);
  const lifecycle = desired.nodes.find(({ name }) => name === node)?.lifecycle;
  const isAway = lifecycle === undefined || lifecycle === 'maintenance' || lifecycle === 'offline';
  return wanted?.type === 'static' && ordinal < wanted.replicas && isAway;
}

function whyHeld(allocation: Allocation, inputs: StatusInputs): string | undefined {
  const { desired, recorded, now } = inputs;
  if (allocation.state !== 'held') return undefined;
  if (waitsForNode(allocation, inputs)) {
    const lifecycle = desired.nodes.find(({ name }) => name === allocation.node)?.lifecycle;
    const why = lifecycle === undefined ? `${allocation.node} left git` : `${allocation.node} is in ${lifecycle}`;
    return `stopped while ${why}; started again when it is online`;
  }
  if (desired.workloads.some(({ id }) => id === allocation.workload)) return undefined;
  const { stopAfterMs, deleteAfterMs } = desired.cluster.prune;
  const leftAt = recorded.workloads.get(allocation.workload)?.missingSince ?? now;
  const inMs = Math.max(allocation.heldSince ?? now, leftAt + stopAfterMs) + deleteAfterMs - now;
  return `stopped: its workload left git; ${inMs > 0 ? `deleted in ${formatAge(inMs)}` : 'the next apply deletes it'}`;
}

function isSeen(observed: Observed, allocation: Pick<Allocation, 'node' | 'engine'>): boolean {
  return observed.nodes.get(allocation.node)?.engines[allocation.engine]?.kind === 'reachable';
}

function driftOf(id: AllocationId, { drift }: StatusInputs): string | undefined {
  const found = drift.find((item) => item.allocation === id);
  if (found === undefined) return undefined;
  return found.detail.startsWith(found.kind) ? found.detail : `${found.kind}: ${found.detail}`;
}

function viewOrphan(id: AllocationId, inputs: StatusInputs, objects: ByAllocation): readonly StatusInstance[] {
  const parsed = parseAllocationId(id);
  return (objects.get(id) ?? []).map((object) => ({
    id: instanceId(parsed.workload, parsed.ordinal),
    generation: parsed.generation,
    node: object.node,
    revision: object.revision,
    recorded: 'none',
    observed: object.state,
    health: object.health,
    ...(object.startedAt !== undefined && { ageMs: inputs.now - object.startedAt }),
    endpoints: [],
    drift: driftOf(id, inputs) ?? 'orphan: ours, but recorded nowhere',
  }));
}

function viewNodes({ desired, recorded, observed }: StatusInputs): readonly StatusNode[] {
  const counts = new Map<NodeName, number>();
  for (const { node } of recorded.allocations) counts.set(node, (counts.get(node) ?? 0) + 1);
  return desired.nodes.map((node) => {
    const seen = observed.nodes.get(node.name);
    const unreachable = Object.entries(seen?.engines ?? {}).flatMap(([kind, engine]) =>
      engine.kind === 'unreachable' ? [`${kind}: ${engine.reason}`] : [],
    );
    return {
      name: node.name,
      pod: node.pod,
      lifecycle: node.lifecycle,
      liveness: seen?.liveness ?? 'unknown',
      instances: counts.get(node.name) ?? 0,
      ...(unreachable.length > 0 && { problem: unreachable.join('; ') }),
    };
  });
}

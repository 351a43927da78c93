import type { Desired, DesiredWorkload } from '../desired.ts';
import {
  type AllocationId,
  allocationId,
  clusterUid,
  type EngineKind,
  type NodeName,
  parseInstanceId,
  type RevisionHash,
  revisionHash,
  type WorkloadId,
} from '../ids.ts';
import type { ForeignObject, ObservedNode, ObservedObject } from '../observed.ts';
import {
  type Allocation,
  type ClusterIdentity,
  extendedOf,
  type Holds,
  type RecordedNode,
  type RecordedWorkload,
} from '../recorded.ts';
import { fromPieces, noResources, type Resources } from '../resources.ts';
import type { Revision } from '../revision.ts';
import { type OneText, openTexts } from '../texts.ts';
import {
  type Snapshot,
  type SnapshotHolds,
  type SnapshotInstance,
  type SnapshotProblem,
  type SnapshotTrees,
  snapshotFormatVersion,
} from './format.ts';
import type { PiecesWanted } from './pieces.ts';

/** What all rows are read with. */
export interface Loader {
  readonly identity: ClusterIdentity | undefined;
  readonly revisions: Map<RevisionHash, Revision>;
  readonly problems: SnapshotProblem[];
  /** What allocations hold of extended resources, where the snapshot does not say of which pieces. */
  readonly pieces: Map<AllocationId, PiecesWanted>;
  problem(pointer: string, message: string): void;
  /** What `current` stands for, and what gives an instance the parts that its row leaves out. */
  workload(id: WorkloadId): DesiredWorkload | undefined;
  /** For names and ids that many rows have. */
  readonly one: OneText;
}

export function createLoader(snapshot: Snapshot, { desired, base }: SnapshotTrees): Loader {
  const workloads = new Map(desired.workloads.map((workload) => [workload.id, workload]));
  for (const workload of base?.workloads ?? []) workloads.set(workload.id, workload);
  const foreignMade = snapshot.identity === undefined && (snapshot.instances ?? []).length > 0;
  const problems: SnapshotProblem[] = [];
  const revisions = new Map<RevisionHash, Revision>();
  for (const [hash, body] of Object.entries(snapshot.revisions ?? {})) {
    revisions.set(revisionHash(hash), { ...emptyRevision(body.engine ?? 'docker', noHolds, {}), ...body });
  }
  return {
    identity: foreignMade
      ? { formatVersion: snapshotFormatVersion, uid: clusterUid('snapshot'), epoch: 1 }
      : snapshot.identity,
    revisions,
    problems,
    pieces: new Map(),
    problem: (pointer, message) => problems.push({ pointer, message }),
    workload: (id) => workloads.get(id),
    one: openTexts([...workloads.keys(), ...desired.nodes.map(({ name }) => name)]),
  };
}

const noHolds: Holds = { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 };

/** Stands in for a body that the snapshot does not have: it holds the same and says nothing else. */
function emptyRevision(engine: EngineKind, holds: Holds, pieces: PiecesWanted = extendedOf(holds)): Revision {
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits = 0 } = holds;
  return {
    engine,
    command: [],
    args: [],
    env: {},
    resources: { cpuMillis, memoryBytes, storageBytes, bandwidthBits, extended: pieces },
    limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
    ports: [],
    stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
    restart: 'always',
  };
}

export function loadInstances(
  snapshot: Snapshot,
  loader: Loader,
): { readonly allocations: readonly Allocation[]; readonly objects: ObservedObject[] } {
  const allocations: Allocation[] = [];
  const objects: ObservedObject[] = [];
  const seen = new Set<AllocationId>();
  for (const [index, row] of (snapshot.instances ?? []).entries()) {
    const pointer = `/instances/${index}`;
    if (!/^[^/#]+\/[^/#]+\/\d+$/.test(row.id)) {
      loader.problem(`${pointer}/id`, `${JSON.stringify(row.id)} is not namespace/workload/ordinal`);
      continue;
    }
    const allocation = loadAllocation(row, pointer, loader);
    if (allocation === undefined) continue;
    if (seen.has(allocation.id)) loader.problem(`${pointer}/generation`, `${allocation.id} is there twice`);
    seen.add(allocation.id);
    allocations.push(allocation);
    if (row.state !== 'missing') objects.push(loadObject(row, allocation, snapshot, loader));
  }
  if (!isSorted(allocations)) allocations.sort(byAllocation);
  return { allocations, objects };
}

function loadAllocation(row: SnapshotInstance, pointer: string, loader: Loader): Allocation | undefined {
  const parts = parseInstanceId(row.id);
  const { ordinal } = parts;
  const workload = loader.one(parts.workload);
  const definition = loader.workload(workload);
  const known =
    row.revision === undefined || row.revision === 'current' ? definition?.revisionHash : loader.one(row.revision);
  const body =
    known === definition?.revisionHash ? definition?.revision : loader.revisions.get(known ?? revisionHash(''));
  const engine = row.engine ?? body?.engine ?? definition?.revision.engine;
  if (engine === undefined) {
    loader.problem(`${pointer}/engine`, `${row.id} needs an engine: ${workload} is not declared, so it cannot be told`);
    return undefined;
  }
  const { said, extended } = splitHolds(row.holds);
  const holds = loadHolds(said, body);
  const id = allocationId(row.id, row.generation);
  const pieces = wantedPieces({ said, extended, body });
  if (pieces !== undefined && row.allocation !== 'held') loader.pieces.set(id, pieces);
  const revision = known ?? revisionHash(`unknown-${workload}`);
  if (!loader.revisions.has(revision)) loader.revisions.set(revision, body ?? emptyRevision(engine, holds, pieces));
  const { state = 'running', generation } = row;
  const objectId = row.objectId ?? (state === 'missing' || row.object !== undefined ? undefined : syntheticId(row));
  return {
    id,
    instance: row.id,
    workload,
    ordinal,
    generation,
    node: loader.one(row.node),
    engine,
    revision,
    state: row.allocation ?? 'live',
    ...(objectId !== undefined && { objectId }),
    holds,
    ...(row.heldSince !== undefined && { heldSince: row.heldSince }),
  };
}

/** An id for an object of which the snapshot only says that it is there. */
const syntheticId = (row: SnapshotInstance): string => `snapshot:${row.id}#${row.generation}`;

/** The pieces that nobody knows apart are no part of what an allocation holds. */
function splitHolds(holds: SnapshotHolds = noneSaid): {
  readonly said: Partial<Holds>;
  readonly extended?: Readonly<Record<string, number>>;
} {
  if (holds.extended === undefined) return { said: holds };
  const { extended, ...said } = holds;
  return { said, extended };
}

const noneSaid: SnapshotHolds = {};

/**
 * As they are when any amount is given; else what the revision asks for, with the ports and the address that it fixes.
 * Which cores and devices of volumes it has nobody can say then.
 */
function loadHolds(holds: Partial<Holds>, body: Revision | undefined): Holds {
  if (holds.cpuMillis !== undefined && holds.memoryBytes !== undefined && holds.storageBytes !== undefined) {
    return holds as Holds;
  }
  if (Object.keys(holds).length > 0 || body === undefined) return { ...noHolds, ...holds };
  const { cpuMillis, memoryBytes, storageBytes, bandwidthBits } = body.resources;
  const fixed = body.ports
    .filter((port) => typeof port.publish === 'number')
    .map((port) => [port.name, port.publish] as const);
  const ip = body.network?.ip;
  return {
    cpuMillis,
    memoryBytes,
    storageBytes,
    ...(bandwidthBits > 0 && { bandwidthBits }),
    ...(fixed.length > 0 && { ports: Object.fromEntries(fixed) as Record<string, number> }),
    ...(ip !== undefined && ip !== 'pool' && ip !== 'keep' && { ip }),
  };
}

/** In thousandths; undefined where the row says which pieces it has, or says all that it holds and names none. */
function wantedPieces(row: {
  readonly said: Partial<Holds>;
  readonly extended: Readonly<Record<string, number>> | undefined;
  readonly body: Revision | undefined;
}): PiecesWanted | undefined {
  const { said, extended, body } = row;
  if (said.devices !== undefined) return undefined;
  if (extended !== undefined) return fromPieces(extended as Resources) as PiecesWanted;
  const asked = Object.keys(said).length > 0 ? {} : (body?.resources.extended ?? {});
  return Object.keys(asked).length === 0 ? undefined : asked;
}

function loadObject(row: SnapshotInstance, allocation: Allocation, snapshot: Snapshot, loader: Loader): ObservedObject {
  const { state = 'running', object = {} } = row;
  const checked = loader.revisions.get(allocation.revision)?.health !== undefined;
  return {
    node: allocation.node,
    engine: allocation.engine,
    objectId: allocation.objectId ?? syntheticId(row),
    name: `${snapshot.cluster}.${allocation.instance.replaceAll('/', '.')}.g${allocation.generation}`,
    cluster: loader.identity?.uid ?? clusterUid('snapshot'),
    allocation: allocation.id,
    revision: allocation.revision,
    ports: {},
    actual: {},
    ...object,
    state: state === 'missing' ? 'exited' : state,
    health: row.health ?? (checked && state === 'running' ? 'healthy' : 'none'),
  };
}

export function loadWorkloads(
  snapshot: Snapshot,
  allocations: readonly Allocation[],
): ReadonlyMap<WorkloadId, RecordedWorkload> {
  const workloads = new Map<WorkloadId, RecordedWorkload>();
  for (const [id, body] of Object.entries(snapshot.workloads ?? {})) {
    workloads.set(id as WorkloadId, { failed: [], nextGeneration: 1, ...body });
  }
  for (const { workload, generation } of allocations) {
    const known = workloads.get(workload) ?? { failed: [], nextGeneration: 1 };
    if (known.nextGeneration <= generation || !workloads.has(workload)) {
      workloads.set(workload, { ...known, nextGeneration: Math.max(known.nextGeneration, generation + 1) });
    }
  }
  return workloads;
}

export function loadNodes(
  snapshot: Snapshot,
  desired: Desired,
): {
  readonly nodes: ReadonlyMap<NodeName, ObservedNode>;
  readonly recordedNodes: ReadonlyMap<NodeName, RecordedNode>;
  readonly unmentioned: readonly NodeName[];
} {
  const declared = new Map(desired.nodes.map((node) => [node.name, node]));
  const nodes = new Map<NodeName, ObservedNode>();
  const recordedNodes = new Map<NodeName, RecordedNode>();
  const mentioned = new Set<NodeName>();
  for (const row of snapshot.nodes) {
    mentioned.add(row.name);
    if (row.recorded !== undefined) {
      recordedNodes.set(row.name, { ...row.recorded, capacity: fromPieces(row.recorded.capacity) });
    }
    if (row.observed === false) continue;
    nodes.set(row.name, {
      liveness: row.liveness ?? 'alive',
      engines: row.engines
        ? enginesIn(row.engines, fromPieces)
        : answering(Object.keys(declared.get(row.name)?.engines ?? {}), fromPieces(row.capacity ?? noResources)),
      foreign: foreignIn(row.foreign ?? [], fromPieces),
    });
  }
  const unmentioned: NodeName[] = [];
  for (const node of desired.nodes) {
    if (mentioned.has(node.name)) continue;
    unmentioned.push(node.name);
    nodes.set(node.name, {
      liveness: 'alive',
      engines: answering(Object.keys(node.engines), noResources),
      foreign: [],
    });
  }
  return { nodes, recordedNodes, unmentioned };
}

/** Their capacity as documents have it (`piecesOf`), or as it is counted inside (`fromPieces`). */
export function enginesIn(
  engines: ObservedNode['engines'],
  change: (resources: Resources) => Resources,
): ObservedNode['engines'] {
  const entries = Object.entries(engines).map(([kind, engine]) => [
    kind,
    engine.kind === 'reachable' ? { ...engine, capacity: change(engine.capacity) } : engine,
  ]);
  return Object.fromEntries(entries) as ObservedNode['engines'];
}

/** The same for what foreign objects use. */
export const foreignIn = (
  foreign: readonly ForeignObject[],
  change: (resources: Resources) => Resources,
): readonly ForeignObject[] => foreign.map((object) => ({ ...object, resources: change(object.resources) }));

function answering(kinds: readonly string[], capacity: Resources): ObservedNode['engines'] {
  return Object.fromEntries(
    kinds.map((kind) => [kind, { kind: 'reachable', version: 'unknown', fingerprint: 'unknown', capacity } as const]),
  );
}

function isSorted(allocations: readonly Allocation[]): boolean {
  for (let index = 1; index < allocations.length; index++) {
    const [a, b] = [allocations[index - 1], allocations[index]];
    if (a !== undefined && b !== undefined && byAllocation(a, b) > 0) return false;
  }
  return true;
}

function byAllocation(a: Allocation, b: Allocation): number {
  if (a.workload !== b.workload) return a.workload < b.workload ? -1 : 1;
  return a.ordinal - b.ordinal || a.generation - b.generation;
}

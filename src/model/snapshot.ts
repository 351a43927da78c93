import type { Desired } from './desired.ts';
import type { AllocationId, NodeName } from './ids.ts';
import { formatInstant, parseInstant } from './instant.ts';
import type { Observed, ObservedObject } from './observed.ts';
import type { PlanWarning } from './plan.ts';
import type { Allocation, ClusterIdentity, Recorded } from './recorded.ts';
import { maxResources, noResources, piecesOf, type Resources } from './resources.ts';
import {
  type Snapshot,
  type SnapshotInstance,
  type SnapshotNode,
  type SnapshotProblem,
  type SnapshotTrees,
  snapshotFormatVersion,
} from './snapshot/format.ts';
import { assignPieces } from './snapshot/pieces.ts';
import { createLoader, enginesIn, foreignIn, loadInstances, loadNodes, loadWorkloads } from './snapshot/rows.ts';

/** The world as one document. Rows are in the order of the records; equal worlds give equal documents. */
export function toSnapshot(world: {
  readonly desired: Desired;
  readonly recorded: Recorded;
  readonly observed: Observed;
}): Snapshot {
  const { desired, recorded, observed } = world;
  const owned = new Map<string, ObservedObject>();
  for (const object of observed.objects) {
    const key = objectKey(object.node, object.allocation);
    if (!owned.has(key)) owned.set(key, object);
  }
  const used = new Set<ObservedObject>();
  const instances = recorded.allocations.map((allocation) => {
    const object = owned.get(objectKey(allocation.node, allocation.id));
    if (object === undefined || object.engine !== allocation.engine)
      return instanceRow(allocation, undefined, recorded);
    used.add(object);
    return instanceRow(allocation, object, recorded);
  });
  const orphans = observed.objects.filter((object) => !used.has(object));
  return {
    formatVersion: snapshotFormatVersion,
    cluster: desired.cluster.name,
    takenAt: formatInstant(observed.takenAt),
    storeRevision: recorded.storeRevision,
    ...(recorded.identity !== undefined && { identity: recorded.identity }),
    nodes: nodeRows(world),
    instances,
    revisions: Object.fromEntries([...recorded.revisions].sort(byKey)),
    workloads: Object.fromEntries([...recorded.workloads].sort(byKey)),
    overrides: recorded.overrides,
    inFlight: recorded.inFlight,
    ...(orphans.length > 0 && { orphans }),
  };
}

const objectKey = (node: NodeName, allocation: AllocationId): string => `${node} ${allocation}`;

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

function instanceRow(
  allocation: Allocation,
  object: ObservedObject | undefined,
  { identity }: Recorded,
): SnapshotInstance {
  return {
    id: allocation.instance,
    generation: allocation.generation,
    node: allocation.node,
    engine: allocation.engine,
    revision: allocation.revision,
    holds: allocation.holds,
    state: object?.state ?? 'missing',
    health: object?.health ?? 'unknown',
    ...(allocation.state !== 'live' && { allocation: allocation.state }),
    ...(allocation.objectId !== undefined && { objectId: allocation.objectId }),
    ...(allocation.heldSince !== undefined && { heldSince: allocation.heldSince }),
    ...(object !== undefined && objectPart(object, allocation, identity)),
  };
}

/** What cannot be told from the rest of the row. */
function objectPart(
  object: ObservedObject,
  allocation: Allocation,
  identity: ClusterIdentity | undefined,
): Pick<SnapshotInstance, 'object'> {
  const part: SnapshotInstance['object'] = {
    ...(object.objectId !== allocation.objectId && { objectId: object.objectId }),
    name: object.name,
    ...(object.cluster !== identity?.uid && { cluster: object.cluster }),
    ...(object.revision !== allocation.revision && { revision: object.revision }),
    ...(object.exitCode !== undefined && { exitCode: object.exitCode }),
    ...(object.startedAt !== undefined && { startedAt: object.startedAt }),
    ...(object.restarts !== undefined && { restarts: object.restarts }),
    ...(Object.keys(object.ports).length > 0 && { ports: object.ports }),
    ...(Object.keys(object.actual).length > 0 && { actual: object.actual }),
    ...(object.held !== undefined && { held: object.held }),
  };
  return { object: part };
}

function nodeRows({ desired, recorded, observed }: Parameters<typeof toSnapshot>[0]): readonly SnapshotNode[] {
  const declared = new Map(desired.nodes.map((node) => [node.name, node]));
  const names = new Set<NodeName>([...observed.nodes.keys(), ...recorded.nodes.keys()]);
  return [...names].sort().map((name) => {
    const seen = observed.nodes.get(name);
    const record = recorded.nodes.get(name);
    const lifecycle = declared.get(name)?.lifecycle;
    const capacity = Object.values(seen?.engines ?? {}).reduce<Resources>(
      (sum, engine) => (engine.kind === 'reachable' ? maxResources(sum, engine.capacity) : sum),
      record?.capacity ?? noResources,
    );
    return {
      name,
      ...(lifecycle !== undefined && { lifecycle }),
      liveness: seen?.liveness ?? record?.liveness.state ?? 'unknown',
      capacity: piecesOf(capacity),
      foreign: foreignIn(seen?.foreign ?? [], piecesOf),
      engines: enginesIn(seen?.engines ?? {}, piecesOf),
      ...(record !== undefined && { recorded: { ...record, capacity: piecesOf(record.capacity) } }),
      ...(seen === undefined && { observed: false }),
    };
  });
}

export interface LoadedSnapshot {
  readonly recorded: Recorded;
  readonly observed: Observed;
  readonly warnings: readonly PlanWarning[];
  /** Not empty: the rest must not be planned on. */
  readonly problems: readonly SnapshotProblem[];
}

/**
 * The world that a snapshot describes. `desired` is the tree that is planned: it says what nodes there are. `base` is
 * the tree that was applied before, if known: `current` means its revisions. Nodes that the snapshot does not mention
 * are taken as declared, alive and empty, with one warning that counts them.
 */
export function fromSnapshot(snapshot: Snapshot, trees: SnapshotTrees): LoadedSnapshot {
  const loader = createLoader(snapshot, trees);
  const takenAt = parseInstant(snapshot.takenAt);
  if (takenAt === undefined)
    loader.problem('/takenAt', `${JSON.stringify(snapshot.takenAt)} is not an RFC 3339 date and time`);
  const { allocations: rows, objects } = loadInstances(snapshot, loader);
  objects.push(...(snapshot.orphans ?? []));
  const { nodes, recordedNodes, unmentioned } = loadNodes(snapshot, trees.desired);
  const allocations = assignPieces(rows, loader.pieces, { desired: trees.desired, nodes, recordedNodes });
  const identity = loader.identity;
  return {
    recorded: {
      storeRevision: snapshot.storeRevision,
      ...(identity !== undefined && { identity }),
      workloads: loadWorkloads(snapshot, allocations),
      allocations,
      revisions: loader.revisions,
      nodes: recordedNodes,
      overrides: snapshot.overrides ?? [],
      inFlight: snapshot.inFlight ?? [],
    },
    observed: { takenAt: takenAt ?? 0, nodes, objects },
    warnings: unmentioned.length === 0 ? [] : [unmentionedWarning(unmentioned, trees.desired.nodes.length)],
    problems: loader.problems,
  };
}

function unmentionedWarning(names: readonly NodeName[], declared: number): PlanWarning {
  const few = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return {
    code: 'MUS5001',
    message: `${names.length} of ${declared} declared nodes are not in the snapshot and are taken as alive and empty: ${few}${more}`,
  };
}

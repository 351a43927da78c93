import { type AllocationId, type EngineKind, type NodeName, parseAllocationId, type WorkloadId } from '../model/ids.ts';
import type { Observed, ObservedObject } from '../model/observed.ts';
import type { FieldChange } from '../model/plan.ts';
import type { Allocation, Recorded } from '../model/recorded.ts';
import { formatBytes, formatCores } from '../model/units.ts';
import { compareActual, compareHeld } from '../plan/compare.ts';
import { type Stray, straysOf } from './strays.ts';

export type DriftKind =
  | 'missing'
  | 'exited'
  | 'crashLoop'
  | 'unhealthy'
  | 'changed'
  | 'moved'
  | 'duplicate'
  | 'orphan'
  | 'zombie'
  | 'nodeUnreachable';

/** One way in which observed differs from recorded. */
export interface Drift {
  readonly kind: DriftKind;
  readonly allocation: AllocationId;
  readonly workload: WorkloadId;
  readonly node: NodeName;
  readonly engine: EngineKind;
  /** For people: `exited with code 137`. */
  readonly detail: string;
}

/** Restarts by the engine itself that are a crash loop. */
const crashLoopRestarts = 3;

/**
 * Compares what was recorded with what the engines report. Pure. Only what can be seen is judged: an allocation whose
 * engine does not answer is `nodeUnreachable`, never missing. Allocations that a run works on (not `live`) are left out.
 * `ignoreFields`: pointers into a revision, as the cluster declares them.
 */
export function detectDrift(
  recorded: Recorded,
  observed: Observed,
  ignoreFields: readonly string[] = [],
): readonly Drift[] {
  const byAllocation = new Map<AllocationId, ObservedObject[]>();
  for (const object of observed.objects) {
    const same = byAllocation.get(object.allocation);
    if (same === undefined) byAllocation.set(object.allocation, [object]);
    else same.push(object);
  }
  const drifted = recorded.allocations.flatMap((allocation) =>
    allocation.state === 'live'
      ? driftOf(allocation, byAllocation.get(allocation.id) ?? [], { recorded, observed, ignoreFields })
      : [],
  );
  return [...drifted, ...straysOf(recorded, observed).map(driftOfStray)];
}

function driftOf(
  allocation: Allocation,
  objects: readonly ObservedObject[],
  world: { readonly recorded: Recorded; readonly observed: Observed; readonly ignoreFields: readonly string[] },
): readonly Drift[] {
  const { id, workload, node, engine } = allocation;
  const { recorded, observed, ignoreFields } = world;
  const drift = (kind: DriftKind, detail: string): readonly Drift[] => [
    { kind, allocation: id, workload, node, engine, detail },
  ];
  const seen = observed.nodes.get(node)?.engines[engine];
  if (seen?.kind !== 'reachable')
    return drift('nodeUnreachable', seen === undefined ? 'its node is not in git' : seen.reason);
  const [object] = objects;
  if (object === undefined) return drift('missing', 'nothing is left of it on the engine');
  if (objects.length > 1)
    return drift('duplicate', `${objects.length} objects on ${objects.map((each) => each.node).join(', ')}`);
  if (object.node !== node) return drift('moved', `found on ${object.node}`);
  const restarts = object.restarts ?? 0;
  if (object.state === 'restarting' || restarts >= crashLoopRestarts)
    return drift('crashLoop', `restarted ${restarts} times`);
  if (object.state !== 'running') return drift('exited', exitOf(object));
  if (object.health === 'unhealthy') return drift('unhealthy', 'runs, but fails its health check');
  if (object.revision !== allocation.revision) return drift('changed', `runs revision ${object.revision.slice(0, 8)}`);
  const revision = recorded.revisions.get(allocation.revision);
  const changes = [
    ...(revision === undefined ? [] : compareActual(revision, object.actual, { liveFields: [], ignoreFields })),
    ...compareHeld(allocation.holds, object.held, ignoreFields),
  ];
  return changes.length === 0 ? [] : drift('changed', changes.map((change) => fieldOf(change, engine)).join('; '));
}

/** `limits.cpu is 1, recorded 250m` */
function fieldOf({ path, before, after }: FieldChange, engine: EngineKind): string {
  const format = (value: unknown): string => {
    if (value === undefined) return 'none';
    if (typeof value !== 'number') return typeof value === 'string' ? value : JSON.stringify(value);
    if (path.endsWith('Millis')) return formatCores(value);
    return path.endsWith('Bytes') ? formatBytes(value) : String(value);
  };
  const label = path
    .slice(1)
    .replaceAll('/', '.')
    // In git the block has the engine's name.
    .replace(/^options(?=\.)/, engine)
    .replace(/(Millis|Bytes)$/, '');
  return `${label} is ${format(before)}, recorded ${format(after)}`;
}

const exitOf = (object: ObservedObject): string =>
  object.exitCode === undefined ? object.state : `${object.state} with code ${object.exitCode}`;

/** One that is newer than the store stops everything (`reconcile/behind.ts`); until then it is one that is recorded nowhere. */
function driftOfStray({ kind, object, detail }: Stray): Drift {
  const { allocation, node, engine } = object;
  const { workload } = parseAllocationId(allocation);
  return { kind: kind === 'zombie' ? 'zombie' : 'orphan', allocation, workload, node, engine, detail };
}

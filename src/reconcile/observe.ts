import PQueue from 'p-queue';
import { type Engine, type EngineDirectory, EngineError, type EngineListing, type Whose } from '../engines/engine.ts';
import type { Desired, DesiredNode } from '../model/desired.ts';
import { type ClusterUid, type EngineKind, type NodeName, parseAllocationId, type RevisionHash } from '../model/ids.ts';
import type {
  ForeignObject,
  Health,
  Observed,
  ObservedEngine,
  ObservedNode,
  ObservedObject,
} from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import type { HealthCheck, Revision } from '../model/revision.ts';
import type { Clock } from './clock.ts';
import { type ProbeResult, probe } from './health.ts';
import { openLane } from './lane.ts';
import { openPatience, type Patience } from './patience.ts';

/** Engines asked at the same time. One that is slow or dead must not hold up the others: it goes on beside them. */
const engineLane = { places: 64, patienceMs: 500, mostBeside: 2_048 };
const parallelProbes = 64;
/** Longest pause between the repeated probes that tell an ill instance from a missed beat. */
const maxReprobeMs = 1_000;

/**
 * A fresh look at every engine that git or the records know of, health probes included. An engine that does not answer
 * is told as unreachable: nothing is concluded about what cannot be seen.
 */
export async function observeWorld(options: {
  readonly desired: Desired;
  readonly recorded: Recorded;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  /** Without probes, what runs has health `unknown`. */
  readonly probes: 'run' | 'skip';
  /** Kept from look to look. */
  readonly patience?: Patience;
  /** Workloads that are not probed: their units do it themselves, and one that does not get healthy would hold up the look at all others. */
  readonly except?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}): Promise<Observed> {
  const { recorded, engines, clock, probes, except = nothing } = options;
  const { nodes, objects } = await lookAtNodes({ ...options, whose: 'uid' });
  const probed =
    probes === 'skip'
      ? objects
      : await probeAll({ ...options, objects, revisions: recorded.revisions, enginesOf: () => engines, except });
  return { takenAt: clock.now(), nodes, objects: probed };
}

const nothing: ReadonlySet<string> = new Set();

/** Every engine of every node that git declares, all at the same time; without probes. */
export async function lookAtNodes(options: {
  readonly desired: Desired;
  readonly engines: EngineDirectory;
  readonly whose: Whose;
  readonly patience?: Patience;
  readonly signal?: AbortSignal;
}): Promise<Pick<Observed, 'nodes' | 'objects'>> {
  const { desired, patience = openPatience() } = options;
  const inLane = openLane(engineLane);
  const looks = await Promise.all(
    desired.nodes.flatMap((node) =>
      (Object.keys(node.engines) as EngineKind[]).map((kind) =>
        inLane(() => lookAtEngine({ ...options, patience, node, kind })),
      ),
    ),
  );
  const looksOf = new Map<NodeName, EngineLook[]>(desired.nodes.map((node) => [node.name, []]));
  for (const look of looks) looksOf.get(look.node)?.push(look);
  const nodes = new Map([...looksOf].map(([node, own]) => [node, nodeOf(own)]));
  return { nodes, objects: looks.flatMap((look) => look.listing.objects) };
}

interface EngineLook {
  readonly node: NodeName;
  readonly kind: EngineKind;
  readonly engine: ObservedEngine;
  readonly listing: EngineListing;
}

async function lookAtEngine(options: {
  readonly engines: EngineDirectory;
  readonly node: DesiredNode;
  readonly kind: EngineKind;
  readonly whose: Whose;
  readonly patience: Patience;
  readonly signal?: AbortSignal;
}): Promise<EngineLook> {
  const { engines, node, kind, whose, patience, signal } = options;
  const key = `${node.name}/${kind}`;
  const call = { deadlineMs: patience.deadlineFor(key), ...(signal && { signal }) };
  try {
    const engine = await engines.engineOf(node.name, kind);
    const list = whose === 'uid' ? engine.list(call) : engine.listNamed(call);
    const [info, listing] = await Promise.all([engine.info(call), list]);
    patience.answered(key);
    return { node: node.name, kind, engine: { kind: 'reachable', ...info }, listing };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    if (error.code === 'timeout' && signal?.aborted !== true) patience.timedOut(key);
    const reason = error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
    return { node: node.name, kind, engine: { kind: 'unreachable', reason }, listing: { objects: [], foreign: [] } };
  }
}

/** A node is alive when one of its engines answers; of one that says nothing, nothing is known. */
function nodeOf(looks: readonly EngineLook[]): ObservedNode {
  const foreign: readonly ForeignObject[] = looks.flatMap((look) => look.listing.foreign);
  return {
    liveness: looks.some((look) => look.engine.kind === 'reachable') ? 'alive' : 'unknown',
    engines: Object.fromEntries(looks.map((look) => [look.kind, look.engine])),
    foreign,
  };
}

/** What runs at one of these revisions, with the health that its check tells; all else as it is. */
export async function probeAll(options: {
  readonly objects: readonly ObservedObject[];
  readonly revisions: ReadonlyMap<RevisionHash, Revision>;
  /** The engines that take an object of this uid for ours. */
  readonly enginesOf: (uid: ClusterUid) => EngineDirectory;
  readonly clock: Clock;
  readonly except?: ReadonlySet<string>;
  readonly signal?: AbortSignal;
}): Promise<readonly ObservedObject[]> {
  const { objects, revisions, enginesOf, clock, except = nothing, signal } = options;
  const queue = new PQueue({ concurrency: parallelProbes });
  return Promise.all(
    objects.map((object) => {
      const revision = revisions.get(object.revision);
      if (object.state !== 'running' || revision?.health === undefined) return object;
      if (except.has(parseAllocationId(object.allocation).workload)) return object;
      return queue.add(async () => ({
        ...object,
        health: await healthOf({
          object,
          revision,
          engines: enginesOf(object.cluster),
          clock,
          ...(signal && { signal }),
        }),
      }));
    }),
  );
}

/**
 * One passed probe is health; illness takes `unhealthyAfter` failed ones in a row, so that one missed beat replaces nothing.
 * Of an engine that does not carry a check out nothing is concluded.
 */
async function healthOf(options: {
  readonly object: ObservedObject;
  readonly revision: Revision;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}): Promise<Health> {
  const { object, revision, engines, clock, signal } = options;
  const check = revision.health;
  if (check === undefined) return 'none';
  const engine = await engineOf(object, engines);
  if (engine === undefined) return 'unknown';
  for (let failures = 0; failures < check.unhealthyAfter; failures += 1) {
    if (failures > 0) await clock.sleep(Math.min(check.intervalMs, maxReprobeMs), signal);
    const result = await probed(engine, object, check);
    if (result === undefined) return 'unknown';
    if (result.ok) return 'healthy';
  }
  return 'unhealthy';
}

/** Undefined where the engine did not answer. */
async function probed(engine: Engine, object: ObservedObject, check: HealthCheck): Promise<ProbeResult | undefined> {
  try {
    return await probe(engine, object, check);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return undefined;
  }
}

/** Undefined where it cannot be opened: an object may say that it is on a node that git does not declare any more. */
async function engineOf(object: ObservedObject, engines: EngineDirectory): Promise<Engine | undefined> {
  try {
    return await engines.engineOf(object.node, object.engine);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return undefined;
  }
}

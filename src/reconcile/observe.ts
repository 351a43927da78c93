import PQueue from 'p-queue';
import { type EngineDirectory, EngineError, type EngineListing } from '../engines/engine.ts';
import type { Desired, DesiredNode } from '../model/desired.ts';
import type { EngineKind, NodeName } from '../model/ids.ts';
import type {
  ForeignObject,
  Health,
  Observed,
  ObservedEngine,
  ObservedNode,
  ObservedObject,
} from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import type { Clock } from './clock.ts';
import { probe } from './health.ts';

/** Engines asked at the same time: slow and dead nodes must not hold up the others. */
const parallelNodes = 64;
const parallelProbes = 64;
const listDeadlineMs = 10_000;
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
  readonly signal?: AbortSignal;
}): Promise<Observed> {
  const { desired, recorded, engines, clock, probes, signal } = options;
  const queue = new PQueue({ concurrency: parallelNodes });
  const looks = await Promise.all(
    desired.nodes.flatMap((node) =>
      (Object.keys(node.engines) as EngineKind[]).map((kind) =>
        queue.add(() => lookAtEngine({ engines, node, kind, ...(signal && { signal }) })),
      ),
    ),
  );
  const objects = looks.flatMap((look) => look.listing.objects);
  const nodes = new Map<NodeName, ObservedNode>();
  const looksOf = new Map<NodeName, EngineLook[]>(desired.nodes.map((node) => [node.name, []]));
  for (const look of looks) looksOf.get(look.node)?.push(look);
  for (const [node, own] of looksOf) nodes.set(node, nodeOf(own));
  return {
    takenAt: clock.now(),
    nodes,
    objects:
      probes === 'skip' ? objects : await probeAll({ objects, recorded, engines, clock, ...(signal && { signal }) }),
  };
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
  readonly signal?: AbortSignal;
}): Promise<EngineLook> {
  const { engines, node, kind, signal } = options;
  const call = { deadlineMs: listDeadlineMs, ...(signal && { signal }) };
  try {
    const engine = await engines.engineOf(node.name, kind);
    const [info, listing] = await Promise.all([engine.info(call), engine.list(call)]);
    return { node: node.name, kind, engine: { kind: 'reachable', ...info }, listing };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
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

async function probeAll(options: {
  readonly objects: readonly ObservedObject[];
  readonly recorded: Recorded;
  readonly engines: EngineDirectory;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}): Promise<readonly ObservedObject[]> {
  const { objects, recorded, engines, clock, signal } = options;
  const queue = new PQueue({ concurrency: parallelProbes });
  return Promise.all(
    objects.map((object) => {
      const revision = recorded.revisions.get(object.revision);
      if (object.state !== 'running' || revision?.health === undefined) return object;
      return queue.add(async () => ({
        ...object,
        health: await healthOf({ object, revision, engines, clock, ...(signal && { signal }) }),
      }));
    }),
  );
}

/** One passed probe is health; illness takes `unhealthyAfter` failed ones in a row, so that one missed beat replaces nothing. */
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
  const engine = await engines.engineOf(object.node, object.engine);
  for (let failures = 0; failures < check.unhealthyAfter; failures += 1) {
    if (failures > 0) await clock.sleep(Math.min(check.intervalMs, maxReprobeMs), signal);
    const result = await probe(engine, object, check);
    if (result.ok) return 'healthy';
  }
  return 'unhealthy';
}

import { assertNever } from '../model/assert.ts';
import type { Desired, DesiredNode, DesiredWorkload } from '../model/desired.ts';
import { type EngineKind, instanceId, parseAllocationId } from '../model/ids.ts';
import type { Observed, ObservedEngine, ObservedObject } from '../model/observed.ts';
import { groupBy } from './plan-view.ts';
import type {
  AbsentInstance,
  EnginesInstance,
  EnginesNode,
  EnginesView,
  EnginesWorkload,
  FoundInstance,
  UidCount,
} from './status-engines-shape.ts';
import { warningsOf } from './status-engines-warnings.ts';

/** Restarts by the engine that somebody should look at. */
const manyRestarts = 3;

interface Inputs {
  readonly desired: Desired;
  readonly observed: Observed;
  /** Unix ms */
  readonly now: number;
}

export function viewEngines(inputs: Inputs): EnginesView {
  const { desired, observed } = inputs;
  const uids = countUids(observed.objects);
  const objects = groupBy(observed.objects, (object) => object.node);
  const nodes = desired.nodes.map((node) => viewNode(node, observed, objects.get(node.name)?.length ?? 0));
  const silent = nodes.filter(isSilent);
  const workloads = viewWorkloads(inputs, { uids, silent });
  return {
    from: 'engines',
    cluster: desired.cluster.name,
    commits: desired.commits,
    observedAt: observed.takenAt,
    warnings: warningsOf({ cluster: desired.cluster.name, uids, silent, workloads }),
    uids,
    nodes,
    workloads,
    asDeclared: silent.length === 0 && uids.length <= 1 && workloads.every(isAsDeclared),
  };
}

function countUids(objects: readonly ObservedObject[]): readonly UidCount[] {
  return [...groupBy(objects, (object) => object.cluster)]
    .map(([uid, own]) => ({ uid, objects: own.length, nodes: [...new Set(own.map(({ node }) => node))].sort() }))
    .sort((a, b) => b.objects - a.objects || (a.uid < b.uid ? -1 : 1));
}

function viewNode(node: DesiredNode, observed: Observed, instances: number): EnginesNode {
  const seen = observed.nodes.get(node.name);
  return {
    name: node.name,
    pod: node.pod,
    lifecycle: node.lifecycle,
    liveness: seen?.liveness ?? 'unknown',
    engines: (Object.entries(seen?.engines ?? {}) as [EngineKind, ObservedEngine][]).map(([engine, answer]) =>
      answer.kind === 'reachable'
        ? { kind: 'reachable', engine, version: answer.version }
        : { kind: 'unreachable', engine, reason: answer.reason },
    ),
    instances,
    foreign: seen?.foreign.length ?? 0,
  };
}

/** Something may run there that nobody sees. Of a node that git declares offline no answer is expected. */
const isSilent = (node: EnginesNode): boolean =>
  node.lifecycle !== 'offline' && node.engines.some((engine) => engine.kind === 'unreachable');

interface Findings {
  readonly uids: readonly UidCount[];
  readonly silent: readonly EnginesNode[];
}

function viewWorkloads(inputs: Inputs, findings: Findings): readonly EnginesWorkload[] {
  const definitions = new Map(inputs.desired.workloads.map((workload) => [workload.id, workload]));
  const found = groupBy(inputs.observed.objects, (object) => parseAllocationId(object.allocation).workload);
  return [...new Set([...definitions.keys(), ...found.keys()])].sort().map((id) => {
    const definition = definitions.get(id);
    const instances = [
      ...viewFound(found.get(id) ?? [], definition, { ...findings, now: inputs.now }),
      ...viewAbsent(found.get(id) ?? [], definition, findings),
    ].sort((a, b) => ordinalOf(a) - ordinalOf(b) || generationOf(a) - generationOf(b));
    const running = instances.filter((instance) => instance.observed === 'running');
    return {
      id,
      ...(definition !== undefined && { desiredRevision: definition.revisionHash }),
      ...(definition !== undefined && definition.type !== 'daemon' && { desired: definition.replicas }),
      running: new Set(running.map((instance) => instance.id)).size,
      healthy: new Set(running.filter(isHealthy).map((instance) => instance.id)).size,
      instances,
    };
  });
}

function viewFound(
  objects: readonly ObservedObject[],
  definition: DesiredWorkload | undefined,
  context: Findings & Pick<Inputs, 'now'>,
): readonly FoundInstance[] {
  const incarnations = groupBy(objects, (object) => parseAllocationId(object.allocation).instance);
  return objects.map((object) => {
    const { instance, generation } = parseAllocationId(object.allocation);
    const others = (incarnations.get(instance) ?? []).filter((other) => other !== object);
    const problem = problemOf(object, { ...context, others, wanted: isWanted(object, definition) });
    const change = changeOf(object, definition);
    return {
      kind: 'found',
      id: instance,
      generation,
      node: object.node,
      engine: object.engine,
      uid: object.cluster,
      revision: object.revision,
      observed: object.state,
      health: object.health,
      ...(object.exitCode !== undefined && { exitCode: object.exitCode }),
      restarts: object.restarts ?? 0,
      ...(object.state === 'running' && object.startedAt !== undefined && { ageMs: context.now - object.startedAt }),
      endpoints: Object.entries(object.ports).map(([name, { host, port }]) => `${name} ${host}:${port}`),
      ...(problem !== '' && { problem }),
      ...(change !== undefined && { change }),
    };
  });
}

/** Ordinals of git that no engine shows. Which nodes a daemon is for is the planner's to say: its are not looked for. */
function viewAbsent(
  objects: readonly ObservedObject[],
  definition: DesiredWorkload | undefined,
  { silent }: Findings,
): readonly AbsentInstance[] {
  if (definition === undefined || definition.type === 'daemon') return [];
  const found = new Set(objects.map((object) => parseAllocationId(object.allocation).instance));
  const unseen = silent.some((node) =>
    node.engines.some(({ kind, engine }) => kind === 'unreachable' && engine === definition.revision.engine),
  );
  return Array.from({ length: definition.replicas }, (_, ordinal) => instanceId(definition.id, ordinal))
    .filter((id) => !found.has(id))
    .map((id) => ({ kind: 'absent', id, observed: unseen ? 'unknown' : 'missing' }));
}

function isWanted({ allocation }: ObservedObject, definition: DesiredWorkload | undefined): boolean {
  if (definition === undefined) return false;
  return definition.type === 'daemon' || parseAllocationId(allocation).ordinal < definition.replicas;
}

function problemOf(
  object: ObservedObject,
  of: { readonly others: readonly ObservedObject[]; readonly wanted: boolean; readonly uids: readonly UidCount[] },
): string {
  const restarts = object.restarts ?? 0;
  const parts = [
    ...uidProblem(object, of.uids),
    ...(object.state === 'running' ? runningTwice(of.others) : stoppedProblem(object, of)),
    ...(object.health === 'unhealthy' ? ['runs, but fails its health check'] : []),
    ...(restarts >= manyRestarts ? [`restarted ${restarts} times`] : []),
  ];
  return parts.join('; ');
}

/** Where most objects have one uid, those with another stand out; where none is in the majority, all do. */
function uidProblem(object: ObservedObject, [most, next]: readonly UidCount[]): readonly string[] {
  if (most === undefined || next === undefined) return [];
  const isMajority = most.objects > next.objects;
  if (!isMajority) return [`its uid is ${object.cluster}; objects of this name have several`];
  return object.cluster === most.uid ? [] : [`its uid is ${object.cluster}, that of most is ${most.uid}`];
}

function runningTwice(others: readonly ObservedObject[]): readonly string[] {
  const beside = others.filter((other) => other.state === 'running').map(placeOf);
  return beside.length === 0 ? [] : [`runs more than once: also ${beside.join(', ')}`];
}

/** One that stopped beside one that runs is the rest of a rollout; one that git does not want may well be stopped. */
function stoppedProblem(
  object: ObservedObject,
  of: { readonly others: readonly ObservedObject[]; readonly wanted: boolean },
): readonly string[] {
  if (!of.wanted || of.others.some((other) => other.state === 'running')) return [];
  switch (object.state) {
    case 'running':
      return [];
    case 'created':
      return ['was created and never started'];
    case 'paused':
      return ['is paused'];
    case 'restarting':
      return [`ended${codeOf(object)}, and its engine is about to restart it`];
    case 'exited':
      return [`exited${codeOf(object)}`];
    default:
      return assertNever(object.state);
  }
}

const codeOf = ({ exitCode }: ObservedObject): string => (exitCode === undefined ? '' : ` with code ${exitCode}`);

/** `#4 on n2` */
const placeOf = ({ allocation, node }: ObservedObject): string =>
  `#${parseAllocationId(allocation).generation} on ${node}`;

function changeOf(object: ObservedObject, definition: DesiredWorkload | undefined): string | undefined {
  if (definition === undefined || object.state === 'created' || object.state === 'exited') return undefined;
  if (!isWanted(object, definition)) return `git wants ${definition.replicas}`;
  if (object.revision === definition.revisionHash) return undefined;
  return `git wants revision ${definition.revisionHash.slice(0, 8)}`;
}

const isHealthy = (instance: EnginesInstance): boolean =>
  instance.kind === 'found' && (instance.health === 'healthy' || instance.health === 'none');

function isAsDeclared({ desired, desiredRevision, running, healthy, instances }: EnginesWorkload): boolean {
  // One that left git is stopped first, and deleted later.
  if (desiredRevision === undefined) return running === 0;
  const isFine = (instance: EnginesInstance): boolean =>
    instance.kind === 'found' && instance.problem === undefined && instance.change === undefined;
  return healthy >= (desired ?? 1) && instances.every(isFine);
}

const ordinalOf = ({ id }: EnginesInstance): number => Number(id.slice(id.lastIndexOf('/') + 1));
const generationOf = (instance: EnginesInstance): number => (instance.kind === 'found' ? instance.generation : 0);

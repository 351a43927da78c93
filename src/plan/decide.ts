import type { DesiredWorkload } from '../model/desired.ts';
import { type InstanceId, instanceId } from '../model/ids.ts';
import type { Cause, FieldChange } from '../model/plan.ts';
import type { ClusterNode } from './cluster.ts';
import { compareActual, compareHeld, compareRevisions, isAsMade, liveFieldsOf } from './compare.ts';
import type { Context } from './context.ts';
import type { Draft } from './draft.ts';
import { releaseLeftovers, removeExtra, stopFor } from './endings.ts';
import { type Instance, isDown } from './instances.ts';
import type { MatchedWorkload } from './match.ts';
import { whyMisplaced } from './place/feasible.ts';
import type { KeepsRules } from './place/keepers.ts';
import type { Target } from './target.ts';

/** Something that has to be placed. */
export interface Want {
  readonly instance: InstanceId;
  readonly ordinal: number;
  readonly cause: Cause;
  /** Where it is now. */
  readonly current: Instance | undefined;
  readonly changes: readonly FieldChange[];
  /** Why it may not stay where it is. */
  readonly mustLeave: string | undefined;
  /** The one node that a daemon's instance is for. */
  readonly onlyNode?: ClusterNode;
  /** The drain of its node does not wait for budgets. */
  readonly forced?: true;
}

/** What one workload needs, before anybody asked whether there is room. */
export interface Intent {
  readonly workload: MatchedWorkload;
  readonly definition: DesiredWorkload;
  readonly target: Target;
  /** Instances that git still wants. */
  readonly wanted: readonly Instance[];
  readonly replicas: number;
  /** Unavailable ones of the right revision. */
  readonly heals: readonly Want[];
  /** Those of the right revision that have to move or to be made anew: drains, placement, drift. */
  readonly moves: readonly Want[];
  /** Those of another revision. */
  readonly rollout: readonly Want[];
  /** Recorded ones that have to be brought up again: declared anew, or left over. */
  readonly news: readonly Want[];
  /** Those that are not there at all. */
  readonly missing: Missing;
  /** Static ones that stop while their node is in maintenance, and come back with it. */
  readonly stops: readonly Draft[];
  readonly removals: readonly Draft[];
  readonly unchanged: number;
}

/** Compares every instance of a workload with what it should be. */
export function decide(
  context: Context,
  workload: MatchedWorkload,
  definition: DesiredWorkload,
  { target, over }: { readonly target: Target; readonly over: ReadonlySet<InstanceId> },
): Intent {
  const lists = {
    heals: [] as Want[],
    moves: [] as Want[],
    rollout: [] as Want[],
    news: [] as Want[],
    stops: [] as Draft[],
    removals: [] as Draft[],
  };
  const { wanted, extra, missing } = splitInstances(context, workload, definition, { target, over });
  const keepsRules = context.compiled.keepersOf(definition.placement, target.revision.engine);
  const standard = { definition, target, keepsRules };
  let unchanged = 0;
  for (const instance of wanted) if (sort(context, standard, instance, lists) === 'unchanged') unchanged += 1;
  for (const instance of workload.instances) {
    if (instance.leftovers.length > 0) lists.removals.push(...releaseLeftovers(context, instance));
  }
  for (const { instance, cause } of extra) lists.removals.push(...removeExtra(context, instance, cause));
  const replicas = wanted.length + missing.ordinals.length;
  return { workload, definition, target, wanted, replicas, unchanged, missing, ...lists };
}

/** Nothing is to be done. */
export const isIdle = (intent: Intent): boolean =>
  newCount(intent) === 0 &&
  intent.heals.length + intent.moves.length + intent.rollout.length + intent.stops.length + intent.removals.length ===
    0;

interface Split {
  readonly wanted: readonly Instance[];
  readonly extra: readonly { readonly instance: Instance; readonly cause: Cause }[];
  readonly missing: Missing;
}

/** By ordinal, since there may be hundreds of thousands. */
export interface Missing {
  readonly cause: Cause;
  readonly ordinals: readonly number[];
  /** The node that each is for, where it is a daemon's. */
  readonly nodes?: readonly ClusterNode[];
}

/** What is not there yet, one at a time; there are `newCount`. */
export function newWant({ workload, news, missing }: Intent, index: number): Want {
  const recorded = news[index];
  if (recorded !== undefined) return recorded;
  const at = index - news.length;
  const want = missingWant(workload, missing.ordinals[at] as number, missing.cause);
  const onlyNode = missing.nodes?.[at];
  return onlyNode === undefined ? want : { ...want, onlyNode };
}

export const newCount = ({ news, missing }: Intent): number => news.length + missing.ordinals.length;

function splitInstances(
  context: Context,
  workload: MatchedWorkload,
  definition: DesiredWorkload,
  { target, over }: { readonly target: Target; readonly over: ReadonlySet<InstanceId> },
): Split {
  if (definition.type === 'daemon') return splitDaemon(context, workload, definition, target);
  const wanted: Instance[] = [];
  const extra: Split['extra'][number][] = [];
  const ordinals: number[] = [];
  // They come by ordinal: what is skipped is missing.
  let next = 0;
  for (const instance of workload.instances) {
    const { id, ordinal } = instance;
    const isOver = over.size > 0 && over.has(id);
    if (ordinal >= definition.replicas || isOver) {
      extra.push({ instance, cause: isOver ? 'quota' : 'scale' });
      continue;
    }
    for (; next < ordinal; next += 1) ordinals.push(next);
    next = ordinal + 1;
    wanted.push(instance);
  }
  for (; next < definition.replicas; next += 1) ordinals.push(next);
  const cause: Cause = wanted.length === 0 ? 'new' : 'scale';
  return { wanted, extra: extra.reverse(), missing: { cause, ordinals } };
}

/** One on every matching node; an ordinal stays with its node. */
function splitDaemon(context: Context, workload: MatchedWorkload, definition: DesiredWorkload, target: Target): Split {
  const { engine } = target.revision;
  const wanted: Instance[] = [];
  const extra: { instance: Instance; cause: Cause }[] = [];
  const served = new Set<number>();
  for (const instance of workload.instances) {
    const { node } = instance;
    const matches = !node.draining && whyMisplaced(node, definition.placement, engine) === undefined;
    if (matches && !served.has(node.index)) {
      served.add(node.index);
      wanted.push(instance);
    } else extra.push({ instance, cause: node.draining ? 'drain' : 'scale' });
  }
  const taken = new Set(workload.instances.map((instance) => instance.ordinal));
  const ordinals: number[] = [];
  const nodes: ClusterNode[] = [];
  let ordinal = 0;
  for (const index of context.candidatesOf(definition, target.revision).nodes) {
    if (served.has(index)) continue;
    while (taken.has(ordinal)) ordinal += 1;
    ordinals.push(ordinal);
    nodes.push(context.cluster.nodes[index] as ClusterNode);
    ordinal += 1;
  }
  const cause: Cause = wanted.length === 0 ? 'new' : 'scale';
  return { wanted, extra, missing: { cause, ordinals, nodes } };
}

const missingWant = (workload: MatchedWorkload, ordinal: number, cause: Cause): Want => ({
  instance: instanceId(workload.id, ordinal),
  ordinal,
  cause,
  current: undefined,
  changes: [],
  mustLeave: undefined,
});

type Lists = Pick<{ [K in keyof Intent]: Want[] }, 'heals' | 'moves' | 'rollout' | 'news'> & {
  readonly stops: Draft[];
};

/** What the instances of a workload are compared with. */
interface Standard {
  readonly definition: DesiredWorkload;
  readonly target: Target;
  /** `whyMisplaced` has nothing to say of the node. */
  readonly keepsRules: KeepsRules;
}

function sort(
  context: Context,
  standard: Standard,
  instance: Instance,
  lists: Lists,
): 'unchanged' | 'listed' | 'waits' {
  const { definition, target } = standard;
  const { status, allocation, node } = instance;
  if (status === 'unknown') {
    context.unseen(instance, definition.id);
    return 'waits';
  }
  if (status === 'lost' && !mayLeaveLostNode(definition)) {
    context.notes.warn(
      'MUS5010',
      definition.id,
      `${instance.id} waits: ${node.name} is lost, and a ${definition.type} instance is made anew only ` +
        `${definition.type === 'stateful' ? 'with onLost: recreate, or ' : ''}when its node is back`,
    );
    return 'waits';
  }
  const changes = allocation.revision === target.hash ? [] : changesOf(context, instance, target);
  // Stopped for the maintenance of its node: it comes back with the node.
  if (status === 'held' && definition.type === 'static' && node.draining) return 'waits';
  if (status === 'held') {
    const mustLeave = node.draining ? `${node.name} is drained` : undefined;
    lists.news.push(wantOf(context, definition, instance, { cause: 'new', changes, mustLeave }));
    return 'listed';
  }
  const leave = leaveReason(context, standard, instance);
  if (leave === 'blocked') return 'waits';
  if (leave === 'stops') {
    lists.stops.push(stopFor(instance, { forced: isForced(context, node) }));
    return 'listed';
  }
  const forced = status === 'lost' ? 'lost' : isDown(instance) ? 'heal' : leave?.cause;
  const mustLeave = leave?.reason;
  if (allocation.revision !== target.hash) {
    const cause = forced ?? (target.followsGit ? 'change' : 'rollback');
    lists.rollout.push(wantOf(context, definition, instance, { cause, changes, mustLeave }));
    return 'listed';
  }
  const cause = forced ?? 'heal';
  if (status === 'lost' || isDown(instance)) {
    lists.heals.push(wantOf(context, definition, instance, { cause, changes: [], mustLeave }));
    return 'listed';
  }
  const drift = driftOf(context, definition, target, instance);
  // What an unfinished run had only reserved may serve by now: it is made anew all the same, in its turn.
  if (leave === undefined && drift.length === 0 && allocation.state !== 'reserved') return 'unchanged';
  lists.moves.push(wantOf(context, definition, instance, { cause, changes: drift, mustLeave }));
  return 'listed';
}

function wantOf(
  context: Context,
  { type }: DesiredWorkload,
  instance: Instance,
  why: Pick<Want, 'cause' | 'changes' | 'mustLeave'>,
): Want {
  const { id, ordinal, node } = instance;
  return {
    instance: id,
    ordinal,
    cause: why.cause,
    current: instance,
    changes: why.changes,
    mustLeave: why.mustLeave,
    ...(type === 'daemon' && { onlyNode: node }),
    ...(isForced(context, node) && { forced: true }),
  };
}

/** Stateless ones are made anew; others only when git says so. What belongs to its node never is. */
export const mayLeaveLostNode = ({ type, onLost }: DesiredWorkload): boolean =>
  (type === 'stateless' && onLost !== 'wait') || (type === 'stateful' && onLost === 'recreate');

function changesOf(context: Context, { allocation }: Instance, target: Target): readonly FieldChange[] {
  const known = context.comparisons.get(`${allocation.revision} ${target.hash}`);
  if (known !== undefined) return known;
  const before = context.inputs.recorded.revisions.get(allocation.revision);
  const changes: readonly FieldChange[] =
    before === undefined
      ? [{ path: '', before: allocation.revision, after: target.hash, class: 'recreate' }]
      : compareRevisions(before, target.revision, context.inputs.liveFields);
  context.comparisons.set(`${allocation.revision} ${target.hash}`, changes);
  return changes;
}

function leaveReason(
  context: Context,
  { definition, keepsRules }: Standard,
  instance: Instance,
): { readonly cause: Cause; readonly reason: string } | 'blocked' | 'stops' | undefined {
  const { node } = instance;
  if (instance.status === 'lost') return { cause: 'lost', reason: `${node.name} is lost` };
  if (node.waitsToDrain) {
    context.blockDrain(
      node,
      instance.id,
      'enough other nodes of its zone are being drained (drain.perZone): its turn comes',
    );
    return undefined;
  }
  if (!node.draining && keepsRules(node)) return context.inputs.relocate?.get(instance.id);
  if (definition.type === 'static') {
    if (node.definition?.lifecycle === 'maintenance') return 'stops';
    const reason = 'it is static: it never moves; remove it or bring the node back online';
    if (node.draining) context.blockDrain(node, instance.id, reason);
    else
      context.notes.warn(
        'MUS5010',
        definition.id,
        `${instance.id} stays on ${node.name}, which no longer matches: ${reason}`,
      );
    return 'blocked';
  }
  if (!node.draining) return { cause: 'change', reason: `${node.name} no longer matches its placement` };
  const lifecycle = node.definition?.lifecycle;
  return {
    cause: 'drain',
    reason: lifecycle === undefined ? `${node.name} left git` : `${node.name} is in ${lifecycle}`,
  };
}

/** The drain of the node has waited long enough, or was not to wait at all. */
function isForced({ inputs }: Context, { definition, draining }: ClusterNode): boolean {
  const drain = definition?.drain;
  return draining && drain?.force === true && inputs.now >= (drain.deadline ?? 0);
}

const noChanges: readonly FieldChange[] = [];

function driftOf(
  context: Context,
  definition: DesiredWorkload,
  target: Target,
  { id, node, object, allocation }: Instance,
): readonly FieldChange[] {
  const { drift } = context.inputs.desired.cluster;
  if (object === undefined || drift.changed === 'ignore' || isAsMade(object, allocation.holds)) return noChanges;
  const { ignoreFields } = drift;
  const liveFields = liveFieldsOf(context.inputs.liveFields, target.revision.engine);
  const actual = compareActual(target.revision, object.actual, { liveFields, ignoreFields });
  const held = compareHeld(allocation.holds, object.held, ignoreFields);
  const changes = held.length === 0 ? actual : [...actual, ...held];
  if (changes.length === 0 || drift.changed === 'heal') return changes;
  const paths = changes.map((change) => change.path).join(', ');
  context.notes.warn(
    'MUS5009',
    definition.id,
    `${id} on ${node.name} differs from its revision in ${paths} (drift.changed: report)`,
  );
  return [];
}

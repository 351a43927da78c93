import type { DesiredWorkload } from '../../model/desired.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { Allocation } from '../../model/recorded.ts';
import { definitionAt, objectOf, observedAt, type Verifier } from './base.ts';
import { keepsDaemon } from './daemon.ts';
import { budgetsFor, countOf } from './policies.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/**
 * In every wave at least `base - budget` of the instances stay available, where the base is what both the records and
 * git have: an instance that is still to come, or that is to go (a quota may say so), is not missed. Taking down what is down already costs
 * nothing, and a drain that is forced asks nobody.
 */
export function disruptionCheck(world: World, report: Report): Check {
  const budgetOf = budgetsFor(world.inputs.desired.policies);
  const waiting = new Set(world.plan.goals.flatMap(({ blocked }) => blocked.map(({ instance }) => instance)));
  return {
    unit: (work) => {
      const { workload } = work;
      if (workload === undefined || work.allocations.length === 0) return; // nothing has to stay
      const state = stateOf(world, work, { workload, waiting });
      const budget = budgetOf(workload, state.wanted.size);
      const surge = surgeOf(workload, { base: state.wanted.size, budget });
      checkAnnounced(world, work, budget, report);
      checkForced(world, work, report);
      for (const [index, { wave, items }] of work.waves.entries()) {
        const { taken, counts, beside } = takenBy(world, items, state);
        const left = state.up.size - taken.size;
        if (counts && left < state.wanted.size - budget) {
          const kept = `leaves ${left} of ${state.wanted.size} instances available`;
          report('budget', work.id, `wave ${index} ${kept}; at most ${budget} may be unavailable at once`);
        }
        if ((wave.available ?? 0) > left)
          report('budget', work.id, `wave ${index} is said to leave ${wave.available} available; it leaves ${left}`);
        if (beside > surge)
          report(
            'surge',
            work.id,
            `wave ${index} makes ${beside} instances beside those that they replace; maxSurge is ${surge}`,
          );
        for (const ordinal of taken) state.up.delete(ordinal);
        if (wave.gate === 'healthy') restore(world, items, state);
      }
    },
  };
}

/** The instances that count, by ordinal, and those of them that serve now. */
interface State {
  readonly wanted: ReadonlySet<number>;
  readonly up: Set<number>;
  /** How many allocations of an ordinal serve besides the first: an unfinished run may have left some. */
  readonly spare: Map<number, number>;
}

/** `waiting`: instances that cannot leave yet a node that is to be emptied. */
interface Served {
  readonly workload: DesiredWorkload;
  readonly waiting: ReadonlySet<InstanceId>;
}

function stateOf({ base }: World, { allocations, items }: UnitWork, { workload, waiting }: Served): State {
  const wanted = new Set<number>();
  const up = new Set<number>();
  const spare = new Map<number, number>();
  const served = new Map<number, number>();
  const goes = items.some(goesForQuota) ? new Set(items.filter(goesForQuota).map(({ oldIndex }) => oldIndex)) : nobody;
  for (const index of allocations) {
    const allocation = base.allocations[index] as Allocation;
    const { ordinal, state } = allocation;
    const home = base.homes[index] as number;
    // A static instance that is stopped for the maintenance of its node is missed until it is back.
    if ((state === 'held' && workload.type !== 'static') || goes.has(index)) continue;
    // What an unfinished run had only reserved is missed where it serves already.
    if (state === 'reserved' && !isAvailable(base, index)) continue;
    const counts =
      workload.type === 'daemon'
        ? isServed(base, { workload, home, served, ordinal, waits: waiting.has(allocation.instance) })
        : ordinal < workload.replicas;
    if (!counts) continue;
    wanted.add(ordinal);
    if (state === 'held' || !isAvailable(base, index)) continue;
    if (up.has(ordinal)) spare.set(ordinal, (spare.get(ordinal) ?? 0) + 1);
    up.add(ordinal);
  }
  return { wanted, up, spare };
}

const nobody: ReadonlySet<number> = new Set();

const goesForQuota = ({ step, shape }: Item): boolean => step.cause === 'quota' && !shape.makes && !shape.updates;

/** A daemon has one instance that counts on each node that it is for, until that is emptied; there may be several allocations of it. */
function isServed(
  base: Verifier,
  of: {
    readonly workload: DesiredWorkload;
    readonly home: number;
    /** By node, the ordinal that counts there. */
    readonly served: Map<number, number>;
    readonly ordinal: number;
    readonly waits: boolean;
  },
): boolean {
  const { workload, home, served, ordinal, waits } = of;
  const counted = served.get(home);
  if (counted !== undefined) return counted === ordinal;
  const { engine } = workload.revision;
  if (!keepsDaemon(base, { workload, engine, node: home, waits })) return false;
  served.set(home, ordinal);
  return true;
}

/** It runs, is healthy where it has a check, and its node answers. */
export function isAvailable(base: Verifier, index: number): boolean {
  const object = objectOf(base, index);
  if (object?.state !== 'running' || (object.health !== 'healthy' && object.health !== 'none')) return false;
  const node = observedAt(base, base.homes[index] as number);
  return (node?.liveness ?? 'alive') === 'alive' && node?.engines[object.engine]?.kind !== 'unreachable';
}

/**
 * Most instances that may be there on top of what is wanted; the budget unless git says otherwise. Who asks for
 * create-first has at least one: without it nothing could be replaced so.
 */
function surgeOf(
  { update: { maxSurge, order } }: DesiredWorkload,
  { base, budget }: { readonly base: number; readonly budget: number },
): number {
  const surge = maxSurge.kind === 'policy' ? budget : countOf(maxSurge, base);
  return order === 'create-first' ? Math.max(1, surge) : surge;
}

interface Taken {
  /** Serving instances that a wave takes down. */
  readonly taken: ReadonlySet<number>;
  /** Some of them count against the budget. */
  readonly counts: boolean;
  /** How many it makes beside those that they replace. */
  readonly beside: number;
}

function takenBy(world: World, items: readonly Item[], { up, spare }: State): Taken {
  const taken = new Set<number>();
  let counts = false;
  let beside = 0;
  for (const item of items) {
    const { makes, ends, chained, disrupts } = item.shape;
    if (makes && ends && !chained && !isForced(world, item)) beside += 1;
    if (!disrupts || !up.has(item.ordinal)) continue;
    // What is left over of an instance and does not serve is not missed, nor what serves beside another of it.
    if (item.oldIndex >= 0 && !isAvailable(world.base, item.oldIndex)) continue;
    const others = spare.get(item.ordinal) ?? 0;
    if (others > 0) {
      spare.set(item.ordinal, others - 1);
      continue;
    }
    taken.add(item.ordinal);
    counts ||= !isForced(world, item);
  }
  return { taken, counts, beside };
}

/** Off a node whose drain is forced: at once, or from its deadline on. */
function isForced({ base, inputs }: World, { step, home }: Item): boolean {
  const drain = step.cause === 'drain' ? definitionAt(base, home)?.drain : undefined;
  return drain?.force === true && (drain.deadline ?? Number.NEGATIVE_INFINITY) <= inputs.now;
}

/** Everything that a wave made or changed is healthy behind its gate; beside it may serve what is left over of the instance. */
function restore({ base }: World, items: readonly Item[], { wanted, up, spare }: State): void {
  for (const { shape, ordinal, oldIndex } of items) {
    if ((!shape.makes && !shape.updates) || !wanted.has(ordinal)) continue;
    // What was taken down before has been counted out by its wave.
    const tookOver = !shape.disrupts && (shape.updates || (oldIndex >= 0 && isAvailable(base, oldIndex)));
    if (up.has(ordinal) && !tookOver) spare.set(ordinal, (spare.get(ordinal) ?? 0) + 1);
    up.add(ordinal);
  }
}

/** The executor counts again before each stop, by the number that the unit gives it. */
function checkAnnounced(world: World, { unit, items, id }: UnitWork, budget: number, report: Report): void {
  const announced = unit.maxUnavailable;
  if (announced === undefined || announced <= budget) return;
  if (items.some((item) => isForced(world, item))) return;
  report('budget', id, `tells the executor that ${announced} may be unavailable at once; it is ${budget}`);
}

/** Only a drain that git forces goes on without asking how many are unavailable. */
function checkForced(world: World, { items }: UnitWork, report: Report): void {
  for (const item of items) {
    if (item.step.forced !== true || isForced(world, item)) continue;
    report('budget', item.step.id, `${item.step.instance} is not to wait for others, but no forced drain says so`);
  }
}

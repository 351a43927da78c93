import type { CountOrPercent } from '../../model/desired.ts';
import type { InstanceId } from '../../model/ids.ts';
import type { Allocation } from '../../model/recorded.ts';
import type { Verifier } from './base.ts';
import { keepsDaemon, nodesForDaemon } from './daemon.ts';
import { isAvailable } from './disruption.ts';
import type { RulesetOf } from './eligibility.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/**
 * A new revision reaches the instances in the groups that git names, cumulative and rounded up: no wave begins one group
 * before the one before it is through, and the wave that ends a group is observed. What has the revision already counts.
 */
export function rolloutCheck(world: World, rulesetOf: RulesetOf, report: Report): Check {
  const waiting = new Set(world.plan.goals.flatMap(({ blocked }) => blocked.map(({ instance }) => instance)));
  return {
    unit: (work) => {
      const { workload, id } = work;
      if (workload === undefined || work.allocations.length === 0) return;
      const first = work.items.find(isRollout);
      if (first === undefined) return;
      const there = instancesThere(world, work);
      const replicas = replicasOf(world, work, { rulesetOf, first, there, waiting });
      const bounds = workload.update.groups.map((group) => boundOf(group, replicas));
      const wanted = there.filter(({ allocation }) => isThere(allocation));
      const done = wanted.filter(({ allocation }) => hasRevision(allocation, first.step.revision)).length;
      let at = done;
      for (const [index, { wave, items }] of work.waves.entries()) {
        const count = items.filter(isRollout).length;
        if (count === 0) continue;
        const bound = Math.min(...bounds.filter((each) => each > at), Number.POSITIVE_INFINITY);
        at += count;
        if (at > bound)
          report('rollout', id, `wave ${index} brings the new revision to ${at} instances; its group ends at ${bound}`);
        const { observeMs } = workload.update;
        if ((at === bound || at === wanted.length) && wave.observeMs < observeMs)
          report(
            'rollout',
            id,
            `wave ${index} ends a group and is observed for ${wave.observeMs} ms, not ${observeMs}`,
          );
      }
    },
  };
}

const isRollout = ({ shape, step, old }: Item): boolean =>
  (shape.makes || shape.updates) && old !== undefined && isThere(old) && old.revision !== step.revision;

const isThere = ({ state }: Allocation): boolean => state !== 'held';

/** What an unfinished run has only reserved is not through with it. */
const hasRevision = ({ revision, state }: Allocation, wanted: Item['step']['revision']): boolean =>
  revision === wanted && state !== 'reserved';

/** How many instances have the new revision when a group is through. */
const boundOf = (group: CountOrPercent, replicas: number): number =>
  group.kind === 'count' ? group.count : Math.ceil((replicas * group.percent) / 100);

interface There {
  readonly index: number;
  readonly allocation: Allocation;
  /** Its node. */
  readonly home: number;
}

/** How many instances git wants: of a daemon as many as there are nodes for it. */
function replicasOf(
  world: World,
  { workload }: UnitWork,
  of: {
    readonly rulesetOf: RulesetOf;
    readonly first: Item;
    readonly there: readonly There[];
    readonly waiting: ReadonlySet<InstanceId>;
  },
): number {
  if (workload === undefined) return 0;
  if (workload.type !== 'daemon') return workload.replicas;
  const { engine } = of.first.step;
  const { options } = of.first.facts?.revision ?? {};
  const asked = { engine, ...(options !== undefined && { options }) };
  const kept = of.there.filter(({ allocation, home }) =>
    keepsDaemon(world.base, { workload, engine, node: home, waits: of.waiting.has(allocation.instance) }),
  );
  return nodesForDaemon(world, of.rulesetOf, { workload, asked, kept: new Set(kept.map(({ home }) => home)) });
}

/** Recorded instances that stay, one for each ordinal. */
function instancesThere({ base }: World, { workload, allocations, items }: UnitWork): readonly There[] {
  const goes = new Set(items.filter(({ shape }) => shape.ends && !shape.makes).map(({ oldIndex }) => oldIndex));
  const current = new Map<number, There>();
  for (const index of allocations) {
    const allocation = base.allocations[index] as Allocation;
    const { ordinal } = allocation;
    if (goes.has(index) || (workload?.type !== 'daemon' && ordinal >= (workload?.replicas ?? 0))) continue;
    const known = current.get(ordinal);
    if (known !== undefined && !speaksBefore(base, index, known.index)) continue;
    current.set(ordinal, { index, allocation, home: base.homes[index] as number });
  }
  return [...current.values()];
}

/** Of several incarnations a live one that serves counts, else a live one; the newest of those. */
function speaksBefore(base: Verifier, a: number, b: number): boolean {
  const rank = (index: number): number =>
    base.allocations[index]?.state !== 'live' ? 0 : isAvailable(base, index) ? 2 : 1;
  const generation = (index: number): number => base.allocations[index]?.generation ?? 0;
  return rank(a) === rank(b) ? generation(a) > generation(b) : rank(a) > rank(b);
}

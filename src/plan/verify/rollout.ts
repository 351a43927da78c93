import type { DesiredWorkload } from '../../model/desired.ts';
import type { Allocation } from '../../model/recorded.ts';
import type { Verifier } from './base.ts';
import type { Report } from './violation.ts';
import type { Check, Item, UnitWork, World } from './world.ts';

/**
 * A new revision reaches the instances in the groups that git names, cumulative and rounded up: no wave begins one group
 * before the one before it is through, and the wave that ends a group is observed. What has the revision already counts.
 */
export function rolloutCheck({ base }: World, report: Report): Check {
  return {
    unit: (work) => {
      const { workload, id } = work;
      if (workload === undefined || work.allocations.length === 0 || !work.items.some(isRollout)) return;
      const bounds = boundsOf(workload);
      if (bounds === undefined) return;
      const { done, open } = progressOf(base, work, workload);
      let at = done;
      for (const [index, { wave, items }] of work.waves.entries()) {
        const count = items.filter(isRollout).length;
        if (count === 0) continue;
        const bound = Math.min(...bounds.filter((each) => each > at), Number.POSITIVE_INFINITY);
        at += count;
        if (at > bound)
          report('rollout', id, `wave ${index} brings the new revision to ${at} instances; its group ends at ${bound}`);
        const { observeMs } = workload.update;
        if ((at === bound || at === done + open) && wave.observeMs < observeMs)
          report(
            'rollout',
            id,
            `wave ${index} ends a group and is observed for ${wave.observeMs} ms, not ${observeMs}`,
          );
      }
    },
  };
}

/** Gives an instance that is there another revision. What comes back, or was never made, is new. */
const isRollout = ({ shape, step, old }: Item): boolean =>
  (shape.makes || shape.updates) && old !== undefined && isThere(old) && old.revision !== step.revision;

const isThere = ({ state }: Allocation): boolean => state !== 'held' && state !== 'reserved';

/** How many instances have the new revision when a group is through. Shares of a daemon's nodes are not worked out. */
function boundsOf({ type, replicas, update }: DesiredWorkload): readonly number[] | undefined {
  if (type === 'daemon' && update.groups.some((group) => group.kind === 'percent' && group.percent < 100)) {
    return undefined;
  }
  return update.groups.flatMap((group) => {
    if (group.kind === 'count') return [group.count];
    return type === 'daemon' ? [] : [Math.ceil((replicas * group.percent) / 100)];
  });
}

/** Instances that have the new revision before the plan, and those that have another one. */
function progressOf(
  { allocations: recorded }: Verifier,
  { allocations, items }: UnitWork,
  { type, replicas }: DesiredWorkload,
): { readonly done: number; readonly open: number } {
  const revision = items.find(isRollout)?.step.revision;
  const goes = new Set(items.filter(({ shape }) => shape.ends && !shape.makes).map(({ oldIndex }) => oldIndex));
  const current = new Map<number, Allocation>();
  for (const index of allocations) {
    const allocation = recorded[index] as Allocation;
    const { ordinal } = allocation;
    if (goes.has(index) || (type !== 'daemon' && ordinal >= replicas)) continue;
    const known = current.get(ordinal);
    if (known === undefined || speaksBefore(allocation, known)) current.set(ordinal, allocation);
  }
  const there = [...current.values()].filter(isThere);
  const done = there.filter((allocation) => allocation.revision === revision).length;
  return { done, open: there.length - done };
}

/** Of several incarnations the live one counts; the newest of those. */
const speaksBefore = (a: Allocation, b: Allocation): boolean =>
  (a.state === 'live') === (b.state === 'live') ? a.generation > b.generation : a.state === 'live';

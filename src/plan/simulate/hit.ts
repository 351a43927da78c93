import type { DesiredWorkload } from '../../model/desired.ts';
import type { InstanceId, WorkloadId } from '../../model/ids.ts';
import { budgetOf } from '../budget.ts';
import { openRules } from '../rules.ts';
import type { Displaced, Loss } from './lose.ts';
import { type BrokenSpread, brokenSpreads } from './spread.ts';
import { type PlannedWorld, wantedOf } from './world.ts';

/** What a loss does to one workload. */
export interface Hit {
  readonly workload: WorkloadId;
  readonly type: DesiredWorkload['type'];
  readonly lost: readonly InstanceId[];
  readonly available: Available;
  readonly remade: Displaced['remade'];
  readonly short: Displaced['short'];
  readonly waiting: Displaced['waiting'];
  readonly refusals: Displaced['refusals'];
  /** Spread rules that do not hold any more, with everything made anew that can be. */
  readonly spread: readonly BrokenSpread[];
}

/** Instances that serve, of those that are wanted and have ever been there. */
export interface Available {
  readonly before: number;
  /** At the instant of the loss, before anything is made anew. */
  readonly left: number;
  /** Fewest that its disruption budget leaves. */
  readonly floor: number;
  readonly of: number;
}

export function hitsOf(world: PlannedWorld, loss: Loss): readonly Hit[] {
  const rulesFor = openRules(world.inputs.desired.policies);
  return loss.displaced.flatMap((displaced): readonly Hit[] => {
    const { workload, instances, remade, short, waiting, refusals } = displaced;
    const { definition } = workload;
    if (definition === undefined) return [];
    const budget = budgetOf(rulesFor, { definition, wanted: wantedOf(workload) });
    const gone = instances.filter((instance) => instance.available).length;
    return [
      {
        workload: workload.id,
        type: definition.type,
        lost: instances.map(({ id }) => id),
        available: {
          before: budget.available,
          left: budget.available - gone,
          floor: Math.max(0, budget.base - budget.maxUnavailable),
          of: budget.base,
        },
        remade,
        short,
        waiting,
        refusals,
        spread: brokenSpreads(world, loss, displaced),
      },
    ];
  });
}

/** Fewer serve than its budget leaves, until the others are made anew. A daemon is not missed where its node is. */
export const isBelowBudget = ({ type, available }: Pick<Hit, 'type' | 'available'>): boolean =>
  type !== 'daemon' && available.left < available.floor;

/** Nobody serves any more, until something is made anew. */
export const isOutage = ({ type, available }: Pick<Hit, 'type' | 'available'>): boolean =>
  type !== 'daemon' && available.left === 0 && available.before > 0;

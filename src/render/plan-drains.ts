import type { Goal, Plan } from '../model/plan.ts';
import { formatDuration } from '../model/units.ts';
import { plural } from './layout.ts';
import { groupBy } from './plan-view.ts';

/** A node that is emptied, in words. */
export interface DrainView {
  readonly node: string;
  /** `2 workloads in 4 waves, 12m at worst` */
  readonly takes: string;
  readonly units: readonly string[];
  readonly stays: readonly Staying[];
}

/** Instances that stay for the same reason. */
export interface Staying {
  readonly instances: readonly string[];
  readonly reason: string;
}

export interface DrainsView {
  readonly shown: readonly DrainView[];
  /** Nodes that are not shown; they are left without hindrance as long as there are few that are not. */
  readonly hidden: { readonly nodes: number; readonly blocked: number; readonly takes: string } | undefined;
}

/** Every node that is drained; where there are too many, those first that cannot be left whole. */
export function viewDrains({ goals }: Plan, most = Number.POSITIVE_INFINITY): DrainsView {
  if (goals.length <= most) return { shown: goals.map(viewDrain), hidden: undefined };
  const blocked = goals.filter((goal) => goal.blocked.length > 0);
  const free = goals.filter((goal) => goal.blocked.length === 0);
  const sorted = [...blocked, ...free];
  const hidden = sorted.slice(most);
  const worst = hidden.reduce((a, b) => ((b.worstCaseMs ?? 0) > (a.worstCaseMs ?? 0) ? b : a));
  return {
    shown: sorted.slice(0, most).map(viewDrain),
    hidden: {
      nodes: hidden.length,
      blocked: hidden.filter((goal) => goal.blocked.length > 0).length,
      takes: lengthText(worst),
    },
  };
}

function viewDrain(goal: Goal): DrainView {
  const length = lengthText(goal);
  const takes =
    goal.units.length === 0
      ? goal.blocked.length === 0
        ? 'nothing left to move'
        : 'nothing can leave'
      : `${plural(goal.units.length, 'workload')}${length === '' ? '' : ` in ${length}`}`;
  const stays = [...groupBy(goal.blocked, ({ reason }) => reason)].map(([reason, items]) => ({
    instances: items.map(({ instance }) => instance),
    reason,
  }));
  return { node: goal.node, takes, units: goal.units, stays };
}

/** `4 waves, 12m at worst` */
const lengthText = ({ waves, worstCaseMs }: Goal): string =>
  waves === undefined || worstCaseMs === undefined
    ? ''
    : `${plural(waves, 'wave')}${worstCaseMs === 0 ? '' : `, ${formatDuration(worstCaseMs)} at worst`}`;

const mostNames = 5;

/** A few names, and how many more there are. */
export function someNames(names: readonly string[], { all }: { readonly all: boolean }): string {
  if (all || names.length <= mostNames) return names.join(', ');
  return `${names.slice(0, mostNames).join(', ')} and ${names.length - mostNames} more`;
}

import type { NodeName, WorkloadId } from '../../model/ids.ts';
import { budgetOf } from '../budget.ts';
import type { MatchedWorkload } from '../match.ts';
import { openRules } from '../rules.ts';
import type { Available } from './hit.ts';
import { type PlannedWorld, wantedOf } from './world.ts';

/** A workload that has too much on few nodes. */
export interface AtRisk {
  readonly workload: WorkloadId;
  /** The nodes that hold most of it. */
  readonly nodes: readonly NodeName[];
  readonly available: Available;
}

/**
 * Workloads that fall below their disruption budget at the instant at which the `any` nodes are lost that hold most of
 * them, the worst first. Counted, not planned: exact for every combination of nodes.
 */
export function workloadsAtRisk(world: PlannedWorld, any: number): readonly AtRisk[] {
  const rulesFor = openRules(world.inputs.desired.policies);
  const found = world.workloads.flatMap((workload): readonly AtRisk[] => {
    const { definition } = workload;
    if (definition === undefined || definition.type === 'daemon') return [];
    const { base, maxUnavailable, available } = budgetOf(rulesFor, { definition, wanted: wantedOf(workload) });
    const worst = worstNodes(workload, any);
    const left = available - worst.reduce((sum, [, count]) => sum + count, 0);
    const floor = Math.max(0, base - maxUnavailable);
    if (left >= floor || available < floor) return [];
    return [
      {
        workload: workload.id,
        nodes: worst.map(([name]) => name).sort(),
        available: { before: available, left, floor, of: base },
      },
    ];
  });
  return found.sort((a, b) => severity(b) - severity(a) || (a.workload < b.workload ? -1 : 1));
}

/** Those of which nobody is left first, then by how many are missing. */
const severity = ({ available: { left, floor } }: AtRisk): number =>
  (left === 0 ? Number.MAX_SAFE_INTEGER / 2 : 0) + floor - left;

function worstNodes(workload: MatchedWorkload, any: number): readonly (readonly [NodeName, number])[] {
  const counts = new Map<NodeName, number>();
  for (const { node, available } of wantedOf(workload)) {
    if (available) counts.set(node.name, (counts.get(node.name) ?? 0) + 1);
  }
  return [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, any);
}

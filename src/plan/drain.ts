import { unitOf } from '../model/ids.ts';
import type { Goal } from '../model/plan.ts';
import type { Context } from './context.ts';
import { drainedNodes, type UnitDraft } from './units.ts';

/** A drain is a goal over the units of the workloads that are on the node: reached when its last allocation has left. */
export function drainGoals(context: Context, units: readonly UnitDraft[]): readonly Goal[] {
  const unitsByNode = new Map<number, Set<UnitDraft>>();
  for (const unit of units) {
    for (const node of drainedNodes(unit)) {
      const set = unitsByNode.get(node) ?? new Set();
      unitsByNode.set(node, set.add(unit));
    }
  }
  return context.cluster.nodes.flatMap((node): readonly Goal[] => {
    const moving = unitsByNode.get(node.index);
    const blocked = context.drainBlocks.get(node.index);
    if (!node.draining || (moving === undefined && blocked === undefined)) return [];
    return [
      {
        kind: 'drain',
        node: node.name,
        units: [...(moving ?? [])].map((unit) => unitOf(unit.workload)).sort(),
        blocked: [...(blocked ?? [])].sort((a, b) => (a.instance < b.instance ? -1 : a.instance > b.instance ? 1 : 0)),
      },
    ];
  });
}

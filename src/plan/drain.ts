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
    if ((!node.draining && !node.waitsToDrain) || (moving === undefined && blocked === undefined)) return [];
    return [
      {
        kind: 'drain',
        node: node.name,
        units: [...(moving ?? [])].map((unit) => unitOf(unit.workload)).sort(),
        ...(moving !== undefined && lengthOf(moving, node.index)),
        blocked: [...(blocked ?? [])].sort((a, b) => (a.instance < b.instance ? -1 : a.instance > b.instance ? 1 : 0)),
      },
    ];
  });
}

/** The units go side by side but where one waits for another; a unit counts up to the last wave that leaves the node. */
function lengthOf(
  units: ReadonlySet<UnitDraft>,
  node: number,
): { readonly waves: number; readonly worstCaseMs: number } {
  const byWorkload = new Map([...units].map((unit) => [unit.workload, unit]));
  const known = new Map<UnitDraft, { readonly waves: number; readonly worstCaseMs: number }>();
  const endOf = (unit: UnitDraft): { readonly waves: number; readonly worstCaseMs: number } => {
    const found = known.get(unit);
    if (found !== undefined) return found;
    const last = unit.waves.findLastIndex(({ drafts }) => drafts.some(({ old }) => old?.node.index === node));
    const before = unit.after
      .flatMap((workload) => byWorkload.get(workload) ?? [])
      .map(endOf)
      .reduce((a, b) => (b.worstCaseMs > a.worstCaseMs ? b : a), { waves: 0, worstCaseMs: 0 });
    const own = unit.waves.slice(0, last + 1).reduce((sum, { worstCaseMs }) => sum + worstCaseMs, 0);
    const end = { waves: before.waves + last + 1, worstCaseMs: before.worstCaseMs + own };
    known.set(unit, end);
    return end;
  };
  return [...units].map(endOf).reduce((a, b) => (b.worstCaseMs > a.worstCaseMs ? b : a));
}

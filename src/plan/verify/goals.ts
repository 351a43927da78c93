import type { NodeName, UnitId } from '../../model/ids.ts';
import type { Report } from './violation.ts';
import type { Check, World } from './world.ts';

/** A drain is reached through units that are in the plan and leave the node; the node is one that is being emptied. */
export function goalsCheck({ plan: { goals }, base }: World, report: Report): Check {
  const left = new Map<UnitId, ReadonlySet<NodeName>>();
  return {
    unit: ({ unit, items }) => {
      if (goals.length === 0) return;
      const nodes = new Set<NodeName>();
      for (const { shape, old } of items) if (shape.ends && old !== undefined) nodes.add(old.node);
      left.set(unit.id, nodes);
    },
    end: () => {
      for (const { node, units } of goals) {
        const lifecycle = base.nodes.definitions[base.nodes.indexOf.get(node) ?? -1]?.lifecycle;
        if (lifecycle !== undefined && lifecycle !== 'maintenance' && lifecycle !== 'offline') {
          report('goal', node, `is to be drained, but it is ${lifecycle}`);
        }
        for (const id of units) {
          const nodes = left.get(id);
          if (nodes === undefined) report('goal', node, `is drained through ${id}, which is not in the plan`);
          else if (!nodes.has(node)) report('goal', node, `is drained through ${id}, which does not leave it`);
        }
      }
    },
  };
}

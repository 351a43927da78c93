import { definitionAt } from './base.ts';
import { countOf } from './policies.ts';
import type { Report } from './violation.ts';
import type { Check, World } from './world.ts';

/** No zone has more nodes drained at a time than git allows. One may always go: otherwise none ever would. */
export function drainsCheck({ base, inputs }: World, report: Report): Check {
  const limit = inputs.desired.cluster.drain?.perZone;
  const left = new Set<number>();
  return {
    unit: ({ items }) => {
      if (limit === undefined) return;
      for (const { step, shape, home } of items) {
        if (step.cause === 'drain' && shape.ends && definitionAt(base, home) !== undefined) left.add(home);
      }
    },
    end: () => {
      if (limit === undefined || left.size === 0) return;
      const { zoneOf, definitions } = base.nodes;
      const sizes = countByZone(zoneOf, definitions.keys());
      for (const [zone, drained] of countByZone(zoneOf, left)) {
        const most = Math.max(1, countOf(limit, sizes.get(zone) ?? 0));
        if (drained <= most) continue;
        const [first = -1] = [...left].filter((node) => zoneOf[node] === zone);
        const name = definitions[first]?.zone ?? 'no zone';
        report('drain', name, `${drained} nodes are drained at a time; drain.perZone allows ${most}`);
      }
    },
  };
}

function countByZone(zoneOf: Int32Array, nodes: Iterable<number>): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  for (const node of nodes) {
    const zone = zoneOf[node] as number;
    counts.set(zone, (counts.get(zone) ?? 0) + 1);
  }
  return counts;
}

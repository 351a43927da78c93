import type { Domain } from '../../model/desired.ts';
import type { InstanceId, NodeName } from '../../model/ids.ts';
import { resourcesOf } from '../../model/recorded.ts';
import { noResources, type Resources } from '../../model/resources.ts';
import type { ClusterNode } from '../cluster.ts';
import type { MatchedWorkload } from '../match.ts';
import { domainOf } from '../place/spread.ts';
import { type PlannedWorld, wantedOf } from '../simulate/world.ts';
import type { Proposal } from './proposal.ts';
import { openUse, type Use } from './use.ts';

/** Judges moves one after the other: what was taken counts for the next. */
export interface Gains {
  /** True, and taken, when the move makes the counts of its workload more even, or leaves them and evens out use. */
  take(proposal: Proposal, to: NodeName): boolean;
}

/** A difference in use that is not worth a move. */
const leastGain = 1e-6;

/**
 * Counts: the sum of the squares per domain, the widest domain first; it falls exactly when one goes from a fuller domain
 * to one that has at least two fewer. Use: the same over the shares of the two nodes.
 */
export function openGains(world: PlannedWorld): Gains {
  const places = new Map<InstanceId, NodeName>();
  const byId = new Map(world.workloads.map((workload) => [workload.id, workload]));
  const use = openUse(world);
  return {
    take({ instance, workload: id, from }, to) {
      const workload = byId.get(id);
      const [source, target] = [from, to].map((name) => world.cluster.nodes[world.cluster.indexOf.get(name) ?? -1]);
      if (workload === undefined || source === undefined || target === undefined) return false;
      const counts = (): readonly number[] => levels.map((by) => squares(world, { workload, by, places }));
      const before = counts();
      places.set(instance, to);
      const change = firstDifference(before, counts());
      const holds = wantedOf(workload).find((candidate) => candidate.id === instance)?.allocation.holds;
      const amounts = holds === undefined ? noResources : resourcesOf(holds);
      const levelled = useChange(use, { from: source, to: target, amounts });
      if (change < 0 || (change === 0 && levelled < -leastGain)) {
        use.add(source, amounts, -1);
        use.add(target, amounts, 1);
        return true;
      }
      places.delete(instance);
      return false;
    },
  };
}

const levels: readonly Domain[] = ['zone', 'rack', 'node'];

function squares(
  { cluster }: PlannedWorld,
  of: {
    readonly workload: MatchedWorkload;
    readonly by: Domain;
    readonly places: ReadonlyMap<InstanceId, NodeName>;
  },
): number {
  const counts = new Map<string, number>();
  for (const { id, node } of wantedOf(of.workload)) {
    const name = of.places.get(id) ?? node.name;
    const at = cluster.nodes[cluster.indexOf.get(name) ?? -1] ?? node;
    const domain = domainOf(at, of.by) ?? '';
    counts.set(domain, (counts.get(domain) ?? 0) + 1);
  }
  return [...counts.values()].reduce((sum, count) => sum + count * count, 0);
}

/** Below zero: b is more even at the widest domain in which they differ. */
function firstDifference(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index]);
  return at < 0 ? 0 : (b[at] as number) - (a[at] as number);
}

interface Shift {
  readonly from: ClusterNode;
  readonly to: ClusterNode;
  readonly amounts: Resources;
}

function useChange(use: Use, { from, to, amounts }: Shift): number {
  let change = 0;
  for (const dimension of use.dimensions) {
    const amount = amounts[dimension] ?? 0;
    const [was, became] = [use.share(from, dimension), use.share(to, dimension)];
    change += (was - use.part(from, dimension, amount)) ** 2 - was ** 2;
    change += (became + use.part(to, dimension, amount)) ** 2 - became ** 2;
  }
  return change;
}

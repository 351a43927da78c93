import type { Domain } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import { domainOf } from '../place/spread.ts';
import type { Displaced, Loss } from './lose.ts';
import { isThere, type PlannedWorld, wantedOf } from './world.ts';

/** A spread rule that held before a loss and does not after it. */
export interface BrokenSpread {
  readonly by: Domain;
  readonly minDomains: number;
  /** Domains that have an instance after the loss, everything made anew that can be. */
  readonly domains: number;
}

export function brokenSpreads(world: PlannedWorld, loss: Loss, displaced: Displaced): readonly BrokenSpread[] {
  const rules = world.spreadsOf(displaced.workload);
  if (rules.length === 0) return [];
  const before = nodesBefore(displaced);
  const after = nodesAfter(loss, displaced);
  return rules.flatMap(({ by, minDomains }): readonly BrokenSpread[] => {
    const domains = countDomains(world, by, after);
    const held = countDomains(world, by, before) >= Math.min(minDomains, before.length);
    return held && domains < Math.min(minDomains, before.length) ? [{ by, minDomains, domains }] : [];
  });
}

const nodesBefore = ({ workload }: Displaced): readonly NodeName[] =>
  wantedOf(workload)
    .filter(isThere)
    .map(({ node }) => node.name);

function nodesAfter({ nodes }: Loss, displaced: Displaced): readonly NodeName[] {
  const stay = nodesBefore(displaced).filter((name) => !nodes.has(name));
  return [...stay, ...displaced.remade.map(({ to }) => to)];
}

function countDomains({ cluster }: PlannedWorld, by: Domain, names: readonly NodeName[]): number {
  const domains = new Set<string>();
  for (const name of names) {
    const node = cluster.nodes[cluster.indexOf.get(name) ?? -1];
    const domain = node && domainOf(node, by);
    if (domain !== undefined) domains.add(domain);
  }
  return domains.size;
}

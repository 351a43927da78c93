import type { SpreadRule } from '../../model/desired.ts';
import type { NodeName, WorkloadId } from '../../model/ids.ts';
import type { MatchedWorkload } from '../match.ts';
import { openCandidates } from '../place/feasible.ts';
import { domainOf } from '../place/spread.ts';
import { pushTo } from '../push-to.ts';
import type { Loss } from './lose.ts';
import type { PlannedWorld } from './world.ts';

/**
 * Whether surviving a loss says that each smaller loss within it is survived, too. Where only room matters it does: what
 * the smaller loss displaces fits where it went in the larger one. Two things break that:
 * - a spread asks for fewer domains once too few of them have nodes, so the larger loss may be the easier one;
 * - a required affinity is kept to others that only the larger loss displaced.
 */
export function openMonotone(world: PlannedWorld): (loss: Loss) => boolean {
  const entangled = entangledWorkloads(world);
  const domainsOf = openDomains(world);
  return ({ displaced, nodes }) =>
    displaced.every(({ workload }) => {
      if (entangled.has(workload.id)) return false;
      return world.spreadsOf(workload).every((rule) => keepsDomains(domainsOf(workload, rule), rule, nodes));
    });
}

/** Those that a required rule of anybody concerns. */
function entangledWorkloads({ inputs }: PlannedWorld): ReadonlySet<WorkloadId> {
  const ids = new Set<WorkloadId>();
  for (const { id, placement } of inputs.desired.workloads) {
    for (const { to, required } of [...(placement.affinity ?? []), ...(placement.antiAffinity ?? [])]) {
      if (required) ids.add(id).add(to);
    }
  }
  return ids;
}

/** Nodes that may take the workload, by domain. */
type Domains = ReadonlyMap<string, readonly NodeName[]>;

function openDomains({ cluster }: PlannedWorld): (workload: MatchedWorkload, rule: SpreadRule) => Domains {
  const candidatesOf = openCandidates(cluster);
  const known = new Map<string, Domains>();
  return ({ id, definition }, { by }) => {
    const key = `${id} ${by}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const domains = new Map<string, NodeName[]>();
    const candidates = definition === undefined ? [] : candidatesOf(definition, definition.revision).nodes;
    for (const index of candidates) {
      const node = cluster.nodes[index];
      const domain = node && domainOf(node, by);
      if (node !== undefined && domain !== undefined) pushTo(domains, domain, node.name);
    }
    known.set(key, domains);
    return domains;
  };
}

/** The rule asks for as many domains as it did before the loss. */
function keepsDomains(domains: Domains, { minDomains }: SpreadRule, lost: ReadonlySet<NodeName>): boolean {
  let left = 0;
  for (const names of domains.values()) if (names.some((name) => !lost.has(name))) left += 1;
  return Math.min(minDomains, left) === Math.min(minDomains, domains.size);
}

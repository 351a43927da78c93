import type { DesiredWorkload } from '../../model/desired.ts';
import type { EngineKind } from '../../model/ids.ts';
import { definitionAt, type Verifier } from './base.ts';
import { accepts, type RulesetOf, whyNotForWorkload } from './eligibility.ts';
import { domainOf } from './nodes.ts';
import type { Asked } from './offers.ts';
import type { World } from './world.ts';

/** `waits`: its instance cannot leave yet a node that is to be emptied. */
interface OnNode {
  readonly workload: DesiredWorkload;
  readonly engine: EngineKind;
  readonly node: number;
  readonly waits: boolean;
}

/** The node is one that the daemon's instance there is for, whether or not it would be given a new one. */
export function keepsDaemon(base: Verifier, { workload, engine, node, waits }: OnNode): boolean {
  const definition = definitionAt(base, node);
  if (definition === undefined) return false;
  const leaves = definition.lifecycle === 'maintenance' || definition.lifecycle === 'offline';
  if ((leaves && !waits) || definition.engines[engine] === undefined) return false;
  return whyNotForWorkload(definition, workload) === undefined;
}

/** How many nodes a daemon is for: `kept`, where it is and stays, and all others that may have it. */
export function nodesForDaemon(
  world: World,
  rulesetOf: RulesetOf,
  of: {
    readonly workload: DesiredWorkload;
    readonly asked: Asked;
    readonly kept: ReadonlySet<number>;
  },
): number {
  const { workload, asked, kept } = of;
  const { nodes } = world.base;
  const ruleset = rulesetOf(workload, asked);
  let count = kept.size;
  for (let node = 0; node < nodes.names.length; node += 1) {
    if (kept.has(node) || !accepts(world, ruleset, { node, stays: false })) continue;
    const isNowhere = workload.placement.spread?.some(({ by }) => domainOf(nodes, node, by) < 0);
    if (isNowhere !== true) count += 1;
  }
  return count;
}

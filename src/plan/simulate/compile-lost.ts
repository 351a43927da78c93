import type { NodeName } from '../../model/ids.ts';
import type { Cluster, ClusterNode } from '../cluster.ts';
import type { Compiled } from '../compile.ts';
import type { PlanInputs } from '../inputs.ts';
import type { Instance } from '../instances.ts';
import { openCandidates } from '../place/feasible.ts';
import { openGroups } from '../place/spread.ts';
import type { PlannedWorld } from './world.ts';

/**
 * The compiled world without some of its nodes: what `compile` makes of the same inputs, for the price of what the nodes
 * held. What is charged stays charged, so the ledger is the same; and whoever had nothing to do and loses nothing has
 * nothing to do now.
 */
export function compileWithout(world: PlannedWorld, lost: ReadonlySet<NodeName>, inputs: PlanInputs): Compiled {
  const { compiled } = world;
  const cluster = clusterWithout(compiled.cluster, lost);
  const instances = new Map(compiled.instances);
  const settled = new Map(compiled.settled);
  for (const name of lost) {
    for (const { workload } of compiled.residentsOf(compiled.cluster.indexOf.get(name) ?? -1)) {
      const own = instances.get(workload);
      if (own === undefined || own === compiled.instances.get(workload)) {
        instances.set(
          workload,
          (own ?? []).map((instance) => afterLoss(instance, lost, cluster)),
        );
      }
    }
  }
  for (const definition of settled.keys()) {
    if (instances.get(definition.id) !== compiled.instances.get(definition.id)) settled.delete(definition);
  }
  return {
    ...compiled,
    from: inputs,
    cluster,
    instances,
    settled,
    orphans: compiled.orphans.filter(({ node }) => !lost.has(node)),
    candidatesOf: openCandidates(cluster),
    groupsOf: openGroups(cluster),
  };
}

function clusterWithout(cluster: Cluster, lost: ReadonlySet<NodeName>): Cluster {
  const nodes = cluster.nodes.map(
    (node): ClusterNode =>
      lost.has(node.name)
        ? {
            ...node,
            observed: { liveness: 'lost', engines: {}, foreign: node.observed?.foreign ?? [] },
            liveness: 'lost',
            accepts: false,
          }
        : node,
  );
  return { ...cluster, nodes };
}

/** Held ones stay held: nobody misses them. */
function afterLoss(instance: Instance, lost: ReadonlySet<NodeName>, { nodes }: Cluster): Instance {
  const node = nodes[instance.node.index];
  if (node === undefined || !lost.has(node.name)) return instance;
  const status = instance.status === 'held' ? 'held' : 'lost';
  return { ...instance, node, status, available: false, object: undefined };
}

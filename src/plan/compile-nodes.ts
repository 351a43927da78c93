import type { DesiredNode, DesiredWorkload } from '../model/desired.ts';
import type { WorkloadId } from '../model/ids.ts';
import { type Cluster, type ClusterNode, type Duty, openDuties } from './cluster.ts';
import { type Compiled, isOfSameRecords } from './compile.ts';
import type { PlanInputs } from './inputs.ts';
import type { Instance } from './instances.ts';
import { openCandidates } from './place/feasible.ts';
import { openGroups } from './place/spread.ts';

/**
 * What `compile` makes of inputs that differ in nothing but the life cycle of some nodes, for the price of what those
 * nodes hold: a drain begins, or ends. Undefined where more is different.
 */
export function compileLifecycles(compiled: Compiled, inputs: PlanInputs): Compiled | undefined {
  const { cluster, from } = compiled;
  const { nodes } = inputs.desired;
  if (!isOfSameRecords(compiled, inputs) || !differInLifecycle(from.desired.nodes, nodes)) return undefined;
  const dutyOf = openDuties(inputs);
  const changed: ClusterNode[] = [];
  for (const definition of nodes) {
    const before = cluster.nodes[cluster.indexOf.get(definition.name) as number] as ClusterNode;
    const duty = dutyOf(before, definition.lifecycle);
    if (!isAlike(before, duty, definition)) changed.push({ ...before, definition, ...duty });
  }
  return replaceNodes(compiled, inputs, { changed, after: (instance, node) => ({ ...instance, node }) });
}

function differInLifecycle(before: readonly DesiredNode[], after: readonly DesiredNode[]): boolean {
  if (before.length !== after.length) return false;
  for (let index = 0; index < after.length; index += 1) {
    const [a, b] = [before[index] as DesiredNode, after[index] as DesiredNode];
    if (a !== b && !isSameNode(a, b)) return false;
  }
  return true;
}

function isSameNode(a: DesiredNode, b: DesiredNode): boolean {
  const keys = new Set([...Object.keys(a), ...Object.keys(b)]) as ReadonlySet<keyof DesiredNode>;
  for (const key of keys) if (key !== 'lifecycle' && key !== 'drain' && a[key] !== b[key]) return false;
  return true;
}

/** Whoever has the node may keep it. */
const isAlike = (node: ClusterNode, duty: Duty, { lifecycle, drain }: DesiredNode): boolean =>
  node.accepts === duty.accepts &&
  // Of two with one life cycle, one that is drained and the other not, the other waits.
  node.draining === duty.draining &&
  node.definition?.lifecycle === lifecycle &&
  node.definition?.drain === drain;

/**
 * The compiled world with other nodes in the places of some. What is charged stays charged, and what nodes have in all
 * remains. Whoever had nothing to do, has nothing on those nodes and is not made for every node has nothing to do now.
 */
export function replaceNodes(
  compiled: Compiled,
  inputs: PlanInputs,
  by: { readonly changed: readonly ClusterNode[]; readonly after: (instance: Instance, node: ClusterNode) => Instance },
): Compiled {
  const nodes = [...compiled.cluster.nodes];
  for (const node of by.changed) nodes[node.index] = node;
  const cluster: Cluster = { ...compiled.cluster, nodes };
  const instances = new Map(compiled.instances);
  const touched = residentsOn(compiled, by.changed);
  for (const workload of touched) {
    const own = (compiled.instances.get(workload) ?? []).map((instance) => {
      const node = nodes[instance.node.index] as ClusterNode;
      return node === instance.node ? instance : by.after(instance, node);
    });
    instances.set(workload, own);
  }
  const settled = new Map<DesiredWorkload, number>();
  for (const [definition, count] of compiled.settled) {
    if (!touched.has(definition.id) && definition.type !== 'daemon') settled.set(definition, count);
  }
  return {
    ...compiled,
    from: inputs,
    cluster,
    instances,
    settled,
    candidatesOf: openCandidates(cluster),
    groupsOf: openGroups(cluster),
  };
}

function residentsOn({ residentsOf }: Compiled, nodes: readonly ClusterNode[]): ReadonlySet<WorkloadId> {
  const workloads = new Set<WorkloadId>();
  for (const { index } of nodes) for (const { workload } of residentsOf(index)) workloads.add(workload);
  return workloads;
}

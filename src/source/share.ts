import type { Desired } from '../model/desired.ts';
import { share, shareByName } from '../model/share.ts';

/**
 * What git declares now, sharing with what it declared before everything that has not changed: the list of nodes when no
 * node has, each workload that is as it was. A load makes all of it anew, so that without this nothing could be kept
 * from one pass to the next.
 */
export function shareUnchanged(previous: Desired, next: Desired): Desired {
  const { networks } = next;
  const shared: Desired = {
    ...next,
    cluster: share(previous.cluster, next.cluster),
    commits: share(previous.commits, next.commits),
    incompleteSources: share(previous.incompleteSources, next.incompleteSources),
    policies: shareByName(previous.policies, next.policies, nameOf),
    namespaces: share(previous.namespaces, next.namespaces),
    ...(networks !== undefined && { networks: shareByName(previous.networks ?? [], networks, nameOf) }),
    pods: shareByName(previous.pods, next.pods, nameOf),
    nodes: shareByName(previous.nodes, next.nodes, nameOf),
    quotas: shareByName(previous.quotas, next.quotas, nameOf),
    workloads: shareByName(previous.workloads, next.workloads, ({ id }) => id),
    refactors: shareByName(previous.refactors, next.refactors, nameOf),
  };
  return isSame(previous, shared) ? previous : shared;
}

const nameOf = ({ name }: { readonly name: string }): string => name;

/** All of their members are the same, not only equal. */
function isSame(a: Desired, b: Desired): boolean {
  const keys = Object.keys(b) as (keyof Desired)[];
  return keys.length === Object.keys(a).length && keys.every((key) => a[key] === b[key]);
}

import type { AffinityRule, DesiredWorkload, Domain } from '../../model/desired.ts';
import type { WorkloadId } from '../../model/ids.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Compiled } from '../compile.ts';
import type { InstanceStatus } from '../instances.ts';
import { domainNumber } from './spread.ts';

/**
 * Where the workloads are that others want to be near to, or far from: recorded and planned instances by failure domain.
 * Both ends keep an anti-affinity, whichever of them says it.
 */
export interface Affinity {
  /** Why the workload may not be on a node; undefined when it may. */
  whyNot(workload: DesiredWorkload, node: ClusterNode): string | undefined;
  /** Wishes that a node fulfils, less those that it goes against; of single nodes, or of racks and zones. */
  liking(workload: DesiredWorkload, node: ClusterNode, of: 'nodes' | 'domains'): number;
  /** Indices of the nodes on which wishes of single nodes bear. */
  wishedNodes(workload: DesiredWorkload): ReadonlySet<number>;
  /** An instance came, or went. */
  add(workload: WorkloadId, node: ClusterNode, by: 1 | -1): void;
  /** A recorded instance is there while the plan runs, but will go: nobody can count on it. */
  leave(workload: WorkloadId, node: ClusterNode): void;
  /** Somebody's rules speak of the workload. */
  readonly concerns: (workload: DesiredWorkload) => boolean;
}

export function openAffinity(workloads: readonly DesiredWorkload[], recorded: Compiled['instances']): Affinity {
  const followed = new Set<WorkloadId>();
  const avoidedBy = new Map<WorkloadId, { readonly from: WorkloadId; readonly by: Domain }[]>();
  for (const { id, placement } of workloads) {
    for (const { to } of placement.affinity ?? noRules) followed.add(to);
    for (const { to, by, required } of placement.antiAffinity ?? noRules) {
      followed.add(to);
      followed.add(id);
      if (!required || to === id) continue;
      const list = avoidedBy.get(to);
      if (list === undefined) avoidedBy.set(to, [{ from: id, by }]);
      else list.push({ from: id, by });
    }
  }
  const present: Presence = new Map([...followed].map((id) => [id, nowhere()]));
  const staying: Presence = new Map([...followed].map((id) => [id, nowhere()]));
  const isIn = (where: Presence, to: WorkloadId, node: ClusterNode, by: Domain): boolean =>
    (where.get(to)?.[by].get(keyOf(node, by)) ?? 0) > 0;
  const isAnywhere = (to: WorkloadId): boolean => (staying.get(to)?.node.size ?? 0) > 0;
  const addTo = (where: Presence, workload: WorkloadId, node: ClusterNode, by: 1 | -1): void => {
    const domains = where.get(workload);
    if (domains === undefined) return;
    for (const kind of kinds) {
      const key = keyOf(node, kind);
      const count = (domains[kind].get(key) ?? 0) + by;
      if (count === 0) domains[kind].delete(key);
      else domains[kind].set(key, count);
    }
  };
  const add: Affinity['add'] = (workload, node, by) => {
    addTo(present, workload, node, by);
    addTo(staying, workload, node, by);
  };
  const leave: Affinity['leave'] = (workload, node) => addTo(staying, workload, node, -1);
  const declared = new Set(workloads.map(({ id }) => id));
  for (const id of followed) {
    for (const { node, status } of recorded.get(id) ?? []) {
      if (!isPresent(status)) continue;
      add(id, node, 1);
      // What left git is pruned sooner or later.
      if (!declared.has(id)) leave(id, node);
    }
  }
  return {
    add,
    leave,
    concerns: ({ id, placement }) =>
      placement.affinity !== undefined || placement.antiAffinity !== undefined || avoidedBy.has(id),
    whyNot({ id, placement }, node) {
      for (const { to, by, required } of placement.affinity ?? noRules) {
        // The first of those that want to be together has nobody to be near to.
        if (required && !isIn(staying, to, node, by) && !(to === id && !isAnywhere(id)))
          return `have no ${to}${inDomain(by)}`;
      }
      for (const { to, by, required } of placement.antiAffinity ?? noRules) {
        if (required && isIn(present, to, node, by)) return `have ${to}${inDomain(by)}, which it keeps away from`;
      }
      const avoiding = avoidedBy.get(id)?.find(({ from, by }) => isIn(present, from, node, by));
      return avoiding && `have ${avoiding.from}${inDomain(avoiding.by)}, which keeps away from it`;
    },
    liking({ placement }, node, of) {
      const wished = (rules: readonly AffinityRule[] = noRules): number =>
        rules.filter((rule) => isWishOf(rule, of) && isIn(staying, rule.to, node, rule.by)).length;
      return wished(placement.affinity) - wished(placement.antiAffinity);
    },
    wishedNodes: ({ placement }) =>
      new Set(
        [...(placement.affinity ?? noRules), ...(placement.antiAffinity ?? noRules)]
          .filter((rule) => isWishOf(rule, 'nodes'))
          .flatMap(({ to }) => [...(staying.get(to)?.node.keys() ?? [])]),
      ),
  };
}

/** Others can count on it where it is recorded: what is held has been stopped, and what is lost may be anywhere or gone. */
export const isPresent = (status: InstanceStatus): boolean => status !== 'held' && status !== 'lost';

const isWishOf = ({ by, required }: AffinityRule, of: 'nodes' | 'domains'): boolean =>
  !required && (by === 'node') === (of === 'nodes');

const inDomain = (by: Domain): string => (by === 'node' ? '' : ` in their ${by}`);

/** Instances of a workload by failure domain, which is a number. */
type Presence = Map<WorkloadId, Readonly<Record<Domain, Map<number, number>>>>;

const nowhere = (): Readonly<Record<Domain, Map<number, number>>> => ({
  node: new Map(),
  rack: new Map(),
  zone: new Map(),
});

const noRules: readonly AffinityRule[] = [];
const kinds: readonly Domain[] = ['node', 'rack', 'zone'];

/** A node without a rack or zone is near to nothing but itself. */
function keyOf(node: ClusterNode, by: Domain): number {
  const domain = domainNumber(node, by);
  return domain < 0 ? -1 - node.index : domain;
}

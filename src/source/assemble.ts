import type { Desired, DesiredPolicy } from '../model/desired.ts';
import { namespaceName } from '../model/ids.ts';
import type { Declarations, Declared } from './normalise.ts';
import { defaultPolicy } from './normalise-policy.ts';

/** Checked declarations → the desired state, every list sorted by name or id: the order of files changes nothing. */
export function assemble(declarations: Declarations, read: Pick<Desired, 'commits' | 'incompleteSources'>): Desired {
  const cluster = declarations.clusters[0]?.item;
  if (cluster === undefined) throw new Error('assemble: called without a Cluster, which is an error before');
  return {
    cluster,
    commits: read.commits,
    incompleteSources: [...read.incompleteSources].sort(),
    policies: withDefault(items(declarations.policies)),
    namespaces: declarations.namespaces.map(({ item }) => namespaceName(item)).sort(),
    ...(declarations.networks.length > 0 && {
      networks: sortedBy(items(declarations.networks), ({ name }) => name),
    }),
    pods: sortedBy(items(declarations.pods), ({ name }) => name),
    nodes: sortedBy(items(declarations.nodes), ({ name }) => name),
    quotas: sortedBy(items(declarations.quotas), ({ name }) => name),
    workloads: sortedBy(items(declarations.workloads), ({ id }) => id),
    refactors: sortedBy(items(declarations.refactors), ({ name }) => name),
  };
}

const items = <T>(declared: readonly Declared<T>[]): readonly T[] => declared.map(({ item }) => item);

/** The 1-2-10 rule holds wherever no policy reaches. */
function withDefault(policies: readonly DesiredPolicy[]): readonly DesiredPolicy[] {
  const coversAll = policies.some(({ namespaces, disruption }) => namespaces.includes('*') && disruption.length > 0);
  return sortedBy(coversAll ? policies : [...policies, defaultPolicy], ({ name }) => name);
}

/** By code units, not by locale: the same on every machine. */
function sortedBy<T>(list: readonly T[], key: (item: T) => string): readonly T[] {
  return [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

import type { AffinityRule, Placement, SpreadRule } from '../model/desired.ts';
import { podName } from '../model/ids.ts';
import { sortedMap } from './normalise-resources.ts';
import { type Reading, report, workloadIdOf } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';

type Spec = NonNullable<Workload['spec']['placement']>;

/** Lists are sorted where their order means nothing; what says nothing is left out. */
export function toPlacement(
  placement: Spec = {},
  { reading, namespace }: { readonly reading: Reading; readonly namespace: string },
): Placement {
  const { pods = [], strategy, require, tolerate = [], partial = true, perNode } = placement;
  const prefer = (placement.prefer ?? []).map(({ labels, weight = 1 }) => ({ labels: sortedMap(labels), weight }));
  const spread = toSpread(placement.spread, reading);
  const affinity = toAffinity(placement.affinity, namespace);
  const antiAffinity = toAffinity(placement.antiAffinity, namespace);
  return {
    pods: [...new Set(pods)].sort().map(podName),
    ...(strategy !== undefined && { strategy }),
    require: sortedMap(require),
    ...(prefer.length > 0 && { prefer: sortedBy(prefer, JSON.stringify) }),
    ...(spread.length > 0 && { spread }),
    ...(affinity.length > 0 && { affinity }),
    ...(antiAffinity.length > 0 && { antiAffinity }),
    tolerate: sortedBy(
      tolerate.map(({ key, value }) => ({ key, ...(value !== undefined && { value }) })),
      ({ key, value = '' }) => `${key}\n${value}`,
    ),
    partial,
    ...(perNode !== undefined && { perNode }),
  };
}

function toSpread(spread: Spec['spread'], reading: Reading): readonly SpreadRule[] {
  const rules = (Array.isArray(spread) ? spread : spread === undefined ? [] : [spread]).map(
    ({ by, minDomains = 1 }) => ({ by, minDomains }),
  );
  const known = new Set<string>();
  for (const [index, { by }] of rules.entries()) {
    if (known.has(by)) {
      const message = `two rules spread by ${by}`;
      const hint = 'keep the one with the larger minDomains: it is the stricter one';
      report(reading, { code: 'MUS1320', pointer: `/spec/placement/spread/${index}`, message, found: by, hint });
    }
    known.add(by);
  }
  return sortedBy(rules, ({ by }) => by);
}

function toAffinity(rules: Spec['affinity'], namespace: string): readonly AffinityRule[] {
  const found = (rules ?? []).map(({ to, by = 'node', required = false }) => ({
    to: workloadIdOf(to, namespace),
    by,
    required,
  }));
  return sortedBy(found, ({ to, by }) => `${to}\n${by}`);
}

function sortedBy<T>(list: readonly T[], key: (item: T) => string): readonly T[] {
  return [...list].sort((a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0));
}

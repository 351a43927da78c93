import type { DesiredCluster, NamedLimit } from '../model/desired.ts';
import { parseCountOrPercent, parseDuration } from '../model/units.ts';
import { escapePointer } from './pointer.ts';
import { parsePercent } from './quantity.ts';
import { quantity, type Reading } from './reading.ts';
import type { Cluster } from './schema-types.generated.ts';

export function toCluster({ metadata, spec }: Cluster, reading: Reading): DesiredCluster {
  const { store, drift, prune, apply, drain } = spec;
  const duration = (value: string | number | undefined, pointer: string, fallback: number) =>
    quantity(reading, parseDuration, { value, pointer, fallback });
  return {
    name: metadata.name,
    ...(store?.etcd !== undefined && {
      store: { endpoints: store.etcd.endpoints, prefix: store.etcd.prefix ?? '/muster' },
    }),
    drift: {
      changed: drift?.changed ?? 'heal',
      // `heal` is refused as not supported yet.
      orphan: drift?.orphan === 'ignore' ? 'ignore' : 'report',
      ignoreFields: drift?.ignoreFields ?? [],
    },
    prune: {
      stopAfterMs: duration(prune?.stopAfter, '/spec/prune/stopAfter', 600_000),
      deleteAfterMs: duration(prune?.deleteAfter, '/spec/prune/deleteAfter', 86_400_000),
      max: {
        sharePercent: quantity(reading, parsePercent, {
          value: prune?.max?.share,
          pointer: '/spec/prune/max/share',
          fallback: 10,
        }),
        atLeast: prune?.max?.atLeast ?? 3,
      },
    },
    ...(drain?.perZone !== undefined && {
      drain: {
        perZone: quantity(reading, parseCountOrPercent, {
          value: drain.perZone,
          pointer: '/spec/drain/perZone',
          fallback: { kind: 'count', count: 1 } as const,
        }),
      },
    }),
    apply: {
      parallelism: apply?.parallelism ?? 32,
      perNode: apply?.perNode ?? 4,
      ...(apply?.limits !== undefined && { limits: toLimits(apply.limits, reading) }),
    },
  };
}

function toLimits(
  limits: NonNullable<NonNullable<Cluster['spec']['apply']>['limits']>,
  reading: Reading,
): Readonly<Record<string, NamedLimit>> {
  return Object.fromEntries(
    Object.entries(limits).map(([name, { batch, every }]) => {
      const pointer = `/spec/apply/limits/${escapePointer(name)}/every`;
      const everyMs = quantity(reading, parseDuration, { value: every, pointer, fallback: 0 });
      return [name, { everyMs, ...(batch !== undefined && { batch }) }];
    }),
  );
}

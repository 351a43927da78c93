import type { DesiredCluster } from '../model/desired.ts';
import { parseDuration } from '../model/units.ts';
import { parsePercent } from './quantity.ts';
import { quantity, type Reading, report } from './reading.ts';
import type { Cluster } from './schema-types.generated.ts';

export function toCluster({ metadata, spec }: Cluster, reading: Reading): DesiredCluster {
  const { store, drift, prune, apply, liveness } = spec;
  const duration = (value: string | number | undefined, pointer: string, fallback: number) =>
    quantity(reading, parseDuration, { value, pointer, fallback });
  const beatMs = duration(liveness?.beat, '/spec/liveness/beat', 10_000);
  const ttlMs = duration(liveness?.ttl, '/spec/liveness/ttl', 60_000);
  if (ttlMs <= beatMs) {
    const message = 'a node would be lost before it is asked again: liveness.ttl must be longer than liveness.beat';
    report(reading, { code: 'MUS1320', pointer: '/spec/liveness', target: 'key', message });
  }
  return {
    name: metadata.name,
    ...(store?.etcd !== undefined && {
      store: { endpoints: store.etcd.endpoints, prefix: store.etcd.prefix ?? '/muster' },
    }),
    drift: {
      changed: drift?.changed ?? 'heal',
      orphan: drift?.orphan ?? 'report',
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
    apply: { parallelism: apply?.parallelism ?? 32, perNode: apply?.perNode ?? 4 },
    liveness: { beatMs, ttlMs },
  };
}

import type { RevisionVolume } from '../model/revision.ts';
import { parseBytes } from '../model/units.ts';
import { quantity, type Reading, report, type Where } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';
import { parseVolumeSource } from './volume-source.ts';

type VolumeSpec = NonNullable<Workload['spec']['volumes']>[number];

/** Sorted by name; undefined where there are none, so that an empty list is no other revision than none. */
export function toVolumes(
  volumes: readonly VolumeSpec[] = [],
  reading: Reading,
): readonly RevisionVolume[] | undefined {
  if (volumes.length === 0) return undefined;
  reportClashes(volumes, reading);
  const found = volumes.map((volume, index) => toVolume(volume, { reading, pointer: `/spec/volumes/${index}` }));
  reportSharing(found, reading);
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

function toVolume(volume: VolumeSpec, where: Where): RevisionVolume {
  const bytes = (key: 'size' | 'readBps' | 'writeBps') =>
    quantity(where.reading, parseBytes, { value: volume[key], pointer: `${where.pointer}/${key}`, fallback: 0 });
  const source = quantity(where.reading, parseVolumeSource, {
    value: volume.source,
    pointer: `${where.pointer}/source`,
    fallback: { kind: 'auto' } as const,
  });
  if (source.kind === 'host' || source.kind === 'network') reportUncharged(volume, source.kind, where);
  return {
    name: volume.name,
    mount: volume.mount,
    sizeBytes: bytes('size'),
    source,
    exclusive: volume.exclusive ?? false,
    readOnly: volume.readOnly ?? false,
    onRemove: volume.onRemove ?? 'keep',
    readIops: volume.readIops ?? 0,
    writeIops: volume.writeIops ?? 0,
    readBps: bytes('readBps'),
    writeBps: bytes('writeBps'),
  };
}

/** What is not on a device of the node is neither measured nor removed by Muster: nothing that says so is let pass. */
function reportUncharged(volume: VolumeSpec, kind: 'host' | 'network', { reading, pointer }: Where): void {
  const what = kind === 'host' ? 'a directory of the node' : 'a volume of the network';
  for (const key of ['size', 'exclusive', 'readIops', 'writeIops', 'readBps', 'writeBps'] as const) {
    if (volume[key] === undefined || volume[key] === false) continue;
    const message = `${key} means nothing to ${what}: it is on no device that Muster shares out`;
    const hint = `remove ${key}, or use \`source: auto\``;
    report(reading, { code: 'MUS1323', pointer: `${pointer}/${key}`, target: 'key', message, hint });
  }
  if (volume.onRemove !== 'delete') return;
  const message = `Muster never deletes ${what}`;
  report(reading, { code: 'MUS1323', pointer: `${pointer}/onRemove`, message, hint: 'remove onRemove' });
}

function reportClashes(volumes: readonly VolumeSpec[], reading: Reading): void {
  for (const key of ['name', 'mount'] as const) {
    const first = new Map<string, number>();
    for (const [index, volume] of volumes.entries()) {
      const before = first.get(volume[key]);
      if (before === undefined) {
        first.set(volume[key], index);
        continue;
      }
      report(reading, {
        code: 'MUS1323',
        pointer: `/spec/volumes/${index}/${key}`,
        message: `two volumes have the same ${key}`,
        found: volume[key],
        related: { document: reading.document, pointer: `/spec/volumes/${before}/${key}`, message: 'the first one' },
      });
    }
  }
}

/** Exclusive volumes of one instance are on one device, whose room they share in proportion to their sizes. */
function reportSharing(volumes: readonly RevisionVolume[], reading: Reading): void {
  const exclusive = volumes.flatMap((volume, index) => (volume.exclusive ? [{ ...volume, index }] : []));
  if (exclusive.length < 2) return;
  const named = exclusive.flatMap(({ source, index }) => (source.kind === 'device' ? [{ ...source, index }] : []));
  const other = named.find(({ device }) => device !== named[0]?.device);
  if (other !== undefined) {
    const message = 'exclusive volumes of one instance share one device, and these name two';
    const related = {
      document: reading.document,
      pointer: `/spec/volumes/${named[0]?.index}/source`,
      message: 'the other one',
    };
    const pointer = `/spec/volumes/${other.index}/source`;
    report(reading, {
      code: 'MUS1323',
      pointer,
      message,
      found: other.device,
      hint: 'name one device, or none',
      related,
    });
  }
  for (const { sizeBytes, index } of exclusive) {
    if (sizeBytes > 0) continue;
    const message = 'exclusive volumes share their device in proportion to their sizes, and this one has none';
    report(reading, { code: 'MUS1323', pointer: `/spec/volumes/${index}`, message, hint: 'add size' });
  }
}

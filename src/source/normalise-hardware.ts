import type { NodeDisk, NumaNode } from '../model/desired.ts';
import type { Resources } from '../model/resources.ts';
import { parseBytes } from '../model/units.ts';
import { parseCpus } from './quantity.ts';
import { quantity, report, type Where } from './reading.ts';
import type { Node } from './schema-types.generated.ts';

type Capacity = NonNullable<Node['spec']['capacity']>;

/** In the order in which they are numbered. A core is in one NUMA node, and together they have no more than the node. */
export function toNuma(
  declared: Capacity['numa'],
  capacity: Resources,
  { reading, pointer }: Where,
): readonly NumaNode[] | undefined {
  if (declared === undefined) return undefined;
  const numa = declared.map(({ cpus, memory }, index): NumaNode => {
    const place = `${pointer}/numa/${index}`;
    return {
      cpus: quantity(reading, parseCpus, { value: cpus, pointer: `${place}/cpus`, fallback: [] }),
      memoryBytes: quantity(reading, parseBytes, { value: memory, pointer: `${place}/memory`, fallback: 0 }),
    };
  });
  checkCores(numa, capacity.cpuMillis, { reading, pointer });
  const memoryBytes = numa.reduce((sum, node) => sum + node.memoryBytes, 0);
  if (capacity.memoryBytes !== undefined && memoryBytes > capacity.memoryBytes) {
    const message = 'the NUMA nodes have more memory together than the node has';
    report(reading, {
      code: 'MUS1324',
      pointer: `${pointer}/numa`,
      message,
      hint: 'raise capacity.memory, or lower theirs',
    });
  }
  return numa;
}

function checkCores(numa: readonly NumaNode[], cpuMillis: number | undefined, { reading, pointer }: Where): void {
  const owner = new Map<number, number>();
  for (const [index, { cpus }] of numa.entries()) {
    const place = { code: 'MUS1324', pointer: `${pointer}/numa/${index}/cpus` } as const;
    const shared = cpus.find((core) => owner.has(core));
    if (shared !== undefined) {
      report(reading, { ...place, message: `core ${shared} is in the NUMA nodes ${owner.get(shared)} and ${index}` });
    }
    const outside = cpuMillis === undefined ? undefined : cpus.find((core) => core * 1000 >= cpuMillis);
    if (outside !== undefined && cpuMillis !== undefined) {
      const message = `core ${outside} is outside of the node’s cores: capacity.cpu counts ${cpuMillis / 1000}, numbered from 0`;
      report(reading, { ...place, message, hint: 'correct the list, or raise capacity.cpu' });
    }
    for (const core of cpus) if (!owner.has(core)) owner.set(core, index);
  }
}

/** Sorted by device; a rate that is not given is not limited. */
export function toDisks(declared: Capacity['volumes'], { reading, pointer }: Where): readonly NodeDisk[] | undefined {
  if (declared === undefined || declared.length === 0) return undefined;
  const first = new Map<string, number>();
  const disks = declared.map(({ device, block, size, readIops, writeIops, ...volume }, index): NodeDisk => {
    const place = `${pointer}/${index}`;
    const before = first.get(device);
    if (before === undefined) first.set(device, index);
    else {
      const related = { document: reading.document, pointer: `${pointer}/${before}/device`, message: 'the first one' };
      const message = 'the device is there twice';
      report(reading, { code: 'MUS1323', pointer: `${place}/device`, message, found: device, related });
    }
    const bytes = (key: 'readBps' | 'writeBps') =>
      quantity(reading, parseBytes, { value: volume[key], pointer: `${place}/${key}`, fallback: undefined });
    const readBps = bytes('readBps');
    const writeBps = bytes('writeBps');
    return {
      device,
      ...(block !== undefined && { block }),
      sizeBytes: quantity(reading, parseBytes, { value: size, pointer: `${place}/size`, fallback: 0 }),
      ...(readIops !== undefined && { readIops }),
      ...(writeIops !== undefined && { writeIops }),
      ...(readBps !== undefined && { readBps }),
      ...(writeBps !== undefined && { writeBps }),
    };
  });
  return disks.sort((a, b) => (a.device < b.device ? -1 : 1));
}

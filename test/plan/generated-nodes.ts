import fc from 'fast-check';
import type { DesiredNode } from '../../src/model/desired.ts';
import { GiB, node, now, podName } from './world.ts';

/** A node with cores, NUMA nodes, disks, devices, taints and ways to be drained. */
export const anyNode = (index: number): fc.Arbitrary<DesiredNode> =>
  fc
    .record({
      cpu: fc.integer({ min: 1, max: 8 }),
      lifecycle: fc.constantFrom(
        ...(['online', 'online', 'online', 'online', 'online', 'cordoned', 'maintenance', 'offline', 'spare'] as const),
      ),
      pod: fc.constantFrom('web', 'web', 'db'),
      ssd: fc.boolean(),
      tainted: fc.boolean(),
      numa: fc.boolean(),
      isSiteless: fc.constantFrom(false, false, false, false, false, true),
      overcommit: fc.constantFrom(1000, 1000, 2000),
      reservedMillis: fc.constantFrom(0, 0, 500),
      drain: fc.constantFrom(
        undefined,
        undefined,
        undefined,
        { force: true },
        { force: true, deadline: now + hour },
        { force: false, deadline: now - hour },
      ),
    })
    .map((n) =>
      node(`n${index}`, {
        pod: podName(n.pod),
        lifecycle: n.lifecycle,
        ...(!n.isSiteless && { zone: 'abc'[index % 3] as string, rack: `r${index % 4}` }),
        overcommitCpuMilli: n.overcommit,
        ...(n.drain !== undefined && { drain: n.drain }),
        capacity: {
          cpuMillis: n.cpu * 1000,
          memoryBytes: 8 * GiB,
          storageBytes: 10 * GiB,
          bandwidthBits: 1_000_000_000,
          'gpu/a100': 2000,
          ...(index === 0 && { 'gpu/v100': 1000 }),
        },
        reserved: { cpuMillis: n.reservedMillis },
        ...(n.numa && n.cpu >= 2 && { numa: halves(n.cpu) }),
        disks: [
          { device: '/data1', sizeBytes: 20 * GiB, readIops: 100 },
          { device: '/data2', sizeBytes: 10 * GiB },
        ],
        labels: n.ssd ? { disk: 'ssd' } : {},
        taints: n.tainted && index > 2 ? [{ key: 'pool', value: 'offline', effect: 'NoSchedule' }] : [],
        portDomain: index < 2 ? 'machine' : `n${index}`,
        portRange: { first: 30_000, last: 30_005 },
      }),
    );

export const hour = 3_600_000;

const halves = (cpus: number): NonNullable<DesiredNode['numa']> => [
  { cpus: range(0, cpus >> 1), memoryBytes: 3 * GiB },
  { cpus: range(cpus >> 1, cpus), memoryBytes: 4 * GiB },
];

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i);

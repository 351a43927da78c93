import type { Step } from '../../src/model/plan.ts';
import type { HeldVolume } from '../../src/model/recorded.ts';
import type { RevisionVolume } from '../../src/model/revision.ts';
import {
  bodyOf,
  editHolds,
  editNode,
  editStep,
  editWorkload,
  isNew,
  type Mutation,
  makes,
  onPair,
  onStep,
  workloadOf,
} from './mutations-edit.ts';
import type { Scene } from './mutations-worlds.ts';

// Cores, disks, devices, ports and addresses that somebody else has, or that are not there.
const isBound = (step: Step): boolean => makes(step) && step.holds.cpuset !== undefined;
const hasVolumes = (step: Step): boolean => makes(step) && step.holds.volumes !== undefined;
const hasDevices = (step: Step): boolean => makes(step) && step.holds.devices !== undefined;

const editVolumes = (scene: Scene, step: Step, change: (volume: HeldVolume) => Partial<HeldVolume>): Scene =>
  editHolds(scene, step, { volumes: (step.holds.volumes ?? []).map((volume) => ({ ...volume, ...change(volume) })) });

export const pieces: readonly Mutation[] = [
  {
    name: 'swap cpusets so that two have the same cores',
    rule: 'cores',
    apply: onPair(
      (first, second) => isBound(first) && isBound(second) && isNew(second),
      (scene, first, second) => {
        const { cpuset = '', cpuFragments = {}, numaNode = 0 } = first.holds;
        const sold = editNode(scene, first.node, () => ({ overcommitCpuMilli: 1000 }));
        const beside = editStep(sold, second, { node: first.node });
        return editHolds(beside, { ...second, node: first.node }, { cpuset, cpuFragments, numaNode });
      },
    ),
  },
  {
    name: 'give out a core that is not there',
    rule: 'cores',
    apply: onStep(isBound, (scene, step) =>
      editNode(scene, step.node, ({ numa = [] }) => ({
        numa: numa.map((part) => ({ ...part, cpus: part.cpus.map((core) => core + 100) })),
      })),
    ),
  },
  {
    name: 'write another cpuset than its parts make up',
    rule: 'cores',
    apply: onStep(isBound, (scene, step) => editHolds(scene, step, { cpuset: `${step.holds.cpuset},15` })),
  },
  {
    name: 'give out more of a fragment',
    rule: 'cores',
    apply: onStep(isBound, (scene, step) =>
      editHolds(scene, step, {
        cpuFragments: Object.fromEntries(Object.keys(step.holds.cpuFragments ?? {}).map((core) => [core, 999])),
      }),
    ),
  },
  {
    name: 'give cores to who shares those of its node',
    rule: 'cores',
    apply: onStep(
      (step) => makes(step) && !isBound(step),
      (scene, step) => editHolds(scene, step, { cpuset: '15' }),
    ),
  },
  {
    name: 'give no cores to who is bound',
    rule: 'cores',
    apply: onStep(isBound, (scene, step) => {
      const { cpuset: _, cpuFragments: __, ...holds } = step.holds;
      return editStep(scene, step, { holds });
    }),
  },
  {
    name: 'write cores backwards',
    rule: 'cores',
    apply: onStep(isBound, (scene, step) => editHolds(scene, step, { cpuset: '3,2,1,0' })),
  },
  {
    name: 'give a part of a core that is not in the list',
    rule: 'cores',
    apply: onStep(isBound, (scene, step) =>
      editHolds(scene, step, {
        cpuFragments: { '15': Object.values(step.holds.cpuFragments ?? {})[0] ?? 0 },
      }),
    ),
  },
  {
    name: 'give parts of two cores',
    rule: 'cores',
    apply: onStep(
      (step) => isBound(step) && isNew(step),
      (scene, step) => {
        const half = (step.holds.cpuMillis % 1000) / 2;
        const whole = Math.floor(step.holds.cpuMillis / 1000);
        const cpuFragments = { [whole]: half, [whole + 1]: half };
        return editHolds(scene, step, { cpuset: `0-${whole + 1}`, cpuFragments, numaNode: 0 });
      },
    ),
  },
  {
    name: 'name a NUMA node that is not there',
    rule: 'numa',
    apply: onStep(isBound, (scene, step) => editHolds(scene, step, { numaNode: 7 })),
  },
  {
    name: 'cross NUMA nodes where one is required',
    rule: 'numa',
    apply: onStep(isBound, (scene, step) => {
      const { numaNode: _, ...holds } = step.holds;
      return editStep(scene, step, { holds });
    }),
  },
  {
    name: 'name a NUMA node that has not got the cores',
    rule: 'numa',
    apply: onStep(isBound, (scene, step) => editHolds(scene, step, { numaNode: 1 - (step.holds.numaNode ?? 0) })),
  },
  {
    name: 'fill the memory of a NUMA node',
    rule: 'numa',
    apply: onStep(
      (step) => isBound(step) && isNew(step),
      (scene, step) =>
        editNode(scene, step.node, ({ numa = [] }) => ({
          numa: numa.map((part) => ({ ...part, memoryBytes: step.holds.memoryBytes - 1 })),
        })),
    ),
  },
  {
    name: 'put a volume on a device that is not there',
    rule: 'volumes',
    apply: onStep(hasVolumes, (scene, step) => editNode(scene, step.node, () => ({ disks: [] }))),
  },
  {
    name: 'overfill a device',
    rule: 'volumes',
    apply: onStep(
      (step) => hasVolumes(step) && isNew(step),
      (scene, step) =>
        editNode(scene, step.node, ({ disks = [] }) => ({ disks: disks.map((disk) => ({ ...disk, sizeBytes: 1 })) })),
    ),
  },
  {
    name: 'overfill a device’s rate',
    rule: 'volumes',
    apply: onStep(
      (step) => isNew(step) && (step.holds.volumes ?? []).some(({ readIops = 0 }) => readIops > 1),
      (scene, step) =>
        editNode(scene, step.node, ({ disks = [] }) => ({ disks: disks.map((disk) => ({ ...disk, readIops: 299 })) })),
    ),
  },
  {
    name: 'share a device that somebody has exclusively',
    rule: 'volumes',
    apply: onPair(
      (first, second) =>
        hasVolumes(second) && isNew(second) && (first.holds.volumes ?? []).some(({ exclusive }) => exclusive === true),
      (scene, first, second) => {
        const device = first.holds.volumes?.[0]?.device ?? '';
        // There is room for both: only that it is somebody's alone is in the way.
        const large = editNode(scene, first.node, ({ disks = [] }) => ({
          disks: disks.map((disk) => ({ ...disk, sizeBytes: disk.sizeBytes * 10 })),
        }));
        const beside = editStep(large, second, { node: first.node });
        return editVolumes(beside, { ...second, node: first.node }, () => ({ device }));
      },
    ),
  },
  {
    name: 'remove a static instance’s volume',
    rule: 'volumes',
    apply: onStep(
      (step, scene) => hasVolumes(step) && workloadOf(scene, step)?.type === 'static',
      (scene, step) => editHolds(scene, step, { volumes: [] }),
    ),
  },
  {
    name: 'let a volume change its device without its data',
    rule: 'volumes',
    apply: onStep(
      (step) => hasVolumes(step) && step.kind === 'replace',
      (scene, step) => editVolumes(scene, step, () => ({ device: '/data3' })),
    ),
  },
  {
    name: 'put a volume on another device than git names',
    rule: 'volumes',
    apply: onStep(
      (step) => hasVolumes(step) && isNew(step),
      (scene, step) => withVolumesAsked(scene, step, () => ({ source: { kind: 'device', device: '/data3' } })),
    ),
  },
  {
    name: 'let a volume share its device that git wants alone',
    rule: 'volumes',
    apply: onStep(
      (step, scene) => hasVolumes(step) && isNew(step) && workloadOf(scene, step)?.type === 'stateful',
      (scene, step) => withVolumesAsked(scene, step, () => ({ exclusive: true })),
    ),
  },
  {
    name: 'put exclusive volumes on several devices',
    rule: 'volumes',
    apply: onStep(
      (step) => isNew(step) && (step.holds.volumes ?? []).length === 2,
      (scene, { unit }) => {
        const own = scene.plan.steps.filter((step) => step.unit === unit);
        const change = ({ name }: HeldVolume) =>
          ({ exclusive: true, device: name === 'log' ? '/data3' : '/data2' }) as const;
        return own.reduce(
          (edited, step) => editVolumes(edited, step, change),
          own.slice(0, 1).reduce((first, step) => withVolumesAsked(first, step, () => ({ exclusive: true })), scene),
        );
      },
    ),
  },
  {
    name: 'hold a volume that nobody asked for',
    rule: 'volumes',
    apply: onStep(
      (step) => makes(step) && step.holds.volumes === undefined,
      (scene, step) => editHolds(scene, step, { volumes: [{ name: 'extra', device: '/data3', bytes: 1 }] }),
    ),
  },
  {
    name: 'take over a volume that is still written to',
    rule: 'volumes',
    apply: onStep(
      (step) => hasVolumes(step) && step.kind === 'replace' && step.order === 'stop-first',
      (scene, step) => editStep(scene, step, { order: 'create-first' }),
    ),
  },
  {
    name: 'reserve less of a rate than is asked for',
    rule: 'volumes',
    apply: onStep(
      (step) => hasVolumes(step) && (step.holds.volumes ?? []).some(({ readIops = 0 }) => readIops > 1),
      (scene, step) => editVolumes(scene, step, ({ readIops = 1 }) => ({ readIops: readIops - 1 })),
    ),
  },
  {
    name: 'give out a piece that is not there',
    rule: 'devices',
    apply: onStep(hasDevices, (scene, step) =>
      editHolds(scene, step, {
        devices: Object.fromEntries(
          Object.entries(step.holds.devices ?? {}).map(([kind, parts]) => [kind, renumbered(parts, 7)]),
        ),
      }),
    ),
  },
  {
    name: 'give out a piece that has no number',
    rule: 'devices',
    apply: onStep(
      (step) => hasDevices(step) && !isWhole(step),
      (scene, step) => editHolds(scene, step, { devices: { 'gpu/a100': { first: 500 } } }),
    ),
  },
  {
    name: 'give more of one piece and less than nothing of another',
    rule: 'devices',
    apply: onStep(
      (step) => hasDevices(step) && isWhole(step),
      (scene, step) => {
        const [kind = ''] = Object.keys(step.holds.devices ?? {});
        return editHolds(scene, step, { devices: { [kind]: { '0': 3000, '1': -1000 } } });
      },
    ),
  },
  {
    name: 'sell a piece twice',
    rule: 'devices',
    apply: onPair(
      (first, second) =>
        hasDevices(first) &&
        hasDevices(second) &&
        first.unit === second.unit &&
        Object.keys(first.holds.devices ?? {})[0] === Object.keys(second.holds.devices ?? {})[0] &&
        isWhole(second),
      (scene, first, second) => editHolds(editStep(scene, second, { node: first.node }), second, { ...first.holds }),
    ),
  },
  {
    name: 'give another model than is asked for',
    rule: 'revision',
    apply: onStep(hasDevices, (scene, step) =>
      editHolds(scene, step, { devices: { 'gpu/h100': Object.values(step.holds.devices ?? {})[0] ?? {} } }),
    ),
  },
  {
    name: 'mix two models',
    rule: 'revision',
    apply: onStep(
      (step) => hasDevices(step) && isWhole(step),
      (scene, step) => editHolds(scene, step, { devices: { 'gpu/a100': { '0': 1000 }, 'gpu/v100': { '0': 1000 } } }),
    ),
  },
  {
    name: 'give parts of several pieces',
    rule: 'revision',
    apply: onStep(
      (step) => hasDevices(step) && !isWhole(step),
      (scene, step) => editHolds(scene, step, { devices: { 'gpu/a100': { '2': 250, '3': 250 } } }),
    ),
  },
];

/** What git asks of the volumes of a step's workload, changed in its revision under the same hash. */
const withVolumesAsked = (
  scene: Scene,
  step: Step,
  change: (volume: RevisionVolume) => Partial<RevisionVolume>,
): Scene =>
  editWorkload(scene, step.unit, ({ revision }) => ({
    revision: {
      ...revision,
      volumes: (revision.volumes ?? []).map((volume) => ({ ...volume, ...change(volume) })),
    },
  }));

const renumbered = (parts: Readonly<Record<string, number>>, by: number): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(parts).map(([piece, milli]) => [String(Number(piece) + by), milli]));

const isWhole = ({ holds }: Step): boolean =>
  Object.values(holds.devices ?? {}).every((parts) => Object.values(parts).every((milli) => milli === 1000));

const hasPorts = (step: Step): boolean => makes(step) && step.holds.ports !== undefined;
const hasAddress = (step: Step): boolean => makes(step) && step.holds.ip !== undefined;

export const networks: readonly Mutation[] = [
  {
    name: 'give a port that another instance has',
    rule: 'ports',
    apply: onPair(
      (first, second) =>
        hasPorts(first) && hasPorts(second) && first.node === second.node && first.unit === second.unit,
      (scene, first, second) => editHolds(scene, second, { ...(first.holds.ports && { ports: first.holds.ports }) }),
    ),
  },
  {
    name: 'give a port that its predecessor still has',
    rule: 'ports',
    apply: onStep(
      (step) => hasPorts(step) && step.kind === 'replace' && step.order === 'create-first',
      (scene, step) =>
        editHolds(scene, step, { ...(step.replaces?.holds.ports && { ports: step.replaces.holds.ports }) }),
    ),
  },
  {
    name: 'touch a foreign port',
    rule: 'ports',
    apply: onStep(
      (step) => hasPorts(step) && step.node === 'n0' && step.holds.ports?.['dns'] !== undefined,
      (scene, step) => editHolds(scene, step, { ports: { ...step.holds.ports, dns: 30_005 } }),
    ),
  },
  {
    name: 'share the ports of a machine',
    rule: 'ports',
    apply: onPair(
      (first, second) =>
        hasPorts(first) &&
        hasPorts(second) &&
        first.order === 'create-first' &&
        second.order === 'create-first' &&
        first.node !== second.node &&
        first.holds.ports?.['http'] === second.holds.ports?.['http'],
      (scene, first, second) => {
        const domain = () => ({ portDomain: 'one machine' });
        return editNode(editNode(scene, first.node, domain), second.node, domain);
      },
    ),
  },
  {
    name: 'give half a port',
    rule: 'revision',
    apply: onStep(
      (step) => hasPorts(step) && step.holds.ports?.['dns'] !== undefined,
      (scene, step) => editHolds(scene, step, { ports: { ...step.holds.ports, dns: 30_500.5 } }),
    ),
  },
  {
    name: 'give a fixed port as another',
    rule: 'revision',
    apply: onStep(
      (step, scene) => hasPorts(step) && (bodyOf(scene, step)?.ports ?? []).some(({ publish }) => publish === 9000),
      (scene, step) => editHolds(scene, step, { ports: { http: 9001 } }),
    ),
  },
  {
    name: 'give a port outside the node’s range',
    rule: 'revision',
    apply: onStep(
      (step) => hasPorts(step) && step.holds.ports?.['dns'] !== undefined,
      (scene, step) => editHolds(scene, step, { ports: { ...step.holds.ports, dns: 22 } }),
    ),
  },
  {
    name: 'double an address',
    rule: 'addresses',
    apply: onPair(
      (first, second) => hasAddress(first) && hasAddress(second) && first.unit === second.unit,
      (scene, first, second) => editHolds(scene, second, { ip: first.holds.ip ?? '' }),
    ),
  },
  {
    name: 'give the gateway’s address',
    rule: 'addresses',
    apply: onStep(hasAddress, (scene, step) => editHolds(scene, step, { ip: '10.0.0.1' })),
  },
  {
    name: 'give an address outside the network',
    rule: 'addresses',
    apply: onStep(hasAddress, (scene, step) => editHolds(scene, step, { ip: '10.0.1.7' })),
  },
  {
    name: 'give an address outside the pool',
    rule: 'addresses',
    apply: onStep(
      (step, scene) => hasAddress(step) && bodyOf(scene, step)?.network?.pool !== undefined,
      (scene, step) => editHolds(scene, step, { ip: '10.0.0.130' }),
    ),
  },
  {
    name: 'give a kept address away',
    rule: 'addresses',
    apply: onStep(
      (step, scene) => step.kind === 'replace' && hasAddress(step) && bodyOf(scene, step)?.network?.ip === 'keep',
      (scene, step) => editHolds(scene, step, { ip: '10.0.0.77' }),
    ),
  },
  {
    name: 'give another address than the fixed one',
    rule: 'addresses',
    apply: onStep(
      (step, scene) => hasAddress(step) && bodyOf(scene, step)?.network?.ip === '10.0.0.9',
      (scene, step) => editHolds(scene, step, { ip: '10.0.0.10' }),
    ),
  },
];

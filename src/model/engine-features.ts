import type { EngineKind } from './ids.ts';
import type { Revision, RevisionVolume } from './revision.ts';

/**
 * What an engine can do for an instance. Known without opening one: a workload that asks for more than its engine can do
 * is refused while its document is read, where no engine can be reached.
 */
export interface InstanceFeatures {
  /** `cpu.bind`: cores of its own. */
  readonly cpuBind: boolean;
  /** `cpu.numa: require`: memory of one NUMA node alone. */
  readonly numa: boolean;
  /** Kinds of sources that it mounts volumes from. */
  readonly volumes: readonly RevisionVolume['source']['kind'][];
  /** Schemes of the network volumes among them: `nfs`. */
  readonly networkVolumes: readonly string[];
  /** Holds a volume to the rates that it reserves, where the device's block device is declared. */
  readonly volumeRates: boolean;
  /** Extended resources: an instance learns which pieces it got, and gets the devices where there is a driver for them. */
  readonly devices: boolean;
  /** An address of its own in a declared network. */
  readonly network: boolean;
  /** Variables of any name that the schema allows; otherwise of letters, digits and `_` alone. */
  readonly anyVariable: boolean;
  /** Puts files into an instance. Absent: it does not. */
  readonly files?: boolean;
}

/** Kinds that are not here are refused as not supported yet. */
export const instanceFeatures = {
  docker: {
    cpuBind: true,
    numa: true,
    volumes: ['auto', 'device', 'host', 'network'],
    networkVolumes: ['nfs'],
    volumeRates: true,
    devices: true,
    network: true,
    anyVariable: true,
    files: true,
  },
  // A local process sees the machine as it is: there is nothing to mount into, and binding would need a tool that may be absent.
  process: {
    cpuBind: false,
    numa: false,
    volumes: [],
    networkVolumes: [],
    volumeRates: false,
    devices: true,
    network: false,
    anyVariable: true,
  },
  // A unit is a program of the machine: it sees its files, its devices and its network.
  systemd: {
    cpuBind: false,
    numa: false,
    volumes: [],
    networkVolumes: [],
    volumeRates: false,
    devices: true,
    network: false,
    anyVariable: false,
  },
} as const satisfies Readonly<Partial<Record<EngineKind, InstanceFeatures>>>;

/**
 * Engines whose calls are made by the process that asks for them, and end with it. Others are daemons and shells that go on
 * with what they were asked for when whoever asked has died.
 */
export const endsWithCaller: ReadonlySet<EngineKind> = new Set<EngineKind>(['process']);

/** Something that a revision asks for and an engine cannot do. */
export interface Unsupported {
  /** Where the revision asks for it; of a volume the name is the last key. */
  readonly field:
    | 'cpu'
    | 'numa'
    | 'devices'
    | 'network'
    | { readonly variable: string }
    | 'files'
    | { readonly volume: string; readonly key: 'source' | 'rates' };
  /** Completes "the … engine cannot". */
  readonly what: string;
}

/** All that a revision asks for beyond what an engine can do. */
export function unsupportedBy(revision: Revision, features: InstanceFeatures): readonly Unsupported[] {
  const { cpu, network, resources, volumes = [] } = revision;
  const found: Unsupported[] = [];
  if (cpu !== undefined && !features.cpuBind) found.push({ field: 'cpu', what: 'bind an instance to cores' });
  if (cpu?.numa === 'require' && features.cpuBind && !features.numa)
    found.push({ field: 'numa', what: 'keep memory on one NUMA node' });
  if (Object.keys(resources.extended).length > 0 && !features.devices)
    found.push({ field: 'devices', what: 'give out devices' });
  if (network !== undefined && !features.network)
    found.push({ field: 'network', what: 'give an instance an address of its own' });
  for (const name of features.anyVariable ? [] : Object.keys(revision.env).filter((key) => /[.-]/.test(key)))
    found.push({ field: { variable: name }, what: `set a variable of the name ${name}` });
  if (revision.files !== undefined && features.files !== true)
    found.push({ field: 'files', what: 'put files into an instance' });
  return [...found, ...volumes.flatMap((volume) => unsupportedOf(volume, features))];
}

function unsupportedOf(volume: RevisionVolume, features: InstanceFeatures): readonly Unsupported[] {
  const { name, source } = volume;
  const scheme = source.kind === 'network' ? (source.target.split(':')[0] ?? '') : '';
  if (features.volumes.length === 0) return [{ field: { volume: name, key: 'source' }, what: 'mount volumes' }];
  if (!features.volumes.includes(source.kind))
    return [{ field: { volume: name, key: 'source' }, what: `mount volumes of the source ${source.kind}` }];
  if (source.kind === 'network' && !features.networkVolumes.includes(scheme))
    return [{ field: { volume: name, key: 'source' }, what: `mount ${scheme} volumes` }];
  if (hasRates(volume) && !features.volumeRates)
    return [{ field: { volume: name, key: 'rates' }, what: 'hold a volume to its rates' }];
  return [];
}

/** Whether a volume reserves rates on its device. */
export const hasRates = ({ readIops, writeIops, readBps, writeBps }: RevisionVolume): boolean =>
  readIops + writeIops + readBps + writeBps > 0;

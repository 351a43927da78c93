import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { MountSettings } from 'dockerode';
import { assert, assertNever, present } from '../../model/assert.ts';
import { type AllocationId, type ClusterUid, parseAllocationId } from '../../model/ids.ts';
import type { RevisionVolume } from '../../model/revision.ts';
import type { CreateRequest } from '../engine.ts';
import { labels } from './labels.ts';

/** A directory of a node's device that holds the data of one volume of one instance. */
export interface VolumeDirectory {
  readonly name: string;
  /** Where the device is mounted on the node. */
  readonly device: string;
  /** Below the device; the same for every generation of the instance. */
  readonly path: string;
}

/** Whose directories they are. */
export interface VolumeOwner {
  /** The cluster's name. */
  readonly cluster: string;
  readonly allocation: AllocationId;
}

/**
 * Mounts of all volumes. Not the short form (`Binds`): with that, docker would make a missing directory on the root disk
 * while the device is not mounted, and a database would start empty.
 */
export function mountsOf(
  request: Pick<CreateRequest, 'revision' | 'holds'>,
  owner: VolumeOwner,
  cluster: ClusterUid,
): readonly MountSettings[] {
  const { volumes = [] } = request.revision;
  const directories = new Map(directoriesOf(request, owner).map((directory) => [directory.name, directory]));
  const mount = (volume: RevisionVolume): MountSettings => {
    const target = { Target: volume.mount, ReadOnly: volume.readOnly };
    const { source } = volume;
    switch (source.kind) {
      case 'auto':
      case 'device':
        return { Type: 'bind', Source: hostPath(present(directories.get(volume.name), volume.name)), ...target };
      case 'host':
        return { Type: 'bind', Source: source.path, ...target };
      case 'network':
        return { Type: 'volume', ...nfsVolume(source.target, owner.cluster, cluster), ...target };
      default:
        return assertNever(source);
    }
  };
  return volumes.map(mount);
}

/** The directories of the volumes that an instance holds on devices. */
export const directoriesOf = (
  { holds }: Pick<CreateRequest, 'holds'>,
  owner: VolumeOwner,
): readonly VolumeDirectory[] =>
  (holds.volumes ?? []).map(({ name, device }) => ({ name, device, path: pathBelow(name, owner) }));

/** `/data1/muster/prod/shop/db/0/data` */
export const hostPath = ({ device, path }: Pick<VolumeDirectory, 'device' | 'path'>): string =>
  posix.join(device, path);

/** The inverse of `hostPath`; undefined for a path that is not where Muster keeps this volume of this instance. */
export function directoryAt(path: string, name: string, owner: VolumeOwner): VolumeDirectory | undefined {
  const below = pathBelow(name, owner);
  return path.endsWith(`/${below}`) ? { name, device: path.slice(0, -below.length - 1), path: below } : undefined;
}

/** `muster/<cluster>/<namespace>/<workload>/<ordinal>/<volume>` */
function pathBelow(volume: string, { cluster, allocation }: VolumeOwner): string {
  const { instance } = parseAllocationId(allocation);
  return `muster/${cluster}/${instance}/${volume}`;
}

/** A volume of docker's own that mounts an export. Its name says what it mounts, so that instances share it. */
function nfsVolume(
  target: string,
  clusterName: string,
  cluster: ClusterUid,
): Pick<MountSettings, 'Source' | 'VolumeOptions'> {
  const match = /^nfs:\/\/(\[[^\]]+\]|[^/:]+)(?::(\d+))?(\/.+)$/.exec(target);
  assert(match !== null, `${target} was let pass as an NFS export`);
  const [, host = '', port, path = ''] = match;
  // Version 4 needs no port mapper and no lock daemon on either side.
  const options = [`addr=${host.replace(/^\[(.*)\]$/, '$1')}`, ...(port === undefined ? [] : [`port=${port}`])];
  return {
    Source: `${nfsPrefix(clusterName)}${createHash('sha256').update(target).digest('hex').slice(0, 12)}`,
    VolumeOptions: {
      NoCopy: true,
      Labels: { [labels.cluster]: cluster },
      DriverConfig: {
        Name: 'local',
        Options: { type: 'nfs', o: [...options, 'nfsvers=4', 'rw'].join(','), device: `:${path}` },
      },
    },
  };
}

/** Names of the volumes that mount exports for a cluster begin with this. */
export const nfsPrefix = (clusterName: string): string => `${clusterName}.nfs.`;

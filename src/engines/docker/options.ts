import type { HostConfig, MountSettings } from 'dockerode';
import type { DockerOptions } from '../../model/docker-options.ts';
import type { Revision } from '../../model/revision.ts';

export const optionsOf = (revision: Pick<Revision, 'options'>): DockerOptions => revision.options ?? {};

/** What of the `docker` block is fixed when the container is created; mounts and limits are elsewhere. */
export function hostOptionsOf(options: DockerOptions): HostConfig {
  const { capabilities, dns, logging = { driver: 'json-file', options: {} } } = options;
  return {
    ...(options.init !== undefined && { Init: options.init }),
    ...(options.readOnly !== undefined && { ReadonlyRootfs: options.readOnly }),
    ...(options.network !== undefined && { NetworkMode: options.network }),
    ...(capabilities !== undefined && { CapAdd: [...capabilities.add], CapDrop: [...capabilities.drop] }),
    ...(options.noNewPrivileges === true && { SecurityOpt: ['no-new-privileges'] }),
    ...(options.sysctls !== undefined && { Sysctls: { ...options.sysctls } }),
    ...(options.ulimits !== undefined && { Ulimits: ulimitsOf(options.ulimits) }),
    ...(options.shmSizeBytes !== undefined && { ShmSize: options.shmSizeBytes }),
    ...(options.devices !== undefined && { Devices: options.devices.map(toDevice) }),
    ...(options.extraHosts !== undefined && { ExtraHosts: extraHosts(options.extraHosts) }),
    ...(dns !== undefined && { Dns: [...dns.servers], DnsSearch: [...dns.search] }),
    ...(options.runtime !== undefined && { Runtime: options.runtime }),
    ...(options.storageSizeBytes !== undefined && { StorageOpt: { size: String(options.storageSizeBytes) } }),
    LogConfig: {
      Type: logging.driver,
      Config: { ...(logging.driver === 'json-file' && rotation), ...logging.options },
    },
  };
}

/** Nobody reads a log that fills the disk. */
const rotation = { 'max-size': '10m', 'max-file': '2' };

const ulimitsOf = (ulimits: NonNullable<DockerOptions['ulimits']>) =>
  Object.entries(ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard }));

const toDevice = ({ name, path, permissions }: NonNullable<DockerOptions['devices']>[number]) => ({
  PathOnHost: path,
  PathInContainer: name,
  CgroupPermissions: permissions,
});

/** Docker splits at the first colon, so that an IPv6 address stands as it is. */
const extraHosts = (hosts: Readonly<Record<string, string>>): string[] =>
  Object.entries(hosts).map(([name, address]) => `${name}:${address}`);

/** Directories in memory, as mounts beside those of the volumes. */
export const tmpfsMounts = ({ tmpfs = [] }: DockerOptions): readonly MountSettings[] =>
  tmpfs.map(({ name, sizeBytes, mode }) => ({
    Type: 'tmpfs',
    Source: '',
    Target: name,
    TmpfsOptions: { SizeBytes: sizeBytes, Mode: Number.parseInt(mode, 8) },
  }));

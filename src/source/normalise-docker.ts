import type { DockerDevice, DockerOptions, DockerTmpfs } from '../model/docker-options.ts';
import { parseBytes } from '../model/units.ts';
import { sortedMap } from './normalise-resources.ts';
import { parseExtraHost, parseHostAddress, parseProcessLimit, parseSwap } from './quantity.ts';
import { quantity, type Reading, report } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';

type Block = NonNullable<Workload['spec']['docker']>;

/** The `docker` block without its defaults. Whether its parts go together is looked at elsewhere (`check-docker.ts`). */
export function toDockerOptions(block: Block, reading: Reading): DockerOptions {
  const capabilities = toCapabilities(block.capabilities);
  const ulimits = toUlimits(block.ulimits, reading);
  const dns = toDns(block.dns, reading);
  const swapBytes = quantity(reading, parseSwap, { value: block.swap, pointer: '/spec/docker/swap', fallback: 0 });
  const bytes = (key: 'shmSize' | 'storageSize'): number =>
    quantity(reading, parseBytes, { value: block[key], pointer: `/spec/docker/${key}`, fallback: 0 });
  const [shmSizeBytes, storageSizeBytes] = [bytes('shmSize'), bytes('storageSize')];
  return {
    ...(block.init === true && { init: true }),
    ...(block.user !== undefined && { user: block.user }),
    ...(block.workingDir !== undefined && { workingDir: block.workingDir }),
    ...(block.readOnly === true && { readOnly: true }),
    ...(block.network !== undefined && block.network !== 'bridge' && { network: block.network }),
    ...(capabilities !== undefined && { capabilities }),
    ...(block.noNewPrivileges === true && { noNewPrivileges: true }),
    ...(!isEmpty(block.sysctls) && { sysctls: texts(block.sysctls) }),
    ...(!isEmpty(block.ulimits) && { ulimits }),
    ...(block.pids !== undefined && { pids: block.pids }),
    ...(shmSizeBytes > 0 && { shmSizeBytes }),
    ...(block.runtime !== undefined && { runtime: block.runtime }),
    ...(storageSizeBytes > 0 && { storageSizeBytes }),
    ...(!isEmpty(block.tmpfs) && { tmpfs: toTmpfs(block.tmpfs ?? [], reading) }),
    ...(!isEmpty(block.devices) && { devices: toDevices(block.devices ?? []) }),
    ...(!isEmpty(block.extraHosts) && { extraHosts: toExtraHosts(block.extraHosts ?? {}, reading) }),
    ...(dns !== undefined && { dns }),
    ...(swapBytes !== 0 && { swapBytes }),
    ...(block.logging !== undefined && {
      logging: { driver: block.logging.driver, options: texts(block.logging.options) },
    }),
  };
}

const isEmpty = (value: object | undefined): boolean => value === undefined || Object.keys(value).length === 0;

/** Numbers and booleans are taken as they are written. */
const texts = (values: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, string>> =>
  sortedMap(Object.fromEntries(Object.entries(values).map(([name, value]) => [name, String(value)])));

const set = (names: readonly string[] = []): readonly string[] => [...new Set(names)].sort();

function toCapabilities(capabilities: Block['capabilities']): DockerOptions['capabilities'] {
  const [add, drop] = [set(capabilities?.add), set(capabilities?.drop)];
  return add.length + drop.length === 0 ? undefined : { add, drop };
}

function toUlimits(ulimits: Block['ulimits'] = {}, reading: Reading): NonNullable<DockerOptions['ulimits']> {
  const limit = (value: string | number, pointer: string): number =>
    quantity(reading, parseProcessLimit, { value, pointer, fallback: 0 });
  return sortedMap(
    Object.fromEntries(
      Object.entries(ulimits).map(([name, value]) => {
        const pointer = `/spec/docker/ulimits/${name}`;
        if (typeof value !== 'object') return [name, { soft: limit(value, pointer), hard: limit(value, pointer) }];
        const both = { soft: limit(value.soft, `${pointer}/soft`), hard: limit(value.hard, `${pointer}/hard`) };
        reportOrder(both, pointer, reading);
        return [name, both];
      }),
    ),
  );
}

function reportOrder(
  { soft, hard }: { readonly soft: number; readonly hard: number },
  pointer: string,
  reading: Reading,
): void {
  if (hard === -1 || (soft !== -1 && soft <= hard)) return;
  report(reading, {
    code: 'MUS1320',
    pointer: `${pointer}/soft`,
    message: 'the soft limit is above the hard one',
    hint: 'lower soft, or raise hard',
  });
}

function toTmpfs(tmpfs: NonNullable<Block['tmpfs']>, reading: Reading): readonly DockerTmpfs[] {
  const found = tmpfs.map(({ mount, size, mode }, index) => ({
    name: mount,
    sizeBytes: quantity(reading, parseBytes, {
      value: size,
      pointer: `/spec/docker/tmpfs/${index}/size`,
      fallback: 1,
    }),
    mode: mode ?? '1777',
  }));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

const toDevices = (devices: NonNullable<Block['devices']>): readonly DockerDevice[] =>
  devices
    .map(({ path, as, permissions }) => ({ name: as ?? path, path, permissions: permissions ?? 'rwm' }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));

const toExtraHosts = (
  hosts: NonNullable<Block['extraHosts']>,
  reading: Reading,
): NonNullable<DockerOptions['extraHosts']> =>
  sortedMap(
    Object.fromEntries(
      Object.entries(hosts).map(([name, value]) => [
        name,
        quantity(reading, parseExtraHost, { value, pointer: `/spec/docker/extraHosts/${name}`, fallback: '0.0.0.0' }),
      ]),
    ),
  );

/** The order says which is asked first. */
function toDns(dns: Block['dns'], reading: Reading): DockerOptions['dns'] {
  const servers = (dns?.servers ?? []).map((value, index) =>
    quantity(reading, parseHostAddress, { value, pointer: `/spec/docker/dns/servers/${index}`, fallback: '0.0.0.0' }),
  );
  const search = dns?.search ?? [];
  return servers.length + search.length === 0 ? undefined : { servers, search };
}

import type { EngineFinding } from '../engine.ts';
import type { DaemonInfo } from './daemon.ts';

/** When the daemon was asked and when it had answered, by this machine's clock; Unix ms. */
export interface AskedAt {
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** What a daemon says of its machine that an operator should know before something depends on it. */
export const findingsOf = (info: DaemonInfo, at: AskedAt): readonly EngineFinding[] => [
  { state: 'ok', detail: `cgroup v${info.CgroupVersion ?? '1'}, ${storageText(info)}, ${runtimesText(info)}` },
  ...storageFindings(info),
  ...controllerFindings(info),
  ...clockFindings(info, at),
];

const statusOf = ({ DriverStatus: status = [] }: DaemonInfo, wanted: string): string | undefined =>
  status.find(([name]) => name === wanted)?.[1];

function storageText(info: DaemonInfo): string {
  const on = statusOf(info, 'Backing Filesystem');
  return `${info.Driver ?? 'no storage driver'}${on === undefined ? '' : ` on ${on}`}`;
}

const runtimesText = ({ Runtimes: runtimes = {} }: DaemonInfo): string =>
  `runtimes ${Object.keys(runtimes).sort().join(', ')}`;

function storageFindings(info: DaemonInfo): readonly EngineFinding[] {
  const { Driver: driver = '' } = info;
  if (driver === 'vfs')
    return [
      {
        state: 'warn',
        detail: 'the storage driver vfs copies an image whole for every container',
        remedy: 'use overlay2 ("storage-driver" in daemon.json)',
      },
    ];
  if (!driver.startsWith('overlay') || statusOf(info, 'Supports d_type') !== 'false') return [];
  return [
    {
      state: 'warn',
      detail: `${driver} on a file system without d_type: files that an image deletes come back in its containers`,
      remedy: 'make the xfs of the data root anew with ftype=1 (xfs_info shows it)',
    },
  ];
}

/** What a kernel does not count, docker leaves out, and says so only in a warning that nobody sees. */
const controllers: readonly { readonly key: keyof DaemonInfo; readonly lost: string; readonly remedy: string }[] = [
  { key: 'MemoryLimit', lost: 'memory limits do not hold', remedy: 'boot with cgroup_enable=memory' },
  { key: 'SwapLimit', lost: 'swap is not limited: what has a memory limit swaps', remedy: 'boot with swapaccount=1' },
  { key: 'CpuCfsQuota', lost: 'cpu limits do not hold', remedy: 'use a kernel with CONFIG_CFS_BANDWIDTH' },
  { key: 'CPUShares', lost: 'cpu is not shared out by weight', remedy: 'mount the cpu controller' },
  { key: 'CPUSet', lost: 'instances are not bound to cores', remedy: 'mount the cpuset controller' },
  { key: 'PidsLimit', lost: 'the number of processes is not limited', remedy: 'mount the pids controller' },
  { key: 'IPv4Forwarding', lost: 'published ports do not answer', remedy: 'sysctl net.ipv4.ip_forward=1' },
];

/** A daemon that does not say has it, or is older than the question. */
const controllerFindings = (info: DaemonInfo): readonly EngineFinding[] =>
  controllers
    .filter(({ key }) => info[key] === false)
    .map(({ key, lost, remedy }) => ({ state: 'warn', detail: `${lost} (docker info: ${key} is off)`, remedy }));

/** Beyond this, times in logs and certificates begin to mislead. */
const mostSkewMs = 2_000;

function clockFindings({ SystemTime: time }: DaemonInfo, { askedAt, answeredAt }: AskedAt): readonly EngineFinding[] {
  const there = Date.parse(time);
  if (Number.isNaN(there)) return [];
  // It looked at its clock somewhen between the question and the answer.
  const skewMs = there < askedAt ? there - askedAt : Math.max(0, there - answeredAt);
  if (Math.abs(skewMs) <= mostSkewMs) return [];
  const seconds = (Math.abs(skewMs) / 1000).toFixed(1);
  return [
    {
      state: 'warn',
      detail: `its clock is ${seconds} s ${skewMs < 0 ? 'behind' : 'ahead of'} this machine's`,
      remedy: 'run a time service on both (chronyc tracking, timedatectl)',
    },
  ];
}

import type { HostConfig } from 'dockerode';
import type { NodeDisk } from '../../model/desired.ts';
import type { HeldVolume } from '../../model/recorded.ts';
import type { CreateRequest } from '../engine.ts';

const rates = {
  readBps: 'BlkioDeviceReadBps',
  writeBps: 'BlkioDeviceWriteBps',
  readIops: 'BlkioDeviceReadIOps',
  writeIops: 'BlkioDeviceWriteIOps',
} as const;

type Rate = keyof typeof rates;
type Throttles = Pick<HostConfig, (typeof rates)[Rate]>;

/**
 * Caps of what an instance reads and writes on block devices. The kernel knows devices, not directories: volumes on one
 * device share the sum of their rates, and where one of them reserves none there is no cap. Exclusive volumes have their
 * device to themselves.
 */
export function throttlesOf({ holds }: Pick<CreateRequest, 'holds'>, disks: readonly NodeDisk[]): Throttles {
  const blocks = new Map(disks.map(({ device, block }) => [device, block]));
  const byBlock = new Map<string, HeldVolume[]>();
  for (const volume of holds.volumes ?? []) {
    const block = blocks.get(volume.device);
    if (block === undefined || volume.exclusive === true) continue;
    byBlock.set(block, [...(byBlock.get(block) ?? []), volume]);
  }
  const names = Object.keys(rates) as Rate[];
  const entries = names.map((name) => [rates[name], capsOf(name, byBlock)] as const);
  return Object.fromEntries(entries.filter(([, caps]) => caps.length > 0));
}

function capsOf(rate: Rate, byBlock: ReadonlyMap<string, readonly HeldVolume[]>) {
  return [...byBlock].flatMap(([block, volumes]) => {
    const reserved = volumes.map((volume) => volume[rate] ?? 0);
    return reserved.includes(0) ? [] : [{ Path: block, Rate: reserved.reduce((sum, each) => sum + each, 0) }];
  });
}

import type { EngineOffers } from '../../model/observed.ts';
import type { DaemonInfo } from './daemon.ts';

/**
 * What of the `docker` block a daemon says that it has, or has not. Whether overlay2 can hold a layer to a size it does
 * not say where its disk is an xfs: that takes project quotas, and is found out at the first creation.
 */
export const offersOf = (info: DaemonInfo): EngineOffers => ({
  ...(info.Runtimes !== undefined && { '/options/runtime': Object.keys(info.Runtimes).sort() }),
  ...(info.SwapLimit === false && { '/options/swapBytes': [] }),
  ...(info.PidsLimit === false && { '/options/pids': [] }),
  ...(!mayHoldSize(info) && { '/options/storageSizeBytes': [] }),
});

const sizedDrivers = new Set(['btrfs', 'zfs', 'devicemapper', 'windowsfilter']);

function mayHoldSize({ Driver: driver = '', DriverStatus: status = [] }: DaemonInfo): boolean {
  if (sizedDrivers.has(driver)) return true;
  return driver === 'overlay2' && status.some(([name, value]) => name === 'Backing Filesystem' && value === 'xfs');
}

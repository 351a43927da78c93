import type { Holds } from '../model/recorded.ts';

/** What quotas count, with so much disk space and no volumes. In one piece: most steps need two of these. */
export function withDisk({ cpuMillis, memoryBytes, bandwidthBits = 0, devices }: Holds, storageBytes: number): Holds {
  const holds = { cpuMillis, memoryBytes, storageBytes, bandwidthBits };
  return devices === undefined ? holds : { ...holds, devices };
}

/** Disk space on top of what is taken over: volumes that stay where they are, its own while the same object goes on. */
export function moreDisk(holds: Holds, over: Holds | undefined, frees: { readonly own: boolean }): number {
  const own = Math.max(0, holds.storageBytes - (frees.own && over !== undefined ? over.storageBytes : 0));
  return (holds.volumes ?? []).reduce((sum, { name, device, bytes, exclusive }) => {
    const onDevice = (over?.volumes ?? []).filter((volume) => volume.device === device);
    // A device that is had whole stays so, however its volumes share it.
    if (exclusive && onDevice.some((volume) => volume.exclusive)) return sum;
    return sum + Math.max(0, bytes - (onDevice.find((volume) => volume.name === name)?.bytes ?? 0));
  }, own);
}

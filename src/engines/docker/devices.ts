import type { HostConfig } from 'dockerode';
import { type CreateRequest, heldPieces } from '../engine.ts';

/** Kinds that a driver of docker brings into containers; of all others the instance learns by its environment alone. */
const gpuPrefix = 'gpu/';

/**
 * GPUs by number: piece `2` of `gpu/a100` is the GPU that the driver calls 2, which is why a docker node may declare one
 * model only. Who holds a part of a GPU gets all of it in its container: how they share it is their own business.
 */
export function deviceRequestsOf({ holds }: Pick<CreateRequest, 'holds'>): Pick<HostConfig, 'DeviceRequests'> {
  const gpus = Object.entries(holds.devices ?? {}).filter(([kind]) => kind.startsWith(gpuPrefix));
  if (gpus.length === 0) return {};
  return {
    DeviceRequests: gpus.map(([, pieces]) => ({ DeviceIDs: [...heldPieces(pieces)], Capabilities: [['gpu']] })),
  };
}

/** What to do where the daemon has no driver for GPUs; undefined for any other refusal. */
export const missingDriverHint = (message: string): string | undefined =>
  /could not select device driver/i.test(message)
    ? 'install the NVIDIA container toolkit on that host, and run `nvidia-ctk runtime configure`; then restart docker'
    : undefined;

import type { HostConfig } from 'dockerode';
import { onlinePriority, type Revision } from '../../model/revision.ts';

/** What an instance weighs against others of its node. Unlike limits, weights count only where there is not enough for all. */
export interface Weights {
  readonly cpuShares: number;
  readonly blkioWeight: number;
  readonly oomScoreAdj: number;
}

/**
 * `online` weighs what it reserves, and has what docker gives by default; the others in proportion to their priority. Out
 * of memory the kernel ends what has less than that first. Nobody is shielded by a negative score: that takes a
 * privilege which not every daemon has.
 */
export function weightsOf({ resources, priority = onlinePriority }: Pick<Revision, 'resources' | 'priority'>): Weights {
  const share = priority / onlinePriority;
  const shares = Math.round((resources.cpuMillis * sharesPerCore * share) / 1000);
  return {
    cpuShares: Math.min(mostShares, Math.max(leastShares, shares)),
    blkioWeight: Math.min(mostBlkio, Math.max(leastBlkio, Math.round(defaultBlkio * share))),
    oomScoreAdj: Math.max(0, Math.round(mostOomScore * (1 - share))),
  };
}

/** At creation docker's own defaults are left out: then nothing can be discarded either. */
export function weightsAtCreation(
  revision: Pick<Revision, 'resources' | 'priority'>,
): Pick<HostConfig, 'CpuShares' | 'BlkioWeight' | 'OomScoreAdj'> {
  const { cpuShares, blkioWeight, oomScoreAdj } = weightsOf(revision);
  return {
    CpuShares: cpuShares,
    ...(blkioWeight !== defaultBlkio && { BlkioWeight: blkioWeight }),
    ...(oomScoreAdj !== 0 && { OomScoreAdj: oomScoreAdj }),
  };
}

/** In place, written out: docker reads a zero as "leave it". The score for want of memory stays until it is made anew. */
export const weightsForUpdate = (
  revision: Pick<Revision, 'resources' | 'priority'>,
): Pick<HostConfig, 'CpuShares' | 'BlkioWeight'> => {
  const { cpuShares, blkioWeight } = weightsOf(revision);
  return { CpuShares: cpuShares, BlkioWeight: blkioWeight };
};

/** For a label, on what is not `online`: there, what is reserved cannot be read off the shares. Empty: `online`. */
export function weightsLabel(revision: Pick<Revision, 'resources' | 'priority'>): string {
  if (revision.priority === undefined) return '';
  const { cpuShares, blkioWeight } = weightsOf(revision);
  return `${cpuShares}/${blkioWeight}`;
}

/** Weights as the engine has them, by pointer into the revision; `label`: what they were made or updated with. */
export function declaredWeights(
  { CpuShares: shares = 0, BlkioWeight: blkio = 0 }: Pick<HostConfig, 'CpuShares' | 'BlkioWeight'>,
  label: string,
): Readonly<Record<string, number | string>> {
  const [ownShares, ownBlkio = defaultBlkio] = label === '' ? [] : label.split('/').map(Number);
  // Zero: never set, or discarded by a docker whose kernel does not weigh block I/O.
  const isBlkioKept = blkio === 0 || blkio === ownBlkio;
  if (!isBlkioKept || (ownShares !== undefined && ownShares !== shares))
    return { '/priority': `cpu shares ${shares} and block I/O weight ${blkio}` };
  // At the floor several amounts share one weight: nothing can be said.
  if (ownShares !== undefined || shares <= leastShares) return {};
  return { '/resources/cpuMillis': Math.round((shares * 1000) / sharesPerCore) };
}

const sharesPerCore = 1024;
/** The kernel's bounds of `cpu.shares`. */
const [leastShares, mostShares] = [2, 262_144];
/** Docker's bounds of its weight, and the kernel's default. */
const [leastBlkio, mostBlkio, defaultBlkio] = [10, 1000, 500];
const mostOomScore = 1000;

import type { HostConfig } from 'dockerode';
import type { Revision } from '../../model/revision.ts';
import { optionsOf } from './options.ts';
import { weightsAtCreation, weightsForUpdate } from './weights.ts';

type Limits = Pick<
  HostConfig,
  'NanoCpus' | 'CpuShares' | 'BlkioWeight' | 'OomScoreAdj' | 'Memory' | 'MemorySwap' | 'PidsLimit'
>;

/** Caps and weight at creation: what is not capped is left out. */
export function limitsAtCreation(revision: Revision): Limits {
  const { limits } = revision;
  const { pids } = optionsOf(revision);
  return {
    ...weightsAtCreation(revision),
    ...(limits.cpuMillis !== 'unlimited' && { NanoCpus: limits.cpuMillis * nanosPerMilli }),
    ...(limits.memoryBytes !== 'unlimited' && memoryOf(revision, limits.memoryBytes)),
    ...(pids !== undefined && { PidsLimit: pids }),
  };
}

/**
 * Caps for a live update. Docker reads a zero as "leave it", so a cap of cpu or memory cannot be taken off: it is raised
 * to one that never holds, and is read back as none.
 */
export function limitsForUpdate(revision: Revision, hostCpus: number): Limits {
  const { limits } = revision;
  return {
    ...weightsForUpdate(revision),
    NanoCpus: limits.cpuMillis === 'unlimited' ? wholeHost(hostCpus) : limits.cpuMillis * nanosPerMilli,
    ...(limits.memoryBytes === 'unlimited'
      ? { Memory: endlessMemoryBytes, MemorySwap: endlessMemoryBytes }
      : memoryOf(revision, limits.memoryBytes)),
    PidsLimit: optionsOf(revision).pids ?? noLimit,
  };
}

/** What docker calls swap is memory and swap together. None by default: a limit that swaps instead of holding is none. */
function memoryOf(revision: Revision, memoryBytes: number): Pick<Limits, 'Memory' | 'MemorySwap'> {
  const { swapBytes = 0 } = optionsOf(revision);
  return { Memory: memoryBytes, MemorySwap: swapBytes === 'unlimited' ? noLimit : memoryBytes + swapBytes };
}

/** Caps as the engine has them, by pointer into the revision. */
export function declaredLimits(config: HostConfig): Readonly<Record<string, number | 'unlimited' | null>> {
  const { NanoCpus: nanos = 0, CpuQuota: quota = 0, CpuPeriod: period = 0 } = config;
  const { Memory: memory = 0, PidsLimit: pids } = config;
  const byQuota = quota > 0 ? Math.round((quota * 1000) / (period > 0 ? period : defaultPeriodMicros)) : 'unlimited';
  const cpu = nanos > 0 ? (nanos % nanosPerMilli === 0 ? nanos / nanosPerMilli : 'unlimited') : byQuota;
  return {
    '/limits/cpuMillis': cpu,
    '/limits/memoryBytes': memory === 0 || memory >= endlessMemoryBytes ? 'unlimited' : memory,
    '/options/pids': (pids ?? 0) > 0 ? (pids as number) : null,
    // Docker writes -1 also where the kernel does not count swap: nothing can be said.
    ...((config.MemorySwap ?? 0) >= 0 && { '/options/swapBytes': swapOf(config) }),
  };
}

/** Without a memory limit there is none to go beyond; without its own, docker allows as much swap as memory. */
function swapOf({ Memory: memory = 0, MemorySwap: both = 0 }: HostConfig): number | null {
  if (memory === 0 || memory >= endlessMemoryBytes) return null;
  const swapBytes = both === 0 ? memory : both - memory;
  return swapBytes === 0 ? null : swapBytes;
}

const nanosPerMilli = 1_000_000;
const defaultPeriodMicros = 100_000;
const endlessMemoryBytes = 2 ** 50;
const noLimit = -1;

/** All cores but a billionth of one. No declared cap looks like it, because those are whole thousandths. */
const wholeHost = (cpus: number): number => cpus * 1e9 - 1;

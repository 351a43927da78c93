import type { HostConfig } from 'dockerode';
import { formatCpuList, parseCpuList } from '../../model/cpu-list.ts';
import type { CreateRequest } from '../engine.ts';

/**
 * Cores of its own as a cpuset; the part of the last core that is not its own is capped by the cpu limit. Memory is tied
 * to a NUMA node only where that is required: where it is preferred, the kernel allocates beside the cores anyway, and
 * an instance rather takes memory from afar than is killed for want of it.
 */
export function pinningOf({
  holds,
  revision,
}: Pick<CreateRequest, 'holds' | 'revision'>): Pick<HostConfig, 'CpusetCpus' | 'CpusetMems'> {
  return {
    ...(holds.cpuset !== undefined && { CpusetCpus: holds.cpuset }),
    ...(holds.numaNode !== undefined && revision.cpu?.numa === 'require' && { CpusetMems: String(holds.numaNode) }),
  };
}

/** What to do where the daemon says that it does not have the cores; undefined for any other refusal. */
export const missingCoresHint = (message: string): string | undefined =>
  /^Requested (CPUs|memory nodes) are not available/.test(message)
    ? 'the node declares cores or NUMA nodes that it does not have: correct capacity.cpu and capacity.numa of the node'
    : undefined;

/** As `Holds` writes it; what somebody set by hand may be written in another way. */
export function canonicalCores(cores: string): string {
  const parsed = parseCpuList(cores);
  return parsed === undefined ? cores : formatCpuList(parsed);
}

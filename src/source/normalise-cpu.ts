import type { Revision, RevisionCpu, RevisionResources } from '../model/revision.ts';
import { type Reading, report } from './reading.ts';
import type { Workload } from './schema-types.generated.ts';

type Spec = Workload['spec'];

/** Absent unless it is bound: sharing the node's cores is what everything else does. */
export function toCpu(
  cpu: Spec['cpu'],
  resources: RevisionResources,
  { reading, limits }: { readonly reading: Reading; readonly limits: Revision['limits'] },
): RevisionCpu | undefined {
  if (cpu?.bind !== true) {
    if (cpu?.numa === 'require') report(reading, numaWithoutBind);
    return undefined;
  }
  if (resources.cpuMillis === 0) report(reading, bindWithoutCpu);
  else if (limits.cpuMillis === 'unlimited' || limits.cpuMillis > resources.cpuMillis) report(reading, limitBeyond);
  return { bind: true, numa: cpu.numa ?? 'prefer' };
}

const numaWithoutBind = {
  code: 'MUS1320',
  pointer: '/spec/cpu/numa',
  message: 'a NUMA node can only be required for cores that are bound',
  hint: 'add `bind: true`, or remove numa',
} as const;

const bindWithoutCpu = {
  code: 'MUS1320',
  pointer: '/spec/cpu/bind',
  message: 'it is to be bound to cores, and reserves none',
  hint: 'say how many: `resources: {cpu: 2}`',
} as const;

const limitBeyond = {
  code: 'MUS1320',
  pointer: '/spec/limits/cpu',
  message:
    'a cpu limit above what is reserved means nothing to a bound workload: it only runs on the cores that it holds',
  hint: 'remove limits.cpu, or raise resources.cpu to it',
} as const;

import type { Holds } from '../../model/recorded.ts';
import type { Revision } from '../../model/revision.ts';
import { parseCpuset } from './cpuset.ts';
import { hasCore, type NodeCapacity, numaMemory, numaNodeOf } from './node-capacity.ts';
import type { Rule } from './violation.ts';

export interface Wrong {
  readonly rule: Rule;
  readonly text: string;
}

/** What is wrong with the cores that an instance is given: none, unless it is bound to them. */
export function wrongCores(holds: Holds, revision: Revision, capacity: NodeCapacity | undefined): readonly Wrong[] {
  const { cpu, resources } = revision;
  if (cpu === undefined) return [core('is given cores, although it shares those of its node')];
  if (holds.cpuset === undefined) return resources.cpuMillis === 0 ? [] : [core('is given no cores')];
  const cores = parseCpuset(holds.cpuset);
  if (cores === undefined) return [core(`is given the cores "${holds.cpuset}", which is no ascending list`)];
  const amounts = wrongAmounts(holds, { cores, asked: resources.cpuMillis });
  if (capacity === undefined) return amounts; // its node left git, which the eligibility rules report
  const missing = cores.filter((number) => !hasCore(capacity, number));
  const gone = missing.length === 0 ? [] : [core(`is given core ${missing.join(', ')}, which is not there`)];
  return [...amounts, ...gone, ...wrongNuma(holds, { cores, capacity, policy: cpu.numa })];
}

const core = (text: string): Wrong => ({ rule: 'cores', text });
const numa = (text: string): Wrong => ({ rule: 'numa', text });

/** Whole cores and one fragment on one more core make up what is asked for. */
function wrongAmounts(
  { cpuset, cpuFragments = {} }: Holds,
  { cores, asked }: { readonly cores: readonly number[]; readonly asked: number },
): readonly Wrong[] {
  const fragments = Object.entries(cpuFragments);
  const outside = fragments.filter(([name]) => !cores.includes(Number(name))).map(([name]) => name);
  const parts = fragments.reduce((sum, [, milli]) => sum + milli, 0);
  const given = (cores.length - fragments.length) * 1000 + parts;
  const isPart = fragments.every(([, milli]) => Number.isInteger(milli) && milli > 0 && milli < 1000);
  return [
    ...(outside.length > 0 ? [core(`has a part of core ${outside.join(', ')}, which is not in ${cpuset}`)] : []),
    ...(fragments.length > 1 || !isPart ? [core('is given parts that are not one part of one core')] : []),
    ...(given === asked ? [] : [core(`is given ${given} thousandths of cores, not ${asked}`)]),
  ];
}

/** A NUMA node that is named has all of the cores; one that is required is named. */
function wrongNuma(
  { numaNode }: Holds,
  of: {
    readonly cores: readonly number[];
    readonly capacity: NodeCapacity;
    readonly policy: 'require' | 'prefer' | 'none';
  },
): readonly Wrong[] {
  const { cores, capacity, policy } = of;
  if (numaNode === undefined) {
    return policy === 'require' ? [numa('requires one NUMA node and is given none')] : [];
  }
  if (numaMemory(capacity, numaNode) === undefined) return [numa(`is given NUMA node ${numaNode}, which is not there`)];
  const elsewhere = cores.filter((number) => numaNodeOf(capacity, number) !== numaNode);
  if (elsewhere.length === 0) return [];
  return [numa(`is given NUMA node ${numaNode} with core ${elsewhere.join(', ')}, which is not in it`)];
}

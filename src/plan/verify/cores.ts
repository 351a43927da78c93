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
  const asked = resources.cpuMillis;
  const amounts = isRightAmount(holds, cores, asked) ? nothingWrong : wrongAmounts(holds, { cores, asked });
  if (capacity === undefined) return amounts; // its node left git, which the eligibility rules report
  const gone = hasCores(capacity, cores) ? nothingWrong : [goneCores(cores, capacity)];
  const numaWrong = wrongNuma(holds, cores, { capacity, policy: cpu.numa });
  return amounts.length + gone.length + numaWrong.length === 0 ? nothingWrong : [...amounts, ...gone, ...numaWrong];
}

const core = (text: string): Wrong => ({ rule: 'cores', text });
const numa = (text: string): Wrong => ({ rule: 'numa', text });

const nothingWrong: readonly Wrong[] = [];

/** Plain loops, here and below: a plan binds a hundred thousand instances. */
function hasCores(capacity: NodeCapacity, cores: readonly number[]): boolean {
  for (let at = 0; at < cores.length; at++) if (!hasCore(capacity, cores[at] as number)) return false;
  return true;
}

const goneCores = (cores: readonly number[], capacity: NodeCapacity): Wrong =>
  core(`is given core ${cores.filter((number) => !hasCore(capacity, number)).join(', ')}, which is not there`);

/** Says the same as `wrongAmounts` being empty, without making a list. */
function isRightAmount({ cpuFragments }: Holds, cores: readonly number[], asked: number): boolean {
  let given = cores.length * 1000;
  let fragments = 0;
  for (const name in cpuFragments) {
    const milli = cpuFragments[Number(name)] as number;
    if (!cores.includes(Number(name)) || !Number.isInteger(milli) || milli <= 0 || milli >= 1000) return false;
    given += milli - 1000;
    fragments += 1;
  }
  return fragments <= 1 && given === asked;
}

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
  cores: readonly number[],
  { capacity, policy }: { readonly capacity: NodeCapacity; readonly policy: 'require' | 'prefer' | 'none' },
): readonly Wrong[] {
  if (numaNode === undefined) {
    return policy === 'require' ? [numa('requires one NUMA node and is given none')] : nothingWrong;
  }
  if (numaMemory(capacity, numaNode) === undefined) return [numa(`is given NUMA node ${numaNode}, which is not there`)];
  if (areIn(capacity, numaNode, cores)) return nothingWrong;
  const elsewhere = cores.filter((number) => numaNodeOf(capacity, number) !== numaNode);
  return [numa(`is given NUMA node ${numaNode} with core ${elsewhere.join(', ')}, which is not in it`)];
}

function areIn(capacity: NodeCapacity, numaNode: number, cores: readonly number[]): boolean {
  for (let at = 0; at < cores.length; at++) {
    if (numaNodeOf(capacity, cores[at] as number) !== numaNode) return false;
  }
  return true;
}

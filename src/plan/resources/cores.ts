import { formatCpuList, parseCpuList } from '../../model/cpu-list.ts';
import type { Holds } from '../../model/recorded.ts';
import { milliPerPiece, type Resources } from '../../model/resources.ts';
import { formatBytes, formatCores } from '../../model/units.ts';
import { type CoreAsk, chooseCores, roomForCores } from './core-choice.ts';
import { type CoreState, openCores, unknownCore } from './core-map.ts';
import { type Kept, missingMilli, type Portion, portionOf } from './portion.ts';
import { nowhere } from './portion-pick.ts';
import type { PlacedResource } from './resource.ts';

/** What an allocation is bound to. */
export interface HeldCores {
  /** Core numbers, ascending. */
  readonly whole: readonly number[];
  /** Ascending; one at the most, but for what another hand recorded. */
  readonly parts: readonly CorePart[];
  /** Only of an allocation whose cores and memory are of one NUMA node. */
  readonly memory?: { readonly numaNode: number; readonly bytes: number };
}

export interface CorePart {
  readonly core: number;
  readonly milli: number;
}

/**
 * Bound cpu: whole cores, and one part of one more core. A core has 1000 thousandths, times the node's overcommit; one
 * that is sold several times is held by several, a whole one never. The cpu of the node is counted besides, and its
 * reserve is taken off that alone: which cores the machine itself uses nobody says.
 */
export const cores: PlacedResource<CoreAsk, HeldCores, CoreState> = {
  key: 'cores',
  askOf({ cpu, resources: { cpuMillis, memoryBytes } }) {
    return cpu === undefined || cpuMillis === 0 ? undefined : { ...portionOf(cpuMillis), numa: cpu.numa, memoryBytes };
  },
  heldOf({ cpuset, cpuFragments = nothing, numaNode, memoryBytes }) {
    if (cpuset === undefined) return undefined;
    const all = parseCpuList(cpuset) ?? [];
    return {
      whole: all.filter((core) => cpuFragments[core] === undefined),
      parts: all.flatMap((core) => partOf(core, cpuFragments[core])),
      ...(numaNode !== undefined && { memory: { numaNode, bytes: memoryBytes } }),
    };
  },
  holdsOf({ whole, parts, memory }): Partial<Holds> {
    const all = [...whole, ...parts.map(({ core }) => core)].sort((a, b) => a - b);
    return {
      cpuset: formatCpuList(all),
      ...(parts.length > 0 && { cpuFragments: Object.fromEntries(parts.map(({ core, milli }) => [core, milli])) }),
      ...(memory && { numaNode: memory.numaNode }),
    };
  },
  poolOf: ({ name }) => name,
  open: openCores,
  take: (state, held) => add(state, held, -1),
  release: (state, held) => add(state, held, 1),
  choose(state, ask, { keep }) {
    const choice = chooseCores(state, ask, keep && keptIn(state, keep));
    if (choice === undefined) return undefined;
    const { numbers } = state.map;
    const { part, numaNode } = choice;
    return {
      whole: choice.whole.map((position) => numbers[position] as number).sort((a, b) => a - b),
      parts: part === nowhere ? [] : [{ core: numbers[part] as number, milli: ask.part }],
      ...(numaNode !== undefined && { memory: { numaNode, bytes: ask.memoryBytes } }),
    };
  },
  room: (state, ask, { atMost }) => roomForCores(state, ask, atMost),
  short: shortOf,
  beyond({ whole, parts, memory }, by) {
    const rest = new Map(
      [...whole.map((core) => ({ core, milli: milliPerPiece })), ...parts].map(({ core, milli }) => [core, milli]),
    );
    for (const core of by.whole) reduce(rest, core, milliPerPiece);
    for (const { core, milli } of by.parts) reduce(rest, core, milli);
    const bytes = memory === undefined ? 0 : memory.bytes - bytesOn(by, memory.numaNode);
    if (rest.size === 0 && bytes <= 0) return undefined;
    return {
      whole: [...rest.keys()].filter((core) => rest.get(core) === milliPerPiece),
      parts: [...rest].flatMap(([core, milli]) => (milli === milliPerPiece ? [] : [{ core, milli }])),
      ...(memory && bytes > 0 && { memory: { numaNode: memory.numaNode, bytes } }),
    };
  },
};

const nothing: Readonly<Record<string, number>> = {};

const partOf = (core: number, milli: number | undefined): readonly CorePart[] =>
  milli === undefined ? [] : [{ core, milli }];

function add(state: CoreState, held: HeldCores, sign: 1 | -1): void {
  addCores(state, held, { to: state.free, sign });
  const { memory } = state;
  if (held.memory === undefined || held.memory.numaNode >= memory.length) return;
  memory[held.memory.numaNode] = (memory[held.memory.numaNode] as number) + sign * held.memory.bytes;
}

/** Cores and NUMA nodes that the node does not have (any more) concern nobody. */
function addCores(
  { map }: CoreState,
  { whole, parts }: HeldCores,
  { to, sign }: { readonly to: Int32Array; readonly sign: 1 | -1 },
): void {
  for (const core of whole) addAt(to, map.positions[core], sign * milliPerPiece);
  for (const { core, milli } of parts) addAt(to, map.positions[core], sign * milli);
}

function addAt(to: Int32Array, position: number | undefined, milli: number): void {
  if (position !== undefined && position !== unknownCore) to[position] = (to[position] as number) + milli;
}

function keptIn(state: CoreState, held: HeldCores): Kept {
  const kept = new Int32Array(state.free.length);
  addCores(state, held, { to: kept, sign: 1 });
  return kept;
}

function reduce(rest: Map<number, number>, core: number, milli: number): void {
  const left = (rest.get(core) ?? 0) - milli;
  if (left > 0) rest.set(core, left);
  else rest.delete(core);
}

const bytesOn = ({ memory }: HeldCores, numaNode: number): number => (memory?.numaNode === numaNode ? memory.bytes : 0);

type Short = { readonly text: string; readonly missing: Resources };

function shortOf({ map, free, memory }: CoreState, ask: CoreAsk): Short {
  if (ask.numa === 'require' && map.numa === undefined) return { text: 'have no NUMA nodes declared', missing: {} };
  if (map.all.to === 0) return { text: 'have no known number of cores (capacity.cpu)', missing: {} };
  if (ask.whole > 0 && map.coreMilli < milliPerPiece) {
    return { text: 'have no whole core to give (overcommit.cpu is below 1)', missing: {} };
  }
  if (ask.numa !== 'require' || map.numa === undefined) {
    return { text: `have no ${wanted(ask)}`, missing: millis(missingMilli(free, map.all, ask)) };
  }
  const missing = map.numa.map((span) => missingMilli(free, span, ask));
  const text = `have no NUMA node with ${wanted(ask)}`;
  const withCores = [...memory].filter((_, node) => missing[node] === 0);
  if (withCores.length === 0) return { text, missing: millis(Math.min(...missing)) };
  const bytes = ask.memoryBytes - Math.max(0, ...withCores);
  return {
    text: `${text} and ${formatBytes(ask.memoryBytes)} of memory`,
    missing: bytes > 0 ? { memoryBytes: bytes } : {},
  };
}

/** "3 free cores", "free core and 500m of another", "core with 500m free" */
function wanted({ whole, part }: Portion): string {
  if (whole === 0) return `core with ${formatCores(part)} free`;
  const cores = whole === 1 ? 'free core' : `${whole} free cores`;
  return part === 0 ? cores : `${cores} and ${formatCores(part)} of another`;
}

const millis = (cpuMillis: number): Resources => (cpuMillis > 0 ? { cpuMillis } : {});

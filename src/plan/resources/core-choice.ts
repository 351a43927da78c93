import { milliPerPiece } from '../../model/resources.ts';
import { type CoreState, copyOf } from './core-map.ts';
import { fitOf, type Kept, keptCount, type Portion, type Span, slotsIn, wholesIn, wholesLeft } from './portion.ts';
import { type Picked, pickPortion, subtract } from './portion-pick.ts';
import { type Tally, tallyAfter, timesIn, timesOf } from './portion-room.ts';

/** What an instance asks of the cores of a node. */
export interface CoreAsk extends Portion {
  readonly numa: 'require' | 'prefer' | 'none';
  /** Only looked at where cores and memory are of one NUMA node. */
  readonly memoryBytes: number;
}

/** Positions, and the NUMA node that they and the memory are on. */
export interface CoreChoice extends Picked {
  readonly numaNode: number | undefined;
}

/**
 * Cores for one more instance. With NUMA: of the NUMA nodes that have cores and memory for all of it, the one that its
 * predecessor had most cores of, then one where its part breaks no whole core, then the tightest, then the first.
 * `prefer` is content with cores of several when there is none, and of as few as possible: the memory of such an
 * instance may be anywhere, and is charged to no NUMA node.
 */
export function chooseCores(state: CoreState, ask: CoreAsk, kept: Kept): CoreChoice | undefined {
  const { map, free } = state;
  if (ask.numa !== 'none' && map.numa !== undefined) {
    const numaNode = tightestNumaNode(state, ask, kept);
    const span = numaNode === undefined ? undefined : map.numa[numaNode];
    const picked = span && pickPortion(free, span, ask, kept);
    if (picked !== undefined) return { whole: picked.whole, part: picked.part, numaNode };
    if (ask.numa === 'prefer') return pickAcross(state, map.numa, ask, kept);
  }
  if (ask.numa === 'require') return undefined;
  const picked = pickPortion(free, map.all, ask, kept);
  return picked && { whole: picked.whole, part: picked.part, numaNode: undefined };
}

function tightestNumaNode({ map, free, memory }: CoreState, ask: CoreAsk, kept: Kept): number | undefined {
  let best: NumaRank | undefined;
  for (let node = 0; node < memory.length; node += 1) {
    const span = map.numa?.[node] as Span;
    const fit = hasMemory(memory[node] as number, ask) ? fitOf(free, span, ask) : 'no';
    if (fit === 'no') continue;
    const rank = {
      node,
      kept: keptCount(kept, span),
      broken: fit === 'breaks' ? 1 : 0,
      wholes: wholesLeft(free, span),
    };
    if (best === undefined || compareRanks(rank, best) < 0) best = rank;
  }
  return best?.node;
}

interface NumaRank {
  readonly node: number;
  readonly kept: number;
  readonly broken: number;
  readonly wholes: number;
}

const compareRanks = (a: NumaRank, b: NumaRank): number =>
  b.kept - a.kept || a.broken - b.broken || a.wholes - b.wholes || a.node - b.node;

const hasMemory = (free: number, { memoryBytes }: CoreAsk): boolean => memoryBytes === 0 || memoryBytes <= free;

/** Cores of several NUMA nodes, of as few as possible: the tightest that has all that is still missing, else the one with most. */
function pickAcross({ map, free }: CoreState, numa: readonly Span[], ask: CoreAsk, kept: Kept): CoreChoice | undefined {
  const picked = pickPortion(free, map.all, ask, kept);
  if (picked === undefined) return undefined;
  const whole = picked.whole.filter((core) => (kept?.[core] ?? 0) > 0);
  // Cores that may still be picked, whole: one of them is one, all else is nothing.
  const left = free.map((amount, core) =>
    amount >= milliPerPiece && core !== picked.part && !whole.includes(core) ? milliPerPiece : 0,
  );
  while (whole.length < ask.whole) {
    const missing = ask.whole - whole.length;
    const span = nextSpan(numa, { left, missing });
    const count = Math.min(missing, wholesIn(left, span));
    const more = pickPortion(left, span, { whole: count, part: 0 }, undefined);
    for (const core of more?.whole ?? []) {
      whole.push(core);
      left[core] = 0;
    }
  }
  return { whole, part: picked.part, numaNode: undefined };
}

function nextSpan(
  numa: readonly Span[],
  { left, missing }: { readonly left: Int32Array; readonly missing: number },
): Span {
  const spans = numa.map((span) => ({ span, wholes: wholesIn(left, span) }));
  const ample = spans.filter(({ wholes }) => wholes >= missing).sort((a, b) => a.wholes - b.wholes);
  const [best] = ample.length > 0 ? ample : spans.sort((a, b) => b.wholes - a.wholes);
  return best?.span ?? { from: 0, to: 0 };
}

/** How many more instances fit, as `chooseCores` would place them. */
export function roomForCores(state: CoreState, ask: CoreAsk, atMost: number): number {
  const { map, free } = state;
  if (ask.numa === 'none' || map.numa === undefined) {
    return ask.numa === 'require' ? 0 : timesIn(free, map.all, ask, atMost);
  }
  // One core is always of one NUMA node, and memory that is short there does not keep `prefer` off.
  if (ask.numa === 'prefer' && cpusOf(ask) === 1) return timesIn(free, map.all, ask, atMost);
  if (ask.numa === 'prefer' && map.coreMilli > milliPerPiece) return roomTried(state, ask, atMost);
  let room = 0;
  const left = { wholes: 0, slots: 0 };
  for (const [node, span] of map.numa.entries()) {
    const here = Math.min(timesIn(free, span, ask, atMost), memoryTimes(state.memory[node] as number, ask));
    room += here;
    if (ask.numa === 'require') continue;
    const { wholes, slots } = tallyAfter(tallyOf(state, span, ask), ask, here);
    left.wholes += wholes;
    left.slots += slots;
  }
  // What no single NUMA node has room for may still fit across several.
  return Math.min(atMost, ask.numa === 'require' ? room : room + timesOf(left, ask));
}

const cpusOf = ({ whole, part }: CoreAsk): number => whole + (part > 0 ? 1 : 0);

const memoryTimes = (free: number, { memoryBytes }: CoreAsk): number =>
  memoryBytes === 0 ? Number.POSITIVE_INFINITY : Math.max(0, Math.floor(free / memoryBytes));

const tallyOf = ({ free }: CoreState, span: Span, { part }: CoreAsk): Tally => ({
  wholes: wholesIn(free, span),
  slots: slotsIn(free, span, part),
});

function roomTried(state: CoreState, ask: CoreAsk, atMost: number): number {
  const trial = copyOf(state);
  let room = 0;
  for (; room < atMost; room += 1) {
    const choice = chooseCores(trial, ask, undefined);
    if (choice === undefined) break;
    subtract(trial.free, choice, ask);
    if (choice.numaNode !== undefined) {
      trial.memory[choice.numaNode] = (trial.memory[choice.numaNode] as number) - ask.memoryBytes;
    }
  }
  return room;
}

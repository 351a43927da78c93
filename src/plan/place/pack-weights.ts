import { baseDimensions, milliPerPiece } from '../../model/resources.ts';
import type { Ledger } from '../ledger.ts';
import type { Demand } from './pack-demand.ts';
import { type NodeFree, usableBy } from './pack-usable.ts';

/** Weights of a demand add up to about this much before scarcity: sums of weight × thousandths stay below 2^53. */
const weightSum = 2 ** 20;
/** A class that next to nothing is fit for counts so many times as much, and not more. */
const mostScarcity = 1000;

/**
 * What each class counts, as positive integers: how many instances git wants of it, times what one is worth, times how
 * scarce that is which it can use. A class that few nodes are fit for, or few models, has nowhere else to go; by number
 * alone the others would take these places first.
 */
export function weightsOf(
  demand: Demand,
  ledger: Pick<Ledger, 'width' | 'nodes' | 'capacity' | 'largest'>,
): Float64Array {
  const shapes = shapesOf(demand, ledger);
  const total = demand.instances.reduce((sum, instances) => sum + instances, 0);
  return Float64Array.from(demand.instances, (instances, index) => {
    const milli = milliOf(demand, index);
    const size = sizeOf(demand, index, ledger.largest);
    const worth = milli > 0 ? 1000 / Math.sqrt(milli) : Math.sqrt(size * 1000);
    const scarcity = scarcityOf(demand, index, { shapes, perUse: milli > 0 ? 1 : size });
    return Math.max(1, Math.round((weightSum * instances * worth * scarcity) / total));
  });
}

/**
 * Of devices, an amount is worth the less the larger the asks are that could use it: by number alone, few asks for eight
 * pieces would outweigh many for a part of one. Of what asks for no device, an instance is worth its size, and small
 * change beside a device.
 */
function milliOf({ firstAsk, whole, part }: Demand, index: number): number {
  let milli = 0;
  for (let ask = firstAsk[index] as number; ask < (firstAsk[index + 1] as number); ask += 1)
    milli += (whole[ask] as number) * milliPerPiece + (part[ask] as number);
  return milli;
}

/** Of the largest node, in the dimension in which it is largest. */
function sizeOf({ counted }: Demand, index: number, largest: ArrayLike<number>): number {
  let share = 0;
  for (let d = 0; d < baseDimensions.length; d += 1) {
    const most = largest[d] as number;
    if (most > 0) share = Math.max(share, (counted[index * baseDimensions.length + d] as number) / most);
  }
  return Math.min(1, share);
}

/** Empty nodes that have the same, and how many there are. */
interface Shape {
  readonly free: NodeFree;
  nodes: number;
}

/** What there is, over what of it the class could use if it was alone: 1 where that is all. */
function scarcityOf(
  demand: Demand,
  index: number,
  { shapes, perUse }: { readonly shapes: readonly Shape[]; readonly perUse: number },
): number {
  const isCounted = demand.firstAsk[index] === demand.firstAsk[index + 1];
  let there = 0;
  let usable = 0;
  for (const { free, nodes } of shapes) {
    there += nodes * (isCounted ? 1 : 2 * free.devices.free.reduce((sum, milli) => sum + milli, 0));
    usable += nodes * perUse * usableBy(demand, index, free);
  }
  return usable === 0 ? mostScarcity : Math.min(mostScarcity, Math.max(1, there / usable));
}

function shapesOf(
  { kinds }: Demand,
  { width, nodes, capacity }: Pick<Ledger, 'width' | 'nodes' | 'capacity'>,
): readonly Shape[] {
  const shapes = new Map<string, Shape>();
  for (let node = 0; node < nodes; node += 1) {
    const row = capacity.subarray(node * width, (node + 1) * width);
    const key = row.join();
    const known = shapes.get(key);
    if (known === undefined) shapes.set(key, { free: emptyNode(row, kinds), nodes: 1 });
    else known.nodes += 1;
  }
  return [...shapes.values()];
}

function emptyNode(row: Float64Array, kinds: readonly string[]): NodeFree {
  const had = [...kinds.keys()].filter((kind) => (row[baseDimensions.length + kind] as number) > 0);
  const free: number[] = [];
  const spans = had.map((kind) => {
    const from = free.length;
    for (let left = row[baseDimensions.length + kind] as number; left > 0; left -= milliPerPiece)
      free.push(Math.min(left, milliPerPiece));
    return { from, to: free.length };
  });
  return {
    counted: row.slice(0, baseDimensions.length),
    devices: { kinds: had.map((kind) => kinds[kind] as string), spans, free: Int32Array.from(free) },
    kinds: had,
  };
}

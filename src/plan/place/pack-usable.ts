import { baseDimensions, milliPerPiece } from '../../model/resources.ts';
import type { DeviceState } from '../resources/device-state.ts';
import type { Span } from '../resources/portion.ts';
import type { Demand } from './pack-demand.ts';

/** What a node has free. */
export interface NodeFree {
  /** In the base dimensions; infinite where nobody knows the capacity. */
  readonly counted: Float64Array;
  readonly devices: DeviceState;
  /** The kinds of its devices, by their index in the demand. */
  readonly kinds: readonly number[];
}

/** Rooms beyond this are alike. */
const mostRooms = 4096;

/** What the classes of the demand could use of what is free, by weight: an integer. */
export function usableOf(demand: Demand, weights: Float64Array, free: NodeFree): number {
  let sum = 0;
  for (let index = 0; index < demand.size; index += 1)
    sum += (weights[index] as number) * usableBy(demand, index, free);
  return sum;
}

/**
 * What one class could use of what is free: thousandths of devices, twice, or instances where it asks for none. Two
 * answers are added up, since the truth lies between them. The hopeful one is that of FGD: a class that fits at all can
 * use every piece that it fits into. The sober one is what instances of that class alone would fill: they run out of cpu
 * and memory, too, and stop at whole instances.
 */
export function usableBy(demand: Demand, index: number, free: NodeFree): number {
  const rooms = roomsOf(demand, index, free.counted);
  if (rooms === 0) return 0;
  const first = demand.firstAsk[index] as number;
  const end = demand.firstAsk[index + 1] as number;
  return first === end ? rooms : usableDevices(demand, { first, end, rooms }, free);
}

/** How many instances of a class cpu, memory and the like have room for. */
function roomsOf(demand: Demand, index: number, counted: Float64Array): number {
  const width = baseDimensions.length;
  let rooms = mostRooms;
  for (let d = 0; d < width; d += 1) {
    const amount = demand.counted[index * width + d] as number;
    if (amount === 0) continue;
    const left = counted[d] as number;
    if (left < amount) return 0;
    const here = Math.floor(left / amount);
    if (here < rooms) rooms = here;
  }
  return rooms;
}

interface Asks {
  readonly first: number;
  readonly end: number;
  /** For so many instances there is cpu and memory. */
  readonly rooms: number;
}

function usableDevices(demand: Demand, { first, end, rooms }: Asks, free: NodeFree): number {
  let times = rooms;
  let hopeful = 0;
  let milli = 0;
  for (let ask = first; ask < end; ask += 1) {
    const whole = demand.whole[ask] as number;
    const part = demand.part[ask] as number;
    let here = 0;
    for (let index = 0; index < free.kinds.length; index += 1) {
      if (demand.accepts[ask * demand.kinds.length + (free.kinds[index] as number)] === 0) continue;
      const span = free.devices.spans[index] as Span;
      for (let piece = span.from, wholes = 0; piece < span.to; piece += 1) {
        const amount = free.devices.free[piece] as number;
        if (whole > 0) {
          if (amount < milliPerPiece) continue;
          wholes += 1;
          // All of one model, so pieces count from the ones that make up a portion.
          if (wholes === whole) hopeful += whole * milliPerPiece;
          else if (wholes > whole) hopeful += milliPerPiece;
          if (wholes % whole === 0) here += 1;
        } else if (amount >= part) {
          hopeful += amount;
          here += Math.floor(amount / part);
        }
      }
    }
    if (here === 0) return 0;
    if (here < times) times = here;
    milli += whole * milliPerPiece + part;
  }
  return hopeful + times * milli;
}

import type { DesiredNode } from '../../model/desired.ts';
import type { HeldVolume } from '../../model/recorded.ts';

/** Bytes, reads a second, writes a second, bytes read a second, bytes written a second. */
export type Amounts = readonly [bytes: number, ...rates: [number, number, number, number]];

const noAmounts: Amounts = [0, 0, 0, 0, 0];
export const columns = 5;

/** What the disks of a node have left. */
export interface Disks {
  /** Devices, sorted. */
  readonly names: readonly string[];
  readonly indexOf: ReadonlyMap<string, number>;
  readonly sizes: readonly number[];
  /** By disk and column of `Amounts`. Infinity where a rate is not limited; below zero where more is held than there is. */
  readonly free: Float64Array;
  /** Volumes on each disk. */
  readonly users: Int32Array;
  /** Of these, the exclusive ones. */
  readonly owners: Int32Array;
}

export function openDisks({ disks = [] }: Pick<DesiredNode, 'disks'>): Disks {
  const sorted = [...disks].sort((a, b) => (a.device < b.device ? -1 : a.device > b.device ? 1 : 0));
  const unlimited = Number.POSITIVE_INFINITY;
  return {
    names: sorted.map(({ device }) => device),
    indexOf: new Map(sorted.map(({ device }, index) => [device, index])),
    sizes: sorted.map(({ sizeBytes }) => sizeBytes),
    free: Float64Array.from(
      sorted.flatMap(({ sizeBytes, readIops, writeIops, readBps, writeBps }) => [
        sizeBytes,
        ...[readIops, writeIops, readBps, writeBps].map((rate) => rate ?? unlimited),
      ]),
    ),
    users: new Int32Array(sorted.length),
    owners: new Int32Array(sorted.length),
  };
}

/** What is charged to one disk at once. */
export interface Charge {
  readonly amounts: Amounts;
  readonly users: number;
  readonly owners: number;
}

/** Charges a disk so many times; as often below zero gives it back. */
export function charge({ free, users, owners }: Disks, disk: number, what: Charge, times: number): void {
  for (let column = 0; column < columns; column += 1) {
    const place = disk * columns + column;
    free[place] = (free[place] as number) - (what.amounts[column] as number) * times;
  }
  users[disk] = (users[disk] as number) + what.users * times;
  owners[disk] = (owners[disk] as number) + what.owners * times;
}

/** Charges volumes where they are; one on a device that the node does not have any more concerns nobody. */
export function chargeHeld(disks: Disks, held: readonly HeldVolume[], times: 1 | -1): void {
  for (const volume of held) {
    const disk = disks.indexOf.get(volume.device);
    if (disk === undefined) continue;
    charge(disks, disk, { amounts: amountsOf(volume), users: 1, owners: volume.exclusive === true ? 1 : 0 }, times);
  }
}

export const amountsOf = ({ bytes, readIops = 0, writeIops = 0, readBps = 0, writeBps = 0 }: HeldVolume): Amounts => [
  bytes,
  readIops,
  writeIops,
  readBps,
  writeBps,
];

export const sumOf = (all: readonly Amounts[]): Amounts =>
  all.reduce((a, b) => inEach(a, b, (x, y) => x + y), noAmounts);

/** By how much the first is more than the second. */
export const moreOf = (a: Amounts, b: Amounts): Amounts => inEach(a, b, (x, y) => Math.max(0, x - y));

const inEach = (a: Amounts, b: Amounts, of: (x: number, y: number) => number): Amounts => [
  of(a[0], b[0]),
  of(a[1], b[1]),
  of(a[2], b[2]),
  of(a[3], b[3]),
  of(a[4], b[4]),
];

export const freeOf = ({ free }: Disks, disk: number, column: number): number =>
  free[disk * columns + column] as number;

/** How many times the amounts fit into what is left; what is not asked for cannot be short. */
export function timesFree(disks: Disks, disk: number, amounts: Amounts): number {
  let times = Number.POSITIVE_INFINITY;
  for (let column = 0; column < columns; column += 1) {
    const amount = amounts[column] as number;
    if (amount > 0) times = Math.min(times, Math.floor(freeOf(disks, disk, column) / amount));
  }
  return Math.max(0, times);
}

import type { HeldVolume } from '../../model/recorded.ts';
import { type Charge, charge, columns, type Disks, freeOf, timesFree } from './disks.ts';
import { type Piece, sharesOf, type VolumeAsk } from './volume-ask.ts';

/**
 * A disk for each piece, by position; undefined: there is none. The first try is best-fit-decreasing: the largest piece
 * first, each on the tightest disk that is used already, else on the tightest that is not. Where that leads nowhere the
 * other disks are tried in the same order, so a place is found whenever there is one, up to a bound that only many disks
 * and many volumes reach. The disks are left as they were. `own` is what is charged to them of the predecessor.
 */
export function assign(disks: Disks, ask: VolumeAsk, own: Own = nothing): readonly number[] | undefined {
  const spares = ask.some(({ kind }) => kind === 'exclusive');
  const search: Search = { disks, ask, own, at: [], tries: 0, spares };
  const found = place(search, 0) ? [...search.at] : undefined;
  while (search.at.length > 0) putBack(search);
  return found;
}

/** A predecessor's volumes by disk, and the exclusive ones of them. */
export interface Own {
  readonly users: ReadonlyMap<number, number>;
  readonly owners: ReadonlyMap<number, number>;
}

const nothing: Own = { users: new Map(), owners: new Map() };

export function ownOf({ indexOf }: Disks, held: readonly HeldVolume[]): Own {
  const users = new Map<number, number>();
  const owners = new Map<number, number>();
  for (const { device, exclusive } of held) {
    const disk = indexOf.get(device);
    if (disk === undefined) continue;
    users.set(disk, (users.get(disk) ?? 0) + 1);
    if (exclusive) owners.set(disk, (owners.get(disk) ?? 0) + 1);
  }
  return { users, owners };
}

/** Tries before a place is taken for not to be had: under a millisecond. Twelve volumes that fill six disks take fewer. */
const mostTries = 2000;

interface Search {
  readonly disks: Disks;
  readonly ask: VolumeAsk;
  readonly own: Own;
  /** Disks so far. */
  readonly at: number[];
  tries: number;
  /** An instance with exclusive volumes leaves unused disks to its siblings where it can. */
  readonly spares: boolean;
}

function place(search: Search, index: number): boolean {
  const { disks, ask, own } = search;
  const piece = ask[index];
  if (piece === undefined) return true;
  if (bytesFrom(ask, index) > freeBytes(disks, own)) return false;
  let disk = next(search, piece, nowhere);
  for (; disk !== nowhere && search.tries < mostTries; disk = next(search, piece, disk)) {
    search.tries += 1;
    put(search, disk);
    if (place(search, index + 1)) return true;
    putBack(search);
  }
  return false;
}

const nowhere = -1;

/** What the ordinary volumes from here on need. */
function bytesFrom(ask: VolumeAsk, index: number): number {
  let bytes = 0;
  for (let at = index; at < ask.length; at += 1) {
    const { kind, amounts, kept } = ask[at] as Piece;
    if (kind === 'ordinary') bytes += (kept?.added ?? amounts)[0];
  }
  return bytes;
}

function freeBytes(disks: Disks, own: Own): number {
  let bytes = 0;
  for (let disk = 0; disk < disks.sizes.length; disk += 1) {
    if (disks.owners[disk] === (own.owners.get(disk) ?? 0)) bytes += Math.max(0, freeOf(disks, disk, 0));
  }
  return bytes;
}

/** The best disk for the piece after `last`, which did not do; nor will one that is like it in every respect. */
function next(search: Search, piece: Piece, last: number): number {
  const { disks } = search;
  let best = nowhere;
  for (let disk = 0; disk < disks.sizes.length; disk += 1) {
    if (last !== nowhere && (!isBefore(search, piece, { first: last, second: disk }) || isLike(disks, last, disk)))
      continue;
    if (best !== nowhere && !isBefore(search, piece, { first: disk, second: best })) continue;
    if (fits(disks, piece, disk, search.own)) best = disk;
  }
  return best;
}

export function fits(disks: Disks, piece: Piece, disk: number, own: Own = nothing): boolean {
  const { devices, kind, amounts } = piece;
  if (devices.length > 1 || (devices.length === 1 && devices[0] !== disks.names[disk])) return false;
  if (!isOpen(disks, piece, disk, own)) return false;
  if (kind === 'exclusive' && amounts[0] > (disks.sizes[disk] as number)) return false;
  return timesFree(disks, disk, chargeOf(disks, piece, disk, own).amounts) >= 1;
}

/** Nobody else is on the disk, where it has to be whole; nobody else has it whole, otherwise. */
export const isOpen = ({ users, owners }: Disks, { kind }: Piece, disk: number, own: Own = nothing): boolean =>
  kind === 'exclusive' ? users[disk] === (own.users.get(disk) ?? 0) : owners[disk] === (own.owners.get(disk) ?? 0);

/** Used disks first, then the tightest; without a size the roomiest. */
function isBefore(
  { disks, spares }: Search,
  { kind }: Piece,
  { first, second }: { readonly first: number; readonly second: number },
): boolean {
  if (kind !== 'unlimited' || spares) {
    const [used, other] = [isUsed(disks, first), isUsed(disks, second)];
    if (used !== other) return used;
  }
  const difference = freeOf(disks, first, 0) - freeOf(disks, second, 0);
  if (difference === 0) return first < second;
  return kind === 'unlimited' ? difference > 0 : difference < 0;
}

const isUsed = ({ users }: Disks, disk: number): boolean => (users[disk] as number) > 0;

function isLike(disks: Disks, a: number, b: number): boolean {
  if (disks.sizes[a] !== disks.sizes[b] || isUsed(disks, a) !== isUsed(disks, b)) return false;
  for (let column = 0; column < columns; column += 1) {
    if (freeOf(disks, a, column) !== freeOf(disks, b, column)) return false;
  }
  return true;
}

function put({ disks, ask, at, own }: Search, disk: number): void {
  charge(disks, disk, chargeOf(disks, ask[at.length] as Piece, disk, own), 1);
  at.push(disk);
}

function putBack({ disks, ask, at, own }: Search): void {
  const disk = at.pop() as number;
  charge(disks, disk, chargeOf(disks, ask[at.length] as Piece, disk, own), -1);
}

/** What a piece adds to a disk. */
export function chargeOf({ sizes }: Disks, piece: Piece, disk: number, own: Own = nothing): Charge {
  const { kind, volumes, kept, amounts } = piece;
  const added = kept?.added ?? amounts;
  if (kind !== 'exclusive') return { amounts: added, users: volumes.length, owners: 0 };
  const [, ...rates] = added;
  const bytes = own.owners.has(disk) ? 0 : bytesOfWhole(sizes[disk] as number, piece);
  return { amounts: [bytes, ...rates], users: volumes.length, owners: volumes.length };
}

/** All of a disk, beside what is there of the same volumes: one whose share is less than what it has keeps both. */
function bytesOfWhole(size: number, { volumes, kept }: Piece): number {
  if (kept === undefined) return size;
  return sharesOf(size, volumes).reduce((sum, share, index) => sum + Math.max(0, share - (kept.bytes[index] ?? 0)), 0);
}

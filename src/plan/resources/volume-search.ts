import { type Charge, charge, columns, type Disks, freeOf, timesFree } from './disks.ts';
import type { Piece, VolumeAsk } from './volume-ask.ts';

/**
 * A disk for each piece, by position; undefined: there is none. The first try is best-fit-decreasing: the largest piece
 * first, each on the tightest disk that is used already, else on the tightest that is not. Where that leads nowhere the
 * other disks are tried in the same order, so a place is found whenever there is one, up to a bound that only many disks
 * and many volumes reach. The disks are left as they were.
 */
export function assign(disks: Disks, ask: VolumeAsk): readonly number[] | undefined {
  const bound = boundDisks(disks, ask);
  if (bound === undefined || !boundFit(disks, ask, bound)) return undefined;
  const search: Search = { disks, ask, at: [], tries: 0, spares: ask.some(({ kind }) => kind === 'exclusive') };
  for (const disk of bound) put(search, disk);
  const found = place(search, bound.length) ? [...search.at] : undefined;
  while (search.at.length > 0) putBack(search);
  return found;
}

/** Tries before a place is taken for not to be had: a millisecond. Eight volumes on eight unlike disks stay far below. */
const mostTries = 10_000;

interface Search {
  readonly disks: Disks;
  readonly ask: VolumeAsk;
  /** Disks so far. */
  readonly at: number[];
  tries: number;
  /** An instance with exclusive volumes leaves unused disks to its siblings where it can. */
  readonly spares: boolean;
}

/** The disks of the pieces that have no choice, which come first. */
function boundDisks({ indexOf }: Disks, ask: VolumeAsk): readonly number[] | undefined {
  const bound: number[] = [];
  for (const { devices } of ask) {
    if (devices.length === 0) break;
    const disk = devices.length === 1 ? indexOf.get(devices[0] as string) : undefined;
    if (disk === undefined) return undefined;
    bound.push(disk);
  }
  return bound;
}

/**
 * What has to be on a disk fits if it is free, or if it is no more than what is there of the same volumes: a disk that
 * was declared smaller than what it holds does not keep an instance from being replaced by its like.
 */
function boundFit(disks: Disks, ask: VolumeAsk, bound: readonly number[]): boolean {
  return bound.every((disk, index) => {
    const piece = ask[index] as Piece;
    const here = ask.filter((_, other) => bound[other] === disk);
    const isShared = here.length > 1 && here.some(({ kind }) => kind === 'exclusive');
    const isTooLarge = piece.kind === 'exclusive' && piece.amounts[0] > (disks.sizes[disk] as number);
    if (isShared || isTooLarge || !isOpen(disks, piece, disk)) return false;
    for (let column = 0; column < columns; column += 1) {
      const asked = here.reduce((sum, { amounts }) => sum + (amounts[column] as number), 0);
      const kept = here.reduce((sum, other) => sum + (other.kept?.[column] ?? 0), 0);
      if (asked > Math.max(freeOf(disks, disk, column), kept)) return false;
    }
    return true;
  });
}

function place(search: Search, index: number): boolean {
  const { disks, ask } = search;
  const piece = ask[index];
  if (piece === undefined) return true;
  if (bytesFrom(ask, index) > freeBytes(disks)) return false;
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

function bytesFrom(ask: VolumeAsk, index: number): number {
  let bytes = 0;
  for (let at = index; at < ask.length; at += 1) bytes += (ask[at] as Piece).amounts[0];
  return bytes;
}

function freeBytes(disks: Disks): number {
  let bytes = 0;
  for (let disk = 0; disk < disks.sizes.length; disk += 1) {
    if (disks.owners[disk] === 0) bytes += Math.max(0, freeOf(disks, disk, 0));
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
    if (isOpen(disks, piece, disk) && timesFree(disks, disk, piece.amounts) >= 1) best = disk;
  }
  return best;
}

/** Nobody else is on the disk, where it has to be whole; nobody else has it whole, otherwise. */
export const isOpen = ({ users, owners }: Disks, { kind }: Piece, disk: number): boolean =>
  (kind === 'exclusive' ? users[disk] : owners[disk]) === 0;

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

function put({ disks, ask, at }: Search, disk: number): void {
  charge(disks, disk, chargeOf(disks, ask[at.length] as Piece, disk), 1);
  at.push(disk);
}

function putBack({ disks, ask, at }: Search): void {
  const disk = at.pop() as number;
  charge(disks, disk, chargeOf(disks, ask[at.length] as Piece, disk), -1);
}

/** Exclusive volumes take all of the disk's bytes. */
export function chargeOf({ sizes }: Disks, { kind, volumes, amounts }: Piece, disk: number): Charge {
  if (kind !== 'exclusive') return { amounts, users: volumes.length, owners: 0 };
  const [, ...rates] = amounts;
  return { amounts: [sizes[disk] as number, ...rates], users: volumes.length, owners: volumes.length };
}

import type { HeldVolume } from '../../model/recorded.ts';
import type { Revision, RevisionVolume } from '../../model/revision.ts';
import { type Amounts, amountsOf, moreOf, sumOf } from './disks.ts';
import { shares } from './shares.ts';

/** The volumes of an instance that are placed on disks of its node, in the order in which a place is looked for. */
export type VolumeAsk = readonly Piece[];

/** What has to be on one disk: a volume, or all exclusive ones of the instance together. */
export interface Piece {
  /** `unlimited`: a volume without a size, which is charged nothing */
  readonly kind: 'ordinary' | 'exclusive' | 'unlimited';
  /** Sorted by name. */
  readonly volumes: readonly AskedVolume[];
  /** Of all its volumes. */
  readonly amounts: Amounts;
  /** Devices that it has to be on: none means any, and more than one cannot be. */
  readonly devices: readonly string[];
  /** What of it is there already, its predecessor's. */
  readonly kept?: Kept;
}

export interface Kept {
  /** Of each volume of the piece; 0 for a new one. */
  readonly bytes: readonly number[];
  /** What the volumes ask for beyond that. */
  readonly added: Amounts;
}

export interface AskedVolume {
  readonly name: string;
  readonly amounts: Amounts;
  readonly device?: string;
}

export function volumeAskOf({ volumes = [] }: Revision): VolumeAsk | undefined {
  const placed = volumes.flatMap((volume) => {
    const asked = askedOf(volume);
    return asked === undefined ? [] : [{ volume, asked }];
  });
  if (placed.length === 0) return undefined;
  const alone = placed.filter(({ volume }) => !volume.exclusive);
  const together = placed.filter(({ volume }) => volume.exclusive).map(({ asked }) => asked);
  const pieces = alone.map(({ asked }) => pieceOf(asked.amounts[0] > 0 ? 'ordinary' : 'unlimited', [asked]));
  return sorted([...pieces, ...(together.length > 0 ? [pieceOf('exclusive', together)] : [])]);
}

/** Undefined for what is not on a disk that is charged: directories of the node, and the network's. */
function askedOf({ name, source, sizeBytes, ...volume }: RevisionVolume): AskedVolume | undefined {
  if (source.kind === 'host' || source.kind === 'network') return undefined;
  const amounts: Amounts = [sizeBytes, volume.readIops, volume.writeIops, volume.readBps, volume.writeBps];
  return { name, amounts, ...(source.kind === 'device' && { device: source.device }) };
}

function pieceOf(kind: Piece['kind'], volumes: readonly AskedVolume[]): Piece {
  const devices = volumes.flatMap(({ device }) => (device === undefined ? [] : [device]));
  return { kind, volumes, amounts: sumOf(volumes.map(({ amounts }) => amounts)), devices: [...new Set(devices)] };
}

/** The hardest to place first: what has no choice, a whole disk, then by size. Volumes without one take what is left. */
const sorted = (pieces: readonly Piece[]): VolumeAsk =>
  [...pieces].sort((a, b) => rankOf(a) - rankOf(b) || moreFirst(a.amounts, b.amounts) || byName(a, b));

const rankOf = ({ kind, devices }: Piece): number =>
  devices.length > 0 ? 0 : kind === 'exclusive' ? 1 : kind === 'ordinary' ? 2 : 3;

function moreFirst(a: Amounts, b: Amounts): number {
  const column = a.findIndex((amount, index) => amount !== b[index]);
  return column < 0 ? 0 : (b[column] as number) - (a[column] as number);
}

const byName = (a: Piece, b: Piece): number => ((a.volumes[0]?.name ?? '') < (b.volumes[0]?.name ?? '') ? -1 : 1);

/** The same ask, where volumes that a predecessor has stay on their devices: the data is there. */
export function keeping(ask: VolumeAsk, held: readonly HeldVolume[]): VolumeAsk {
  const known = new Map(held.map((volume) => [volume.name, volume]));
  return sorted(ask.map((piece) => keepingPiece(piece, known)));
}

function keepingPiece(piece: Piece, known: ReadonlyMap<string, HeldVolume>): Piece {
  const before = piece.volumes.map((volume) => staysOf(volume, known));
  const stays = before.flatMap((volume) => (volume === undefined ? [] : [volume]));
  if (stays.length === 0) return piece;
  const added = piece.volumes.map(({ amounts }, index) => {
    const kept = before[index];
    return kept === undefined ? amounts : moreOf(amounts, amountsOf(kept));
  });
  return {
    ...piece,
    devices: [...new Set([...piece.devices, ...stays.map(({ device }) => device)])],
    kept: { bytes: before.map((volume) => volume?.bytes ?? 0), added: sumOf(added) },
  };
}

/** Undefined for a new volume, and for one that is asked for on another device by name. */
function staysOf({ name, device }: AskedVolume, held: ReadonlyMap<string, HeldVolume>): HeldVolume | undefined {
  const before = held.get(name);
  return device === undefined || before?.device === device ? before : undefined;
}

/** How exclusive volumes share a disk. */
export const sharesOf = (sizeBytes: number, volumes: readonly AskedVolume[]): readonly number[] =>
  shares(
    sizeBytes,
    volumes.map(({ amounts }) => amounts[0]),
  );

import type { HeldVolume } from '../../model/recorded.ts';
import {
  type Amounts,
  amountsOf,
  charge,
  chargeHeld,
  type Disks,
  moreOf,
  openDisks,
  sumOf,
  timesFree,
} from './disks.ts';
import type { PlacedResource } from './resource.ts';
import { type AskedVolume, keeping, type Piece, sharesOf, type VolumeAsk, volumeAskOf } from './volume-ask.ts';
import { assign, chargeOf, ownOf } from './volume-search.ts';
import { shortText } from './volume-short.ts';

export type HeldVolumes = readonly HeldVolume[];

/**
 * Volumes on the disks of a node, all of an instance placed together. A successor's volume stays where its predecessor's
 * is, since the data is there, or there is no room; what is new goes anywhere.
 */
export const volumes: PlacedResource<VolumeAsk, HeldVolumes, Disks> = {
  key: 'volumes',
  askOf: volumeAskOf,
  heldOf: ({ volumes: held }) => (held === undefined || held.length === 0 ? undefined : held),
  holdsOf: (held) => ({ volumes: held }),
  poolOf: ({ name }) => name,
  open: ({ definition }) => openDisks(definition ?? {}),
  take: (disks, held) => chargeHeld(disks, held, 1),
  release: (disks, held) => chargeHeld(disks, held, -1),
  choose(disks, ask, { keep }) {
    if (keep === undefined) return heldOn(disks, ask, assign(disks, ask));
    const pieces = keeping(ask, keep);
    // What the predecessor has stays there until the plan is done, also what is dropped or shrinks: both have to fit.
    chargeHeld(disks, keep, 1);
    const at = assign(disks, pieces, ownOf(disks, keep));
    chargeHeld(disks, keep, -1);
    return heldOn(disks, pieces, at);
  },
  room,
  short(disks, ask, _, keep) {
    if (keep === undefined) return { text: shortText(disks, ask), missing: {} };
    chargeHeld(disks, keep, 1);
    const text = shortText(disks, keeping(ask, keep), ownOf(disks, keep));
    chargeHeld(disks, keep, -1);
    return { text, missing: {} };
  },
  beyond,
};

/** What an instance holds whose pieces are on these disks, sorted by name. */
function heldOn({ names, sizes }: Disks, ask: VolumeAsk, at: readonly number[] | undefined): HeldVolumes | undefined {
  if (at === undefined) return undefined;
  return ask
    .flatMap((piece, index) => {
      const disk = at[index] as number;
      const device = names[disk] as string;
      const { volumes: asked, kind } = piece;
      if (kind !== 'exclusive') return asked.map((volume) => heldOf(volume, device, { bytes: volume.amounts[0] }));
      const bytes = sharesOf(sizes[disk] as number, asked);
      return asked.map((volume, i) => heldOf(volume, device, { bytes: bytes[i] as number, exclusive: true }));
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function heldOf(
  { name, amounts }: AskedVolume,
  device: string,
  of: { readonly bytes: number; readonly exclusive?: true },
): HeldVolume {
  const [, readIops, writeIops, readBps, writeBps] = amounts;
  return { name, device, ...of, ...ratesOf([0, readIops, writeIops, readBps, writeBps]) };
}

/** Rates that are not reserved are absent. */
const ratesOf = ([, readIops, writeIops, readBps, writeBps]: Amounts): Partial<HeldVolume> => ({
  ...(readIops > 0 && { readIops }),
  ...(writeIops > 0 && { writeIops }),
  ...(readBps > 0 && { readBps }),
  ...(writeBps > 0 && { writeBps }),
});

/** Places one instance after the other, all at once where they go to the same disk, and takes them back. */
function room(disks: Disks, asked: VolumeAsk, { atMost }: { readonly atMost: number }): number {
  const ask = decisive(asked);
  const placed: { readonly at: readonly number[]; readonly times: number }[] = [];
  let count = 0;
  while (count < atMost) {
    const at = assign(disks, ask);
    if (at === undefined) break;
    const times = Math.min(atMost - count, timesSame(disks, ask, at));
    chargeAll(disks, ask, { at, times });
    placed.push({ at, times });
    count += times;
  }
  for (const { at, times } of placed) chargeAll(disks, ask, { at, times: -times });
  return count;
}

/**
 * What decides how many fit. A volume that nothing is charged for finds a place wherever another one does: beside a
 * single other one, whose disks are used up in any order, it changes nothing.
 */
function decisive(ask: VolumeAsk): VolumeAsk {
  const others = ask.filter(
    ({ kind, devices, amounts }) => kind !== 'unlimited' || devices.length > 0 || amounts.some((amount) => amount > 0),
  );
  return others.length === 1 && others[0]?.kind === 'ordinary' ? others : ask;
}

function chargeAll(
  disks: Disks,
  ask: VolumeAsk,
  { at, times }: { readonly at: readonly number[]; readonly times: number },
): void {
  for (const [index, disk] of at.entries()) charge(disks, disk, chargeOf(disks, ask[index] as Piece, disk), times);
}

/**
 * How many instances in a row are certain to go where this one does. When all of it is on one disk, that disk only gets
 * tighter, and so stays the first choice as long as all of it fits. One without a size goes to the roomiest disk, which
 * may become another as soon as anything is charged.
 */
function timesSame(disks: Disks, ask: VolumeAsk, at: readonly number[]): number {
  const [disk] = at;
  const total = sumOf(ask.map(({ amounts }) => amounts));
  const certain = ask.every(
    ({ kind, devices }) => kind === 'ordinary' || (kind === 'unlimited' && (devices.length > 0 || total[0] === 0)),
  );
  if (disk === undefined || !certain || at.some((other) => other !== disk)) return 1;
  return Math.max(1, timesFree(disks, disk, total));
}

/** Volumes that are not there any more, and by how much the others were larger. A disk that is whole anyway is covered. */
function beyond(held: HeldVolumes, by: HeldVolumes): HeldVolumes | undefined {
  const whole = new Set(by.filter(({ exclusive }) => exclusive).map(({ device }) => device));
  const rest = held.flatMap((volume) => {
    if (volume.exclusive && whole.has(volume.device)) return [];
    const next = by.find(({ name, device }) => name === volume.name && device === volume.device);
    return next === undefined ? [volume] : more(volume, next);
  });
  return rest.length === 0 ? undefined : rest;
}

function more(volume: HeldVolume, next: HeldVolume): HeldVolumes {
  const rest = moreOf(amountsOf(volume), amountsOf(next));
  const ends = volume.exclusive === true && next.exclusive !== true;
  if (!ends && rest.every((amount) => amount === 0)) return [];
  const { name, device, exclusive } = volume;
  return [{ name, device, bytes: rest[0], ...(exclusive && { exclusive }), ...ratesOf(rest) }];
}

import { formatBytes } from '../../model/units.ts';
import type { Amounts, Disks } from './disks.ts';
import type { Piece, VolumeAsk } from './volume-ask.ts';
import { fits, isOpen, type Own } from './volume-search.ts';

/** Why a node has no place for the volumes: the first that finds none even alone, or that they do not fit together. */
export function shortText(disks: Disks, ask: VolumeAsk, own?: Own): string {
  if (disks.names.length === 0) return 'have no device for volumes';
  for (const piece of ask) {
    const [device] = piece.devices;
    if (piece.devices.length > 1) return `have no device that is ${piece.devices.join(' and ')} at once`;
    const text = device === undefined ? shortAnywhere(disks, piece, own) : shortOn(disks, piece, { device, own });
    if (text !== undefined) return text;
  }
  return `have no devices for volumes ${ask.map(namesOf).join(', ')} at once`;
}

const namesOf = ({ volumes }: Piece): string => volumes.map(({ name }) => name).join(', ');

function shortAnywhere(disks: Disks, piece: Piece, own: Own | undefined): string | undefined {
  if (disks.names.some((_, disk) => fits(disks, piece, disk, own))) return undefined;
  const text = amountsText(piece.amounts);
  if (piece.kind === 'exclusive') return `have no unused device${text === '' ? '' : ` with ${text}`}`;
  return text === '' ? 'have no device that is not exclusively another’s' : `have no device with ${text} free`;
}

function shortOn(
  disks: Disks,
  piece: Piece,
  { device, own }: { readonly device: string; readonly own: Own | undefined },
): string | undefined {
  const { kind, kept, amounts } = piece;
  const disk = disks.indexOf.get(device);
  if (disk === undefined) return `have no device ${device}${kept === undefined ? '' : `, where ${namesOf(piece)} is`}`;
  if (!isOpen(disks, piece, disk, own)) {
    return kind === 'exclusive'
      ? `have device ${device} in use already`
      : `have device ${device} exclusively for another`;
  }
  if (fits(disks, piece, disk, own)) return undefined;
  if (kept === undefined || kind === 'exclusive') return `have no ${amountsText(amounts)} free on ${device}`;
  return `have no ${amountsText(kept.added)} more on ${device}, where ${namesOf(piece)} is`;
}

/** `500 GiB and 100 reads/s` */
function amountsText([bytes, readIops, writeIops, readBps, writeBps]: Amounts): string {
  return [
    bytes > 0 ? bytesText(bytes) : '',
    readIops > 0 ? `${readIops} reads/s` : '',
    writeIops > 0 ? `${writeIops} writes/s` : '',
    readBps > 0 ? `${bytesText(readBps)}/s of reads` : '',
    writeBps > 0 ? `${bytesText(writeBps)}/s of writes` : '',
  ]
    .filter((text) => text !== '')
    .join(' and ');
}

const bytesText = (bytes: number): string => formatBytes(bytes).replace(/(?=[A-Za-z])/, ' ');

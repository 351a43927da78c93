import { formatCpuList, parseCpuList } from '../model/cpu-list.ts';
import type { Step } from '../model/plan.ts';
import type { HeldVolume, Holds } from '../model/recorded.ts';
import { milliPerPiece } from '../model/resources.ts';
import { formatAbout } from './amounts.ts';

/**
 * The pieces of its node that an instance gets, each in a few words: `cores 0-3 + 0.5 of 4`, `numa 0`,
 * `data 10GiB on /data1`, `gpu/a100 0,2`, `http:31001`, `10.1.0.7`. What its predecessor had instead stands in front.
 */
export function pieceTexts(step: Pick<Step, 'kind' | 'holds' | 'heldBefore' | 'replaces' | 'node'>): readonly string[] {
  const before = step.heldBefore ?? step.replaces?.holds;
  const now = piecesOf(step.holds);
  if (before === undefined) return now.map(textOf);
  const stays = step.replaces === undefined || step.replaces.node === step.node;
  const known = piecesOf(before).filter(({ isLocal }) => stays || !isLocal);
  const dropped = known.filter(({ key }) => now.every((piece) => piece.key !== key));
  return [
    ...now.map((piece) => changeText(known.find(({ key }) => key === piece.key) ?? piece, piece)),
    ...dropped.map((piece) => `${textOf(piece)} → none`),
  ];
}

/** `data 5GiB → 10GiB on /data1`, or the piece as it is where nothing changed. */
function changeText(was: Piece, { label, text, place }: Piece): string {
  if (was.text === text && was.place === place) return textOf(was);
  return `${label}${was.text}${was.place === place ? '' : was.place} → ${text}${place}`;
}

const textOf = ({ label, text, place }: Piece): string => label + text + place;

/** The pieces that somebody holds, in the same words. */
export const heldTexts = (holds: Holds): readonly string[] => piecesOf(holds).map(textOf);

/** What several steps have in common of that, and what is each one's own. */
export function sharedPieces(steps: readonly Step[]): {
  readonly shared: readonly string[];
  readonly own: readonly (readonly string[])[];
} {
  const all = steps.map(pieceTexts);
  const [first = [], ...others] = all;
  const shared = others.length === 0 ? [] : first.filter((text) => others.every((texts) => texts.includes(text)));
  return { shared, own: all.map((texts) => texts.filter((text) => !shared.includes(text))) };
}

/** True when there is more to tell than ports and an address. */
export const hasLocalPieces = ({ cpuset, volumes, devices }: Holds): boolean =>
  cpuset !== undefined || volumes !== undefined || devices !== undefined;

interface Piece {
  readonly key: string;
  readonly label: string;
  readonly text: string;
  /** ` on /data1` */
  readonly place: string;
  /** Of one node: what its predecessor had on another node says nothing. */
  readonly isLocal: boolean;
}

function piecesOf(holds: Holds): readonly Piece[] {
  const { cpuset, numaNode, volumes = [], devices = {}, ports = {}, ip } = holds;
  return [
    ...(cpuset === undefined ? [] : [local('cores', coresText(cpuset, holds.cpuFragments ?? {}))]),
    ...(numaNode === undefined ? [] : [local('numa', `${numaNode}`)]),
    ...volumes.map(volumePiece),
    ...Object.entries(devices).map(([kind, pieces]) => local(kind, sharesText(pieces))),
    ...Object.entries(ports).map(([name, port]) => reachable(`${name}:`, `${port}`)),
    ...(ip === undefined ? [] : [reachable('', ip)]),
  ];
}

const local = (label: string, text: string): Piece => ({
  key: label,
  label: `${label} `,
  text,
  place: '',
  isLocal: true,
});

const reachable = (label: string, text: string): Piece => ({ key: label, label, text, place: '', isLocal: false });

const volumePiece = ({ name, device, bytes, exclusive }: HeldVolume): Piece => ({
  key: `volume ${name}`,
  label: `${name} `,
  text: bytes === 0 ? 'unlimited' : formatAbout('storageBytes', bytes),
  place: ` on ${device}${exclusive === true ? ', alone' : ''}`,
  isLocal: true,
});

/** `0-3 + 0.5 of 4`: whole cores, and the part of one. */
function coresText(cpuset: string, fragments: Readonly<Record<string, number>>): string {
  const whole = parseCpuList(cpuset)?.filter((core) => fragments[core] === undefined);
  return whole === undefined ? cpuset : joined(whole, Object.entries(fragments));
}

/** `0,2`, or `0.5 of 1`, of a kind of devices. */
function sharesText(pieces: Readonly<Record<string, number>>): string {
  const entries = Object.entries(pieces);
  const whole = entries.filter(([, milli]) => milli >= milliPerPiece).map(([piece]) => Number(piece));
  return joined(
    whole.sort((a, b) => a - b),
    entries.filter(([, milli]) => milli < milliPerPiece),
  );
}

const joined = (whole: readonly number[], parts: readonly (readonly [piece: string, milli: number])[]): string =>
  [
    ...(whole.length === 0 ? [] : [formatCpuList(whole)]),
    ...parts.map(([piece, milli]) => `${milli / milliPerPiece} of ${piece}`),
  ].join(' + ');

import { assertNever } from '../../model/assert.ts';
import { milliPerPiece } from '../../model/resources.ts';
import { capacityAt, type Verifier } from './base.ts';
import { type Books, columns, nodeColumns, portNumbers, volumeAmounts } from './charge.ts';
import { diskOf, extendedThere, hasCore, type NodeCapacity, numaMemory, piecesThere } from './node-capacity.ts';
import { rowAt } from './rows.ts';
import { kindOfKey, type PieceKind, pieceKeyOf, whichOfKey } from './slots.ts';
import type { Rule } from './violation.ts';

/** What a slot stands for. */
export type Meaning =
  | { readonly kind: 'counted'; readonly node: number; readonly column: number }
  | { readonly kind: 'quota'; readonly row: number }
  | { readonly kind: 'core' | 'numa'; readonly node: number; readonly number: number }
  | { readonly kind: 'extended'; readonly node: number; readonly name: string }
  | { readonly kind: 'device'; readonly node: number; readonly name: string; readonly piece: number }
  | { readonly kind: 'volume'; readonly node: number; readonly device: string; readonly amount: VolumeAmount }
  | { readonly kind: 'port'; readonly domain: number; readonly port: number; readonly protocol: 'tcp' | 'udp' }
  | { readonly kind: 'address'; readonly which: number };

type VolumeAmount = (typeof volumeAmounts)[number];

export function meaningOf(books: Books, slot: number): Meaning {
  const { firstQuota, slots } = books;
  if (slot < firstQuota) return { kind: 'counted', node: Math.floor(slot / columns), column: slot % columns };
  if (slot < slots.fixed) return { kind: 'quota', row: slot - firstQuota };
  const key = pieceKeyOf(slots, slot);
  return pieceMeaning(books, kindOfKey(key), whichOfKey(key));
}

function pieceMeaning({ kinds, devices }: Books, kind: PieceKind, which: number): Meaning {
  switch (kind) {
    case 'core':
      return { kind, node: Math.floor(which / 65_536), number: which % 65_536 };
    case 'numa':
      return { kind, node: Math.floor(which / 1024), number: which % 1024 };
    case 'extended':
      return { kind, node: Math.floor(which / 4096), name: kinds.texts[which % 4096] ?? '' };
    case 'device': {
      const ofKind = Math.floor(which / 4096);
      return {
        kind,
        node: Math.floor(ofKind / 4096),
        name: kinds.texts[ofKind % 4096] ?? '',
        piece: which % 4096,
      };
    }
    case 'volume': {
      const device = Math.floor(which / 8);
      return {
        kind,
        node: Math.floor(device / 1_048_576),
        device: devices.texts[device % 1_048_576] ?? '',
        amount: volumeAmounts[which % 8] ?? 'bytes',
      };
    }
    case 'port': {
      const number = which % (2 * portNumbers);
      return {
        kind,
        domain: Math.floor(which / (2 * portNumbers)),
        port: number % portNumbers,
        protocol: number < portNumbers ? 'tcp' : 'udp',
      };
    }
    case 'address':
      return { kind, which };
    default:
      return assertNever(kind);
  }
}

/** Most pieces are ports: what is asked of each of them needs no words. */
export const isPortSlot = ({ slots }: Books, slot: number): boolean =>
  slot >= slots.fixed && kindOfKey(pieceKeyOf(slots, slot)) === 'port';

export const portDomainOfSlot = ({ slots }: Books, slot: number): number =>
  Math.floor(whichOfKey(pieceKeyOf(slots, slot)) / (2 * portNumbers));

/** How much there is of a slot; undefined on a node that git does not declare, which the eligibility rules report. */
export function limitOf(books: Books, slot: number): number | undefined {
  // Most slots are columns of nodes: they need no words to say so.
  if (slot < books.firstQuota) return capacityAt(books.base, Math.floor(slot / columns))?.counted[slot % columns];
  if (isPortSlot(books, slot)) return 1;
  const meaning = meaningOf(books, slot);
  switch (meaning.kind) {
    case 'quota':
      return books.quotas.rows[meaning.row]?.limit;
    case 'port':
    case 'address':
      return 1;
    default: {
      const capacity = capacityAt(books.base, meaning.node);
      return capacity && limitOnNode(capacity, meaning);
    }
  }
}

type OnNode = Exclude<Meaning, { readonly kind: 'quota' | 'port' | 'address' }>;

function limitOnNode(capacity: NodeCapacity, meaning: OnNode): number {
  switch (meaning.kind) {
    case 'counted':
      return capacity.counted[meaning.column] ?? 0;
    case 'core':
      return hasCore(capacity, meaning.number) ? capacity.definition.overcommitCpuMilli : 0;
    case 'numa':
      return numaMemory(capacity, meaning.number) ?? 0;
    case 'extended':
      return extendedThere(capacity, meaning.name);
    case 'device':
      return Math.min(milliPerPiece, Math.max(0, piecesThere(capacity, meaning.name) - meaning.piece * milliPerPiece));
    case 'volume': {
      const disk = diskOf(capacity, meaning.device);
      if (disk === undefined) return 0;
      return meaning.amount === 'bytes' ? disk.sizeBytes : (disk[meaning.amount] ?? Number.POSITIVE_INFINITY);
    }
    default:
      return assertNever(meaning);
  }
}

/** Nodes on which a slot may be held; none for quotas and addresses, which are counted over all nodes. */
export function nodesOf({ base: { nodes } }: Books, meaning: Meaning): Iterable<number> {
  if (meaning.kind === 'port') return rowAt(nodes.portDomains, meaning.domain);
  return meaning.kind === 'quota' || meaning.kind === 'address' ? [] : [meaning.node];
}

/** The promise that is broken when there is not enough of a slot, on what, and what it is called. */
export function describeSlot(
  books: Books,
  meaning: Meaning,
): { readonly rule: Rule; readonly subject: string; readonly text: string } {
  const name = (node: number): string => nodeName(books.base, node);
  switch (meaning.kind) {
    case 'counted':
      return { rule: 'capacity', subject: name(meaning.node), text: nodeColumns[meaning.column] ?? '' };
    case 'quota': {
      const row = books.quotas.rows[meaning.row];
      return { rule: 'quota', subject: row?.quota.name ?? '', text: row?.dimension ?? '' };
    }
    case 'core':
      return { rule: 'cores', subject: name(meaning.node), text: `thousandths of core ${meaning.number}` };
    case 'numa':
      return { rule: 'numa', subject: name(meaning.node), text: `memory of NUMA node ${meaning.number}` };
    case 'extended':
      return { rule: 'capacity', subject: name(meaning.node), text: `thousandths of ${meaning.name}` };
    case 'device':
      return {
        rule: 'devices',
        subject: name(meaning.node),
        text: `thousandths of piece ${meaning.piece} of ${meaning.name}`,
      };
    case 'volume':
      return { rule: 'volumes', subject: name(meaning.node), text: `${meaning.amount} of ${meaning.device}` };
    case 'port': {
      const [first = -1] = rowAt(books.base.nodes.portDomains, meaning.domain);
      const domain = books.base.nodes.definitions[first]?.portDomain ?? name(first);
      return { rule: 'ports', subject: domain, text: `port ${meaning.port}/${meaning.protocol}` };
    }
    case 'address':
      return { rule: 'addresses', subject: 'network', text: `address ${addressText(meaning.which)}` };
    default:
      return assertNever(meaning);
  }
}

const nodeName = ({ nodes }: Verifier, node: number): string => nodes.names[node] ?? '?';

const addressText = (which: number): string =>
  [24, 16, 8, 0].map((bits) => Math.floor(which / 2 ** bits) % 256).join('.');

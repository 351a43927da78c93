import type { Allocation, HeldVolume, Holds } from '../../model/recorded.ts';
import { addressNumber } from './address-book.ts';
import { addressBookOf, capacityAt, type Verifier } from './base.ts';
import { parseCpuset } from './cpuset.ts';
import { numaMemory } from './node-capacity.ts';
import { milliOf, type QuotaTable, quotaAmount } from './quota-table.ts';
import type { RevisionFacts } from './revision-facts.ts';
import { addressKey, coreKey, deviceKey, extendedKey, numaKey, portKey, type Slots, volumeKey } from './slots.ts';

/** Counted dimensions of a node, by column. */
export const nodeColumns = ['cpuMillis', 'memoryBytes', 'storageBytes', 'bandwidthBits'] as const;
export const columns = nodeColumns.length;

/** What the slots of one verification stand for. */
export interface Books {
  readonly base: Verifier;
  readonly slots: Slots;
  readonly quotas: QuotaTable;
  /** The slot of the first row of a quota. */
  readonly firstQuota: number;
  readonly devices: Names;
  readonly kinds: Names;
}

export interface Names {
  readonly numbers: Map<string, number>;
  readonly texts: string[];
}

/** How long what is held stays taken once its allocation is ended. */
export type Keep =
  /** Until the object is stopped. */
  | typeof untilStop
  /** Until the unit has committed: undoing it needs it again, and its successor cannot have it. */
  | typeof untilCommit
  /** Until the unit has committed, but what takes the allocation's place in the same instance has it as well. */
  | typeof inherited;

export const untilStop = 0;
export const untilCommit = 1;
export const inherited = 2;

/** What one allocation is charged: a list in arrays that are used again for the next one. */
export interface Charge {
  size: number;
  readonly slots: number[];
  readonly amounts: number[];
  readonly keeps: Keep[];
}

export const createCharge = (): Charge => ({ size: 0, slots: [], amounts: [], keeps: [] });

function put(charge: Charge, slot: number, amount: number, keep: Keep): void {
  if (amount === 0 || slot < 0) return;
  const { size } = charge;
  charge.slots[size] = slot;
  charge.amounts[size] = amount;
  charge.keeps[size] = keep;
  charge.size = size + 1;
}

/** Makes slots, or only finds those that are there. */
export type FindSlot = (slots: Slots, key: number) => number;

/** Where and what is held. */
export interface Holding {
  readonly node: number;
  readonly holds: Holds;
  readonly state: Allocation['state'];
  readonly facts: RevisionFacts | undefined;
  /** How long its own disk space stays taken. */
  readonly storage: Keep;
  /** What it takes over the volumes of: of those it adds only what it has more. */
  readonly over: Holds | undefined;
}

/** Appends what is held of a node. What was stopped for good has given everything back but disk and address. */
export function readNode(books: Books, charge: Charge, of: Holding, find: FindSlot): void {
  const { node, holds, state, storage } = of;
  if (node < 0) return;
  const first = node * columns;
  put(charge, first + 2, holds.storageBytes, storage);
  if (holds.volumes !== undefined) readVolumes(books, charge, of, find);
  if (state === 'held') return;
  put(charge, first, holds.cpuMillis, untilStop);
  put(charge, first + 1, holds.memoryBytes, untilStop);
  put(charge, first + 3, holds.bandwidthBits ?? 0, untilStop);
  if (holds.ports !== undefined) readPorts(books, charge, of, find);
  if (holds.cpuset !== undefined) readCores(books, charge, of, find);
  if (holds.devices !== undefined) readDevices(books, charge, of, find);
}

function readPorts({ base, slots }: Books, charge: Charge, { node, holds, facts }: Holding, find: FindSlot): void {
  const domain = base.nodes.portDomainOf[node] as number;
  for (const name in holds.ports) {
    const port = holds.ports[name] as number;
    if (!isPort(port)) continue; // the revision rules say so
    put(charge, find(slots, portOn(domain, port, facts?.udp?.has(name) === true ? 'udp' : 'tcp')), 1, untilStop);
  }
}

export const portNumbers = 65_536;
export const isPort = (port: number): boolean => Number.isInteger(port) && port > 0 && port < portNumbers;

/** Port domain, protocol and port as one piece. */
export const portOn = (domain: number, port: number, protocol: 'tcp' | 'udp'): number =>
  portKey(domain * 2 * portNumbers + (protocol === 'udp' ? portNumbers : 0) + port);

function readCores({ base, slots }: Books, charge: Charge, { node, holds }: Holding, find: FindSlot): void {
  for (const core of parseCpuset(holds.cpuset ?? '') ?? noCores) {
    const milli = holds.cpuFragments?.[core] ?? 1000;
    put(charge, find(slots, coreKey(node * 65_536 + core)), milli, untilStop);
  }
  const { numaNode } = holds;
  const capacity = numaNode === undefined ? undefined : capacityAt(base, node);
  if (numaNode === undefined || capacity === undefined || numaMemory(capacity, numaNode) === undefined) return;
  put(charge, find(slots, numaKey(node * 1024 + numaNode)), holds.memoryBytes, untilStop);
}

const noCores: readonly number[] = [];

function readDevices({ slots, kinds }: Books, charge: Charge, { node, holds }: Holding, find: FindSlot): void {
  for (const kind in holds.devices) {
    const pieces = holds.devices[kind];
    const which = node * 4096 + numberOfName(kinds, kind);
    put(charge, find(slots, extendedKey(which)), milliOf(pieces), untilStop);
    for (const piece in pieces) {
      put(charge, find(slots, deviceKey(which * 4096 + pieceNumber(piece))), pieces[piece] ?? 0, untilStop);
    }
  }
}

/** What is no number is counted as the last piece, which nobody has; the piece rules say what is wrong. */
function pieceNumber(piece: string): number {
  const number = Number(piece);
  return Number.isInteger(number) && number >= 0 && number < 4096 ? number : 4095;
}

export const volumeAmounts = ['bytes', 'readIops', 'writeIops', 'readBps', 'writeBps'] as const;

function readVolumes(
  { slots, devices }: Books,
  charge: Charge,
  { node, holds: { volumes }, over }: Holding,
  find: FindSlot,
): void {
  for (const volume of volumes ?? noVolumes) {
    const which = (node * 1_048_576 + numberOfName(devices, volume.device)) * 8;
    for (let amount = 0; amount < volumeAmounts.length; amount++) {
      const more = addedTo(over, volume, volumeAmounts[amount] as (typeof volumeAmounts)[number]);
      if (more > 0) put(charge, find(slots, volumeKey(which + amount)), more, untilCommit);
    }
  }
}

/** What a volume adds to those that are taken over. A device that is had whole stays so, however it is shared out anew. */
function addedTo(over: Holds | undefined, volume: HeldVolume, amount: (typeof volumeAmounts)[number]): number {
  if (over?.volumes === undefined) return volume[amount] ?? 0;
  const there = over.volumes.filter(({ device }) => device === volume.device);
  if (amount === 'bytes' && volume.exclusive && there.some(({ exclusive }) => exclusive)) return 0;
  return Math.max(0, (volume[amount] ?? 0) - (there.find(({ name }) => name === volume.name)?.[amount] ?? 0));
}

const noVolumes: readonly HeldVolume[] = [];

export function numberOfName({ numbers, texts }: Names, text: string): number {
  const known = numbers.get(text);
  if (known !== undefined) return known;
  numbers.set(text, texts.length);
  texts.push(text);
  return texts.length - 1;
}

/** Appends the address. An instance keeps its own while it is made anew. */
export function readAddress({ base, slots }: Books, charge: Charge, { holds, facts }: Holding, find: FindSlot): void {
  if (holds.ip === undefined) return;
  const which = addressNumber(addressBookOf(base), facts?.network ?? '', holds.ip);
  put(charge, find(slots, addressKey(which)), 1, inherited);
}

/** Appends what is counted against quotas, whose rows are given: nothing for what is lost. */
export function readQuotas(books: Books, charge: Charge, of: Holding, rows: readonly number[]): void {
  const { holds, state, storage, over } = of;
  if (state === 'lost') return;
  for (const row of rows) {
    const dimension = books.quotas.rows[row]?.dimension ?? '';
    const slot = books.firstQuota + row;
    if (dimension === 'storageBytes') {
      put(charge, slot, holds.storageBytes, storage);
      put(charge, slot, addedBytes(holds, over), untilCommit);
    } else if (state !== 'held') put(charge, slot, quotaAmount(holds, dimension), untilStop);
  }
}

function addedBytes({ volumes }: Holds, over: Holds | undefined): number {
  let bytes = 0;
  for (const volume of volumes ?? noVolumes) {
    bytes += addedTo(over, volume, 'bytes');
  }
  return bytes;
}

import type { Allocation } from '../../model/recorded.ts';
import { parseIp } from './ipv4.ts';
import { createNumberIndex, internNumber, type NumberIndex, numberOf } from './number-index.ts';

/** How many recorded allocations have each address, in whatever state they are: held and lost ones keep theirs. */
export interface AddressBook {
  readonly networks: Map<string, number>;
  readonly index: NumberIndex;
  /** By the number of the key. */
  readonly counts: number[];
}

export function createAddressBook(
  allocations: readonly Allocation[],
  networkOf: (allocation: Allocation) => string,
): AddressBook {
  const book: AddressBook = { networks: new Map(), index: createNumberIndex(), counts: [] };
  for (const allocation of allocations) {
    const { ip } = allocation.holds;
    if (ip === undefined) continue;
    const place = internNumber(book.index, addressNumber(book, networkOf(allocation), ip));
    book.counts[place] = (book.counts[place] ?? 0) + 1;
  }
  return book;
}

/** A network and an address in it as one number. What is no address is reported by the rules, and counts as one address. */
export function addressNumber({ networks }: AddressBook, network: string, ip: string): number {
  let number = networks.get(network);
  if (number === undefined) {
    number = networks.size;
    networks.set(network, number);
  }
  return number * 4_294_967_296 + (parseIp(ip) ?? 0);
}

export function holdersOf({ index, counts }: AddressBook, key: number): number {
  const place = numberOf(index, key);
  return place < 0 ? 0 : (counts[place] ?? 0);
}

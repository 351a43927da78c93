/** IPv4 addresses as numbers, so that ranges are compared and counted. Everything is inclusive. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** `10.1.0.7` → its number; undefined for anything else. */
export function parseAddress(text: string): number | undefined {
  const parts = dotted.exec(text);
  if (parts === null) return undefined;
  let address = 0;
  for (let index = 1; index <= 4; index += 1) {
    const part = Number(parts[index]);
    if (part > 255) return undefined;
    address = address * 256 + part;
  }
  return address;
}

const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

export const formatAddress = (address: number): string =>
  `${address >>> 24}.${(address >>> 16) & 255}.${(address >>> 8) & 255}.${address & 255}`;

/** `10.1.0.0/16` → all of its addresses; undefined where the address is not the first of such a network. */
export function parseSubnet(text: string): AddressRange | undefined {
  const [base = '', bits = '', ...rest] = text.split('/');
  const first = parseAddress(base);
  if (first === undefined || rest.length > 0 || !/^\d{1,2}$/.test(bits) || Number(bits) > 32) return undefined;
  const size = 2 ** (32 - Number(bits));
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

/** Whether a machine may have the address: the first and the last of a subnet mean the network and everybody in it. */
export const isHostAddress = (address: number, { first, last }: AddressRange): boolean =>
  last - first < 2 ? address >= first && address <= last : address > first && address < last;

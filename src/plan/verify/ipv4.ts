/** An IPv4 address as a number; undefined when the text is none. */
export function parseIp(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let number = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part) || Number(part) > 255) return undefined;
    number = number * 256 + Number(part);
  }
  return number;
}

export interface Range {
  readonly first: number;
  readonly last: number;
}

/** All addresses of `10.1.0.0/16`, its own and the broadcast address included. */
export function parseSubnet(text: string): Range | undefined {
  const [address = '', length = ''] = text.split('/');
  const ip = parseIp(address);
  const bits = Number(length);
  if (ip === undefined || !/^\d{1,2}$/.test(length) || bits > 32) return undefined;
  const size = 2 ** (32 - bits);
  const first = Math.floor(ip / size) * size;
  return { first, last: first + size - 1 };
}

export const isWithin = (ip: number, { first, last }: Range): boolean => ip >= first && ip <= last;

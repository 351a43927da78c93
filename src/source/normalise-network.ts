import { type Reading, report } from './reading.ts';
import type { Network } from './schema-types.generated.ts';

/** A network whose addresses are checked; workloads cannot use it yet. */
export interface NetworkPlan {
  readonly name: string;
  readonly subnet?: Range;
}

/** IPv4 addresses as numbers, inclusive. */
interface Range {
  readonly first: number;
  readonly last: number;
}

/** Everything that a network says must lie in its subnet, and pools must not overlap. */
export function toNetwork({ metadata, spec }: Network, reading: Reading): NetworkPlan {
  const subnet = parseSubnet(spec.subnet);
  if (subnet === undefined) {
    report(reading, {
      code: 'MUS1317',
      pointer: '/spec/subnet',
      message: 'this is not the first address of a network',
      found: spec.subnet,
      allowed: ['an IPv4 network such as 10.1.0.0/16'],
    });
    return { name: metadata.name };
  }
  if (spec.gateway !== undefined) checkGateway(spec.gateway, { reading, subnet, text: spec.subnet });
  const pools = (spec.pools ?? []).map((pool, index) => {
    const pointer = `/spec/pools/${index}/range`;
    const [first, last] = pool.range.split('-').map(parseAddress);
    if (first === undefined || last === undefined || first > last) {
      report(reading, {
        code: 'MUS1317',
        pointer,
        message: `pool ${pool.name}: this is not a range of addresses`,
        found: pool.range,
      });
      return undefined;
    }
    if (first < subnet.first || last > subnet.last) {
      report(reading, {
        code: 'MUS1317',
        pointer,
        message: `pool ${pool.name} is outside of the subnet ${spec.subnet}`,
        found: pool.range,
      });
    }
    return { name: pool.name, pointer, first, last };
  });
  for (const [index, pool] of pools.entries()) {
    const other = pools
      .slice(0, index)
      .find((before) => before && pool && before.first <= pool.last && pool.first <= before.last);
    if (pool && other)
      report(reading, {
        code: 'MUS1317',
        pointer: pool.pointer,
        message: `pool ${pool.name} overlaps pool ${other.name}`,
      });
  }
  return { name: metadata.name, subnet };
}

function checkGateway(
  gateway: string,
  { reading, subnet, text }: { readonly reading: Reading; readonly subnet: Range; readonly text: string },
): void {
  const address = parseAddress(gateway);
  if (address !== undefined && address >= subnet.first && address <= subnet.last) return;
  const message = address === undefined ? 'this is not an address' : `the gateway is outside of the subnet ${text}`;
  report(reading, { code: 'MUS1317', pointer: '/spec/gateway', message, found: gateway });
}

function parseSubnet(text: string): Range | undefined {
  const [base = '', bits = ''] = text.split('/');
  const first = parseAddress(base);
  const size = 2 ** (32 - Number(bits));
  if (first === undefined || Number(bits) > 32 || first % size !== 0) return undefined;
  return { first, last: first + size - 1 };
}

function parseAddress(text: string): number | undefined {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

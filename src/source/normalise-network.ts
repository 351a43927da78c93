import type { DesiredNetwork } from '../model/desired.ts';
import { type AddressRange, isHostAddress, parseAddress, parseSubnet } from '../model/ipv4.ts';
import { type Reading, report } from './reading.ts';
import type { Network } from './schema-types.generated.ts';

/** Everything that a network says must lie in its subnet, and pools must not overlap. */
export function toNetwork({ metadata, spec }: Network, reading: Reading): DesiredNetwork {
  const subnet = parseSubnet(spec.subnet);
  if (subnet === undefined) {
    report(reading, {
      code: 'MUS1317',
      pointer: '/spec/subnet',
      message: 'this is not the first address of a network',
      found: spec.subnet,
      allowed: ['an IPv4 network such as 10.1.0.0/16'],
    });
  } else {
    if (spec.gateway !== undefined) checkGateway(spec.gateway, { reading, subnet, text: spec.subnet });
    checkPools(spec, subnet, reading);
  }
  return {
    name: metadata.name,
    subnet: spec.subnet,
    ...(spec.gateway !== undefined && { gateway: spec.gateway }),
    pools: (spec.pools ?? []).map(({ name, range }) => {
      const [first = '', last = ''] = range.split('-');
      return { name, first, last };
    }),
    ...(spec.docker !== undefined && { docker: { network: spec.docker.network } }),
  };
}

function checkGateway(
  gateway: string,
  { reading, subnet, text }: { readonly reading: Reading; readonly subnet: AddressRange; readonly text: string },
): void {
  const address = parseAddress(gateway);
  if (address !== undefined && isHostAddress(address, subnet)) return;
  const isInside = address !== undefined && address >= subnet.first && address <= subnet.last;
  const message = isInside
    ? `the gateway is the first or the last address of ${text}, which no machine can have`
    : address === undefined
      ? 'this is not an address'
      : `the gateway is outside of the subnet ${text}`;
  report(reading, { code: 'MUS1317', pointer: '/spec/gateway', message, found: gateway });
}

function checkPools({ pools = [], subnet: text }: Network['spec'], subnet: AddressRange, reading: Reading): void {
  const before: (AddressRange & { readonly name: string })[] = [];
  for (const [index, { name, range }] of pools.entries()) {
    const mistake = (message: string) =>
      report(reading, {
        code: 'MUS1317',
        pointer: `/spec/pools/${index}/range`,
        message: `pool ${name} ${message}`,
        found: range,
      });
    if (before.some((other) => other.name === name)) {
      const pointer = `/spec/pools/${index}/name`;
      report(reading, {
        code: 'MUS1320',
        pointer,
        message: 'two pools of the network have the same name',
        found: name,
      });
    }
    const [first, last] = range.split('-').map(parseAddress);
    if (first === undefined || last === undefined || first > last) {
      mistake('is not a range of addresses');
      continue;
    }
    if (first < subnet.first || last > subnet.last) mistake(`is outside of the subnet ${text}`);
    const other = before.find((pool) => pool.first <= last && first <= pool.last);
    if (other !== undefined) mistake(`overlaps pool ${other.name}`);
    before.push({ name, first, last });
  }
}

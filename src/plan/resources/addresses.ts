import { assertNever } from '../../model/assert.ts';
import type { Desired, DesiredNetwork } from '../../model/desired.ts';
import { type AddressRange, formatAddress, isHostAddress, parseAddress, parseSubnet } from '../../model/ipv4.ts';
import type { RevisionNetwork } from '../../model/revision.ts';
import { isTaken, lowestFree, type Numbers, openNumbers, releaseNumber, takeNumber, timesTaken } from './numbers.ts';
import type { PlacedResource } from './resource.ts';

/**
 * `pool`: any address of the pool (absent: of the whole subnet) · `keep`: the same, unless the ordinal has one already ·
 * `fixed`: that one
 */
export type AddressAsk =
  | { readonly kind: 'pool' | 'keep'; readonly network: string; readonly pool?: string }
  | { readonly kind: 'fixed'; readonly network: string; readonly address: number };

/** One address, as a number. */
export interface HeldAddress {
  readonly address: number;
}

/** All networks. One whose subnet overlaps another's shares its addresses with it: none is given out twice. */
type Networks = ReadonlyMap<string, OpenNetwork>;

interface OpenNetwork {
  readonly subnet: AddressRange;
  readonly taken: Numbers;
  /** By the pool's name; the whole subnet by the empty one. */
  readonly pools: ReadonlyMap<string, Pool>;
  readonly gateway: number | undefined;
  /** Addresses that workloads ask for by number: taken once from the start, so that nobody else is given them. */
  readonly promised: ReadonlySet<number>;
}

interface Pool extends AddressRange {
  /** How many of it nobody has. */
  free: number;
}

/** Addresses of the declared networks: they belong to the network, whatever node the instance is on. */
export function addresses(
  desired: Pick<Desired, 'networks' | 'workloads'>,
): PlacedResource<AddressAsk, HeldAddress, Networks> {
  return {
    key: 'addresses',
    askOf: ({ network }) => (network === undefined ? undefined : askOf(network)),
    heldOf({ ip }) {
      const address = ip === undefined ? undefined : parseAddress(ip);
      return address === undefined ? undefined : { address };
    },
    holdsOf: ({ address }) => ({ ip: formatAddress(address) }),
    poolOf: () => 'networks',
    open: () => openNetworks(desired),
    take(networks, { address }) {
      for (const network of networks.values()) takeAddress(network, address);
    },
    release(networks, { address }) {
      for (const network of networks.values()) releaseAddress(network, address);
    },
    choose(networks, ask, { keep }) {
      const address = chosen(networks.get(ask.network), ask, keep?.address);
      return address === undefined ? undefined : { address };
    },
    room: (networks, ask, { atMost }) => Math.min(atMost, roomOf(networks.get(ask.network), ask)),
    short: (networks, ask) => ({ text: shortText(networks.get(ask.network), ask), missing: {} }),
    beyond: (held, by) => (held.address === by.address ? undefined : held),
  };
}

function askOf({ name, ip, pool }: RevisionNetwork): AddressAsk {
  const kind = ip === 'pool' ? 'pool' : ip === 'keep' ? 'keep' : 'fixed';
  if (kind === 'fixed') return { kind, network: name, address: parseAddress(ip) ?? noAddress };
  return { kind, network: name, ...(pool !== undefined && { pool }) };
}

/** In no network: what is not an address cannot be had. */
const noAddress = -1;

function openNetworks({ networks = [], workloads }: Pick<Desired, 'networks' | 'workloads'>): Networks {
  const fixed = workloads.flatMap(({ revision: { network } }) => {
    const ask = network === undefined ? undefined : askOf(network);
    return ask?.kind === 'fixed' ? [ask.address] : [];
  });
  return new Map(networks.map((network) => [network.name, openNetwork(network, fixed)]));
}

function openNetwork(network: DesiredNetwork, fixed: readonly number[]): OpenNetwork {
  const subnet = parseSubnet(network.subnet) ?? nowhere;
  const gateway = network.gateway === undefined ? undefined : parseAddress(network.gateway);
  const ranges = network.pools.map(({ name, first, last }) => [name, rangeOf(first, last)] as const);
  const open: OpenNetwork = {
    subnet,
    taken: openNumbers(),
    pools: new Map(
      [['', subnet] as const, ...ranges].map(([name, range]) => [name, { ...range, free: sizeOf(range) }]),
    ),
    gateway,
    promised: new Set(fixed.filter((address) => isIn(subnet, address))),
  };
  const reserved = new Set([
    ...[subnet.first, subnet.last].filter((end) => !isHostAddress(end, subnet)),
    ...open.promised,
  ]);
  if (gateway !== undefined) reserved.add(gateway);
  for (const address of reserved) takeAddress(open, address);
  return open;
}

/** Where no address is. */
const nowhere: AddressRange = { first: 0, last: -1 };

function rangeOf(first: string, last: string): AddressRange {
  const [start, end] = [parseAddress(first), parseAddress(last)];
  return start === undefined || end === undefined ? nowhere : { first: start, last: end };
}

const sizeOf = ({ first, last }: AddressRange): number => last - first + 1;
const isIn = ({ first, last }: AddressRange, address: number): boolean => address >= first && address <= last;

function takeAddress({ subnet, taken, pools }: OpenNetwork, address: number): void {
  if (isIn(subnet, address) && takeNumber(taken, address)) addFree(pools, address, -1);
}

function releaseAddress({ subnet, taken, pools }: OpenNetwork, address: number): void {
  if (isIn(subnet, address) && releaseNumber(taken, address)) addFree(pools, address, 1);
}

function addFree(pools: OpenNetwork['pools'], address: number, by: 1 | -1): void {
  for (const pool of pools.values()) if (isIn(pool, address)) pool.free += by;
}

function chosen(network: OpenNetwork | undefined, ask: AddressAsk, kept: number | undefined): number | undefined {
  if (network === undefined) return undefined;
  switch (ask.kind) {
    case 'fixed':
      return mayBeFixed(network, ask.address) && isUnused(network, ask.address) ? ask.address : undefined;
    case 'keep':
      // It belongs to the ordinal, even where the pool that it came from has become another.
      if (kept !== undefined && mayBeFixed(network, kept) && isUnused(network, kept)) return kept;
      return fromPool(network, ask.pool);
    case 'pool': {
      const pool = network.pools.get(ask.pool ?? '');
      if (kept !== undefined && pool !== undefined && isIn(pool, kept) && !isTaken(network.taken, kept)) return kept;
      return fromPool(network, ask.pool);
    }
    default:
      return assertNever(ask);
  }
}

/** Whether an instance may have the address at all. */
const mayBeFixed = ({ subnet, gateway }: OpenNetwork, address: number): boolean =>
  isHostAddress(address, subnet) && address !== gateway;

/** Nobody holds it; being promised to somebody does not count. */
const isUnused = ({ taken, promised }: OpenNetwork, address: number): boolean =>
  timesTaken(taken, address) <= (promised.has(address) ? 1 : 0);

function fromPool({ pools, taken }: OpenNetwork, name = ''): number | undefined {
  const pool = pools.get(name);
  return pool === undefined || pool.free === 0 ? undefined : lowestFree(taken, pool);
}

function roomOf(network: OpenNetwork | undefined, ask: AddressAsk): number {
  if (network === undefined) return 0;
  if (ask.kind === 'fixed') return chosen(network, ask, undefined) === undefined ? 0 : 1;
  return network.pools.get(ask.pool ?? '')?.free ?? 0;
}

function shortText(network: OpenNetwork | undefined, ask: AddressAsk): string {
  if (network === undefined) return `have no network ${ask.network}, since none is declared`;
  if (ask.kind !== 'fixed') {
    if (ask.pool === undefined) return `have no free address in network ${ask.network}`;
    const pool = `pool ${ask.pool} of network ${ask.network}`;
    return network.pools.has(ask.pool) ? `have no free address in ${pool}` : `have no ${pool}, since none is declared`;
  }
  if (!isIn(network.subnet, ask.address)) return `have no address outside of network ${ask.network} to give`;
  const address = `address ${formatAddress(ask.address)} of network ${ask.network}`;
  return mayBeFixed(network, ask.address)
    ? `have ${address} in use already`
    : `have no use for ${address}: it is the network's own`;
}

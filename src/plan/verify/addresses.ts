import type { DesiredNetwork } from '../../model/desired.ts';
import type { PlanInputs } from '../inputs.ts';
import { addressNumber, holdersOf } from './address-book.ts';
import { addressBookOf, recordedFacts } from './base.ts';
import { isWithin, parseIp, parseSubnet, type Range } from './ipv4.ts';
import type { RevisionFacts } from './revision-facts.ts';
import type { Report } from './violation.ts';
import type { Item, World } from './world.ts';

/** What addresses of a network may be given out. */
export interface Network {
  readonly subnet: Range;
  readonly gateway: number | undefined;
  readonly pools: ReadonlyMap<string, Range>;
}

export type Networks = ReadonlyMap<string, Network>;

export const createNetworks = ({ desired }: PlanInputs): Networks =>
  new Map(
    (desired.networks ?? []).flatMap((network): readonly (readonly [string, Network])[] => {
      const known = networkOf(network);
      return known === undefined ? [] : [[network.name, known]];
    }),
  );

function networkOf({ subnet, gateway, pools }: DesiredNetwork): Network | undefined {
  const range = parseSubnet(subnet);
  if (range === undefined) return undefined;
  const ranges = pools.flatMap(({ name, first, last }): readonly (readonly [string, Range])[] => {
    const [from, to] = [parseIp(first), parseIp(last)];
    return from === undefined || to === undefined ? [] : [[name, { first: from, last: to }]];
  });
  return { subnet: range, gateway: gateway === undefined ? undefined : parseIp(gateway), pools: new Map(ranges) };
}

/** The address is one that the network gives out and the one that is asked for; what belongs to the ordinal stays with it. */
export function checkAddress(world: World, of: AddressItem, report: Report): void {
  const { step } = of.item;
  const text = wrongAddress(world, of);
  if (text !== undefined) report('addresses', step.id, `${step.instance} ${text}`);
}

export interface AddressItem {
  readonly item: Item;
  readonly facts: RevisionFacts;
  readonly networks: Networks;
}

function wrongAddress({ base }: World, { item, facts, networks }: AddressItem): string | undefined {
  const { ip } = item.step.holds;
  const ask = facts.revision.network;
  if (ask === undefined) return `is given address ${ip}, and asks for none`;
  if (ip === undefined) return `is given no address of network ${ask.name}`;
  const network = networks.get(ask.name);
  if (network === undefined) return `is given an address of network ${ask.name}, which git does not declare`;
  const isFixed = ask.ip !== 'pool' && ask.ip !== 'keep';
  if (isFixed && ip !== ask.ip) return `is given address ${ip}, not ${ask.ip}`;
  const reason = whyNotGiven(network, ip, ask.pool);
  if (reason !== undefined) return `is given address ${ip}, which ${reason}`;
  const old = ask.ip === 'keep' ? item.old : undefined;
  const kept = old !== undefined && recordedFacts(base, old)?.network === ask.name ? old.holds.ip : undefined;
  if (kept === undefined || kept === ip || whyNotGiven(network, kept, ask.pool) !== undefined) return undefined;
  // Two that have the same one come apart when one of them is made anew.
  const book = addressBookOf(base);
  if (holdersOf(book, addressNumber(book, ask.name, kept)) > 1) return undefined;
  return `is given address ${ip}, although ${kept} belongs to it`;
}

/** Why a network does not give an address out; undefined when it does. */
function whyNotGiven(
  { subnet, gateway, pools }: Network,
  text: string,
  poolName: string | undefined,
): string | undefined {
  const ip = parseIp(text);
  if (ip === undefined) return 'is no address';
  if (!isWithin(ip, subnet)) return 'is not in its network';
  // The network itself and its broadcast address; a network of one or two addresses has neither.
  if (subnet.last - subnet.first > 1 && (ip === subnet.first || ip === subnet.last)) return 'ends its network';
  if (ip === gateway) return 'is the gateway';
  if (poolName === undefined) return undefined;
  const pool = pools.get(poolName);
  return pool !== undefined && isWithin(ip, pool) ? undefined : `is not in pool ${poolName}`;
}

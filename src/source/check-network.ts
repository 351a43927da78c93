import type { DesiredNetwork, DesiredWorkload } from '../model/desired.ts';
import { type AddressRange, isHostAddress, parseAddress, parseSubnet } from '../model/ipv4.ts';
import type { RevisionNetwork } from '../model/revision.ts';
import { type DeclaredNames, some } from './dangling.ts';
import type { Declared } from './normalise.ts';
import type { Problem } from './problem.ts';
import { didYouMean } from './suggest.ts';

/** Addresses that workloads ask for: in a network that there is, inside of it, and each for one instance. */
export function checkNetworks(
  workloads: readonly Declared<DesiredWorkload>[],
  names: DeclaredNames,
): readonly Problem[] {
  const users = workloads.filter(({ item }) => item.revision.network !== undefined);
  return [...users.flatMap((user) => networkUse(user, names)), ...sharedAddresses(users)];
}

function networkUse(user: Declared<DesiredWorkload>, { networks }: DeclaredNames): readonly Problem[] {
  const use = user.item.revision.network as RevisionNetwork;
  if (!networks.has(use.name)) return [unknownNetwork(user, [...networks.keys()])];
  const network = networks.get(use.name);
  // A network whose document is wrong has problems of its own.
  if (network === undefined) return [];
  return [...poolOf(user, network), ...fixedAddress(user, network)];
}

function unknownNetwork({ item, document }: Declared<DesiredWorkload>, known: readonly string[]): Problem {
  const name = item.revision.network?.name ?? '';
  const hint =
    known.length === 0
      ? { hint: `declare it: {kind: Network, metadata: {name: ${name}}, spec: {subnet: 10.1.0.0/16}}` }
      : didYouMean(name, known);
  return {
    document,
    code: 'MUS1325',
    pointer: '/spec/network/name',
    message: `there is no network ${name}`,
    found: name,
    allowed: some(known),
    ...hint,
  };
}

function poolOf({ item, document }: Declared<DesiredWorkload>, { name, pools }: DesiredNetwork): readonly Problem[] {
  const pool = item.revision.network?.pool;
  if (pool === undefined || pools.some((known) => known.name === pool)) return [];
  const known = pools.map((each) => each.name);
  return [
    {
      document,
      code: 'MUS1325',
      pointer: '/spec/network/pool',
      message: `the network ${name} has no pool ${pool}`,
      found: pool,
      allowed: some(known),
      ...didYouMean(pool, known),
    },
  ];
}

/** The address that a workload fixes; undefined where it takes one of many. */
const fixedOf = ({ revision }: DesiredWorkload): number | undefined => parseAddress(revision.network?.ip ?? '');

function fixedAddress(
  { item, document }: Declared<DesiredWorkload>,
  { name, subnet: text, gateway }: DesiredNetwork,
): readonly Problem[] {
  const address = fixedOf(item);
  const subnet = parseSubnet(text);
  if (address === undefined || subnet === undefined) return [];
  const found = item.revision.network?.ip ?? '';
  const place = { document, pointer: '/spec/network/ip', found } as const;
  const problems: Problem[] = [];
  const outside = whyNot(address, { subnet, gateway });
  if (outside !== undefined) {
    const allowed = [
      `an address of ${text}, the gateway${gateway === undefined ? '' : ` ${gateway}`} and both ends excepted`,
    ];
    problems.push({ ...place, code: 'MUS1317', message: `${found} is ${outside} the network ${name}`, allowed });
  }
  if (item.type === 'daemon' || item.replicas > 1) {
    const many = item.type === 'daemon' ? 'a daemon, which runs on every node' : `${item.replicas} replicas`;
    const message = `one address cannot be given to ${many}`;
    problems.push({
      ...place,
      code: 'MUS1326',
      message,
      hint: 'use `ip: keep`: every ordinal has its own and keeps it',
    });
  }
  if (item.revision.network?.pool !== undefined) {
    const message = 'a pool means nothing beside a fixed address';
    problems.push({
      document,
      code: 'MUS1320',
      pointer: '/spec/network/pool',
      target: 'key',
      message,
      hint: 'remove one of the two',
    });
  }
  return problems;
}

function whyNot(
  address: number,
  { subnet, gateway }: { readonly subnet: AddressRange; readonly gateway: string | undefined },
): string | undefined {
  if (address < subnet.first || address > subnet.last) return 'outside of';
  if (!isHostAddress(address, subnet)) return 'the first or the last address of';
  return address === parseAddress(gateway ?? '') ? 'the gateway of' : undefined;
}

/** An address is one machine's, whatever networks it is in: networks that overlap share what they have in common. */
function sharedAddresses(users: readonly Declared<DesiredWorkload>[]): readonly Problem[] {
  const first = new Map<number, Declared<DesiredWorkload>>();
  const ordered = [...users].sort((a, b) => (a.item.id < b.item.id ? -1 : 1));
  return ordered.flatMap((user): readonly Problem[] => {
    const address = fixedOf(user.item);
    if (address === undefined) return [];
    const before = first.get(address);
    if (before === undefined) {
      first.set(address, user);
      return [];
    }
    const found = user.item.revision.network?.ip ?? '';
    const pointer = '/spec/network/ip';
    const related = { document: before.document, pointer, message: `${before.item.id} has it already` };
    const message = `two workloads ask for the address ${found}`;
    const hint = 'give one of them another';
    return [{ document: user.document, code: 'MUS1326', pointer, message, found, hint, related }];
  });
}

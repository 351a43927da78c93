import { chargedHolds } from '../../model/capacity.ts';
import { parseCpuList } from '../../model/cpu-list.ts';
import type { DesiredNode } from '../../model/desired.ts';
import type { NodeName } from '../../model/ids.ts';
import type { Allocation, Holds } from '../../model/recorded.ts';
import { milliPerPiece } from '../../model/resources.ts';
import type { StoreFinding } from '../../model/store-check.ts';
import { finding } from './finding.ts';
import { isOpen, type Records } from './records.ts';

/** Pieces, cores and addresses are counted in thousandths: what can be had once has this many. */
const whole = milliPerPiece;

/** What has one holder has one, and an instance one allocation; a unit in flight may hold twice what it hands over. */
export function checkUnique(
  records: Records,
  definitions: ReadonlyMap<NodeName, DesiredNode>,
): readonly StoreFinding[] {
  const inFlight = new Set<string>([...records.units.values()].filter(isOpen).map(({ unit }) => unit));
  return [...checkTwice(records, inFlight), ...checkShares(records, definitions, inFlight)];
}

function* checkTwice({ allocations }: Records, inFlight: ReadonlySet<string>): Generator<StoreFinding> {
  const byInstance = new Map<string, Allocation[]>();
  for (const allocation of allocations) {
    // What is held was stopped; what is lost may have been made anew elsewhere.
    if (allocation.state === 'held' || allocation.state === 'lost' || inFlight.has(allocation.workload)) continue;
    const own = byInstance.get(allocation.instance);
    if (own === undefined) byInstance.set(allocation.instance, [allocation]);
    else own.push(allocation);
  }
  for (const [instance, own] of byInstance) {
    if (own.length < 2) continue;
    const each = own.map(({ generation, node, state }) => `#${generation} on ${node} (${state})`);
    yield finding('MUS2104', instance, `has ${own.length} allocations, and no unit in flight: ${each.join(', ')}`);
  }
}

/** Something of which there is so much, and who has how much of it. */
interface Share {
  readonly what: string;
  readonly limit: number;
  readonly takers: { readonly allocation: Allocation; readonly amount: number }[];
}

function* checkShares(
  { allocations }: Records,
  definitions: ReadonlyMap<NodeName, DesiredNode>,
  inFlight: ReadonlySet<string>,
): Generator<StoreFinding> {
  const shares = new Map<string, Share>();
  for (const allocation of allocations) {
    for (const { what, amount, limit } of takenBy(allocation, definitions.get(allocation.node))) {
      const share = shares.get(what) ?? { what, limit, takers: [] };
      shares.set(what, share);
      share.takers.push({ allocation, amount });
    }
  }
  for (const share of shares.values()) {
    if (!isOver(share, inFlight)) continue;
    const who = share.takers.map(({ allocation }) => `${allocation.id} (${allocation.state})`).join(', ');
    yield finding('MUS2106', share.what, `${share.what} is held more often than there is of it: ${who}`);
  }
}

/** Of one instance the most counts, and so it does of a workload in flight: there one allocation hands over to the next. */
function isOver({ takers, limit }: Share, inFlight: ReadonlySet<string>): boolean {
  if (takers.length < 2) return false;
  const most = new Map<string, number>();
  for (const { allocation, amount } of takers) {
    const holder: string = inFlight.has(allocation.workload) ? allocation.workload : allocation.instance;
    most.set(holder, Math.max(most.get(holder) ?? 0, amount));
  }
  return [...most.values()].reduce((sum, amount) => sum + amount, 0) > limit;
}

interface Taken {
  readonly what: string;
  readonly amount: number;
  readonly limit: number;
}

function* takenBy(allocation: Allocation, definition: DesiredNode | undefined): Generator<Taken> {
  const { node } = allocation;
  const { ip, ports, devices, cpuset, cpuFragments, volumes } = chargedHolds(allocation);
  const once = (what: string): Taken => ({ what, amount: whole, limit: whole });
  if (ip !== undefined) yield once(`address ${ip}`);
  const machine = definition?.portDomain ?? node;
  for (const port of new Set(Object.values(ports ?? {}))) yield once(`port ${port} of ${machine}`);
  for (const [kind, pieces] of Object.entries(devices ?? {}))
    for (const [piece, milli] of Object.entries(pieces))
      yield { what: `${kind} ${piece} of ${node}`, amount: milli, limit: whole };
  const limit = definition?.overcommitCpuMilli ?? whole;
  for (const core of coresOf(cpuset))
    yield { what: `core ${core} of ${node}`, amount: cpuFragments?.[core] ?? whole, limit };
  yield* devicesTaken(node, volumes);
}

const coresOf = (cpuset: Holds['cpuset']): readonly number[] =>
  cpuset === undefined ? [] : (parseCpuList(cpuset) ?? []);

/** A device with an exclusive volume is one instance's; others share theirs freely, as far as it has room. */
function* devicesTaken(node: NodeName, volumes: Holds['volumes'] = []): Generator<Taken> {
  const exclusive = new Map<string, boolean>();
  for (const volume of volumes)
    exclusive.set(volume.device, volume.exclusive === true || exclusive.get(volume.device) === true);
  for (const [device, isWhole] of exclusive)
    yield { what: `device ${device} of ${node}`, amount: isWhole ? exclusiveShare : 1, limit: exclusiveShare };
}

/** More than all volumes of a node that share a device. */
const exclusiveShare = 1_000_000;

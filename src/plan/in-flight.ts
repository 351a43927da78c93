import { chargedHolds } from '../model/capacity.ts';
import type { AllocationId, NodeName, PodName } from '../model/ids.ts';
import { workloadOfUnit } from '../model/ids.ts';
import type { Allocation, Holds, InFlightHolding, InFlightStep, InFlightUnit } from '../model/recorded.ts';
import { freedVector } from './account.ts';
import type { Cluster } from './cluster.ts';
import { addHolds, holdsVector, type LedgerBase } from './ledger.ts';
import { pushTo } from './push-to.ts';
import { moreDisk, withDisk } from './quota-disk.ts';
import type { Scopes } from './quota-use.ts';

/** What is charged for units in flight other than it is recorded. */
export interface InFlight {
  /** Allocations that are a part of an envelope, with what is charged of them by themselves; undefined: nothing. */
  readonly instead: ReadonlyMap<AllocationId, Holds | undefined>;
  /** By index of the node: what is handed over there, or made. */
  readonly handovers: ReadonlyMap<number, readonly Handover[]>;
}

/** Pieces of what a step makes. To others they are taken, and so is all that its predecessor had. */
export interface Handover {
  readonly holds: Holds;
  /** What it takes over from, where that is off before. */
  readonly from: { readonly node: NodeName; readonly holds: Holds } | undefined;
}

export const nothingInFlight: InFlight = { instead: new Map(), handovers: new Map() };

/** Where charges go, and what is recorded. */
interface Books {
  readonly cluster: Cluster;
  readonly ledger: LedgerBase;
  readonly scopes: Scopes;
  readonly find: (id: AllocationId) => Allocation | undefined;
}

/**
 * Charges units in flight as if each was planned anew from where it began: what it has made so far is taken back, and the
 * most that it can hold in any state (its envelope) added. So there is room for all that it still does, and for its undo.
 */
export function chargeInFlight(
  units: readonly InFlightUnit[],
  of: Omit<Books, 'find'> & { readonly allocations: readonly Allocation[] },
): InFlight {
  if (units.every(({ waves }) => waves === undefined)) return nothingInFlight;
  const known = new Map(of.allocations.map((allocation) => [allocation.id, allocation]));
  const books: Books = { ...of, find: (id) => known.get(id) };
  const instead = new Map<AllocationId, Holds | undefined>();
  const handovers = new Map<number, Handover[]>();
  for (const unit of units) {
    for (const step of (unit.waves ?? []).flat()) {
      takeBack(books, instead, step);
      if (step.after !== undefined)
        pushTo(handovers, indexOf(books, step.after.node), handoverOf(books, step, step.after));
    }
    addEnvelope(books, unit);
  }
  return { instead, handovers };
}

const indexOf = ({ cluster }: Books, node: NodeName): number => cluster.indexOf.get(node) ?? -1;

/** What the step has made is charged with the envelope; what it changed, as it was before. */
function takeBack(books: Books, instead: Map<AllocationId, Holds | undefined>, { order, after, before }: InFlightStep) {
  const allocation = after && books.find(after.allocation);
  if (allocation === undefined) return;
  const home = indexOf(books, allocation.node);
  const { ledger, scopes } = books;
  addHolds(ledger, ledger.used, home * ledger.width, chargedHolds(allocation), -1);
  scopes.remove(allocation, home);
  if (order !== 'inPlace' || before === undefined) {
    instead.set(allocation.id, undefined);
    return;
  }
  const { holds } = before;
  addHolds(ledger, ledger.used, home * ledger.width, holds, 1);
  scopes.add({ ...allocation, holds }, home);
  instead.set(allocation.id, holds);
}

function handoverOf(books: Books, { order, before }: InFlightStep, { holds }: InFlightHolding): Handover {
  const old = before && oldOf(books, order, before);
  return { holds, from: order === 'beside' || old === undefined ? undefined : { node: old.node, holds: old.holds } };
}

/** What there was before the step, as it is charged; undefined where it is recorded no more. */
function oldOf(
  { find }: Books,
  order: InFlightStep['order'],
  before: InFlightHolding,
): { readonly node: NodeName; readonly holds: Holds; readonly state: Allocation['state'] } | undefined {
  const recorded = find(before.allocation);
  if (recorded === undefined) return undefined;
  const { node, state } = recorded;
  return { node, state, holds: order === 'inPlace' ? before.holds : chargedHolds(recorded) };
}

/** What a unit has of something on top of what it had at first, from state to state. */
interface Track {
  readonly now: Float64Array;
  readonly most: Float64Array;
  /** Given back by the wave under way. */
  readonly freed: Float64Array;
}

type Tracks<Key> = Map<Key, Track>;

function addEnvelope(books: Books, { unit, waves = [], committed }: InFlightUnit): void {
  const { ledger, scopes } = books;
  const workload = workloadOfUnit(unit);
  const nodes: Tracks<number> = new Map();
  const pods: Tracks<PodName | undefined> = new Map();
  for (const wave of waves) {
    for (const step of wave) {
      trackNodes(books, nodes, step);
      trackPods(books, pods, step);
    }
    closeWave(nodes);
    closeWave(pods);
  }
  const which = committed === true ? 'now' : 'most';
  for (const [node, track] of nodes) {
    track[which].forEach((amount, d) => {
      const at = node * ledger.width + d;
      ledger.used[at] = (ledger.used[at] as number) + amount;
    });
  }
  for (const [pod, track] of pods) scopes.grow({ workload, pod, by: track[which] });
}

function trackNodes(books: Books, tracks: Tracks<number>, { order, after, before, wasGone }: InFlightStep): void {
  const { ledger } = books;
  const old = before && oldOf(books, order, before);
  const isFree = order === 'inPlace' || wasGone === true;
  const frees = old !== undefined && old.state !== 'lost';
  handOver(tracks, ledger.width, {
    to: after && { key: indexOf(books, after.node), amounts: holdsVector(ledger, after.holds) },
    from: frees
      ? { key: indexOf(books, old.node), amounts: freedVector(ledger, old.holds, isFree ? 'gone' : 'running') }
      : undefined,
    atOnce: order !== 'beside',
  });
}

/** As quotas count: disk space with that of volumes, and never given back before the unit's end. */
function trackPods(books: Books, tracks: Tracks<PodName | undefined>, step: InFlightStep): void {
  const { order, after, before, wasGone } = step;
  const { ledger, cluster } = books;
  const podOf = (node: NodeName): PodName | undefined => cluster.nodes[indexOf(books, node)]?.definition?.pod;
  const recorded = before && oldOf(books, order, before);
  const old = recorded?.state === 'lost' ? undefined : recorded;
  const takesOver = order !== 'beside' && old !== undefined && old.node === after?.node;
  const own = order === 'inPlace' || (order === 'instead' && wasGone === true);
  const disk = after === undefined ? 0 : moreDisk(after.holds, takesOver ? old.holds : undefined, { own });
  handOver(tracks, ledger.width + 1, {
    to: after && { key: podOf(after.node), amounts: counted(ledger, withDisk(after.holds, disk), 1) },
    from: old && {
      key: podOf(old.node),
      amounts: counted(ledger, withDisk(old.holds, 0), old.state === 'held' ? 0 : 1),
    },
    atOnce: order !== 'beside',
  });
}

function counted(ledger: LedgerBase, holds: Holds, instances: number): Float64Array {
  const amounts = new Float64Array(ledger.width + 1);
  addHolds(ledger, amounts, 0, holds, 1);
  amounts[ledger.width] = instances;
  return amounts;
}

interface Part<Key> {
  readonly key: Key;
  readonly amounts: Float64Array;
}

/** One takes the place of the other, `atOnce` in the very room of it. What is not used of that is free after the wave. */
function handOver<Key>(
  tracks: Tracks<Key>,
  width: number,
  of: { readonly to: Part<Key> | undefined; readonly from: Part<Key> | undefined; readonly atOnce: boolean },
): void {
  const { to, from, atOnce } = of;
  const shares = atOnce && to !== undefined && from !== undefined && to.key === from.key;
  if (to !== undefined) {
    const { now, most } = trackOf(tracks, to.key, width);
    for (let d = 0; d < width; d += 1) {
      const given = shares ? (from.amounts[d] as number) : 0;
      now[d] = (now[d] as number) + Math.max(0, (to.amounts[d] as number) - given);
      most[d] = Math.max(most[d] as number, now[d] as number);
    }
  }
  if (from === undefined) return;
  const { freed } = trackOf(tracks, from.key, width);
  for (let d = 0; d < width; d += 1) {
    const used = shares ? (to.amounts[d] as number) : 0;
    freed[d] = (freed[d] as number) + Math.max(0, (from.amounts[d] as number) - used);
  }
}

function trackOf<Key>(tracks: Tracks<Key>, key: Key, width: number): Track {
  const known = tracks.get(key);
  if (known !== undefined) return known;
  const column = (): Float64Array => new Float64Array(width);
  const track = { now: column(), most: column(), freed: column() };
  tracks.set(key, track);
  return track;
}

function closeWave<Key>(tracks: Tracks<Key>): void {
  for (const { now, freed } of tracks.values()) {
    for (let d = 0; d < now.length; d += 1) now[d] = (now[d] as number) - (freed[d] as number);
    freed.fill(0);
  }
}

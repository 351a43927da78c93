import type { Desired, DesiredWorkload } from '../model/desired.ts';
import type { RevisionHash, RunId, WorkloadId } from '../model/ids.ts';
import { unitOf, workloadOfUnit } from '../model/ids.ts';
import type { Recorded } from '../model/recorded.ts';
import { siblingsOf, transactionsOf } from '../model/transactions.ts';
import { prefixes } from '../store/keys.ts';
import type { Store } from '../store/store.ts';
import type { HistoryEntry, RunMeta } from './history.ts';

/** Where one workload is to go back to, or why it cannot. */
export type WayBack =
  | { readonly kind: 'pin'; readonly workload: WorkloadId; readonly from: RevisionHash; readonly to: RevisionHash }
  | { readonly kind: 'none'; readonly workload: WorkloadId; readonly reason: string };

/**
 * The way back of one workload: from what git declares to the good revision before it. One that is on another revision
 * already, by a pin or since git's failed, is left there: typed twice, a rollback goes back once.
 */
export function wayBack(world: World, workload: WorkloadId): WayBack {
  const record = world.recorded.workloads.get(workload);
  const declared = world.desired.workloads.find(({ id }) => id === workload)?.revisionHash;
  if (record === undefined) return none(workload, 'nothing is recorded of it: it was never applied');
  if (declared === undefined) return none(workload, 'git does not declare it any more: there is nothing to pin');
  const inForce = revisionInForce(world, workload, declared);
  const good = [...(record.lastGood === undefined ? [] : [record.lastGood]), ...(record.earlier ?? [])];
  const before = good
    .slice(good.indexOf(inForce) + 1)
    .find((hash) => hash !== declared && hash !== inForce && isKnown(world, hash));
  if (inForce !== declared) {
    const further = before === undefined ? '' : `; further back: muster rollback ${workload} --to ${before}`;
    return none(workload, `it is on ${inForce} already, not on ${declared}, which git declares${further}`);
  }
  if (before !== undefined) return { kind: 'pin', workload, from: inForce, to: before };
  return none(workload, `no good revision before ${inForce} is recorded`);
}

/** The way to a revision that somebody names, by its hash or the beginning of it. */
export async function wayTo(store: Store, world: World, workload: WorkloadId, prefix: string): Promise<WayBack> {
  const declared = world.desired.workloads.find(({ id }) => id === workload)?.revisionHash;
  if (declared === undefined) return none(workload, 'git does not declare it: there is nothing to pin');
  const { entries } = await store.range(prefixes.revisionsOf(workload));
  const hashes = entries.map(({ key }) => key.slice(key.lastIndexOf('/') + 1) as RevisionHash);
  const found = hashes.filter((hash) => hash.startsWith(prefix));
  const [to] = found;
  if (to === undefined) return none(workload, `it has no recorded revision ${prefix}; there ${listText(hashes)}`);
  if (found.length > 1) return none(workload, `${prefix} may be ${found.join(' or ')}`);
  const from = revisionInForce(world, workload, declared);
  if (to === declared)
    return none(workload, `${to} is what git declares: \`muster retry ${workload}\` lifts what keeps it from that`);
  return { kind: 'pin', workload, from, to };
}

/** The ways back of everything that a run brought a new revision to, as far as that is still in force. */
export function waysBackOfRun(world: World, revisions: NonNullable<RunMeta['revisions']>): readonly WayBack[] {
  return Object.entries(revisions).map(([unit, { from, to }]): WayBack => {
    const workload = workloadOfUnit(unit as keyof typeof revisions);
    const declared = world.desired.workloads.find(({ id }) => id === workload)?.revisionHash;
    if (declared === undefined) return none(workload, 'git does not declare it any more');
    if (from === undefined) return none(workload, 'the run brought it for the first time: take it out of git instead');
    if (!isKnown(world, from)) return none(workload, `its revision of before, ${from}, is not recorded any more`);
    const inForce = revisionInForce(world, workload, declared);
    if (inForce === from) return none(workload, `it is on ${from} already`);
    if (inForce !== to) return none(workload, `it has moved on to ${inForce} since`);
    if (from === declared) return none(workload, `${from} is what git declares again`);
    return { kind: 'pin', workload, from: to, to: from };
  });
}

/**
 * The ways back of a workload that changes together with others: with all that the run that brought its revision brought to
 * them, or nothing. `runs`: newest first.
 */
export function waysBackTogether(
  world: World,
  workload: DesiredWorkload,
  runs: readonly RunMeta[],
): readonly WayBack[] {
  const { id, revisionHash } = workload;
  const members = [workload, ...siblingsOf(transactionsOf(world.desired.workloads), workload)].map(
    (member) => member.id,
  );
  const broughtBy = runs.find(({ revisions }) => revisions?.[unitOf(id)]?.to === revisionHash);
  if (broughtBy?.revisions === undefined) {
    const alone = `\`muster rollback ${id} --to REVISION\` pins it alone`;
    return [
      none(id, `no run is recorded that brought ${revisionHash} to it and to ${othersText(members, id)}; ${alone}`),
    ];
  }
  const own = Object.entries(broughtBy.revisions).filter(([unit]) => members.some((member) => member === unit));
  const ways = waysBackOfRun(world, Object.fromEntries(own));
  if (ways.every(({ kind }) => kind === 'pin')) return ways;
  return ways.map((way) =>
    way.kind === 'none' ? way : none(way.workload, 'it changes together with what cannot go back'),
  );
}

const othersText = (members: readonly WorkloadId[], own: WorkloadId): string =>
  members.filter((member) => member !== own).join(', ');

interface World {
  readonly desired: Desired;
  readonly recorded: Recorded;
  /** Unix ms */
  readonly now: number;
}

/** What plans bring the workload to: what git declares, unless a pin or a failure stands in the way. */
function revisionInForce({ recorded, now }: World, workload: WorkloadId, declared: RevisionHash): RevisionHash {
  const pin = recorded.overrides.find(
    ({ kind, target, until }) => kind === 'pin' && target === workload && until > now,
  )?.revision;
  if (pin !== undefined) return pin;
  const { failed = [], lastGood } = recorded.workloads.get(workload) ?? {};
  return failed.some(({ revision }) => revision === declared) ? (lastGood ?? declared) : declared;
}

const isKnown = ({ recorded }: World, hash: RevisionHash): boolean => recorded.revisions.has(hash);

const mostListed = 10;

const listText = (hashes: readonly RevisionHash[]): string =>
  hashes.length === 0
    ? 'are none'
    : `${hashes.length === 1 ? 'is' : 'are'} ${hashes.slice(0, mostListed).join(', ')}${hashes.length > mostListed ? ', …' : ''}`;

const none = (workload: WorkloadId, reason: string): WayBack => ({ kind: 'none', workload, reason });

/** The run's record, in flight or finished. */
export const findRun = (
  run: RunId,
  of: { readonly runs: ReadonlyMap<RunId, RunMeta>; readonly history: readonly HistoryEntry[] },
): RunMeta | undefined => of.runs.get(run) ?? of.history.find((entry) => entry.run === run);

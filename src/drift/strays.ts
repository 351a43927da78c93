import {
  type FencingToken,
  parseAllocationId,
  parseFencingToken,
  type WorkloadId,
  workloadOfUnit,
} from '../model/ids.ts';
import type { Observed, ObservedObject } from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';

/** An object of ours that says something about the store by being there. */
export interface Stray {
  /**
   * `ahead`: made by a leader that this store has not heard of yet, so that the store went back in time · `zombie`: its
   * allocation ended before it was made, by a call that was carried out late · `orphan`: nobody can say where it is from
   */
  readonly kind: 'ahead' | 'zombie' | 'orphan';
  readonly object: ObservedObject;
  /** For people: `running, and made after this store: …`. */
  readonly detail: string;
}

/** Every object that no allocation owns, and every one that is newer than the store. Pure. */
export function straysOf(recorded: Recorded, { objects }: Observed): readonly Stray[] {
  const known = new Set(recorded.allocations.map(({ id }) => id));
  const inFlight = new Set<WorkloadId>(recorded.inFlight.map(({ unit }) => workloadOfUnit(unit)));
  return objects.flatMap((object): readonly Stray[] => {
    const isKnown = known.has(object.allocation);
    const newer = newerLeader(recorded, object) ?? (isKnown ? undefined : newerGeneration(recorded, object));
    if (newer !== undefined) return [{ kind: 'ahead', object, detail: `${object.state}, and ${newer}` }];
    if (isKnown) return [];
    return [strayOf(object, recorded, inFlight)];
  });
}

/** What shows that the object was made after what is recorded; undefined where nothing does. */
function newerGeneration({ workloads }: Recorded, { allocation }: ObservedObject): string | undefined {
  const { workload, generation } = parseAllocationId(allocation);
  const next = workloads.get(workload)?.nextGeneration ?? 1;
  return generation < next ? undefined : `made after this store, which would hand out generation ${next} next`;
}

function newerLeader({ identity, storeRevision }: Recorded, object: ObservedObject): string | undefined {
  const token = object.token && parseFencingToken(object.token);
  if (token === undefined || identity === undefined || token.epoch < identity.epoch) return undefined;
  if (token.epoch > identity.epoch) return `made in epoch ${token.epoch}; this store is at epoch ${identity.epoch}`;
  return token.createRevision <= storeRevision
    ? undefined
    : `made by a leader of store revision ${token.createRevision}; this store is at revision ${storeRevision}`;
}

/** Its generation was handed out by this store. Only one of this epoch is known to have ended: a restore forgets. */
function strayOf(object: ObservedObject, { identity }: Recorded, inFlight: ReadonlySet<WorkloadId>): Stray {
  const { workload } = parseAllocationId(object.allocation);
  const orphan = (why: string): Stray => ({
    kind: 'orphan',
    object,
    detail: `${object.state}, and recorded nowhere${why}`,
  });
  if (inFlight.has(workload)) return orphan(': a unit of its workload is under way');
  const epoch = epochOf(object.token);
  if (epoch === undefined) return orphan('');
  if (epoch !== identity?.epoch) return orphan(': made before the store was restored or rebuilt');
  return {
    kind: 'zombie',
    object,
    detail: `${object.state}, but its allocation had ended: an engine carried out a call late`,
  };
}

const epochOf = (token: FencingToken | undefined): number | undefined =>
  token === undefined ? undefined : parseFencingToken(token)?.epoch;

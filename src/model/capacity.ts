import type { DesiredNode } from './desired.ts';
import type { ObservedNode } from './observed.ts';
import type { Allocation, Holds, RecordedNode } from './recorded.ts';
import { type Dimension, dimensionsOf, maxResources, noResources, type Resources } from './resources.ts';

/**
 * What allocations may use of a node: declared capacity, else probed, else recorded, less what is reserved, the cpu
 * times its overcommit. A base dimension that is in none of the three is left out, and is then not limited: nobody can
 * say what there is. An extended resource that nobody declares is not there.
 */
export function usableCapacity(known: {
  readonly definition: DesiredNode | undefined;
  readonly observed: ObservedNode | undefined;
  readonly recorded: RecordedNode | undefined;
}): Resources {
  let probed: Resources = noResources;
  for (const engine of Object.values(known.observed?.engines ?? {})) {
    if (engine?.kind === 'reachable') probed = maxResources(probed, engine.capacity);
  }
  const capacity: Partial<Record<Dimension, number>> = {
    ...known.recorded?.capacity,
    ...probed,
    ...known.definition?.capacity,
  };
  const reserved = known.definition?.reserved ?? {};
  for (const dimension of dimensionsOf(capacity)) {
    const left = (capacity[dimension] ?? 0) - (reserved[dimension] ?? 0);
    const overcommit = dimension === 'cpuMillis' ? (known.definition?.overcommitCpuMilli ?? 1000) : 1000;
    capacity[dimension] = Math.max(0, Math.floor((left * overcommit) / 1000));
  }
  return capacity;
}

/** What an allocation is charged: everything, or disk space and its address once it is held (stopped, not deleted yet). */
export function chargedHolds({ state, holds }: Pick<Allocation, 'state' | 'holds'>): Holds {
  if (state !== 'held') return holds;
  const { storageBytes, volumes, ip } = holds;
  return {
    cpuMillis: 0,
    memoryBytes: 0,
    storageBytes,
    ...(volumes !== undefined && { volumes }),
    ...(ip !== undefined && { ip }),
  };
}

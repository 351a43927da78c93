import type { DesiredWorkload } from '../model/desired.ts';
import type { WorkloadId } from '../model/ids.ts';

/** What it comes after, and what it has to be near: without that there is nothing to follow. */
export const leadersOf = ({ after, placement: { affinity = [] } }: DesiredWorkload): readonly WorkloadId[] => [
  ...after,
  ...affinity.flatMap(({ to, required }) => (required ? [to] : [])),
];

/** The same, and those that they follow in turn. */
export function allLeadersOf(
  workload: DesiredWorkload,
  definitions: ReadonlyMap<WorkloadId, DesiredWorkload>,
): ReadonlySet<WorkloadId> {
  const found = new Set<WorkloadId>();
  const open = [...leadersOf(workload)];
  // Each is looked at once: bounded by the number of workloads.
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    const definition = definitions.get(next);
    if (definition !== undefined) open.push(...leadersOf(definition));
  }
  return found;
}

import type { NodeName, PodName } from '../../model/ids.ts';
import type { PlannedWorld } from '../simulate/world.ts';
import { isMovable, type Proposal } from './proposal.ts';

/** Everything that is on the nodes and that may go. Daemons stay: they belong there. */
export function proposeEmptying({ onNode }: PlannedWorld, nodes: readonly NodeName[]): readonly Proposal[] {
  return nodes.flatMap((name) =>
    (onNode.get(name) ?? [])
      .filter(({ workload, instance }) => isMovable(workload, instance))
      .map(({ workload, instance }) => ({
        instance: instance.id,
        workload: workload.id,
        from: name,
        reason: `${name} is to be empty`,
      })),
  );
}

/** Nodes that could be emptied, those that hold the fewest instances first: nothing on them belongs there, daemons apart. */
export function quietestNodes(
  { cluster, onNode }: PlannedWorld,
  pods: readonly PodName[] | undefined,
): readonly NodeName[] {
  return cluster.nodes
    .filter(({ name, definition, accepts }) => {
      if (definition === undefined || !accepts || !(pods?.includes(definition.pod) ?? true)) return false;
      const residents = onNode.get(name) ?? [];
      const guests = residents.filter(({ workload }) => workload.definition?.type !== 'daemon');
      return guests.length > 0 && guests.every(({ workload, instance }) => isMovable(workload, instance));
    })
    .map(({ name }) => name)
    .sort((a, b) => (onNode.get(a)?.length ?? 0) - (onNode.get(b)?.length ?? 0) || (a < b ? -1 : 1));
}

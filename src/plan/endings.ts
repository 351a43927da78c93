import type { Cause } from '../model/plan.ts';
import type { Allocation } from '../model/recorded.ts';
import { type ClusterNode, isReachable } from './cluster.ts';
import type { Context } from './context.ts';
import { type Action, type Draft, endingAction, objectOf } from './draft.ts';
import type { Instance } from './instances.ts';

/** Like a machine, it waits for its node to return. */
export const stopFor = (instance: Instance, { forced }: Pick<Action, 'forced'>): Draft => ({
  action: {
    ...endingAction(instance.allocation, {
      kind: 'stop',
      cause: 'drain',
      reason: `${instance.node.name} is in maintenance; it is started again when the node is back`,
    }),
    disrupts: instance.available,
    forced,
  },
  ordinal: instance.ordinal,
  node: instance.node,
  holds: instance.allocation.holds,
  charged: undefined,
  old: { allocation: instance.allocation, node: instance.node, object: objectOf(instance) },
});

/** Older incarnations that an unfinished run left. */
export function releaseLeftovers(context: Context, instance: Instance): readonly Draft[] {
  return instance.leftovers.flatMap((allocation) => {
    const node = context.cluster.nodes[context.cluster.indexOf.get(allocation.node) ?? -1];
    return node === undefined ? [] : removal(context, instance, allocation, node, 'scale');
  });
}

/** What git does not want any more. */
export const removeExtra = (context: Context, instance: Instance, cause: Cause): readonly Draft[] =>
  removal(context, instance, instance.allocation, instance.node, cause);

/** Ends an allocation: through the engine where something is left there, on paper otherwise. Nothing while nobody can look. */
function removal(
  context: Context,
  instance: Instance,
  allocation: Allocation,
  node: ClusterNode,
  cause: Cause,
): readonly Draft[] {
  if (node.liveness !== 'lost' && !isReachable(node, allocation.engine)) {
    context.unseen(instance, allocation.workload);
    return [];
  }
  const current = allocation === instance.allocation;
  const object = current ? objectOf(instance) : context.hasObject(allocation) ? 'running' : 'gone';
  const forget = object === 'gone';
  return [
    {
      action: endingAction(allocation, {
        kind: forget ? 'forget' : 'remove',
        cause,
        reason: removalReason(cause, current, forget, node),
      }),
      ordinal: instance.ordinal,
      node,
      holds: allocation.holds,
      charged: undefined,
      old: { allocation, node, object },
    },
  ];
}

function removalReason(cause: Cause, current: boolean, forget: boolean, node: ClusterNode): string {
  if (!current) return 'left over from an unfinished run';
  if (cause === 'drain') return `${node.name} is drained`;
  if (cause === 'quota') return 'its quota was lowered below what is used (drainToQuota)';
  return forget ? 'not wanted any more, and gone from its engine' : 'not wanted any more';
}

import type { Cause } from '../../model/plan.ts';
import { worstClass } from '../compare.ts';
import type { Intent, Want } from '../decide.ts';
import { type Draft, objectOf } from '../draft.ts';
import type { Choice } from './place-one.ts';

/** The step that a choice comes to, with its reason in words. */
export function draftOf(
  intent: Intent,
  want: Want,
  choice: Pick<Choice, 'kind' | 'node' | 'order' | 'note'>,
  { holds, charged }: Required<Pick<Draft, 'holds' | 'charged'>>,
): Draft {
  const { current, changes } = want;
  const { kind, node, order } = choice;
  const reason = reasonOf(want.cause, intent, want);
  const draft: Draft = {
    kind,
    instance: want.instance,
    ordinal: want.ordinal,
    cause: want.cause,
    node,
    engine: intent.target.revision.engine,
    revision: intent.target.hash,
    holds,
    charged,
    order,
    class: kind === 'create' ? 'none' : kind === 'update' ? worstClass(changes) : 'recreate',
    changes,
    reason: choice.note === '' ? reason : `${reason}${choice.note}`,
    disrupts: current?.available === true && order === 'stop-first' && kind !== 'create',
  };
  if (current === undefined) return draft;
  const losesData = kind === 'move' && current.allocation.holds.volumes !== undefined;
  return {
    ...draft,
    ...(losesData && { reason: `${draft.reason}; its volumes start empty` }),
    ...(want.forced === true && { forced: true }),
    old: { allocation: current.allocation, node: current.node, object: objectOf(current) },
  };
}

function reasonOf(cause: Cause, intent: Intent, { current, changes, mustLeave }: Want): string {
  const fields = changes.map((change) => change.path || '/').join(', ');
  const changed = fields === '' ? '' : `${fields} changed`;
  switch (cause) {
    case 'new':
      if (current === undefined) return 'new';
      return current.status === 'held' ? 'declared again' : 'left over from an unfinished run';
    case 'scale':
      return `${intent.replicas} are wanted`;
    case 'heal':
      return [downReason(current), changed].filter((text) => text !== '').join('; ');
    case 'rollback':
      return `back to ${intent.target.hash}: ${changed}`;
    case 'change':
    case 'preempt':
    case 'quota':
    case 'rebalance':
    case 'drain':
    case 'lost':
    case 'prune':
    case 'orphan':
      return [mustLeave ?? '', changed].filter((text) => text !== '').join('; ');
  }
}

function downReason(current: Want['current']): string {
  switch (current?.status) {
    case 'dead':
      return current.object?.exitCode === undefined
        ? `does not run on ${current.node.name}`
        : `exited with code ${current.object.exitCode} on ${current.node.name}`;
    case 'gone':
      return `its object is gone from ${current.node.name}`;
    case 'unhealthy':
      return `fails its health check on ${current.node.name}`;
    default:
      return current === undefined ? '' : `differs from its revision on ${current.node.name}`;
  }
}

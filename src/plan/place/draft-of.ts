import type { Cause, Step, StepKind } from '../../model/plan.ts';
import type { Account } from '../account.ts';
import type { ClusterNode } from '../cluster.ts';
import { worstClass } from '../compare.ts';
import type { Intent, Want } from '../decide.ts';
import { type Action, type Draft, objectOf } from '../draft.ts';
import type { UnitState } from './unit-state.ts';

export interface Choice {
  readonly node: ClusterNode;
  readonly account: Account | undefined;
  /** What it replaces is off before it starts: what that held may be used at once. */
  readonly chained: boolean;
  readonly kind: StepKind;
  readonly order: Step['order'];
  readonly note: string;
}

/** The step that a choice comes to, with its reason in words. */
export function draftOf(
  { intent, actions }: UnitState,
  want: Want,
  choice: Pick<Choice, 'kind' | 'node' | 'order' | 'note'>,
  { holds, charged }: Pick<Draft, 'holds' | 'charged'>,
): Draft {
  const { current, ordinal } = want;
  const { node } = choice;
  if (current === undefined) {
    const key = `${want.cause} ${choice.note}`;
    let action = actions.get(key);
    if (action === undefined) {
      action = actionOf(intent, want, choice);
      actions.set(key, action);
    }
    return { action, ordinal, node, holds, charged, old: undefined };
  }
  const old = { allocation: current.allocation, node: current.node, object: objectOf(current) };
  return { action: actionOf(intent, want, choice), ordinal, node, holds, charged, old };
}

function actionOf(intent: Intent, want: Want, choice: Pick<Choice, 'kind' | 'order' | 'note'>): Action {
  const { current, changes, cause } = want;
  const { kind, order, note } = choice;
  const losesData = kind === 'move' && current?.allocation.holds.volumes !== undefined;
  return {
    kind,
    cause,
    engine: intent.target.revision.engine,
    revision: intent.target.hash,
    order,
    class: kind === 'create' ? 'none' : kind === 'update' ? worstClass(changes) : 'recreate',
    changes,
    reason: `${reasonOf(cause, intent, want)}${note}${losesData ? '; its volumes start empty' : ''}`,
    disrupts: current?.available === true && order === 'stop-first' && kind !== 'create',
    forced: want.forced === true,
  };
}

function reasonOf(cause: Cause, intent: Intent, { current, changes, mustLeave }: Want): string {
  const fields = changes.map((change) => change.path || '/').join(', ');
  const changed = fields === '' ? '' : `${fields} changed`;
  switch (cause) {
    case 'new':
      if (current === undefined) return 'new';
      return intent.definition.type === 'static' ? `${current.node.name} is back` : 'declared again';
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
  if (current?.allocation.state === 'reserved') return 'left over from an unfinished run';
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

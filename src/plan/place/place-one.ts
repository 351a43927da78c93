import { chargedHolds } from '../../model/capacity.ts';
import type { Cause, Step, StepKind } from '../../model/plan.ts';
import type { Holds } from '../../model/recorded.ts';
import { type ClusterNode, isReachable } from '../cluster.ts';
import { worstClass } from '../compare.ts';
import type { Context } from '../context.ts';
import type { Intent, Want } from '../decide.ts';
import { type Draft, objectOf } from '../draft.ts';
import { charge, findPorts, growth, noPorts, ownsPorts, takePorts, timesThatFit, type Vector } from '../ledger.ts';
import { chargeQuota, type Demand, demandOf, exceeded, type QuotaRow, type QuotaScope, quotaDemand } from '../quota.ts';
import type { NodeQueue } from './distribute.ts';
import { whyMisplaced, whyTainted } from './feasible.ts';

/** Why something could not be placed. */
export type Failure =
  | { readonly kind: 'capacity' }
  | { readonly kind: 'quota'; readonly row: QuotaRow }
  | { readonly kind: 'cannotMove'; readonly reason: string };

export type Outcome =
  | { readonly kind: 'placed'; readonly draft: Draft }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface Attempt {
  /** What a new instance holds, ports and address aside: the same for all of a workload. */
  readonly ask: { readonly holds: Holds; readonly amounts: Vector };
  readonly order: 'create-first' | 'stop-first';
  /** Opened when first needed: most instances stay where they are. */
  readonly queue: () => NodeQueue;
  /** Appended to the reason. */
  readonly note: string;
}

/** Places one instance and charges it: in place, then on its own node, then on the best other one. */
export function placeOne(context: Context, intent: Intent, want: Want, attempt: Attempt): Outcome {
  const stay = stayingNode(intent, want);
  const failure = stay === undefined ? undefined : tryStay(context, intent, want, attempt, stay);
  if (failure?.kind === 'placed') return failure;
  const bound = boundTo(intent, want);
  if (bound !== undefined && want.current !== undefined) {
    return failure ?? failed({ kind: 'cannotMove', reason: bound });
  }
  return tryElsewhere(context, intent, want, attempt);
}

const failed = (failure: Failure): Outcome => ({ kind: 'failed', failure });

/** Set when the instance may be nowhere else. */
function boundTo({ definition }: Intent, want: Want): string | undefined {
  if (definition.type === 'daemon') return `it is the daemon of ${want.onlyNode?.name ?? 'its node'}`;
  return definition.type === 'static' ? 'it is static and never moves' : undefined;
}

function stayingNode({ definition, target }: Intent, want: Want): ClusterNode | undefined {
  const node = want.current?.node;
  if (node === undefined || want.mustLeave !== undefined || node.draining) return undefined;
  const { engine } = target.revision;
  const allowed =
    isReachable(node, engine) &&
    whyMisplaced(node, definition.placement, engine) === undefined &&
    whyTainted(node, definition.placement) === undefined;
  return allowed ? node : undefined;
}

function tryStay(context: Context, intent: Intent, want: Want, attempt: Attempt, node: ClusterNode): Outcome {
  const { current } = want;
  if (current === undefined) return failed({ kind: 'capacity' });
  if (isInPlace(intent, want)) {
    const update = tryUpdate(context, intent, want, { attempt, node });
    if (update.kind === 'placed') return update;
  }
  const gone = objectOf(current) === 'gone';
  const both = attempt.order === 'create-first' && objectOf(current) === 'running';
  const { allocation } = current;
  const { holds } = attempt.ask;
  const amounts = both ? attempt.ask.amounts : growth(context.ledger, holds, chargedHolds(allocation));
  const keeps = both || allocation.state === 'held' ? noPorts : allocation.holds.ports;
  return settle(context, intent, want, {
    node,
    amounts,
    keeps,
    ask: attempt.ask.holds,
    freesFirst: !both,
    kind: gone ? 'create' : 'replace',
    order: both ? 'create-first' : 'stop-first',
    note: attempt.note,
  });
}

/** Everything that changed can be changed while it runs. */
function isInPlace({ target }: Intent, { current, changes, cause }: Want): boolean {
  if (current === undefined || objectOf(current) !== 'running' || current.status === 'unhealthy') return false;
  if (changes.length === 0 && current.allocation.revision === target.hash) return false;
  if (changes.length === 0 && cause === 'new') return false;
  const worst = worstClass(changes);
  return worst === 'none' || worst === 'live';
}

function tryUpdate(
  context: Context,
  intent: Intent,
  want: Want,
  { attempt, node }: { readonly attempt: Attempt; readonly node: ClusterNode },
): Outcome {
  const { current } = want;
  if (current === undefined) return failed({ kind: 'capacity' });
  const { allocation } = current;
  const { ports = noPorts, ip } = allocation.holds;
  const holds = withPorts(attempt.ask.holds, ports, ip);
  const amounts = growth(context.ledger, holds, allocation.holds);
  const fits = timesThatFit(context.ledger, node.index, amounts) >= 1 && ownsPorts(context.ledger, node, ports);
  if (!fits) return failed({ kind: 'capacity' });
  const demand = quotaDemand(
    context.quotas,
    { scope: scopeOf(intent, node), demand: { holds, instances: 1 } },
    freedBy(intent, want),
  );
  const row = exceeded(demand);
  if (row !== undefined) return failed({ kind: 'quota', row });
  charge(context.ledger, node.index, amounts);
  chargeQuota(context.quotas, demand);
  const charged = { amounts, quota: demand };
  const draft = draftOf(intent, want, { kind: 'update', node, order: 'in-place', note: '' }, { holds, charged });
  return { kind: 'placed', draft };
}

function tryElsewhere(context: Context, intent: Intent, want: Want, attempt: Attempt): Outcome {
  const queue = attempt.queue();
  const { amounts, holds: ask } = attempt.ask;
  let full: QuotaRow | undefined;
  // Every turn that does not place drops a node: bounded by the number of candidates.
  for (let best = queue.best(); best !== undefined; best = queue.best()) {
    const node = context.cluster.nodes[best];
    // An instance that has to leave may come back to its own node only where that is not why it leaves.
    if (node === undefined || (want.current?.node === node && want.mustLeave !== undefined)) {
      queue.drop();
      continue;
    }
    const same = want.current?.node === node;
    const stops = want.current !== undefined && objectOf(want.current) === 'running';
    const outcome = settle(context, intent, want, {
      node,
      amounts,
      ask,
      keeps: noPorts,
      freesFirst: attempt.order === 'stop-first' || !stops,
      kind: want.current === undefined ? 'create' : same ? 'replace' : 'move',
      order: stops ? attempt.order : want.current && objectOf(want.current) === 'dead' ? 'stop-first' : 'create-first',
      note: attempt.note,
    });
    if (outcome.kind === 'placed') {
      queue.used();
      return outcome;
    }
    if (outcome.failure.kind === 'quota') full = outcome.failure.row;
    queue.drop();
  }
  return failed(full === undefined ? { kind: 'capacity' } : { kind: 'quota', row: full });
}

interface Choice {
  readonly node: ClusterNode;
  /** What it adds to the node. */
  readonly amounts: Vector;
  /** What it holds, ports and address aside. */
  readonly ask: Holds;
  /** Ports that it may keep. */
  readonly keeps: Readonly<Record<string, number>> | undefined;
  /** What it replaces is off before it starts. */
  readonly freesFirst: boolean;
  readonly kind: StepKind;
  readonly order: Step['order'];
  readonly note: string;
}

/** Charges the choice if it fits in every respect. */
function settle(context: Context, intent: Intent, want: Want, choice: Choice): Outcome {
  const { node, amounts } = choice;
  const { revision } = intent.target;
  if (timesThatFit(context.ledger, node.index, amounts) < 1) return failed({ kind: 'capacity' });
  const ports = findPorts(context.ledger, node, revision, choice.keeps);
  if (ports === undefined) return failed({ kind: 'capacity' });
  const holds = withPorts(choice.ask, ports, want.current?.allocation.holds.ip);
  const demand = quotaDemand(
    context.quotas,
    { scope: scopeOf(intent, node), demand: { holds, instances: 1 } },
    choice.freesFirst ? freedBy(intent, want) : undefined,
  );
  const row = exceeded(demand);
  if (row !== undefined) return failed({ kind: 'quota', row });
  charge(context.ledger, node.index, amounts);
  takePorts(context.ledger, node, ports);
  chargeQuota(context.quotas, demand);
  return { kind: 'placed', draft: draftOf(intent, want, choice, { holds, charged: { amounts, quota: demand } }) };
}

/** Instances without ports and addresses share what they hold. */
function withPorts(ask: Holds, ports: Readonly<Record<string, number>>, ip: string | undefined): Holds {
  if (ports === noPorts && ip === undefined) return ask;
  return { ...ask, ...(ports !== noPorts && { ports }), ...(ip !== undefined && { ip }) };
}

const scopeOf = ({ definition }: Intent, node: ClusterNode): QuotaScope => ({
  namespace: definition.namespace,
  pod: node.definition?.pod,
});

function freedBy(
  intent: Intent,
  { current }: Want,
): { readonly scope: QuotaScope; readonly demand: Demand } | undefined {
  if (current === undefined || current.allocation.state === 'lost') return undefined;
  return { scope: scopeOf(intent, current.node), demand: demandOf(current.allocation) };
}

function draftOf(
  intent: Intent,
  want: Want,
  choice: Pick<Choice, 'kind' | 'node' | 'order' | 'note'>,
  { holds, charged }: Required<Pick<Draft, 'holds' | 'charged'>>,
): Draft {
  const { current, changes } = want;
  const { kind, node, order } = choice;
  const worst = worstClass(changes);
  const made = kind === 'create' ? 'none' : kind === 'update' ? worst : 'recreate';
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
    class: made,
    changes,
    reason:
      choice.note === '' ? reasonOf(want.cause, intent, want) : `${reasonOf(want.cause, intent, want)}${choice.note}`,
    disrupts: current?.available === true && order === 'stop-first' && kind !== 'create',
  };
  if (current === undefined) return draft;
  return { ...draft, old: { allocation: current.allocation, node: current.node, object: objectOf(current) } };
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

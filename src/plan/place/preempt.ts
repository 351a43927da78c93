import type { InstanceId, WorkloadId } from '../../model/ids.ts';
import { freedVector, openAccount } from '../account.ts';
import { type Budget, budgetOf } from '../budget.ts';
import type { ClusterNode } from '../cluster.ts';
import type { Context } from '../context.ts';
import type { Intent, Want } from '../decide.ts';
import type { Draft } from '../draft.ts';
import type { Instance } from '../instances.ts';
import { allLeadersOf } from '../leaders.ts';
import type { Vector } from '../ledger.ts';
import { boundTo, isApart, isPlaced, placeOn, type Settled } from './place-one.ts';
import { strategyOf } from './queue-for.ts';
import type { Eviction, UnitState } from './unit-state.ts';

/**
 * Who makes room for whom. An eviction is a step in its own workload's unit, within that one's budget; the unit that
 * needs the room comes after it. Chosen are the fewest and least urgent instances of one node.
 */
export interface Evictions {
  /** Room for an instance of a workload that may preempt, at the cost of others; undefined when that cannot be had. */
  makeRoom(state: UnitState, want: Want): Draft | undefined;
  /** Instances of a workload that have to go, and for whom. */
  of(workload: WorkloadId): ReadonlyMap<InstanceId, Eviction>;
}

/** Instances of one workload that could be evicted, and how many of them still may be. */
interface Tenant {
  readonly intent: Intent;
  readonly instance: Instance;
}

export function openEvictions(context: Context, intents: readonly Intent[]): Evictions {
  const evicted = new Map<WorkloadId, Map<InstanceId, Eviction>>();
  const budgets = new Map<WorkloadId, Budget>();
  let tenants: ReadonlyMap<number, readonly Tenant[]> | undefined;
  const definitions = new Map(intents.map(({ definition }) => [definition.id, definition]));
  const budgetLeft = ({ workload: { id }, ...intent }: Intent): number => {
    const budget = budgets.get(id) ?? budgetOf(context.rulesFor, intent);
    budgets.set(id, budget);
    return budget.maxUnavailable - (budget.base - budget.available) - (evicted.get(id)?.size ?? 0);
  };
  return {
    of: (workload) => evicted.get(workload) ?? nobody,
    makeRoom(state, want) {
      const { definition, target, workload } = state.intent;
      // The whole number on every node is asked for, or nothing.
      const isEach = strategyOf(context, state.intent) === 'each' && want.onlyNode === undefined;
      if (definition.preemption !== 'lower' || isEach) return undefined;
      tenants ??= tenantsByNode(intents);
      // Whom it needs itself it leaves alone.
      const leaders = allLeadersOf(definition, definitions);
      let best: Choice | undefined;
      const { nodes } = context.candidatesOf(definition, target.revision);
      for (const index of want.onlyNode === undefined ? nodes : [want.onlyNode.index]) {
        const node = context.cluster.nodes[index] as ClusterNode;
        if (!isApart(context, state.intent, node) || !state.spread.allows(node) || !hasTurn(state, index)) continue;
        const here = (tenants.get(index) ?? []).filter(
          ({ intent, instance }) =>
            intent.definition.priority < definition.priority &&
            !leaders.has(intent.workload.id) &&
            !evicted.get(intent.workload.id)?.has(instance.id),
        );
        const choice = here.length === 0 ? undefined : fewest(context, state, { index, here, budgetLeft });
        if (choice !== undefined && (best === undefined || isBetter(choice, best))) best = choice;
      }
      if (best === undefined) return undefined;
      const draft = placeBehind(context, state, want, best);
      if (!isPlaced(draft)) return undefined;
      for (const { intent, instance } of best.victims) {
        const { id } = intent.workload;
        const list = evicted.get(id) ?? new Map<InstanceId, Eviction>();
        evicted.set(id, list.set(instance.id, { instance, by: workload.id }));
        const isFirst = !state.after.has(id);
        state.after.add(id);
        context.ledger.undo.entries.push(() => {
          list.delete(instance.id);
          if (isFirst) state.after.delete(id);
        });
      }
      return draft;
    },
  };
}

/** `perNode` allows one more. */
const hasTurn = ({ intent, counts }: UnitState, node: number): boolean =>
  (counts.get(node) ?? 0) < (intent.definition.placement.perNode ?? Number.POSITIVE_INFINITY);

const nobody: ReadonlyMap<InstanceId, Eviction> = new Map();

/** Running instances with nothing planned for them, that may be somewhere else or nowhere, least urgent first. */
function tenantsByNode(intents: readonly Intent[]): ReadonlyMap<number, readonly Tenant[]> {
  const byNode = new Map<number, Tenant[]>();
  for (const intent of intents) {
    const busy = new Set([...intent.heals, ...intent.moves, ...intent.rollout].map(({ instance }) => instance));
    for (const instance of intent.wanted) {
      if (instance.status !== 'running' || busy.has(instance.id)) continue;
      if (boundTo(intent, { current: instance }) !== undefined) continue;
      const list = byNode.get(instance.node.index);
      if (list === undefined) byNode.set(instance.node.index, [{ intent, instance }]);
      else list.push({ intent, instance });
    }
  }
  for (const list of byNode.values()) list.sort(byUrgency);
  return byNode;
}

const byUrgency = (a: Tenant, b: Tenant): number =>
  a.intent.definition.priority - b.intent.definition.priority ||
  (a.intent.workload.id < b.intent.workload.id ? -1 : a.intent.workload.id > b.intent.workload.id ? 1 : 0) ||
  b.instance.ordinal - a.instance.ordinal;

interface Choice {
  readonly node: ClusterNode;
  readonly victims: readonly Tenant[];
  readonly freed: Vector;
  /** The most urgent of the victims. */
  readonly priority: number;
}

const isBetter = (a: Choice, b: Choice): boolean =>
  a.priority !== b.priority
    ? a.priority < b.priority
    : a.victims.length !== b.victims.length
      ? a.victims.length < b.victims.length
      : a.node.index < b.node.index;

/** The least urgent tenants that free enough; then those of them are let off that are not needed after all. */
function fewest(
  { ledger, cluster }: Context,
  { ask }: UnitState,
  of: { readonly index: number; readonly here: readonly Tenant[]; readonly budgetLeft: (intent: Intent) => number },
): Choice | undefined {
  const start = of.index * ledger.width;
  const missing = ask.amounts.map((amount, d) =>
    amount > 0 ? amount + (ledger.used[start + d] as number) - (ledger.capacity[start + d] as number) : 0,
  );
  const freed = new Float64Array(ledger.width);
  const victims: { readonly tenant: Tenant; readonly frees: Vector }[] = [];
  const taken = new Map<Intent, number>();
  const isEnough = (): boolean => missing.every((amount, d) => amount <= (freed[d] as number));
  for (const tenant of of.here) {
    if (isEnough()) break;
    const already = taken.get(tenant.intent) ?? 0;
    if (of.budgetLeft(tenant.intent) - already < 1) continue;
    const frees = freedVector(ledger, tenant.instance.allocation.holds, 'running');
    if (!missing.some((amount, d) => amount > (freed[d] as number) && (frees[d] as number) > 0)) continue;
    taken.set(tenant.intent, already + 1);
    victims.push({ tenant, frees });
    frees.forEach((amount, d) => {
      freed[d] = (freed[d] as number) + amount;
    });
  }
  if (!isEnough()) return undefined;
  const needed = victims.filter(({ frees }) => {
    const without = missing.every((amount, d) => amount <= (freed[d] as number) - (frees[d] as number));
    if (without) {
      frees.forEach((amount, d) => {
        freed[d] = (freed[d] as number) - amount;
      });
    }
    return !without;
  });
  // It is not for want of what others could give up.
  if (needed.length === 0) return undefined;
  return {
    node: cluster.nodes[of.index] as ClusterNode,
    victims: needed.map(({ tenant }) => tenant),
    freed,
    priority: Math.max(...needed.map(({ tenant }) => tenant.intent.definition.priority)),
  };
}

/** What the victims free is there by the time that this unit's turn comes. */
function placeBehind(context: Context, state: UnitState, want: Want, { node, freed }: Choice): Settled {
  const account = openAccount();
  account.credit.set(node.index, freed);
  const attempt = { account, order: 'stop-first', note: '; others make room for it' } as const;
  return placeOn(context, state, want, { attempt, node });
}

import type { InstanceId, NodeName, PodName, WorkloadId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import type { Override } from '../model/recorded.ts';
import type { PlanInputs } from './inputs.ts';
import { createPlan } from './plan.ts';
import { type Better, whatIsBetter } from './rebalance/better.ts';
import { proposeEmptying, quietestNodes } from './rebalance/empty.ts';
import { proposeEvening } from './rebalance/even.ts';
import { openGains } from './rebalance/gain.ts';
import type { Proposal } from './rebalance/proposal.ts';
import { type PlannedWorld, worldWith } from './simulate/world.ts';

/**
 * What is to get better:
 * - `even`: instances of a workload over zones, racks and nodes as its spread asks, then how full nodes are
 * - `empty`: nothing stays on these nodes that may go · `fewest`: the same for the nodes that hold least, as many as the
 *   others have room for
 */
export type Goal =
  | { readonly kind: 'even' }
  | { readonly kind: 'empty'; readonly nodes: readonly NodeName[] }
  | { readonly kind: 'fewest' };

export interface RebalanceOptions {
  readonly goal: Goal;
  readonly maxMoves: number;
  /** Absent: all. */
  readonly pods?: readonly PodName[];
}

export type Rebalance =
  /** The world is not as git declares it: what its own plan does comes first. */
  | { readonly kind: 'unsettled'; readonly plan: Plan }
  | {
      readonly kind: 'planned';
      /** An ordinary plan, of moves with cause `rebalance` and what was refused and finds room by them; without steps when nothing gets better. */
      readonly plan: Plan;
      readonly better: readonly Better[];
      /** Moves that were thought of and are not made, and why. */
      readonly left: readonly Left[];
      /** There is more to gain than `maxMoves` allow. */
      readonly more: boolean;
    };

export interface Left {
  /** `refused`: the planner finds no place, or may not move it now · `noBetter`: where it would go nothing is gained */
  readonly kind: 'refused' | 'noBetter';
  readonly instance: InstanceId;
  readonly node: NodeName;
  readonly reason: string;
}

/**
 * A plan of a few moves after which the cluster is better balanced. Proposals are what leaves; where it goes is the
 * planner's choice, under the rules of every plan. What the planner refuses, or what makes nothing better where it put
 * it, is left. Opt-in: a normal plan moves nothing that is not forced to.
 */
export function rebalance(inputs: PlanInputs, options: RebalanceOptions): Rebalance {
  const plan = createPlan(inputs);
  if (plan.steps.length > 0) return { kind: 'unsettled', plan };
  const world = worldWith(inputs, plan);
  if (options.goal.kind === 'fewest') return rebalanceFewest(world, options);
  return rebalanceTo(world, options, options.goal);
}

/** Looks at the world as the accepted moves leave it, and takes what gets better there; again, until nothing does. */
function rebalanceTo(world: PlannedWorld, options: RebalanceOptions, goal: Exclude<Goal, { kind: 'fewest' }>): Planned {
  const state: Search = { world, options, goal, accepted: [], left: new Map(), stuck: new Set() };
  let now = world;
  let more = false;
  for (let round = 0; round < mostRounds; round += 1) {
    const proposals = proposalsOf(state, now);
    const room = options.maxMoves - state.accepted.length;
    more = proposals.length > room;
    if (proposals.length === 0 || room === 0) break;
    now = tryOut(state, proposals.slice(0, room));
  }
  return {
    kind: 'planned',
    plan: now.plan,
    better: whatIsBetter(world, now, options.pods),
    left: [...state.left.values()],
    more,
  };
}

type Planned = Extract<Rebalance, { kind: 'planned' }>;

/** What is not found in so many is hardly worth a move. */
const mostRounds = 6;

interface Search {
  readonly world: PlannedWorld;
  readonly options: RebalanceOptions;
  readonly goal: Exclude<Goal, { kind: 'fewest' }>;
  accepted: readonly Proposal[];
  readonly left: Map<InstanceId, Left>;
  /** Workloads of which the planner could not move one: it could not move another. */
  readonly stuck: Set<WorkloadId>;
}

/** Nobody moves twice, and what was rejected stays so. */
function proposalsOf({ world, options, goal, accepted, left, stuck }: Search, now: PlannedWorld): readonly Proposal[] {
  const moved = new Set(accepted.map(({ instance }) => instance));
  const isOpen = (instance: InstanceId): boolean => !moved.has(instance) && !left.has(instance);
  if (goal.kind === 'empty') {
    return proposeEmptying(world, goal.nodes).filter(({ instance }) => isOpen(instance));
  }
  return proposeEvening(now, { pods: options.pods, isOpen }).filter(({ workload }) => !stuck.has(workload));
}

/**
 * Plans the proposals beside what is accepted, and drops what is not worth it where the planner puts it. Since that
 * changes where the others go it is planned again, until each move makes the world better that those before it leave.
 */
function tryOut(state: Search, proposals: readonly Proposal[]): PlannedWorld {
  state.accepted = [...state.accepted, ...proposals];
  // Every turn drops a proposal, or is the last.
  for (;;) {
    const tried = planned(state, state.accepted);
    const kept = worthwhile(state, tried.plan);
    if (kept.length === state.accepted.length) return tried;
    state.accepted = kept;
  }
}

function worthwhile({ world, goal, accepted, left, stuck }: Search, plan: Plan): readonly Proposal[] {
  const gains = openGains(world);
  const moves = plan.steps.filter(({ kind }) => kind === 'move');
  const targets = new Map(moves.map(({ instance, node }) => [instance, node]));
  return accepted.filter((proposal) => {
    const to = targets.get(proposal.instance);
    if (to !== undefined && (goal.kind === 'empty' || gains.take(proposal, to))) return true;
    left.set(proposal.instance, leftOf(proposal, to, plan));
    if (to === undefined) stuck.add(proposal.workload);
    return false;
  });
}

function leftOf({ instance, workload, from }: Proposal, to: NodeName | undefined, plan: Plan): Left {
  const refusal = plan.refusals.find(({ subject }) => subject === workload);
  if (to === undefined) {
    return { kind: 'refused', instance, node: from, reason: refusal?.message ?? 'it may not be moved now' };
  }
  return { kind: 'noBetter', instance, node: from, reason: `on ${to} it would be no better` };
}

/** The world as it will be with these moves. Nodes that are to be empty take nothing. */
function planned({ world, goal }: Search, proposals: readonly Proposal[]): PlannedWorld {
  const { inputs } = world;
  const relocate = new Map(
    proposals.map(({ instance, reason }) => [instance, { cause: 'rebalance' as const, reason }] as const),
  );
  const closed = goal.kind === 'empty' ? goal.nodes.map((node) => closedNode(node, inputs.now)) : [];
  const recorded = { ...inputs.recorded, overrides: [...inputs.recorded.overrides, ...closed] };
  const plan = createPlan({ ...inputs, recorded, relocate });
  return worldWith(inputs, plan);
}

const closedNode = (node: NodeName, now: number): Override => ({
  id: `rebalance ${node}`,
  kind: 'cordon',
  target: node,
  actor: 'rebalance',
  reason: 'it is to be empty',
  until: now + 1,
});

/** Nodes to try, those that hold least first. */
const mostTries = 12;

/** Adds node after node to those that are emptied, as long as everything that was on them finds another place. */
function rebalanceFewest(world: PlannedWorld, options: RebalanceOptions): Planned {
  let best = rebalanceTo(world, options, { kind: 'empty', nodes: [] });
  let nodes: readonly NodeName[] = [];
  for (const node of quietestNodes(world, options.pods).slice(0, mostTries)) {
    const attempt = [...nodes, node];
    const result = rebalanceTo(world, options, { kind: 'empty', nodes: attempt });
    if (result.more || result.left.length > 0) continue;
    nodes = attempt;
    best = result;
  }
  return best;
}

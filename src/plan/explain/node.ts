import { chargedHolds } from '../../model/capacity.ts';
import type { DesiredNode } from '../../model/desired.ts';
import type { InstanceId, NodeName, WorkloadId } from '../../model/ids.ts';
import type { Goal, Plan, Step } from '../../model/plan.ts';
import { resourcesOf } from '../../model/recorded.ts';
import { type Dimension, inPieces } from '../../model/resources.ts';
import type { ClusterNode } from '../cluster.ts';
import type { InstanceStatus } from '../instances.ts';
import { createPlan } from '../plan.ts';
import { type Looking, type NextStep, nextStepOf, saidOf } from './looking.ts';

/** What a node has, who uses it, what may come and what would have to go. */
export interface NodeExplanation extends Pick<Plan, 'refusals' | 'warnings'> {
  readonly kind: 'node';
  readonly name: NodeName;
  /** Absent: it left git. */
  readonly declared?: Pick<DesiredNode, 'pod' | 'lifecycle' | 'labels' | 'taints'> & {
    readonly zone?: string;
    readonly rack?: string;
  };
  readonly liveness: string;
  readonly engines: readonly { readonly engine: string; readonly state: string }[];
  /** Why nothing new comes here, as far as the node itself goes; absent: it may. */
  readonly closed?: string;
  readonly capacity: readonly CapacityRow[];
  /** What is not ours, by name. */
  readonly foreign: readonly string[];
  readonly residents: readonly Resident[];
  /** What the plan does here. */
  readonly coming: readonly NextStep[];
  readonly leaving: readonly NextStep[];
  /** Absent: it is not being drained. */
  readonly drain?: Goal;
  /** What would become of its instances if it were put into maintenance; absent when it is drained already. */
  readonly ifDrained?: IfDrained;
}

/** Amounts as documents have them: extended resources in pieces. */
export interface CapacityRow {
  readonly dimension: Dimension;
  /** Absent: nobody knows. */
  readonly total?: number;
  readonly used: number;
  /** Of that, what is not ours. */
  readonly foreign: number;
  /** Who uses most. */
  readonly top: readonly { readonly workload: WorkloadId; readonly amount: number }[];
}

export interface Resident {
  readonly workload: WorkloadId;
  readonly instances: readonly { readonly ordinal: number; readonly status: InstanceStatus }[];
}

export interface IfDrained {
  readonly moves: readonly { readonly instance: InstanceId; readonly to: NodeName }[];
  readonly stays: readonly { readonly instance: InstanceId; readonly reason: string }[];
  /** Static ones: they would stop there, and start again when the node is back. */
  readonly stops: readonly InstanceId[];
}

export function explainNode(looking: Looking, name: NodeName): NodeExplanation | undefined {
  const { world, plan } = looking;
  const node = world.cluster.nodes[world.cluster.indexOf.get(name) ?? -1];
  if (node === undefined) return undefined;
  const drain = plan.goals.find((goal) => goal.node === name);
  const closed = whyClosed(looking, node);
  const steps = plan.steps.map((step) => ({ step, leaves: step.from ?? step.replaces?.node }));
  return {
    kind: 'node',
    name,
    ...(node.definition !== undefined && { declared: declaredOf(node.definition) }),
    liveness: node.liveness,
    engines: enginesOf(node),
    ...(closed !== undefined && { closed }),
    capacity: capacityOf(looking, node),
    foreign: (node.observed?.foreign ?? []).map((object) => object.name),
    residents: residentsOf(looking, node),
    coming: steps
      .filter(({ step }) => step.node === name && step.kind !== 'remove')
      .map(({ step }) => nextStepOf(looking, step)),
    leaving: steps
      .filter(
        ({ step, leaves }) => (step.node === name && step.kind === 'remove') || (leaves === name && step.node !== name),
      )
      .map(({ step }) => nextStepOf(looking, step)),
    ...(drain !== undefined && { drain }),
    ...(node.accepts && { ifDrained: ifDrained(looking, name) }),
    ...saidOf(looking, name),
  };
}

const declaredOf = ({
  pod,
  lifecycle,
  labels,
  taints,
  zone,
  rack,
}: DesiredNode): NonNullable<NodeExplanation['declared']> => ({
  pod,
  lifecycle,
  labels,
  taints,
  ...(zone !== undefined && { zone }),
  ...(rack !== undefined && { rack }),
});

const enginesOf = ({ definition, observed }: ClusterNode): NodeExplanation['engines'] =>
  Object.keys(definition?.engines ?? {}).map((engine) => {
    const seen = observed?.engines[engine as keyof typeof observed.engines];
    if (seen === undefined) return { engine, state: 'not looked at' };
    return {
      engine,
      state: seen.kind === 'reachable' ? `reachable, version ${seen.version}` : `unreachable: ${seen.reason}`,
    };
  });

function whyClosed({ inputs }: Looking, { name, definition, liveness }: ClusterNode): string | undefined {
  if (definition === undefined) return 'it left git';
  if (definition.lifecycle !== 'online') return `its lifecycle is ${definition.lifecycle}`;
  if (liveness !== 'alive') return `it is ${liveness}`;
  const cordon = inputs.recorded.overrides.find(
    ({ kind, target, until }) => kind === 'cordon' && target === name && until > inputs.now,
  );
  return cordon && `${cordon.actor} cordoned it: ${cordon.reason}`;
}

/** Most workloads that are named as users of a dimension. */
const mostUsers = 3;

function capacityOf({ context, world }: Looking, node: ClusterNode): readonly CapacityRow[] {
  const { ledger } = context;
  const start = node.index * ledger.width;
  const residents = world.compiled.residentsOf(node.index);
  return ledger.dimensions.flatMap((dimension, d): readonly CapacityRow[] => {
    const total = ledger.capacity[start + d] as number;
    const used = ledger.before[start + d] as number;
    if (used === 0 && (total === 0 || !Number.isFinite(total))) return [];
    const users = new Map<WorkloadId, number>();
    for (const allocation of residents) {
      const amount = resourcesOf(chargedHolds(allocation))[dimension] ?? 0;
      if (amount > 0) users.set(allocation.workload, (users.get(allocation.workload) ?? 0) + amount);
    }
    const foreign = (node.observed?.foreign ?? []).reduce((sum, { resources }) => sum + (resources[dimension] ?? 0), 0);
    const top = [...users].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).slice(0, mostUsers);
    return [
      {
        dimension,
        ...(Number.isFinite(total) && { total: inPieces(dimension, total) }),
        used: inPieces(dimension, used),
        foreign: inPieces(dimension, foreign),
        top: top.map(([workload, amount]) => ({ workload, amount: inPieces(dimension, amount) })),
      },
    ];
  });
}

function residentsOf({ world }: Looking, node: ClusterNode): readonly Resident[] {
  return world.workloads.flatMap(({ id, instances }): readonly Resident[] => {
    const own = instances.filter((instance) => instance.node === node);
    if (own.length === 0) return [];
    return [{ workload: id, instances: own.map(({ ordinal, status }) => ({ ordinal, status })) }];
  });
}

/** The planner's own answer: the same world with this node in maintenance. */
function ifDrained({ inputs, plan }: Looking, name: NodeName): IfDrained {
  const nodes = inputs.desired.nodes.map((node) =>
    node.name === name ? { ...node, lifecycle: 'maintenance' as const } : node,
  );
  const drained = createPlan({ ...inputs, desired: { ...inputs.desired, nodes } });
  const known = new Set(plan.steps.map(keyOf));
  const steps = drained.steps.filter((step) => !known.has(keyOf(step)));
  return {
    moves: steps
      .filter(({ node, from, replaces }) => node !== name && (from ?? replaces?.node) === name)
      .map(({ instance, node }) => ({ instance, to: node })),
    stays: drained.goals.find((goal) => goal.node === name)?.blocked ?? [],
    stops: steps.filter(({ kind, node }) => kind === 'stop' && node === name).map(({ instance }) => instance),
  };
}

const keyOf = ({ instance, kind, node }: Step): string => `${instance} ${kind} ${node}`;

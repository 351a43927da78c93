import type { NodeName, RevisionHash, WorkloadId } from '../../model/ids.ts';
import type { Plan, StepKind } from '../../model/plan.ts';
import type { FailedRevision, Override } from '../../model/recorded.ts';
import { type Dimension, inPieces } from '../../model/resources.ts';
import { budgetOf } from '../budget.ts';
import type { InstanceStatus } from '../instances.ts';
import type { MatchedWorkload } from '../match.ts';
import { wantedOf } from '../simulate/world.ts';
import { type Balance, balanceOf } from './balance.ts';
import { type Elsewhere, elsewhereOf } from './elsewhere.ts';
import { type Looking, saidOf, targetOf } from './looking.ts';

/** What a workload has, what it may do, and what would be done. */
export interface WorkloadExplanation extends Pick<Plan, 'refusals' | 'warnings'> {
  readonly kind: 'workload';
  readonly id: WorkloadId;
  readonly type: string;
  readonly priority?: number;
  readonly declaredAt?: string;
  readonly frozen?: 'inFlight' | 'override';
  readonly revisions: Revisions;
  readonly replicas: { readonly wanted: number; readonly recorded: number; readonly available: number };
  readonly places: readonly Place[];
  readonly balance?: Balance;
  /** Absent when it has left git. */
  readonly budget?: BudgetExplanation;
  readonly quotas: readonly QuotaShare[];
  /** Absent: nothing is to be done. */
  readonly unit?: UnitSummary;
  /** Where one more would go. */
  readonly oneMore?: Elsewhere;
}

export interface Revisions {
  readonly git?: RevisionHash;
  /** What is planned on; another than git's when that failed or is pinned. */
  readonly planned?: RevisionHash;
  readonly lastGood?: RevisionHash;
  readonly failed: readonly FailedRevision[];
  readonly pin?: Override;
  /** How many instances have which. */
  readonly running: readonly { readonly revision: RevisionHash; readonly instances: number }[];
}

export interface Place {
  readonly node: NodeName;
  readonly instances: readonly { readonly ordinal: number; readonly status: InstanceStatus }[];
}

export interface BudgetExplanation {
  readonly of: number;
  readonly available: number;
  readonly maxUnavailable: number;
  /** `policy`: the rule of its namespace, 1-2-10 unless a Policy says otherwise. */
  readonly by: 'policy' | 'workload';
}

/** Amounts as documents have them: extended resources in pieces. */
export interface QuotaShare {
  readonly name: string;
  readonly dimension: Dimension | 'instances';
  readonly used: number;
  readonly limit: number;
  /** Of that, what this workload uses. */
  readonly own: number;
}

export interface UnitSummary {
  readonly steps: Readonly<Partial<Record<StepKind, number>>>;
  /** Why, each reason once, the commonest first. */
  readonly reasons: readonly string[];
  readonly waves: number;
  readonly worstCaseMs: number;
  readonly lowest?: { readonly lowest: number; readonly of: number };
}

export function explainWorkload(looking: Looking, id: WorkloadId): WorkloadExplanation | undefined {
  const workload = looking.workloads.get(id);
  if (workload === undefined) return undefined;
  const { definition, frozen, instances } = workload;
  const target = targetOf(looking, workload);
  const unit = unitSummary(looking, id);
  const there = instances.filter(({ status }) => status !== 'held');
  return {
    kind: 'workload',
    id,
    type: definition?.type ?? 'not in git',
    ...(definition !== undefined && { priority: definition.priority, declaredAt: definition.declaredAt }),
    ...(frozen !== undefined && { frozen }),
    revisions: revisionsOf(looking, workload, target?.hash),
    replicas: {
      wanted:
        definition === undefined ? 0 : definition.type === 'daemon' ? wantedOf(workload).length : definition.replicas,
      recorded: there.length,
      available: there.filter(({ available }) => available).length,
    },
    places: placesOf(workload),
    ...(target !== undefined && { balance: balanceOf(looking, workload, target) }),
    ...budgetPart(looking, workload),
    quotas: quotaShares(looking, workload),
    ...(unit !== undefined && { unit }),
    ...(target !== undefined &&
      definition?.type !== 'daemon' && { oneMore: elsewhereOf(looking.context, workload, { target }) }),
    ...saidOf(looking, id),
  };
}

function revisionsOf(
  { inputs }: Looking,
  { id, definition, record, instances }: MatchedWorkload,
  planned: RevisionHash | undefined,
): Revisions {
  const counts = new Map<RevisionHash, number>();
  for (const { allocation, status } of instances) {
    if (status !== 'held') counts.set(allocation.revision, (counts.get(allocation.revision) ?? 0) + 1);
  }
  const pin = inputs.recorded.overrides.find(
    ({ kind, target, until }) => kind === 'pin' && target === id && until > inputs.now,
  );
  return {
    ...(definition !== undefined && { git: definition.revisionHash }),
    ...(planned !== undefined && { planned }),
    ...(record?.lastGood !== undefined && { lastGood: record.lastGood }),
    failed: record?.failed ?? [],
    ...(pin !== undefined && { pin }),
    running: [...counts]
      .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .map(([revision, count]) => ({ revision, instances: count })),
  };
}

function placesOf({ instances }: MatchedWorkload): readonly Place[] {
  const byNode = new Map<NodeName, Place['instances'][number][]>();
  for (const { node, ordinal, status } of instances) {
    const list = byNode.get(node.name) ?? [];
    list.push({ ordinal, status });
    byNode.set(node.name, list);
  }
  return [...byNode].sort(([a], [b]) => (a < b ? -1 : 1)).map(([node, own]) => ({ node, instances: own }));
}

function budgetPart({ context }: Looking, workload: MatchedWorkload): Pick<WorkloadExplanation, 'budget'> {
  const { definition } = workload;
  if (definition === undefined) return {};
  const { base, available, maxUnavailable } = budgetOf(context.rulesFor, { definition, wanted: wantedOf(workload) });
  const by = definition.maxUnavailable.kind === 'policy' ? 'policy' : 'workload';
  return { budget: { of: base, available, maxUnavailable, by } };
}

/** Every quota that covers it on one of its pods, parents included. */
function quotaShares({ context, inputs }: Looking, { id, definition }: MatchedWorkload): readonly QuotaShare[] {
  if (definition === undefined || context.quotas.rows.length === 0) return [];
  const { pods } = definition.placement;
  const all = pods.length > 0 ? pods : [...new Set(inputs.desired.nodes.map(({ pod }) => pod))];
  const rows = new Set(all.flatMap((pod) => context.quotas.rowsFor(definition.namespace, pod)));
  return [...rows].map((row) => ({
    name: row.name,
    dimension: row.dimension,
    used: inPieces(row.dimension, row.before),
    limit: inPieces(row.dimension, row.limit),
    own: inPieces(row.dimension, row.users().get(id) ?? 0),
  }));
}

function unitSummary({ plan }: Looking, id: WorkloadId): UnitSummary | undefined {
  const unit = plan.units.find((candidate) => (candidate.id as string) === id);
  if (unit === undefined) return undefined;
  const steps: Partial<Record<StepKind, number>> = {};
  const reasons = new Map<string, number>();
  for (const { kind, reason, unit: of } of plan.steps) {
    if (of !== unit.id) continue;
    steps[kind] = (steps[kind] ?? 0) + 1;
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  const lowest = plan.availability[id];
  return {
    steps,
    reasons: [...reasons].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([reason]) => reason),
    waves: unit.waves.length,
    worstCaseMs: unit.worstCaseMs,
    ...(lowest !== undefined && { lowest }),
  };
}

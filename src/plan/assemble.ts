import { instanceId, type NamespaceName, parseWorkloadId, stepId, unitOf, type WorkloadId } from '../model/ids.ts';
import { formatInstant } from '../model/instant.ts';
import type { CapacityUse, Plan, PlannedUnit, PlanSummary, Step, Undo, Wave } from '../model/plan.ts';
import { planFormatVersion } from '../model/plan.ts';
import { inPieces } from '../model/resources.ts';
import type { Availability } from './availability.ts';
import { basisOf } from './basis.ts';
import type { ClusterNode } from './cluster.ts';
import type { Context } from './context.ts';
import { type Draft, makes } from './draft.ts';
import { drainGoals } from './drain.ts';
import { addHolds, addTo } from './ledger.ts';
import { idOf } from './plan-id.ts';
import { amountFor, type Demand, demandOf, quotaUses } from './quota.ts';
import type { UnitDraft } from './units.ts';

/** What a plan does and says, not bound to any world and without an account: for what is only asked, and never applied. */
export type Outline = Pick<Plan, 'steps' | 'refusals' | 'warnings'>;

export function outline(context: Context, units: readonly UnitDraft[]): Outline {
  const list = { steps: new Array<Step>(countSteps(units)), filled: 0 };
  for (const unit of units) unitOfDraft(context, unit, list);
  return { steps: list.steps, ...saidIn(context) };
}

const saidIn = ({ notes }: Context): Pick<Plan, 'refusals' | 'warnings'> => ({
  refusals: [...notes.refusals].sort(byText((refusal) => `${refusal.subject} ${refusal.code} ${refusal.message}`)),
  warnings: [...notes.warnings].sort(byText((warning) => `${warning.code} ${warning.message}`)),
});

/** Numbers the steps, takes stock and binds the plan to the world that it was made for. */
export function assemble(context: Context, units: readonly UnitDraft[], unchanged: number): Plan {
  const { inputs } = context;
  const list = { steps: new Array<Step>(countSteps(units)), filled: 0 };
  const { steps } = list;
  const planned = units.map((unit) => unitOfDraft(context, unit, list));
  takeStock(context, units);
  const { warnings, refusals } = saidIn(context);
  const content = {
    formatVersion: planFormatVersion,
    cluster: inputs.desired.cluster.name,
    summary: summaryOf(steps, unchanged),
    steps,
    units: planned,
    goals: drainGoals(context, units),
    refusals,
    availability: Object.fromEntries(
      units.flatMap(({ workload, availability }) =>
        availability === undefined ? [] : [[workload, { lowest: lowestOf(availability), of: availability.of }]],
      ),
    ),
    quota: quotaUses(context.quotas),
    capacity: capacityUses(context),
    warnings,
  };
  const basis = basisOf(context, units);
  const { storeRevision, ...bound } = basis;
  const { formatVersion, cluster, ...rest } = content;
  return {
    formatVersion,
    id: idOf(content, bound),
    cluster,
    createdAt: formatInstant(inputs.now),
    expiresAt: formatInstant(inputs.now + inputs.expiresAfterMs),
    basis: {
      commits: bound.commits,
      storeRevision,
      engines: bound.engines,
      workloads: bound.workloads,
      nodes: bound.nodes,
    },
    ...rest,
  };
}

const lowestOf = ({ of, during }: Availability): number => during.reduce((a, b) => Math.min(a, b), of);

const byText =
  <Value>(text: (value: Value) => string) =>
  (a: Value, b: Value): number => {
    const [x, y] = [text(a), text(b)];
    return x < y ? -1 : x > y ? 1 : 0;
  };

/** Of its full length from the start: a list that grows leaves its smaller selves behind. */
interface StepList {
  readonly steps: Step[];
  filled: number;
}

const countSteps = (units: readonly UnitDraft[]): number =>
  units.reduce((sum, { waves }) => waves.reduce((count, { drafts }) => count + drafts.length, sum), 0);

function unitOfDraft(context: Context, unit: UnitDraft, list: StepList): PlannedUnit {
  let generation = nextGeneration(context, unit.workload);
  const waves = unit.waves.map(({ drafts, observeMs, worstCaseMs }, index): Wave => {
    const ids = drafts.map((draft) => {
      const step = stepOf(draft, {
        id: `s${list.filled + 1}`,
        unit: unit.workload,
        wave: index,
        generation: makes(draft) ? generation : (draft.old?.allocation.generation ?? 0),
      });
      if (makes(draft)) generation += 1;
      list.steps[list.filled] = step;
      list.filled += 1;
      return step.id;
    });
    const gate = drafts.some((draft) => makes(draft) || draft.action.kind === 'update') ? 'healthy' : 'none';
    const available = unit.availability?.during[index];
    return { steps: ids, gate, observeMs, worstCaseMs, ...(available !== undefined && { available }) };
  });
  const { workload, after, transaction, worstCaseMs, maxUnavailable } = unit;
  return {
    id: unitOf(workload),
    after: after.map(unitOf),
    ...(transaction !== undefined && { transaction }),
    waves,
    worstCaseMs,
    ...(maxUnavailable !== undefined && { maxUnavailable }),
  };
}

/** Never one that was used, even if the counter were behind what is recorded. */
function nextGeneration({ inputs, compiled }: Context, workload: WorkloadId): number {
  let next = inputs.recorded.workloads.get(workload)?.nextGeneration ?? 1;
  for (const { allocation, leftovers } of compiled.instances.get(workload) ?? []) {
    for (const { generation } of [allocation, ...leftovers]) next = Math.max(next, generation + 1);
  }
  return next;
}

interface StepPlace {
  readonly id: string;
  readonly unit: WorkloadId;
  readonly wave: number;
  readonly generation: number;
}

function stepOf(draft: Draft, place: StepPlace): Step {
  const { action, old } = draft;
  return old === undefined
    ? createOf(draft, place)
    : {
        id: stepId(place.id),
        kind: action.kind,
        instance: instanceId(place.unit, draft.ordinal),
        generation: place.generation,
        node: draft.node.name,
        engine: action.engine,
        ...(action.kind === 'move' && { from: old.node.name }),
        unit: unitOf(place.unit),
        wave: place.wave,
        class: action.class,
        undo: undoOf(draft),
        order: action.order,
        cause: action.cause,
        ...(action.forced && action.cause === 'drain' && { forced: true }),
        revision: action.revision,
        ...(makes(draft) && { replaces: replacedOf(old) }),
        changes: action.changes,
        reason: action.reason,
        holds: draft.holds,
        ...(action.kind === 'update' &&
          old && { heldBefore: old.allocation.holds, revisionBefore: old.allocation.revision }),
      };
}

/** Without what only a predecessor adds: in one piece, since a plan has tens of thousands of these. */
const createOf = (draft: Draft, place: StepPlace): Step => ({
  id: stepId(place.id),
  kind: draft.action.kind,
  instance: instanceId(place.unit, draft.ordinal),
  generation: place.generation,
  node: draft.node.name,
  engine: draft.action.engine,
  unit: unitOf(place.unit),
  wave: place.wave,
  class: draft.action.class,
  undo: undoOf(draft),
  order: draft.action.order,
  cause: draft.action.cause,
  revision: draft.action.revision,
  changes: draft.action.changes,
  reason: draft.action.reason,
  holds: draft.holds,
});

const replacedOf = (old: NonNullable<Draft['old']>): NonNullable<Step['replaces']> => ({
  generation: old.allocation.generation,
  node: old.node.name,
  engine: old.allocation.engine,
  revision: old.allocation.revision,
  holds: old.allocation.holds,
  object: old.object,
});

/** Until the unit commits. What was stopped has to be started again; what is only released on paper stays so. */
function undoOf({ action: { kind }, old }: Draft): Undo {
  switch (kind) {
    case 'create':
    case 'update':
      return 'reversible';
    case 'replace':
    case 'move':
      return old === undefined || old.object === 'gone' ? 'reversible' : 'compensable';
    case 'stop':
      return 'compensable';
    case 'remove':
    case 'forget':
      return 'final';
  }
}

function summaryOf(steps: readonly Step[], unchanged: number): PlanSummary {
  const summary = { create: 0, update: 0, replace: 0, move: 0, stop: 0, remove: 0, forget: 0, unchanged };
  for (const { kind } of steps) summary[kind] += 1;
  return summary;
}

/**
 * What is charged at the peak and once the plan is done, of the steps that the plan has: what was placed and then left
 * out, since its unit is refused or has to wait, is in neither.
 */
function takeStock(context: Context, units: readonly UnitDraft[]): void {
  const { ledger, quotas } = context;
  ledger.used.set(ledger.before);
  for (const row of quotas.rows) row.used = row.before;
  for (const unit of units) {
    const { namespace } = parseWorkloadId(unit.workload);
    for (const { drafts } of unit.waves) {
      for (const draft of drafts) {
        const { charged, old } = draft;
        if (old === undefined && charged !== undefined) {
          // What is charged is what it holds, in every respect.
          addTo(ledger.used, draft.node.index * ledger.width, charged.amounts);
          addTo(ledger.after, draft.node.index * ledger.width, charged.amounts);
          for (const { row, amount } of charged.quota) {
            row.used += amount;
            row.after += amount;
          }
          continue;
        }
        if (makes(draft) || draft.action.kind === 'update') {
          book(context, namespace, draft.node, { holds: draft.holds, instances: 1 }, 1);
        }
        if (charged !== undefined) {
          addTo(ledger.used, draft.node.index * ledger.width, charged.amounts);
          for (const { row, amount } of charged.quota) row.used += amount;
        }
        if (old === undefined) continue;
        book(context, namespace, old.node, demandOf(old.allocation), -1);
        if (draft.action.kind !== 'stop') continue;
        book(context, namespace, old.node, demandOf({ state: 'held', holds: old.allocation.holds }), 1);
      }
    }
  }
}

function book(context: Context, namespace: NamespaceName, node: ClusterNode, demand: Demand, sign: 1 | -1): void {
  const { ledger, quotas } = context;
  addHolds(ledger, ledger.after, node.index * ledger.width, demand.holds, sign);
  if (quotas.rows.length === 0) return;
  for (const row of quotas.rowsFor(namespace, node.definition?.pod)) row.after += sign * amountFor(row, demand);
}

/** By pod and dimension; a dimension of which nobody knows the capacity on some node has no total, and no row. */
function capacityUses({ cluster, ledger }: Context): readonly CapacityUse[] {
  const pods = new Map<string, ClusterNode[]>();
  for (const node of cluster.nodes) {
    const pod = node.definition?.pod;
    if (pod === undefined) continue;
    const list = pods.get(pod);
    if (list === undefined) pods.set(pod, [node]);
    else list.push(node);
  }
  return [...pods].sort(byText(([pod]) => pod)).flatMap(([pod, nodes]) =>
    ledger.dimensions.flatMap((dimension, d): readonly CapacityUse[] => {
      const sum = (column: Float64Array): number =>
        nodes.reduce((total, node) => total + (column[node.index * ledger.width + d] ?? 0), 0);
      const total = sum(ledger.capacity);
      const row = { before: sum(ledger.before), peak: sum(ledger.used), after: sum(ledger.after) };
      if (!Number.isFinite(total) || (total === 0 && row.peak === 0)) return [];
      const shown = (amount: number): number => inPieces(dimension, amount);
      return [
        {
          pod,
          dimension,
          before: shown(row.before),
          peak: shown(row.peak),
          after: shown(row.after),
          total: shown(total),
        },
      ];
    }),
  );
}

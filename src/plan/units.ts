import { instanceId, type TransactionId, type WorkloadId } from '../model/ids.ts';
import type { Revision } from '../model/revision.ts';
import { transactionsOf } from '../model/transactions.ts';
import { type Availability, availabilityOf } from './availability.ts';
import type { Context } from './context.ts';
import { type Intent, newCount } from './decide.ts';
import { type Action, type Draft, makes } from './draft.ts';
import { leadersOf } from './leaders.ts';
import type { MatchedWorkload } from './match.ts';
import type { UnitState } from './place/unit-state.ts';
import { restoreWaves, type WaveDraft } from './place/waves.ts';
import { isHeld } from './transactions.ts';
import { reaches, togetherOf, type Waits } from './waits.ts';

/** A unit before its steps have ids. */
export interface UnitDraft {
  readonly workload: WorkloadId;
  readonly after: readonly WorkloadId[];
  /** It brings another revision than the last good one; absent where nobody would wait for it. */
  readonly brings?: true;
  /** It commits together with the others of the plan that name the same. */
  readonly transaction?: TransactionId;
  readonly waves: readonly TimedWave[];
  /** Absent for what left git, and for what has nothing yet. */
  readonly availability?: Availability;
  readonly worstCaseMs: number;
  readonly maxUnavailable?: number;
}

/** What was planned, as far as it shows who can be brought to what git asks for. */
export interface Planned {
  readonly units: readonly UnitDraft[];
  readonly placed: ReadonlyMap<WorkloadId, UnitState>;
  /** Those of which nothing new is planned. */
  readonly refused: ReadonlySet<WorkloadId>;
}

/** One unit for every workload that has something to do, by id. */
export function buildUnits(
  context: Context,
  placed: ReadonlyMap<WorkloadId, UnitState>,
  pruned: ReadonlyMap<MatchedWorkload, readonly Draft[]>,
): Planned {
  refuseUnserved(context, placed);
  const refused = refusedWorkloads(context, placed);
  const units: UnitDraft[] = [];
  for (const [workload, entry] of placed) {
    if (refused.has(workload)) dropChanges(entry);
    keepFor(entry, refused);
    const waves = timed(context, wavesOf(entry), entry.intent);
    if (waves.length === 0) continue;
    const availability = availabilityOf(entry.intent, waves);
    units.push({
      workload,
      after: [],
      waves,
      ...(availability !== undefined && { availability }),
      worstCaseMs: waves.reduce((sum, wave) => sum + wave.worstCaseMs, 0),
      maxUnavailable: entry.budget.maxUnavailable,
      ...(brings(context, entry.intent, waves) && { brings: true }),
    });
  }
  for (const [{ id }, drafts] of pruned) {
    if (drafts.length === 0) continue;
    const waves = timed(context, [{ drafts, observeMs: 0 }]);
    const [{ worstCaseMs } = { worstCaseMs: 0 }] = waves;
    units.push({ workload: id, after: [], waves, worstCaseMs });
  }
  units.sort((a, b) => (a.workload < b.workload ? -1 : 1));
  return { units: withOrder(withTransactions(units, placed), placed), placed, refused };
}

/** Asked only of those of a transaction. */
function brings(
  { inputs }: Context,
  { definition: { id, transaction } }: Intent,
  waves: readonly TimedWave[],
): boolean {
  const lastGood = inputs.recorded.workloads.get(id)?.lastGood;
  const isNew = (draft: Draft): boolean =>
    (makes(draft) || draft.action.kind === 'update') &&
    draft.action.revision !== draft.old?.allocation.revision &&
    draft.action.revision !== lastGood;
  return transaction !== undefined && waves.some(({ drafts }) => drafts.some(isNew));
}

/** Names the transaction where at least two of it bring something. */
function withTransactions(
  units: readonly UnitDraft[],
  placed: ReadonlyMap<WorkloadId, UnitState>,
): readonly UnitDraft[] {
  const transactionOf = (unit: UnitDraft): TransactionId | undefined =>
    unit.brings === true ? placed.get(unit.workload)?.intent.definition.transaction : undefined;
  const counts = new Map<TransactionId, number>();
  for (const unit of units) {
    const transaction = transactionOf(unit);
    if (transaction !== undefined) counts.set(transaction, (counts.get(transaction) ?? 0) + 1);
  }
  if (counts.size === 0) return units;
  return units.map((unit) => {
    const transaction = transactionOf(unit);
    return transaction === undefined || counts.get(transaction) === 1 ? unit : { ...unit, transaction };
  });
}

/** Those for whom others were to make room, and cannot after all. */
function refuseUnserved(context: Context, placed: ReadonlyMap<WorkloadId, UnitState>): void {
  for (const victims of placed.values()) {
    const { id } = victims.intent.workload;
    for (const [instance, { by }] of victims.evictions) {
      const preemptor = placed.get(by);
      if (victims.evicted.has(instance) || preemptor === undefined || preemptor.refused) continue;
      preemptor.refused = true;
      context.notes.refuse({
        code: 'MUS4001',
        subject: by,
        instances: preemptor.news.length,
        message: `${by}: ${instance} was to make room for it, but too many others of ${id} are unavailable: try again when they are back`,
        byReason: {},
      });
    }
  }
}

/** Nobody makes room for what is not going to come. */
function keepFor({ intent, waves, evictions }: UnitState, refused: ReadonlySet<WorkloadId>): void {
  if (![...evictions.values()].some(({ by }) => refused.has(by))) return;
  const isKept = ({ action, ordinal }: Draft): boolean => {
    const eviction = action.cause === 'preempt' ? evictions.get(instanceId(intent.workload.id, ordinal)) : undefined;
    return eviction !== undefined && refused.has(eviction.by);
  };
  for (const [index, wave] of waves.later.entries()) {
    waves.later[index] = { ...wave, drafts: wave.drafts.filter((draft) => !isKept(draft)) };
  }
}

/** Nothing of what git changed; repairs and moves stay. What is refused itself has taken back already what it cannot do. */
function dropChanges(state: UnitState): void {
  state.news = [];
  if (!state.refused && state.beforeRollout !== undefined) restoreWaves(state.waves, state.beforeRollout);
}

/** What repairs and what is new first, the rollout, what is new at its revision, removals last. */
function wavesOf({ intent, waves, news, rolloutWaits }: UnitState): readonly WaveDraft[] {
  const isRollout = intent.rollout.length > 0;
  const first = isRollout ? waves.first : [...waves.first, ...news];
  const last = isRollout && !rolloutWaits ? news : [];
  return [
    { drafts: first, observeMs: 0 },
    ...waves.later,
    { drafts: last, observeMs: 0 },
    { drafts: intent.removals, observeMs: 0 },
  ].filter(({ drafts }) => drafts.length > 0);
}

/** Those that were refused, and everything that comes after them. */
function refusedWorkloads(context: Context, placed: ReadonlyMap<WorkloadId, UnitState>): ReadonlySet<WorkloadId> {
  const subjects = new Set(
    context.notes.refusals.filter(({ code }) => code === 'MUS4005').map(({ subject }) => subject),
  );
  const refused = new Set<WorkloadId>([...subjects] as WorkloadId[]);
  for (const [id, entry] of placed) if (entry.refused) refused.add(id);
  const followers = new Map<WorkloadId, UnitState[]>();
  for (const entry of placed.values()) {
    for (const first of leadersOf(entry.intent.definition)) {
      const list = followers.get(first);
      if (list === undefined) followers.set(first, [entry]);
      else list.push(entry);
    }
  }
  // A worklist in which every workload is at most once. Those of a transaction stay on what is good, and nobody comes after.
  const queue = [...refused, ...refusedTogether(context, refused)].sort();
  for (let first = queue.shift(); first !== undefined; first = queue.shift()) {
    for (const { intent } of followers.get(first) ?? []) {
      const { id } = intent.workload;
      const changes = intent.rollout.length + newCount(intent);
      if (refused.has(id) || changes === 0) continue;
      refused.add(id);
      queue.push(id);
      context.notes.refuse({
        code: 'MUS4008',
        subject: id,
        instances: changes,
        message: `${id} ${intent.definition.after.includes(first) ? 'comes after' : 'has to be near'} ${first}, which is refused`,
        byReason: {},
      });
    }
  }
  return refused;
}

function refusedTogether(context: Context, refused: ReadonlySet<WorkloadId>): readonly WorkloadId[] {
  if (context.held.size === 0) return [];
  return [...transactionsOf(context.inputs.desired.workloads)]
    .filter(([transaction]) => context.held.get(transaction)?.kind === 'refused')
    .flatMap(([, members]) => members.filter((member) => isHeld(context, member) && !refused.has(member.id)))
    .map(({ id }) => id);
}

/** `after` of git, and daemons after everything that leaves the nodes that they leave. */
function withOrder(units: readonly UnitDraft[], placed: ReadonlyMap<WorkloadId, UnitState>): readonly UnitDraft[] {
  const present = new Set(units.map((unit) => unit.workload));
  const after = new Map<WorkloadId, Set<WorkloadId>>(units.map(({ workload }) => [workload, new Set()]));
  for (const { workload } of units) {
    for (const first of placed.get(workload)?.intent.definition.after ?? []) {
      if (present.has(first)) after.get(workload)?.add(first);
    }
  }
  for (const { workload } of units) {
    for (const first of placed.get(workload)?.after ?? []) if (present.has(first)) after.get(workload)?.add(first);
  }
  orderDrains(units, placed, after);
  return units.map((unit) => ({ ...unit, after: [...(after.get(unit.workload) ?? [])].sort() }));
}

/** A node is left by what can move first, then by what only stops, then by its daemons. */
function orderDrains(
  units: readonly UnitDraft[],
  placed: ReadonlyMap<WorkloadId, UnitState>,
  after: ReadonlyMap<WorkloadId, Set<WorkloadId>>,
): void {
  const waits: Waits = { after, together: togetherOf(units) };
  const leaving = new Map<number, { readonly workload: WorkloadId; readonly turn: number }[]>();
  for (const unit of units) {
    const turn = turnOf(placed, unit.workload);
    for (const node of drainedNodes(unit)) {
      const list = leaving.get(node);
      if (list === undefined) leaving.set(node, [{ workload: unit.workload, turn }]);
      else list.push({ workload: unit.workload, turn });
    }
  }
  for (const list of leaving.values()) {
    for (const { workload, turn } of list) {
      if (turn === 0) continue;
      for (const earlier of list) {
        if (earlier.turn >= turn || reaches(waits, earlier.workload, workload)) continue;
        after.get(workload)?.add(earlier.workload);
      }
    }
  }
}

function turnOf(placed: ReadonlyMap<WorkloadId, UnitState>, id: WorkloadId): 0 | 1 | 2 {
  const type = placed.get(id)?.intent.definition.type;
  return type === 'daemon' ? 2 : type === 'static' ? 1 : 0;
}

/** Indices of the nodes that a unit leaves because they are drained. */
export function drainedNodes(unit: Pick<UnitDraft, 'waves'>): ReadonlySet<number> {
  const nodes = new Set<number>();
  for (const { drafts } of unit.waves) {
    for (const { old } of drafts) if (old?.node.draining === true) nodes.add(old.node.index);
  }
  return nodes;
}

/** When everything takes as long as it may: a stop its grace, a start its deadline, a group its observation. */
function timed(context: Context, waves: readonly WaveDraft[], intent?: Intent): readonly TimedWave[] {
  const deadline = intent?.definition.update.healthyDeadlineMs ?? 0;
  return waves.map(({ drafts, observeMs }) => {
    let slowest = 0;
    for (const draft of drafts) {
      const isUpdate = draft.action.kind === 'update';
      const old = isUpdate ? undefined : draft.old;
      const gone =
        old === undefined || old.object === 'gone' ? undefined : bodyOf(context, old.allocation.revision, intent);
      const made = makes(draft) ? intent?.target.revision : undefined;
      slowest = Math.max(slowest, stopMs(gone) + (makes(draft) || isUpdate ? deadline : 0) + startMs(made));
    }
    return { drafts, observeMs, worstCaseMs: slowest + observeMs };
  });
}

export interface TimedWave extends WaveDraft {
  readonly worstCaseMs: number;
}

const bodyOf = (context: Context, hash: Action['revision'], intent?: Intent): Revision | undefined =>
  context.inputs.recorded.revisions.get(hash) ?? intent?.target.revision;

/** With the hooks that Muster runs then. */
const stopMs = (body: Revision | undefined): number =>
  body === undefined ? 0 : body.stop.graceMs + body.stop.delayMs + (body.hooks?.beforeStop?.timeoutMs ?? 0);

const startMs = (body: Revision | undefined): number => body?.hooks?.afterStart?.timeoutMs ?? 0;

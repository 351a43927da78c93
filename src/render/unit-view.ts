import { assertNever } from '../model/assert.ts';
import {
  type AllocationId,
  allocationId,
  type NodeName,
  type RunId,
  type TransactionId,
  type UnitId,
  workloadOfUnit,
} from '../model/ids.ts';
import type { Step } from '../model/plan.ts';
import { type Allocation, resourcesOf } from '../model/recorded.ts';
import { amountOf, type Dimension, dimensionsOf, piecesOf, type Resources } from '../model/resources.ts';
import { toldText } from '../reconcile/control.ts';
import type { InFlight } from '../reconcile/inspect.ts';
import { type FoundUnit, type JournalEntry, newerText } from '../reconcile/journal.ts';
import { failingSteps } from '../reconcile/unit-steps.ts';
import { standingOf } from '../reconcile/verdict.ts';
import { commandsFor, type OpenState, type OperatorCommand, type UnitFailing } from './unit-commands.ts';

/** One unit that is in flight: plain data, the same for text and JSON. */
export interface UnitView {
  readonly unit: UnitId;
  readonly run: RunId;
  readonly state: OpenState;
  /** Whether anybody works on it by themselves, and who. */
  readonly goesOn: string;
  /** Unix ms of its last journal entry. */
  readonly since?: number;
  readonly reason?: string;
  readonly wavesDone: number;
  readonly waves: number;
  /** Absent: it commits by itself. */
  readonly together?: UnitTogether;
  /** Who began the run. */
  readonly actor?: string;
  readonly allocations: readonly UnitAllocation[];
  /** Sum of what they hold, by node. */
  readonly held: readonly { readonly node: NodeName; readonly resources: Resources }[];
  /** What stands in the way of a stuck unit. */
  readonly failing: readonly UnitFailing[];
  readonly tried: readonly { readonly at: number; readonly what: string }[];
  /** What an operator may do, and what that does. */
  readonly commands: readonly OperatorCommand[];
}

/** What it commits together with. */
export interface UnitTogether {
  readonly transaction: TransactionId;
  readonly others: readonly UnitId[];
  /** It has passed its last gate, and these have not yet. */
  readonly waitsFor?: readonly UnitId[];
}

export interface UnitAllocation {
  readonly id: AllocationId;
  readonly node: NodeName;
  readonly engine: string;
  readonly state: Allocation['state'];
  readonly objectId?: string;
  /** `new`: this unit makes it · `old`: this unit replaces or removes it · `kept`: it does not touch it */
  readonly role: 'new' | 'old' | 'kept';
}

/** Units in flight, by name. */
export function viewUnits(inFlight: InFlight): readonly UnitView[] {
  const views = [
    ...inFlight.open.begun.map((found) => viewUnit(inFlight, found)),
    ...inFlight.open.waiting.map((entry) =>
      viewUnbegun(inFlight, entry, { state: 'waiting', reason: 'its run was paused before it began' }),
    ),
    ...inFlight.open.newer.map((entry) => viewUnbegun(inFlight, entry, { state: 'newer', reason: newerText(entry) })),
  ];
  return views.sort((a, b) => (a.unit < b.unit ? -1 : 1));
}

function viewUnit(inFlight: InFlight, found: FoundUnit): UnitView {
  const { record, run, ledger, entries } = found;
  const { status } = ledger;
  const state = status.paused !== undefined ? 'paused' : (status.state as UnitView['state']);
  const reason =
    status.paused === undefined
      ? (status.stuckReason ?? status.failure?.reason)
      : `paused by ${toldText(status.paused)}`;
  const since = entries.at(-1)?.at;
  const actor = inFlight.runs.get(run)?.actor;
  const allocations = allocationsOf(inFlight, found);
  const together = togetherOf(inFlight, found);
  const view = {
    unit: record.unit,
    run,
    state,
    goesOn: together?.waitsFor === undefined ? goesOn(inFlight, state) : waitsText(together),
    ...(since !== undefined && { since }),
    ...(reason !== undefined && { reason }),
    wavesDone: status.wavesDone,
    waves: record.planned.waves.length,
    ...(together !== undefined && { together }),
    ...(actor !== undefined && { actor }),
    allocations,
    held: heldOf(inFlight, found),
    failing: status.state === 'stuck' ? failingOf(found) : [],
    tried: triedOf(found),
  };
  return { ...view, commands: commandsFor(view, { isForward: status.failure === undefined }) };
}

function togetherOf({ open }: InFlight, { run, record, ledger }: FoundUnit): UnitTogether | undefined {
  const { group, unit } = record;
  if (group === undefined) return undefined;
  const { transaction, members } = group;
  const others = members.filter((member) => member !== unit);
  if (standingOf(record, ledger.status) !== 'ready') return { transaction, others };
  const there = [...open.begun, ...open.ended].filter((found) => found.run === run);
  const isReady = (member: UnitId): boolean =>
    there.some((found) => found.record.unit === member && standingOf(found.record, found.ledger.status) === 'ready');
  return { transaction, others, waitsFor: others.filter((member) => !isReady(member)) };
}

const waitsText = ({ transaction, others, waitsFor = [] }: UnitTogether): string =>
  waitsFor.length === 0
    ? `has passed its last gate, as ${others.join(', ')} has, which it commits together with (transaction ${transaction})`
    : `has passed its last gate, and waits for ${waitsFor.join(', ')}, which it commits together with (transaction ${transaction})`;

/** Of its plan and journal nothing is shown. */
function viewUnbegun(
  inFlight: InFlight,
  { unit, run }: { readonly unit: UnitId; readonly run: RunId },
  { state, reason }: { readonly state: 'waiting' | 'newer'; readonly reason: string },
): UnitView {
  const actor = inFlight.runs.get(run)?.actor;
  return {
    unit,
    run,
    state,
    goesOn: goesOn(inFlight, state),
    reason,
    wavesDone: 0,
    waves: 0,
    ...(actor !== undefined && { actor }),
    allocations: [],
    held: [],
    failing: [],
    tried: [],
    commands: commandsFor({ unit, run, state, failing: [] }, { isForward: true }),
  };
}

function goesOn({ leader }: InFlight, state: UnitView['state']): string {
  if (state === 'stuck' || state === 'paused' || state === 'waiting') return 'waits for an operator';
  if (state === 'newer') return 'waits for a newer muster';
  if (leader === undefined) return 'nobody works on it: the next `muster apply` or `muster run` goes on with it';
  return `${leader.command} of ${leader.actor} (process ${leader.pid} on ${leader.host}) works on it, or waits for an engine`;
}

function allocationsOf({ recorded }: InFlight, found: FoundUnit): readonly UnitAllocation[] {
  const { made, ended } = touched(found.record.steps);
  return recorded.allocations
    .filter(({ workload }) => workload === workloadOfUnit(found.record.unit))
    .map(({ id, node, engine, state, objectId }) => ({
      id,
      node,
      engine,
      state,
      ...(objectId !== undefined && { objectId }),
      role: made.has(id) ? 'new' : ended.has(id) ? 'old' : 'kept',
    }));
}

function touched(steps: readonly Step[]): {
  readonly made: ReadonlySet<AllocationId>;
  readonly ended: ReadonlySet<AllocationId>;
} {
  const made = new Set<AllocationId>();
  const ended = new Set<AllocationId>();
  for (const { kind, instance, generation, replaces } of steps) {
    const own = allocationId(instance, generation);
    if (kind === 'create' || kind === 'replace' || kind === 'move') made.add(own);
    else if (kind !== 'update') ended.add(own);
    if (replaces !== undefined) ended.add(allocationId(instance, replaces.generation));
  }
  return { made, ended };
}

function heldOf({ recorded }: InFlight, found: FoundUnit): UnitView['held'] {
  const sums = new Map<NodeName, Resources>();
  for (const { node, holds, workload } of recorded.allocations) {
    if (workload !== workloadOfUnit(found.record.unit)) continue;
    sums.set(node, sumOf(sums.get(node) ?? {}, resourcesOf(holds)));
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([node, sum]) => ({ node, resources: piecesOf(sum) }));
}

const sumOf = (a: Resources, b: Resources): Resources =>
  Object.fromEntries(
    dimensionsOf(a, b).map((dimension: Dimension) => [dimension, amountOf(a, dimension) + amountOf(b, dimension)]),
  );

const failingOf = (found: FoundUnit): readonly UnitFailing[] =>
  failingSteps(found).map(({ step, effect }) => ({
    instance: step.instance,
    what: `${effect.kind} ${effect.allocation} on ${effect.node} (${effect.engine})`,
  }));

/** Journal entries that say how it came to this; the many single effects are left out. */
function triedOf({ entries, record }: FoundUnit): UnitView['tried'] {
  const waves = record.planned.waves.length;
  return entries.flatMap((entry) => {
    const what = triedText(entry, waves);
    return what === undefined ? [] : [{ at: entry.at, what }];
  });
}

function triedText(entry: JournalEntry, waves: number): string | undefined {
  switch (entry.kind) {
    case 'effectStarted':
    case 'effectDone':
    case 'stepSettled':
      return undefined;
    case 'waveDone':
      return `wave ${entry.wave + 1} of ${waves} done`;
    case 'failed':
      return `failed: ${entry.failure.reason}`;
    case 'committed':
      return 'all waves done: committed';
    case 'retried':
      return 'tried again';
    case 'stepLeft':
      return `step ${entry.step} left by ${toldText(entry.told)}`;
    case 'paused':
      return `paused by ${toldText(entry.told)}`;
    case 'resumed':
      return `resumed by ${toldText(entry.told)}`;
    case 'abandoned':
      return `abandoned by ${toldText(entry.told)}`;
    case 'superseded':
      return `superseded by ${entry.by}: what is done stays, the rest is planned anew`;
    case 'ended':
      return entry.state === 'stuck' ? `stuck: ${entry.reason ?? 'see above'}` : entry.state;
    default:
      return assertNever(entry);
  }
}

import { type Effect, type EffectKind, undoOf } from '../model/effects.ts';
import { endsWithCaller } from '../model/engine-features.ts';
import type { AllocationId } from '../model/ids.ts';
import type { Allocation, LateCall } from '../model/recorded.ts';
import { keys } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import { encodeAllocation, loadRecorded } from '../store/recorded.ts';
import { maxOperations, type Operation, type Store } from '../store/store.ts';
import { call } from './call.ts';
import type { Clock } from './clock.ts';
import { Halted } from './halt.ts';
import { commit, type FoundUnit, type UnitJournal } from './journal.ts';
import { deadlineMs, stopSettings } from './perform.ts';
import type { RunContext } from './run-context.ts';
import { effectsOf, type UnitEffects, type UnitRecord } from './unit.ts';

/** Engines cannot be fenced: what a leader asked for before it died may be carried out until this long after its lease. */
export const lateCallMs = Math.max(deadlineMs.create, deadlineMs.start, deadlineMs.remove, deadlineMs.update);

/** The part of a `UnitRun` that is needed here. */
interface Unit {
  readonly context: RunContext;
  readonly record: UnitRecord;
  readonly journal: UnitJournal;
  readonly effects: UnitEffects;
}

interface Leading {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly clock: Clock;
}

/**
 * What dead leaders had asked engines for, with no word of what became of it, is written on the allocations that it is
 * about. There it outlives the unit and its journal: what a successor has made once more may come a second time after the
 * unit's end. Throws `Halted` and `StoreError`.
 */
export async function recordLateCalls(leading: Leading, units: readonly FoundUnit[]): Promise<void> {
  const open = lateCallsOf(units, leading);
  if (open.size === 0) return;
  const { allocations } = await loadRecorded(leading.store);
  const operations = allocations.flatMap((allocation) => withLateCalls(allocation, open.get(allocation.id) ?? []));
  for (let offset = 0; offset < operations.length; offset += maxOperations)
    await commit(leading, operations.slice(offset, offset + maxOperations));
}

/**
 * By allocation. That somebody else has done the same meanwhile says nothing about a call that was under way, nor does the
 * time in the journal: the clock of its leader may have been wrong.
 */
function lateCallsOf(
  units: readonly FoundUnit[],
  { leadership }: Leading,
): ReadonlyMap<AllocationId, readonly LateCall[]> {
  const late = new Map<AllocationId, LateCall[]>();
  for (const { record, entries } of units) {
    const open = new Set<string>();
    for (const entry of entries) {
      if (entry.kind !== 'effectDone' && entry.kind !== 'effectStarted') continue;
      const asked = `${entry.token} ${entry.effect}`;
      if (entry.kind === 'effectDone') open.delete(asked);
      else if (entry.token !== leadership.token) open.add(asked);
    }
    if (open.size === 0) continue;
    const effects = [...effectsOf(record).byKey.values()].flatMap((effect) => [effect, undoOf(effect) ?? []].flat());
    const byKey = new Map(effects.map((effect) => [effect.key, effect]));
    for (const name of open) {
      const effect = byKey.get(name.slice(name.indexOf(' ') + 1));
      if (effect === undefined || endsWithCaller.has(effect.engine)) continue;
      late.set(effect.allocation, [...(late.get(effect.allocation) ?? []), ...callsOf(effect)]);
    }
  }
  return late;
}

/** What starts something again makes it again first where it is gone. */
function callsOf({ key, kind }: Effect): readonly LateCall[] {
  if (kind === 'start') return key.startsWith('undo:') ? ['create', 'start'] : ['start'];
  return kind === 'create' || kind === 'update' ? [kind] : [];
}

function withLateCalls(allocation: Allocation, found: readonly LateCall[]): readonly Operation[] {
  const { id, lateCalls: known = [] } = allocation;
  const lateCalls = [...new Set([...known, ...found])];
  if (lateCalls.length === known.length) return [];
  return [{ kind: 'put', key: keys.allocation(id), value: encodeAllocation({ ...allocation, lateCalls }) }];
}

/** What has to be over before an effect: else what was given back is taken, what was stopped runs, what was changed changes back. */
const waitsFor: Partial<Record<EffectKind, LateCall>> = { release: 'create', stop: 'start', update: 'update' };

/**
 * Before an allocation is taken away or changed: until what a dead leader had asked for it cannot come any more, within a
 * minute of the lease's change of hands. What came meanwhile is taken away. A stop of Muster does not wait: the unit stays
 * as it is, for the next run.
 */
export async function outwaitLateCalls(run: Unit, effect: Effect): Promise<void> {
  const { context, record } = run;
  const late = waitsFor[effect.kind];
  if (late === undefined || context.allocations.get(effect.allocation)?.lateCalls?.includes(late) !== true) return;
  const waitMs = context.leadership.since + lateCallMs - context.clock.monotonic();
  if (waitMs > 0) {
    const what = `${effect.allocation}: a ${late} that was under way when its leader died may still come`;
    context.progress({ kind: 'waiting', unit: record.unit, what });
    await sleepWhileLeading(context, waitMs);
  }
  if (late === 'create' && wasThere(run, effect)) await takeAway(context, effect);
}

async function sleepWhileLeading({ leadership, softStop, hardStop, clock }: RunContext, ms: number): Promise<void> {
  const lost = new AbortController();
  void leadership.ended.then(() => lost.abort());
  await clock.sleep(ms, AbortSignal.any([softStop, hardStop, lost.signal]));
  if (softStop.aborted || hardStop.aborted) throw new Halted('interrupted', 'interrupted');
}

/** Its engine was or is asked to remove it: not of what is only forgotten. */
const wasThere = ({ effects, journal }: Unit, { step, allocation, phase }: Effect): boolean =>
  (effects.bySteps.get(step) ?? []).some(
    ({ kind, key, allocation: of }) =>
      of === allocation && (phase === 'settle' ? kind === 'remove' : kind === 'create' && journal.reached(key)),
  );

/** By its label: what came late is another object than the one that is recorded. */
async function takeAway(context: RunContext, effect: Effect): Promise<void> {
  const at = { ...effect, kind: 'remove' } as const;
  const { objects } = await call(context, at, (engine, of) => engine.list(of), deadlineMs.list);
  for (const { objectId, state, revision } of objects.filter(({ allocation }) => allocation === effect.allocation)) {
    const how = stopSettings(context, revision);
    if (state !== 'created' && state !== 'exited')
      await call(context, at, (engine, of) => engine.stop(objectId, how, of), deadlineMs.stop + how.graceMs);
    await call(context, at, (engine, of) => engine.remove(objectId, of), deadlineMs.remove);
  }
}

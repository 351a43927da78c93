import type { Effect } from '../model/effects.ts';
import type { Leadership } from '../store/leader.ts';
import type { Clock } from './clock.ts';
import { Halted } from './halt.ts';
import type { FoundUnit } from './journal.ts';
import { call, deadlineMs, stopSettings } from './perform.ts';
import type { RunContext } from './run-context.ts';
import type { UnitRun } from './unit-run.ts';

/** Engines cannot be fenced: what a leader asked for before it died may be carried out until this long after its lease. */
export const lateCallMs = Math.max(deadlineMs.create, deadlineMs.start, deadlineMs.remove, deadlineMs.update);

/** Calls that were begun this long ago are over, however far the clocks of two machines are apart. */
const longOverMs = 10 * lateCallMs;

/** Keys of effects that another leader had begun and that nobody knows the end of. */
export function lateCallsOf(
  units: readonly FoundUnit[],
  { leadership, clock }: { readonly leadership: Leadership; readonly clock: Clock },
): ReadonlySet<string> {
  const open = new Set<string>();
  const since = clock.now() - longOverMs;
  for (const entry of units.flatMap(({ entries }) => entries)) {
    if (entry.kind === 'effectDone') open.delete(entry.effect);
    if (entry.kind === 'effectStarted' && entry.token !== leadership.token && entry.at > since) open.add(entry.effect);
  }
  return open;
}

/**
 * Before what was reserved is given back, and before what is to be stopped is removed: until a creation or a start that
 * nobody has heard of cannot come any more. What came meanwhile is taken away. A stop of Muster does not wait: the unit
 * stays as it is, for the next run.
 */
export async function outwaitLateCalls(run: UnitRun, undo: Effect): Promise<void> {
  const { context, record } = run;
  const late = undo.kind === 'release' ? 'create' : undo.kind === 'remove' ? 'start' : undefined;
  if (late === undefined || context.lateCalls?.has(`${undo.step}:${late}:${undo.allocation}`) !== true) return;
  const waitMs = (context.resumedAt ?? 0) + lateCallMs - context.clock.monotonic();
  if (waitMs > 0) {
    const what = `${undo.allocation}: a ${late} that was under way when its leader died may still come`;
    context.progress({ kind: 'waiting', unit: record.unit, what });
    await context.clock.sleep(waitMs, AbortSignal.any([context.softStop, context.hardStop]));
    if (context.softStop.aborted) throw new Halted('interrupted', 'interrupted');
  }
  await takeAway(context, undo, late);
}

/** By its label: what came late is another object than the one that is recorded. */
async function takeAway(context: RunContext, undo: Effect, late: 'create' | 'start'): Promise<void> {
  const at = { ...undo, kind: 'remove' } as const;
  const { objects } = await call(context, at, (engine, of) => engine.list(of), deadlineMs.list);
  for (const { objectId, state, revision } of objects.filter(({ allocation }) => allocation === undo.allocation)) {
    const how = stopSettings(context, revision);
    if (state !== 'created' && state !== 'exited')
      await call(context, at, (engine, of) => engine.stop(objectId, how, of), deadlineMs.stop + how.graceMs);
    if (late === 'create') await call(context, at, (engine, of) => engine.remove(objectId, of), deadlineMs.remove);
  }
}

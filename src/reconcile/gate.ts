import type { Engine } from '../engines/engine.ts';
import type { Effect } from '../model/effects.ts';
import type { AllocationId, EngineKind, NodeName } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { HealthCheck, Revision } from '../model/revision.ts';
import { GateFailed, Halted } from './halt.ts';
import { probe } from './health.ts';
import { call, objectOf, revisionOf } from './perform.ts';
import type { RunContext } from './run-context.ts';

/** How often a running instance without a check, or one that does not answer yet, is looked at. */
const pollMs = 250;
const observeDeadlineMs = 10_000;
/** Restarts during one gate that are a crash loop, whatever the check says in between. */
const crashLoopRestarts = 3;
/** Observations as running that stand for health where there is no check. */
const runningLooks = 2;
const logTailLines = 5;
const logTailChars = 400;

/** Where a new allocation is, for a gate to look at. */
export type Watched = Pick<Effect, 'allocation' | 'node' | 'engine' | 'kind'>;

/**
 * Returns when the allocation runs and has passed `healthyAfter` checks in a row; throws `GateFailed` when it did not
 * within the deadline, or cannot any more.
 */
export async function awaitHealthy(
  context: RunContext,
  watched: Watched,
  options: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const revision = revisionOfAllocation(context, watched.allocation);
  const needed = revision.health?.healthyAfter ?? runningLooks;
  const failAt = context.clock.now() + options.deadlineMs;
  let passed = 0;
  let reason = 'it has not started';
  // Bounded by the deadline.
  for (;;) {
    stopIfAborted(context, options.signal);
    const look = await lookAt(context, watched, revision);
    if (look.kind === 'dead') throw await gateFailed(context, watched, look.reason);
    passed = look.kind === 'good' ? passed + 1 : 0;
    if (passed >= needed) return;
    if (look.kind === 'bad') reason = look.reason;
    if (context.clock.now() >= failAt) {
      throw await gateFailed(context, watched, `not healthy within ${options.deadlineMs / 1000} s: ${reason}`);
    }
    const wait =
      look.kind === 'good'
        ? (revision.health?.intervalMs ?? pollMs)
        : Math.min(revision.health?.intervalMs ?? pollMs, pollMs);
    await context.clock.sleep(Math.min(wait, Math.max(failAt - context.clock.now(), 0)), options.signal);
  }
}

/** Watches new allocations for `observeMs`; throws `GateFailed` when one of them falls ill or exits. */
export async function observeWave(
  context: RunContext,
  all: readonly Watched[],
  options: { readonly observeMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const until = context.clock.now() + options.observeMs;
  const failures = new Map<AllocationId, number>();
  // Bounded by `until`.
  while (context.clock.now() < until) {
    await Promise.all(
      all.map(async (watched) => {
        const revision = revisionOfAllocation(context, watched.allocation);
        const look = await lookAt(context, watched, revision);
        if (look.kind === 'dead') throw await gateFailed(context, watched, look.reason);
        const failed = look.kind === 'bad' ? (failures.get(watched.allocation) ?? 0) + 1 : 0;
        failures.set(watched.allocation, failed);
        if (look.kind === 'bad' && failed >= (revision.health?.unhealthyAfter ?? 1)) {
          throw await gateFailed(context, watched, `unhealthy while observed: ${look.reason}`);
        }
      }),
    );
    stopIfAborted(context, options.signal);
    const intervals = all.map(
      (watched) => revisionOfAllocation(context, watched.allocation).health?.intervalMs ?? pollMs,
    );
    await context.clock.sleep(Math.min(...intervals, Math.max(until - context.clock.now(), 0)), options.signal);
  }
}

type Look =
  | { readonly kind: 'good' }
  | { readonly kind: 'bad'; readonly reason: string }
  | { readonly kind: 'dead'; readonly reason: string };

async function lookAt(context: RunContext, watched: Watched, revision: Revision): Promise<Look> {
  const objectId = await objectOf(context, watched);
  const seen =
    objectId === undefined
      ? undefined
      : await call(
          context,
          watched,
          async (engine, options) => {
            const object = await engine.observe(objectId, options);
            return object && { object, probed: await probed(engine, object, revision.health) };
          },
          observeDeadlineMs,
        );
  if (seen === undefined) return { kind: 'dead', reason: 'its object is gone' };
  const { object } = seen;
  const exit = object.exitCode === undefined ? '' : ` with code ${object.exitCode}`;
  if ((object.restarts ?? 0) >= crashLoopRestarts)
    return { kind: 'dead', reason: `crash loop: restarted ${object.restarts} times, last exit${exit}` };
  if (object.state === 'exited' && revision.restart === 'never') return { kind: 'dead', reason: `exited${exit}` };
  if (object.state !== 'running') return { kind: 'bad', reason: `${object.state}${exit}` };
  return seen.probed;
}

async function probed(engine: Engine, object: ObservedObject, check: HealthCheck | undefined): Promise<Look> {
  if (object.state !== 'running' || check === undefined) return { kind: 'good' };
  const result = await probe(engine, object, check);
  return result.ok ? { kind: 'good' } : { kind: 'bad', reason: result.reason };
}

/** True when the object runs and passes one probe: what availability means for the budget. */
export async function isAvailable(
  context: RunContext,
  at: { readonly allocation: AllocationId; readonly node: NodeName; readonly engine: EngineKind },
): Promise<boolean> {
  const look = await lookAt(context, { ...at, kind: 'await' }, revisionOfAllocation(context, at.allocation));
  return look.kind === 'good';
}

async function gateFailed(context: RunContext, watched: Watched, reason: string): Promise<GateFailed> {
  const tail = await lastOutput(context, watched);
  return new GateFailed(
    `${watched.allocation} on ${watched.node}: ${reason}${tail === '' ? '' : `; last output: ${tail}`}`,
  );
}

/** The end of the instance's log, for the operator; a log that cannot be read hides no failure. */
async function lastOutput(context: RunContext, watched: Watched): Promise<string> {
  const objectId = context.allocations.get(watched.allocation)?.objectId;
  if (objectId === undefined) return '';
  try {
    const engine = await context.engines.engineOf(watched.node, watched.engine);
    const lines: string[] = [];
    for await (const line of engine.logs(
      objectId,
      { tail: logTailLines, follow: false },
      { deadlineMs: observeDeadlineMs },
    )) {
      lines.push(line.text.trim());
    }
    return lines
      .filter((line) => line !== '')
      .join(' | ')
      .slice(-logTailChars);
  } catch {
    return '';
  }
}

function revisionOfAllocation(context: RunContext, id: AllocationId): Revision {
  const allocation = context.allocations.get(id);
  if (allocation === undefined) throw new Error(`allocation ${id} is not recorded`);
  return revisionOf(context, allocation.revision);
}

function stopIfAborted(context: RunContext, signal: AbortSignal): void {
  if (context.hardStop.aborted) throw new Halted('interrupted', 'interrupted');
  if (signal.aborted) throw new Halted('interrupted', 'another step of the wave failed');
}

import type { Engine } from '../engines/engine.ts';
import type { Effect } from '../model/effects.ts';
import type { AllocationId, EngineKind, NodeName } from '../model/ids.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { HealthCheck, Revision } from '../model/revision.ts';
import { call } from './call.ts';
import { GateFailed, Halted } from './halt.ts';
import { probe } from './health.ts';
import { objectOf, revisionOf } from './perform.ts';
import type { RunContext } from './run-context.ts';

/** How often a running instance without a check, or one that does not answer yet, is looked at. */
const pollMs = 250;
const observeDeadlineMs = 10_000;
const startDeadlineMs = 60_000;
const secondLookMs = 1_500;
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
  let failAt = context.clock.monotonic() + options.deadlineMs;
  let passed = 0;
  let reason = 'it has not started';
  // Bounded by the deadline and by how long the engine was away: nothing was seen then, so nothing speaks against the revision.
  for (;;) {
    stopIfAborted(context, options.signal);
    const askedAt = context.clock.monotonic();
    const look = await lookAt(context, watched, revision);
    if (hadTrouble(context, watched, askedAt)) failAt += context.clock.monotonic() - askedAt;
    const again = await startAgain(context, watched, look);
    if (look.kind === 'dead' && !again && !(await wentWithEngine(context, watched, look)))
      throw await gateFailed(context, watched, look.reason);
    passed = look.kind === 'good' ? passed + 1 : 0;
    if (passed >= needed) return;
    if (look.kind !== 'good') reason = look.reason;
    if (context.clock.monotonic() >= failAt) {
      throw await gateFailed(context, watched, `not healthy within ${options.deadlineMs / 1000} s: ${reason}`);
    }
    const wait =
      look.kind === 'good'
        ? (revision.health?.intervalMs ?? pollMs)
        : Math.min(revision.health?.intervalMs ?? pollMs, pollMs);
    await context.clock.sleep(Math.min(wait, Math.max(failAt - context.clock.monotonic(), 0)), options.signal);
  }
}

/** The engine did not answer for a while after that. */
const hadTrouble = ({ engineTrouble }: RunContext, { node, engine }: Watched, since: number): boolean =>
  (engineTrouble.get(`${node}/${engine}`) ?? Number.NEGATIVE_INFINITY) >= since;

/** Watches new allocations for `observeMs`; throws `GateFailed` when one of them falls ill or exits. */
export async function observeWave(
  context: RunContext,
  all: readonly Watched[],
  options: { readonly observeMs: number; readonly signal: AbortSignal },
): Promise<void> {
  const until = context.clock.monotonic() + options.observeMs;
  const failures = new Map<AllocationId, number>();
  // Bounded by `until`.
  while (context.clock.monotonic() < until) {
    await Promise.all(
      all.map(async (watched) => {
        const revision = revisionOfAllocation(context, watched.allocation);
        const look = await lookAt(context, watched, revision);
        const again = await startAgain(context, watched, look);
        if (look.kind === 'dead' && !again && !(await wentWithEngine(context, watched, look)))
          throw await gateFailed(context, watched, look.reason);
        const failed = look.kind === 'good' || again ? 0 : (failures.get(watched.allocation) ?? 0) + 1;
        failures.set(watched.allocation, failed);
        if (look.kind !== 'good' && !again && failed >= (revision.health?.unhealthyAfter ?? 1)) {
          if (await wentWithEngine(context, watched, look)) return;
          throw await gateFailed(context, watched, `unhealthy while observed: ${look.reason}`);
        }
      }),
    );
    stopIfAborted(context, options.signal);
    const intervals = all.map(
      (watched) => revisionOfAllocation(context, watched.allocation).health?.intervalMs ?? pollMs,
    );
    await context.clock.sleep(Math.min(...intervals, Math.max(until - context.clock.monotonic(), 0)), options.signal);
  }
}

type Look =
  | { readonly kind: 'good' }
  /** `down`: it is there, but does not run. */
  | { readonly kind: 'bad' | 'dead'; readonly reason: string; readonly down?: true };

/**
 * An engine that goes away may take its instances with it, which says nothing about their revision: each is started
 * again, once for every time that its engine was away. Starting what runs changes nothing.
 */
async function startAgain(context: RunContext, watched: Watched, look: Look): Promise<boolean> {
  if (look.kind === 'good' || look.down !== true) return false;
  const { engineTrouble, startedAgain, resumedAt = Number.NEGATIVE_INFINITY } = context;
  const troubleAt = Math.max(resumedAt, engineTrouble.get(`${watched.node}/${watched.engine}`) ?? resumedAt);
  if (troubleAt <= (startedAgain.get(watched.allocation) ?? Number.NEGATIVE_INFINITY)) return false;
  startedAgain.set(watched.allocation, context.clock.monotonic());
  const objectId = await objectOf(context, watched);
  if (objectId === undefined) return false;
  await call(context, watched, (engine, options) => engine.start(objectId, options), startDeadlineMs);
  return true;
}

/**
 * Before a gate fails because something does not run: an engine that shuts down ends its instances first, while it still
 * answers. A second look, a little later, halts when the engine is gone by then.
 */
async function wentWithEngine(context: RunContext, watched: Watched, look: Look): Promise<boolean> {
  if (look.kind === 'good' || look.down !== true) return false;
  await context.clock.sleep(secondLookMs, context.hardStop);
  await lookAt(context, watched, revisionOfAllocation(context, watched.allocation));
  return startAgain(context, watched, look);
}

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
  if (object.state === 'exited' && revision.restart === 'never')
    return { kind: 'dead', reason: `exited${exit}`, down: true };
  if (object.state !== 'running') return { kind: 'bad', reason: `${object.state}${exit}`, down: true };
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

import { afterAttempt, type BackoffState, defaultBackoff, notBefore } from '../drift/backoff.ts';
import { type Drift, detectDrift } from '../drift/detect.ts';
import { type EngineDirectory, EngineError } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { EngineKind, UnitId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import { shareUnchanged } from '../source/share.ts';
import { type Leadership, LockHeld } from '../store/leader.ts';
import { type Store, StoreError } from '../store/store.ts';
import { type ApplyDependencies, applyPlan } from './apply.ts';
import { approvalStates, approvalText, forgetApprovals, unapproved } from './approvals.ts';
import { assertMayGoOn, assertNotBehind } from './behind.ts';
import type { Clock } from './clock.ts';
import { createLiveRuns, type LiveRuns } from './control.ts';
import { type Desk, openDesk } from './desk.ts';
import { Halted } from './halt.ts';
import { forgetEnded } from './overrides.ts';
import { openPlanning, PlanRejected, planExpiresAfterMs } from './planning.ts';
import type { Progress, RunOutcome, UnitResult } from './progress.ts';
import { noteAbsences, openLook } from './reconcile.ts';
import { recoverRuns } from './recover.ts';
import { restrictPlan } from './restrict.ts';
import { createWake, followEngine, type TriggerReason, type Wake } from './triggers.ts';

/** What the loop needs from its surroundings; the command line supplies it. */
export interface LoopDependencies {
  /** Reads the source; `undefined` when it does not load, after having told why. */
  readonly loadDesired: () => Promise<Desired | undefined>;
  /** Calls `changed` whenever the source may have changed, until aborted. */
  readonly watchSource: (changed: () => void, signal: AbortSignal) => Promise<void>;
  readonly store: Store;
  /** Takes the lease, waiting as long as another process holds it. */
  readonly acquireLeadership: (signal: AbortSignal) => Promise<Leadership>;
  readonly openEngines: (desired: Desired) => Promise<EngineDirectory>;
  readonly liveFields: Readonly<Record<string, readonly string[]>>;
  readonly clock: Clock;
  readonly progress: Progress;
  readonly report: (event: LoopEvent) => void;
  readonly actor: string;
  readonly resyncMs: number;
  /** First SIGTERM or Ctrl-C: what was begun is finished. */
  readonly softStop: AbortSignal;
  readonly hardStop: AbortSignal;
}

/** What the loop tells: logged as structured lines and counted as metrics. */
export type LoopEvent =
  | { readonly kind: 'standby' }
  | { readonly kind: 'leading'; readonly token: string }
  | { readonly kind: 'leaseLost' }
  | { readonly kind: 'recovered'; readonly units: readonly UnitResult[] }
  | { readonly kind: 'sourceBroken' }
  | {
      readonly kind: 'planned';
      readonly trigger: TriggerReason;
      readonly plan: Plan;
      readonly drift: readonly Drift[];
      readonly tookMs: number;
      readonly delayed: readonly UnitId[];
      /** Which units wait for whose approval. */
      readonly unapproved: readonly string[];
    }
  | { readonly kind: 'applied'; readonly outcome: RunOutcome }
  | { readonly kind: 'passFailed'; readonly error: string; readonly retryInMs: number }
  | { readonly kind: 'stopped' };

/** Pause after an event, so that a burst of them is one pass. */
const settleMs = 100;
/** Pause before a pass is tried again after an error of the store or the source. */
const failedPassMs = 2_000;
/** Pause before a store that is older than what runs is looked at again. */
const behindMs = 30_000;

/**
 * `muster run`: waits for the lease, finishes what others left, then passes: source → observe → plan → verify → apply,
 * whenever something may have changed and at least every `resyncMs`. Ends when stopped; a lost lease sends it back to
 * waiting. While it is down nothing that runs is touched.
 */
export async function runLoop(dependencies: LoopDependencies): Promise<void> {
  const { softStop, report } = dependencies;
  const wake = createWake(dependencies.clock);
  const watching = dependencies.watchSource(() => wake.signal('source'), softStop);
  while (!softStop.aborted) {
    report({ kind: 'standby' });
    const leadership = await lead(dependencies);
    if (leadership === undefined) break;
    report({ kind: 'leading', token: leadership.token });
    const behind = await passUntilStopped(dependencies, leadership, wake)
      .then(() => undefined, onlyBehind)
      .finally(() => leadership.release());
    // Not as the leader: whoever mends the store needs the lease.
    if (behind !== undefined) await pause(dependencies, behind, behindMs);
    else if (!softStop.aborted) report({ kind: 'leaseLost' });
  }
  await watching;
  report({ kind: 'stopped' });
}

async function lead(dependencies: LoopDependencies): Promise<Leadership | undefined> {
  // Bounded by the stop: a standby waits as long as there is a leader.
  while (!dependencies.softStop.aborted) {
    try {
      return await dependencies.acquireLeadership(dependencies.softStop);
    } catch (error) {
      if (dependencies.softStop.aborted) return undefined;
      if (!isWaitable(error)) throw error;
      await pause(dependencies, error);
    }
  }
  return undefined;
}

/** Also of a store that is full, or that lost a reply: whoever waits for the lease is not to be gone when it is mended. */
const isWaitable = (error: unknown): error is Error =>
  error instanceof LockHeld ||
  (error instanceof StoreError && (error.retryable || error.code === 'noSpace' || error.code === 'unknownOutcome'));

async function pause(dependencies: LoopDependencies, error: Error, forMs = failedPassMs): Promise<void> {
  dependencies.report({ kind: 'passFailed', error: error.message, retryInMs: forMs });
  await dependencies.clock.sleep(forMs, dependencies.softStop);
}

/** What is kept between passes of one term of leadership. */
interface Term {
  desired: Desired | undefined;
  /** Set when the source may have changed since `desired` was read. */
  stale: boolean;
  engines: EngineDirectory | undefined;
  stopEvents: AbortController;
  backoff: ReadonlyMap<UnitId, BackoffState>;
  readonly live: LiveRuns;
  /** Open as soon as it is known which engines there are. */
  desk: Desk | undefined;
  readonly look: ReturnType<typeof openLook>;
  readonly plan: ReturnType<typeof openPlanning>;
}

async function passUntilStopped(dependencies: LoopDependencies, leadership: Leadership, wake: Wake): Promise<void> {
  const { softStop, clock } = dependencies;
  const term: Term = {
    desired: undefined,
    stale: true,
    engines: undefined,
    stopEvents: new AbortController(),
    backoff: new Map(),
    live: createLiveRuns(),
    desk: undefined,
    look: openLook(dependencies.store),
    plan: openPlanning(),
  };
  let trigger: TriggerReason = 'start';
  let recovered = false;
  const ended = new AbortController();
  void leadership.ended.then(() => ended.abort());
  const stop = AbortSignal.any([softStop, ended.signal]);
  try {
    while (!stop.aborted) {
      let nextInMs = dependencies.resyncMs;
      try {
        if (trigger === 'source' || trigger === 'start' || trigger === 'resync') term.stale = true;
        await refresh(dependencies, term, wake);
        const apply = applyDependencies(dependencies, leadership, term);
        if (apply !== undefined) {
          if (!recovered) recovered = await recover(dependencies, term, apply, wake);
          nextInMs = await pass(dependencies, term, apply, trigger);
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
        recovered = false;
        await pause(dependencies, error);
        nextInMs = 0;
      }
      // Even when the next pass is due at once: what came meanwhile (a commit that mends this one) is not put off.
      trigger = await wake.wait({ timeoutMs: nextInMs, signal: stop, ...(nextInMs === 0 && { otherwise: 'again' }) });
      if (trigger === 'engine' || trigger === 'source') await clock.sleep(settleMs, stop);
    }
  } finally {
    term.stopEvents.abort();
    await term.desk?.close();
    await term.engines?.close();
  }
}

/** Operators first: what they pause or abandon is not gone on with. False while something is left that the next pass has to try again. */
async function recover(dependencies: LoopDependencies, term: Term, apply: Applying, wake: Wake): Promise<boolean> {
  await assertMayGoOn(apply, dependencies.softStop);
  term.desk ??= openDesk(
    () => applyDependencies(dependencies, apply.leadership, term) ?? apply,
    () => wake.signal('request'),
  );
  await term.desk.takeUp();
  const units = await recoverRuns(apply);
  dependencies.report({ kind: 'recovered', units });
  return !units.some(isLeftOpen);
}

/** The next pass has to go on with it: an engine did not answer. */
const isLeftOpen = ({ state, waitsFor }: UnitResult): boolean => state === 'paused' && waitsFor === undefined;

const isBehind = (error: unknown): error is StoreError => error instanceof StoreError && error.code === 'behind';

function onlyBehind(error: unknown): StoreError {
  if (isBehind(error)) return error;
  throw error;
}

/** Errors that a later pass may not meet: of the world, or of a plan for just this world. Any other bug ends the process. */
const isPassing = (error: unknown): error is Error =>
  error instanceof Halted ||
  (error instanceof StoreError && !isBehind(error)) ||
  error instanceof EngineError ||
  error instanceof PlanRejected;

type Applying = ApplyDependencies & { readonly live: LiveRuns };

/** Undefined while nothing has been read yet. */
function applyDependencies(
  { store, clock, progress, softStop, hardStop, actor }: LoopDependencies,
  leadership: Leadership,
  { desired, engines, live }: Term,
): Applying | undefined {
  if (desired === undefined || engines === undefined) return undefined;
  return { store, leadership, engines, desired, clock, progress, softStop, hardStop, actor, live };
}

/** Reads the source when it may have changed, and follows the engines that it declares. A source that does not load keeps the last good one in force. */
async function refresh(dependencies: LoopDependencies, term: Term, wake: Wake): Promise<void> {
  if (!term.stale) return;
  const desired = await dependencies.loadDesired();
  if (desired === undefined) {
    dependencies.report({ kind: 'sourceBroken' });
    return;
  }
  term.stale = false;
  const before = term.desired;
  term.desired = before === undefined ? desired : shareUnchanged(before, desired);
  if (term.desired.nodes === before?.nodes && term.engines !== undefined) return;
  term.stopEvents.abort();
  await term.desk?.idle();
  await term.engines?.close();
  term.stopEvents = new AbortController();
  term.engines = await dependencies.openEngines(desired);
  for (const node of desired.nodes) {
    for (const kind of Object.keys(node.engines) as EngineKind[]) {
      void follow(term.engines, { node: node.name, kind }, wake, term.stopEvents.signal);
    }
  }
}

async function follow(
  engines: EngineDirectory,
  of: { readonly node: Desired['nodes'][number]['name']; readonly kind: EngineKind },
  wake: Wake,
  signal: AbortSignal,
): Promise<void> {
  try {
    await followEngine(await engines.engineOf(of.node, of.kind), wake, signal);
  } catch (error) {
    // Without events the resync still sees everything; what is wrong with the engine the next pass tells.
    if (!(error instanceof EngineError)) throw error;
  }
}

/** One pass; returns after how long the next one is due at the latest. */
async function pass(
  dependencies: LoopDependencies,
  term: Term,
  apply: ApplyDependencies,
  trigger: TriggerReason,
): Promise<number> {
  const { clock, liveFields, report, resyncMs } = dependencies;
  const { desired, engines } = apply;
  const startedAt = clock.now();
  const { recorded, observed } = await term.look({ desired, engines, clock, signal: dependencies.softStop });
  await assertNotBehind(apply.store, { recorded, observed });
  await noteAbsences(apply, desired, recorded);
  await forgetEnded(apply, desired, recorded);
  const { plan } = term.plan({
    desired,
    recorded,
    observed,
    now: clock.now(),
    expiresAfterMs: planExpiresAfterMs,
    liveFields,
  });
  const keyOf = (unit: UnitId): string =>
    plan.basis.workloads[unit as string as keyof typeof plan.basis.workloads] ?? '';
  const due = (unit: UnitId): number => notBefore(term.backoff, unit, keyOf(unit));
  const delayed = plan.units.map(({ id }) => id).filter((unit) => due(unit) > clock.monotonic());
  const states = await approvalStates(apply.store, plan, { desired, recorded, now: clock.now() });
  const waiting = unapproved(states);
  const ready = restrictPlan(plan, (unit) => !delayed.includes(unit) && !waiting.has(unit));
  report({
    kind: 'planned',
    trigger,
    plan,
    drift: detectDrift(recorded, observed, desired.cluster.drift.ignoreFields),
    tookMs: clock.now() - startedAt,
    delayed,
    unapproved: states.filter(({ isMet }) => !isMet).map(approvalText),
  });
  if (states.length > 0) await forgetApprovals(apply);
  if (ready.units.length > 0) {
    const outcome = await applyPlan(apply, ready);
    for (const { unit, state } of outcome.units) {
      // What only waited for another was not tried.
      if (state === 'skipped') continue;
      term.backoff = afterAttempt(term.backoff, { unit, key: keyOf(unit), now: clock.monotonic() }, defaultBackoff);
    }
    report({ kind: 'applied', outcome });
    // Whatever the run left open (an engine or the store went away) is recovered before the next plan.
    const open = outcome.units.find(isLeftOpen);
    if (open !== undefined) throw new Halted('engine', open.reason ?? 'paused');
    return 0;
  }
  const waits = delayed.map((unit) => Math.max(due(unit) - clock.monotonic(), 0));
  return Math.min(resyncMs, ...waits);
}

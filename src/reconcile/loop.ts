import { afterAttempt, defaultBackoff, notBefore } from '../drift/backoff.ts';
import { type Drift, detectDrift } from '../drift/detect.ts';
import { type EngineDirectory, EngineError } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { UnitId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';
import { type Leadership, LockHeld } from '../store/leader.ts';
import { type Store, StoreError } from '../store/store.ts';
import { type ApplyDependencies, beginRun } from './apply.ts';
import { approvalStates, approvalText, forgetApprovals, unapproved } from './approvals.ts';
import { assertMayGoOn, assertNotBehind } from './behind.ts';
import type { Clock } from './clock.ts';
import type { LiveRuns } from './control.ts';
import { openDesk } from './desk.ts';
import { Halted } from './halt.ts';
import { forgetEnded } from './overrides.ts';
import { PlanRejected, planExpiresAfterMs } from './planning.ts';
import type { Progress, RunOutcome, UnitResult } from './progress.ts';
import { noteAbsences } from './reconcile.ts';
import { beginRecovery } from './recover.ts';
import { restrictPlan } from './restrict.ts';
import { supersedeOutdated } from './supersede.ts';
import { openTerm, refresh, type Term } from './term.ts';
import { createWake, type TriggerReason, type Wake } from './triggers.ts';
import type { Removed } from './zombies.ts';

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
  /** What a call that an engine carried out late had made was taken away. */
  | ({ readonly kind: 'zombieRemoved' } & Removed)
  | { readonly kind: 'passFailed'; readonly error: string; readonly retryInMs: number }
  | { readonly kind: 'stopped' };

/** Pause after an event, so that a burst of them is one pass. */
const settleMs = 100;
/** Pause before a pass is tried again after an error of the store or the source. */
const failedPassMs = 2_000;
/** Pause before a store that is older than what runs is looked at again. */
const behindMs = 30_000;
/** `settleMs` while units are under way: what they do themselves is most of what engines tell of. */
const busyMs = 1_000;

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

async function passUntilStopped(dependencies: LoopDependencies, leadership: Leadership, wake: Wake): Promise<void> {
  const { softStop, clock } = dependencies;
  const term = openTerm(dependencies);
  let trigger: TriggerReason = 'start';
  const ended = new AbortController();
  void leadership.ended.then(() => ended.abort());
  const stop = AbortSignal.any([softStop, ended.signal]);
  try {
    while (!stop.aborted) {
      term.underWay.check();
      let nextInMs = dependencies.resyncMs;
      try {
        if (trigger === 'source' || trigger === 'start' || trigger === 'resync') term.stale = true;
        await refresh(dependencies, term, wake);
        const apply = applyDependencies(dependencies, leadership, term);
        if (apply !== undefined) {
          if (clock.monotonic() >= term.recoverAt) await recover(dependencies, term, apply, wake);
          nextInMs = await pass(dependencies, term, { apply, trigger, wake });
        }
      } catch (error) {
        if (!isPassing(error)) throw error;
        term.recoverAt = clock.monotonic();
        await pause(dependencies, error);
        nextInMs = 0;
      }
      nextInMs = Math.min(nextInMs, Math.max(term.recoverAt - clock.monotonic(), 0));
      // Even when the next pass is due at once: what came meanwhile (a commit that mends this one) is not put off.
      trigger = await wake.wait({ timeoutMs: nextInMs, signal: stop, ...(nextInMs === 0 && { otherwise: 'again' }) });
      if (trigger === 'engine' || trigger === 'source')
        await clock.sleep(trigger === 'engine' && term.underWay.isBusy() ? busyMs : settleMs, stop);
    }
  } finally {
    term.stopEvents.abort();
    await term.desk?.close();
    await term.underWay.idle();
    await term.engines?.close();
  }
  term.underWay.check();
}

/**
 * Goes on with what was left open, beside the passes: its workloads are frozen and its envelopes charged. Operators
 * first: what they pause or abandon is not gone on with.
 */
async function recover(dependencies: LoopDependencies, term: Term, apply: Applying, wake: Wake): Promise<void> {
  const { clock, report } = dependencies;
  await assertMayGoOn(apply, dependencies.softStop);
  term.desk ??= openDesk(
    () => applyDependencies(dependencies, apply.leadership, term) ?? apply,
    (ended) => {
      goOnSoon(term, clock, ended);
      wake.signal('request');
    },
  );
  await term.desk.takeUp();
  const { ended } = await beginRecovery(apply);
  term.recoverAt = Number.POSITIVE_INFINITY;
  const told = ended.then((units) => {
    report({ kind: 'recovered', units });
    goOnSoon(term, clock, units);
  });
  term.underWay.start(told, () => wake.signal('again'));
}

function goOnSoon(term: Term, clock: LoopDependencies['clock'], units: readonly UnitResult[]): void {
  if (units.some(isLeftOpen)) term.recoverAt = Math.min(term.recoverAt, clock.monotonic() + failedPassMs);
}

/** The next recovery has to go on with it: an engine did not answer. */
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
  { desired, engines, limits, live }: Term,
): Applying | undefined {
  if (desired === undefined || engines === undefined) return undefined;
  const known = { store, leadership, engines, desired, clock, progress, softStop, hardStop, actor, live };
  return limits === undefined ? known : { ...known, limits };
}

/** One pass; returns after how long the next one is due at the latest. */
async function pass(
  dependencies: LoopDependencies,
  term: Term,
  of: { readonly apply: Applying; readonly trigger: TriggerReason; readonly wake: Wake },
): Promise<number> {
  const { clock, liveFields, report, resyncMs } = dependencies;
  const { apply, trigger, wake } = of;
  const { desired, engines, live } = apply;
  const startedAt = clock.now();
  const claimed = new Set<string>(live.claims().map(({ unit }) => unit));
  const { recorded, observed } = await term.look({ desired, engines, clock, signal: dependencies.softStop, live });
  await assertNotBehind(apply.store, { recorded, observed });
  const sweptInMs = await term.zombies.sweep({ ...apply, report }, { recorded, observed });
  supersedeOutdated({ desired, recorded, live });
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
    // Between the look at the records and that at the engines, units that are under way have gone on.
    drift: detectDrift(recorded, observed, desired.cluster.drift.ignoreFields).filter(
      ({ workload }) => !claimed.has(workload),
    ),
    tookMs: clock.now() - startedAt,
    delayed,
    unapproved: states.filter(({ isMet }) => !isMet).map(approvalText),
  });
  if (states.length > 0) await forgetApprovals(apply);
  if (ready.units.length > 0) {
    const { ended } = await beginRun(apply, ready);
    const noted = ended.then((outcome) => noteOutcome(dependencies, term, outcome, keyOf));
    term.underWay.start(noted, () => wake.signal('again'));
  }
  const waits = delayed.map((unit) => Math.max(due(unit) - clock.monotonic(), 0));
  return Math.min(resyncMs, sweptInMs, ...waits);
}

/** What was tried is not tried again at once, and what the run left open is gone on with. */
function noteOutcome(
  { clock, report }: LoopDependencies,
  term: Term,
  outcome: RunOutcome,
  keyOf: (unit: UnitId) => string,
): void {
  for (const { unit, state } of outcome.units) {
    // What only waited for another was not tried.
    if (state === 'skipped') continue;
    term.backoff = afterAttempt(term.backoff, { unit, key: keyOf(unit), now: clock.monotonic() }, defaultBackoff);
  }
  report({ kind: 'applied', outcome });
  goOnSoon(term, clock, outcome.units);
}

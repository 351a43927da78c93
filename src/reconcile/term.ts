import type { BackoffState } from '../drift/backoff.ts';
import { type EngineDirectory, EngineError } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import type { EngineKind, UnitId } from '../model/ids.ts';
import { shareUnchanged } from '../source/share.ts';
import type { Store } from '../store/store.ts';
import { openLimits } from './apply.ts';
import type { Clock } from './clock.ts';
import { createLiveRuns, type LiveRuns } from './control.ts';
import type { Desk } from './desk.ts';
import type { Limits } from './limits.ts';
import { openPlanning } from './planning.ts';
import { openLook } from './reconcile.ts';
import { followEngine, type Wake } from './triggers.ts';
import { openUnderWay, type UnderWay } from './under-way.ts';
import { openSweeper, type Sweeper } from './zombies.ts';

/** Where desired and engines come from. */
interface Surroundings {
  /** Reads the source; `undefined` when it does not load, after having told why. */
  readonly loadDesired: () => Promise<Desired | undefined>;
  readonly openEngines: (desired: Desired) => Promise<EngineDirectory>;
  readonly report: (event: { readonly kind: 'sourceBroken' }) => void;
  readonly clock: Clock;
  readonly hardStop: AbortSignal;
}

/** What is kept between passes of one term of leadership. */
export interface Term {
  desired: Desired | undefined;
  /** Set when the source may have changed since `desired` was read. */
  stale: boolean;
  engines: EngineDirectory | undefined;
  limits: Limits | undefined;
  stopEvents: AbortController;
  backoff: ReadonlyMap<UnitId, BackoffState>;
  readonly live: LiveRuns;
  readonly underWay: UnderWay;
  /** When units that were left open are gone on with (monotonic ms): at first at once. */
  recoverAt: number;
  /** Open as soon as it is known which engines there are. */
  desk: Desk | undefined;
  readonly look: ReturnType<typeof openLook>;
  readonly zombies: Sweeper;
  readonly plan: ReturnType<typeof openPlanning>;
}

export const openTerm = ({ store, clock }: { readonly store: Store; readonly clock: Clock }): Term => ({
  desired: undefined,
  stale: true,
  engines: undefined,
  limits: undefined,
  stopEvents: new AbortController(),
  backoff: new Map(),
  live: createLiveRuns(),
  underWay: openUnderWay(),
  recoverAt: clock.monotonic(),
  desk: undefined,
  look: openLook(store),
  zombies: openSweeper(),
  plan: openPlanning(),
});

/** Reads the source when it may have changed, and follows the engines that it declares. A source that does not load keeps the last good one in force. */
export async function refresh(dependencies: Surroundings, term: Term, wake: Wake): Promise<void> {
  if (!term.stale) return;
  const desired = await dependencies.loadDesired();
  if (desired === undefined) {
    dependencies.report({ kind: 'sourceBroken' });
    return;
  }
  term.stale = false;
  const before = term.desired;
  term.desired = before === undefined ? desired : shareUnchanged(before, desired);
  const { nodes, cluster } = term.desired;
  if (nodes !== before?.nodes || cluster !== before.cluster)
    term.limits = openLimits({ ...dependencies, desired: term.desired });
  if (nodes === before?.nodes && term.engines !== undefined) return;
  term.stopEvents.abort();
  retireEngines(term);
  term.stopEvents = new AbortController();
  term.engines = await dependencies.openEngines(desired);
  for (const node of desired.nodes) {
    for (const kind of Object.keys(node.engines) as EngineKind[]) {
      void follow(term.engines, { node: node.name, kind }, wake, term.stopEvents.signal);
    }
  }
}

/** They are closed when nobody works with them any more: what is under way goes on with those it began with. */
function retireEngines({ engines, desk, underWay }: Term): void {
  if (engines === undefined) return;
  const users = Promise.all([desk?.idle(), underWay.idle()]);
  underWay.start(
    users.then(() => engines.close()),
    () => undefined,
  );
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

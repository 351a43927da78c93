import { prefixes } from '../store/keys.ts';
import { type Operation, StoreError } from '../store/store.ts';
import type { ApplyDependencies } from './apply.ts';
import { carryOut } from './command.ts';
import type { LiveRuns } from './control.ts';
import { Halted } from './halt.ts';
import { commit } from './journal.ts';
import type { UnitResult } from './progress.ts';
import { answerOf, type CarriedOut, type Request, readRequests, requestKey, requestLivesMs } from './requests.ts';

/** Where the leader takes up what operators ask of it and hears of overrides and approvals, while it goes on with what it does. */
export interface Desk {
  /** Takes up all that is there now. Throws `Halted` and `StoreError`. */
  takeUp(): Promise<void>;
  /** Waits for units that go on because of a request. */
  idle(): Promise<void>;
  /** Ends the watch and waits for units that go on because of a request. */
  close(): Promise<void>;
}

type OnTaken = (ended: readonly UnitResult[]) => void;

type Dependencies = ApplyDependencies & { readonly live: LiveRuns };

/** Between two attempts to follow requests while the store does not answer. */
const followAgainMs = 1_000;

/**
 * Opens the desk of a leader. `dependencies` is asked for each request: what git declares may have changed.
 * `onTaken` is called after each that was carried out, with how units ended that went on because of it, and whenever an
 * override or approval was written: there may be something new to plan.
 */
export function openDesk(dependencies: () => Dependencies, onTaken: OnTaken = () => undefined): Desk {
  const stop = new AbortController();
  const going = new Set<Promise<unknown>>();
  let takingUp: Promise<void> = Promise.resolve();
  const takeUp = (): Promise<void> => {
    // One look after the other: a request is carried out once.
    takingUp = takingUp.catch(() => undefined).then(() => takeUpAll(dependencies(), going, onTaken));
    return takingUp;
  };
  const idle = async (): Promise<void> => void (await Promise.all(going));
  const following = Promise.all([
    follow(dependencies(), { prefix: prefixes.requests, signal: stop.signal, seen: takeUp }),
    ...[prefixes.overrides, prefixes.approvals].map((prefix) =>
      follow(dependencies(), { prefix, signal: stop.signal, seen: async () => onTaken([]) }),
    ),
  ]);
  return {
    takeUp,
    idle,
    close: async () => {
      stop.abort();
      await following;
      await idle();
    },
  };
}

/** Calls `seen` at the beginning and whenever something below the prefix changes. */
async function follow(
  { store, clock, leadership }: Dependencies,
  of: { readonly prefix: string; readonly signal: AbortSignal; readonly seen: () => Promise<void> },
): Promise<void> {
  const { prefix, signal, seen } = of;
  // Bounded by the desk's end and by the lease.
  while (!signal.aborted && leadership.isAlive()) {
    try {
      const { revision } = await store.range(prefix);
      await seen();
      for await (const event of store.watch(prefix, { fromRevision: revision, signal })) {
        if (event.kind === 'reset') break;
        await seen();
      }
    } catch (error) {
      if (!(error instanceof Halted) && !(error instanceof StoreError)) throw error;
      await clock.sleep(followAgainMs, signal);
    }
  }
}

async function takeUpAll(dependencies: Dependencies, going: Set<Promise<unknown>>, onTaken: OnTaken): Promise<void> {
  const { requests } = await readRequests(dependencies.store);
  for (const request of requests) {
    if (request.answer !== undefined) {
      await forgetOld(dependencies, request);
      continue;
    }
    const carried = await carryOutInTime(dependencies, request);
    if (carried.isAnswered !== true) await answer(dependencies, request, carried);
    if (carried.going !== undefined) {
      const ended = carried.going.ended.then(onTaken).finally(() => going.delete(ended));
      going.add(ended);
    }
    onTaken([]);
  }
}

async function carryOutInTime(dependencies: Dependencies, request: Request): Promise<CarriedOut> {
  if (dependencies.clock.now() > request.until) {
    const asked = new Date(request.at).toISOString();
    return { kind: 'refused', message: `asked at ${asked}, too long ago; nothing was changed` };
  }
  const { actor, reason } = request;
  const told = { actor, ...(reason !== undefined && { reason }) };
  const at = dependencies.clock.now();
  return await carryOut(dependencies, request.command, told, (message) => [
    answerOf(request, { kind: 'done', message, at }),
  ]);
}

async function answer(dependencies: Dependencies, request: Request, { kind, message }: CarriedOut): Promise<void> {
  await commit(dependencies, [answerOf(request, { kind, message, at: dependencies.clock.now() })]);
}

/** Whoever asked is gone. */
async function forgetOld(dependencies: Dependencies, request: Request): Promise<void> {
  if (dependencies.clock.now() < (request.answer?.at ?? 0) + requestLivesMs) return;
  const forget: Operation = { kind: 'delete', key: requestKey(request) };
  await commit(dependencies, [forget]);
}

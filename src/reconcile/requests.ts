import type { RunId, UnitId, WorkloadId } from '../model/ids.ts';
import { keys, prefixes } from '../store/keys.ts';
import { type KeyValue, type Operation, type Store, StoreError } from '../store/store.ts';
import type { Clock } from './clock.ts';
import type { UnitResult } from './progress.ts';
import type { Told } from './saga.ts';

/** What an operator may tell whoever leads. */
export type Command =
  | { readonly kind: 'retryUnit' | 'skipUnit' | 'abandonUnit'; readonly unit: UnitId }
  | { readonly kind: 'pauseRun' | 'resumeRun' | 'cancelRun'; readonly run: RunId }
  | { readonly kind: 'retryWorkload'; readonly workload: WorkloadId };

/** A command as it is stored for the leader, `request/<id>`. */
export interface Request extends Told {
  readonly id: string;
  readonly command: Command;
  /** Unix ms */
  readonly at: number;
  /** When it is too old to be taken up (Unix ms): whoever asked is not watching any more. */
  readonly until: number;
  readonly answer?: Answer;
}

export interface Answer {
  /** `refused`: nothing was changed · `done`: it is as the message says. */
  readonly kind: 'done' | 'refused';
  readonly message: string;
  /** Unix ms */
  readonly at: number;
}

/** What a command led to at once, and how the units that go on because of it end. */
export interface CarriedOut extends Omit<Answer, 'at'> {
  /** The answer was written together with what it speaks of. */
  readonly isAnswered?: true;
  readonly going?: { readonly ended: Promise<readonly UnitResult[]> };
}

/** How long a request may be taken up, and how long an answer stays for whoever asked. */
export const requestLivesMs = 10 * 60_000;

/**
 * What is to be written together with the last change that a command makes, so that a leader which dies leaves either the
 * command to be carried out again, from wherever it was, or its answer. Nothing where nobody waits for one.
 */
export type AnswerWith = (message: string) => readonly Operation[];

export const answerOf = (request: Request, answer: Answer): Operation => ({
  kind: 'put',
  key: requestKey(request),
  value: JSON.stringify({ ...request, answer }),
});

/** Oldest first. */
export async function readRequests(
  store: Store,
): Promise<{ readonly revision: number; readonly requests: readonly Request[] }> {
  const { revision, entries } = await store.range(prefixes.requests);
  const requests = entries.map(decodeRequest).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  return { revision, requests };
}

export const decodeRequest = ({ value }: KeyValue): Request => JSON.parse(value) as Request;

export const requestKey = ({ id }: Pick<Request, 'id'>): string => keys.request(id);

/** Writes a request; it needs no lease. Returns the store revision that it is in. */
export async function writeRequest(store: Store, request: Request): Promise<number> {
  const { succeeded, revision } = await store.txn({
    compares: [{ kind: 'createRevision', key: requestKey(request), equals: 0 }],
    operations: [{ kind: 'put', key: requestKey(request), value: JSON.stringify(request) }],
  });
  if (succeeded) return revision;
  throw new StoreError({ code: 'internal', message: `there is a request ${request.id} already`, retryable: false });
}

/** Takes a request back, or its answer away. False when the leader was faster: then there is an answer. */
export async function dropRequest(store: Store, { id }: Pick<Request, 'id'>, atRevision: number): Promise<boolean> {
  const { succeeded } = await store.txn({
    compares: [{ kind: 'modRevision', key: keys.request(id), equals: atRevision }],
    operations: [{ kind: 'delete', key: keys.request(id) }],
  });
  return succeeded;
}

/** What came of a request that was written. */
export type Asked =
  | { readonly kind: 'answered'; readonly answer: Answer }
  /** Nobody leads any more, and nobody had taken it up: it is taken back. */
  | { readonly kind: 'leaderGone' }
  /** It stays, and is taken up at the leader's next step boundary. */
  | { readonly kind: 'pending' };

/** Between two looks when the watch says nothing. */
const lookAgainMs = 500;

/** Waits for the leader's answer to a request that was written at `revision`, and clears it away. */
export async function awaitAnswer(
  { store, clock }: { readonly store: Store; readonly clock: Clock },
  request: Request,
  options: { readonly revision: number; readonly waitMs: number; readonly signal: AbortSignal },
): Promise<Asked> {
  const until = clock.now() + options.waitMs;
  for (;;) {
    const found = await store.get(requestKey(request));
    // A leader prunes answers that nobody took.
    if (found === undefined) return { kind: 'pending' };
    const { answer } = decodeRequest(found);
    if (answer !== undefined) {
      await dropRequest(store, request, found.modRevision);
      return { kind: 'answered', answer };
    }
    if ((await store.get(keys.leader)) === undefined && (await dropRequest(store, request, options.revision)))
      return { kind: 'leaderGone' };
    if (clock.now() >= until || options.signal.aborted) return { kind: 'pending' };
    await clock.sleep(Math.min(lookAgainMs, Math.max(until - clock.now(), 0)), options.signal);
  }
}

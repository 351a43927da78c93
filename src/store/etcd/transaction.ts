import { randomUUID } from 'node:crypto';
import type { Etcd3, IRequestOp, ITxnResponse, Lease } from 'etcd3';
import { assertNever } from '../../model/assert.ts';
import {
  type Compare,
  type Operation,
  StoreError,
  type StoreLease,
  type Transaction,
  type TransactionResult,
} from '../store.ts';
import { backOff, callMs } from './calls.ts';
import { failureOf, isLeaseGone, toStoreError } from './errors.ts';
import { requestLease } from './lease.ts';

/** Transactions of one client that are under way at once; more wait. */
const maxInFlight = 64;
/** How long the marks of a client that died stay. */
const sessionTtlSeconds = 60;

/** A key that belongs to one transaction at a time. Its revision says whether that transaction happened. */
interface Slot {
  readonly key: string;
  /** 0: not there yet. */
  modRevision: number;
}

interface Session {
  readonly lease: Lease;
  readonly leaseId: string;
  readonly free: Slot[];
}

/** It did not happen and may be sent again. */
interface Again {
  readonly again: unknown;
}

/** A transaction that was sent and whose outcome nobody has heard of. */
interface Sent {
  readonly slot: Slot;
  readonly mark: string;
  readonly leaseId: string;
  readonly cause: unknown;
}

export interface Transactor {
  /** Throws `StoreError` `unknownOutcome` when the store could not be asked in time: then `settled` is what finds out. */
  execute(transaction: Transaction): Promise<TransactionResult>;
  /**
   * Resolves when nothing that was sent before can happen any more: what is read then stays so until somebody writes.
   * Throws `StoreError` `unreachable` while the store cannot be asked.
   */
  settled(): Promise<void>;
  close(): Promise<void>;
}

/**
 * etcd3 2: when a reply is lost, a repeated transaction says `succeeded: false` for a write that was applied. So nothing is
 * repeated blindly: each transaction also compares and puts a mark of its own. Afterwards the mark is read and, if it is
 * the old one, overwritten in the same step: then the lost transaction can never happen any more, and is sent again. The
 * overwritten mark stays for as long as the session's lease: without that lease nothing that was sent under it is taken.
 * Where the store does not answer in time the outcome stays unknown, and is found out before anything else is done.
 */
export function createTransactor(options: {
  readonly client: Etcd3;
  readonly location: string;
  /** Cluster's prefix, with its slash. */
  readonly prefix: string;
  /** Where marks lie, outside of the cluster's keys. */
  readonly marks: string;
}): Transactor {
  const { client, location, prefix, marks } = options;
  const waiting: (() => void)[] = [];
  /** What came to no outcome in its own time. */
  const unsettled = new Set<Sent>();
  let inFlight = 0;
  let session: Promise<Session> | undefined;

  const openSession = async (): Promise<Session> => {
    const { lease, id } = await requestLease(client, sessionTtlSeconds, location);
    return { lease, leaseId: id, free: [] };
  };
  const currentSession = (): Promise<Session> => {
    session ??= openSession().catch((error: unknown) => {
      session = undefined;
      throw error;
    });
    return session;
  };

  /** Its keep-alive would go on, and keep the process alive, for as long as the client lives. */
  const abandon = async (opened: Promise<Session>): Promise<void> => {
    if (session === opened) session = undefined;
    (await opened).lease.release();
  };

  const attempt = async (transaction: Transaction): Promise<TransactionResult | Again> => {
    const opened = currentSession();
    const { leaseId, free } = await opened;
    const slot = free.pop() ?? { key: marks + randomUUID(), modRevision: 0 };
    const mark = randomUUID();
    try {
      const response = await send(client, prefix, { transaction, slot, mark, leaseId });
      const revision = Number(response.header.revision);
      const markNow = markOf(response);
      // The session's lease ran out, and the mark with it: the compare that failed was ours.
      if (!response.succeeded && markNow.modRevision !== slot.modRevision) {
        await abandon(opened);
        return { again: new Error('the lease of this session ended') };
      }
      if (response.succeeded) slot.modRevision = revision;
      free.push(slot);
      return { succeeded: response.succeeded, revision };
    } catch (error) {
      if (isLeaseGone(error)) {
        const lost = leasesOf(transaction).find((lease) => !lease.isAlive());
        if (lost !== undefined) throw leaseEnded(lost, location, error);
        await abandon(opened);
        return { again: error };
      }
      const failure = failureOf(error);
      if (failure === 'refused') throw toStoreError(error, location);
      if (failure === 'notSent') return { again: error };
      const sent: Sent = { slot, mark, leaseId, cause: error };
      const outcome = await settle(client, sent);
      switch (outcome.kind) {
        case 'applied':
          free.push(slot);
          return { succeeded: true, revision: outcome.revision };
        case 'cancelled':
          return { again: error };
        case 'lost':
          throw unknownOutcome(location, error);
        case 'unanswered':
          unsettled.add(sent);
          throw unknownOutcome(location, error);
        default:
          return assertNever(outcome);
      }
    }
  };

  const settled = async (): Promise<void> => {
    for (const sent of unsettled) {
      const outcome = await settle(client, sent);
      if (outcome.kind === 'unanswered') throw toStoreError(outcome.cause, location);
      unsettled.delete(sent);
    }
  };

  return {
    async execute(transaction) {
      while (inFlight >= maxInFlight) await new Promise<void>((resolve) => waiting.push(resolve));
      inFlight += 1;
      try {
        await settled();
        const deadline = performance.now() + callMs;
        for (let count = 0; ; count += 1) {
          const result = await attempt(transaction);
          if (!('again' in result)) return result;
          // What was before is known not to have happened, and never will.
          if (performance.now() > deadline) throw toStoreError(result.again, location);
          await backOff(count);
        }
      } finally {
        inFlight -= 1;
        waiting.shift()?.();
      }
    },
    settled,
    async close() {
      const opened = await session?.catch(() => undefined);
      // Marks go with the lease, now or after its TTL.
      await opened?.lease.revoke().catch(() => {});
    },
  };
}

const leasesOf = ({ operations }: Transaction): readonly StoreLease[] =>
  operations.flatMap((operation) => (operation.kind === 'put' && operation.lease ? [operation.lease] : []));

const leaseEnded = (lease: StoreLease, location: string, cause: unknown): StoreError =>
  new StoreError({
    code: 'internal',
    message: `${location}: the lease ${lease.id} has ended`,
    retryable: false,
    cause,
  });

async function send(
  client: Etcd3,
  prefix: string,
  {
    transaction,
    slot,
    mark,
    leaseId,
  }: { readonly transaction: Transaction; readonly slot: Slot; readonly mark: string; readonly leaseId: string },
): Promise<ITxnResponse> {
  const comparator = client.if(slot.key, 'Mod', '==', slot.modRevision);
  for (const compare of transaction.compares) addCompare(comparator, prefix, compare);
  return await comparator
    .then(
      ...transaction.operations.map((operation) => toRequest(prefix, operation)),
      putRequest(slot.key, mark, leaseId),
    )
    .else({ request_range: { key: Buffer.from(slot.key) } })
    .commit();
}

/** What became of a transaction whose reply was lost. But for `unanswered` it is the last word: nothing of it happens later. */
type Outcome =
  | { readonly kind: 'applied'; readonly revision: number }
  | { readonly kind: 'cancelled' }
  /** Its mark went with the session's lease, so that nobody can tell any more; it cannot happen any more either. */
  | { readonly kind: 'lost' }
  | { readonly kind: 'unanswered'; readonly cause: unknown };

async function settle(client: Etcd3, { slot, mark, leaseId, cause }: Sent): Promise<Outcome> {
  const deadline = performance.now() + callMs;
  let last = cause;
  for (let attempt = 0; performance.now() < deadline; attempt += 1) {
    try {
      return await askOnce(client, { slot, mark, leaseId });
    } catch (error) {
      if (isLeaseGone(error)) return { kind: 'lost' };
      last = error;
      await backOff(attempt);
    }
  }
  return { kind: 'unanswered', cause: last };
}

async function askOnce(client: Etcd3, { slot, mark, leaseId }: Omit<Sent, 'cause'>): Promise<Outcome> {
  const cancellation = `cancelled ${mark}`;
  const response = await client
    .if(slot.key, 'Mod', '==', slot.modRevision)
    .then(putRequest(slot.key, cancellation, leaseId))
    .else({ request_range: { key: Buffer.from(slot.key) } })
    .commit();
  // The slot is not used again, and never removed by itself: a new one that is not there is what a lost transaction waits for.
  if (response.succeeded) return { kind: 'cancelled' };
  const found = markOf(response);
  if (found.value === mark) {
    slot.modRevision = found.modRevision;
    return { kind: 'applied', revision: found.modRevision };
  }
  return found.value === cancellation ? { kind: 'cancelled' } : { kind: 'lost' };
}

const unknownOutcome = (location: string, cause: unknown): StoreError =>
  new StoreError({
    code: 'unknownOutcome',
    message: `${location}: the reply to a transaction was lost and the store cannot be asked what became of it`,
    retryable: false,
    hint: 'Run the command again once etcd answers: it reads what is there and goes on from it.',
    cause,
  });

function markOf(response: ITxnResponse): { readonly value: string | undefined; readonly modRevision: number } {
  const [found] = response.responses[0]?.response_range?.kvs ?? [];
  return { value: found?.value.toString(), modRevision: Number(found?.mod_revision ?? 0) };
}

function addCompare(comparator: ReturnType<Etcd3['if']>, prefix: string, compare: Compare): void {
  const key = prefix + compare.key;
  switch (compare.kind) {
    case 'modRevision':
      comparator.and(key, 'Mod', '==', compare.equals);
      return;
    case 'createRevision':
      comparator.and(key, 'Create', '==', compare.equals);
      return;
    case 'value':
      comparator.and(key, 'Value', '==', compare.equals);
      return;
    default:
      assertNever(compare);
  }
}

const toRequest = (prefix: string, operation: Operation): IRequestOp =>
  operation.kind === 'put'
    ? putRequest(prefix + operation.key, operation.value, operation.lease?.id)
    : ({ request_delete_range: { key: Buffer.from(prefix + operation.key) } } as IRequestOp);

const putRequest = (key: string, value: string, lease?: string): IRequestOp =>
  ({
    request_put: { key: Buffer.from(key), value: Buffer.from(value), ...(lease !== undefined && { lease }) },
  }) as IRequestOp;

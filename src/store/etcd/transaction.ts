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

export interface Transactor {
  execute(transaction: Transaction): Promise<TransactionResult>;
  close(): Promise<void>;
}

/**
 * etcd3 2: when a reply is lost, a repeated transaction says `succeeded: false` for a write that was applied. So nothing is
 * repeated blindly: each transaction also compares and puts a mark of its own. Afterwards the mark is read and, if it is
 * the old one, overwritten in the same step: then the lost transaction can never happen any more, and is sent again.
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
      const applied = await settle(client, { slot, mark, location, cause: error });
      if (applied === undefined) return { again: error };
      free.push(slot);
      return { succeeded: true, revision: applied };
    }
  };

  return {
    async execute(transaction) {
      while (inFlight >= maxInFlight) await new Promise<void>((resolve) => waiting.push(resolve));
      inFlight += 1;
      try {
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

/** The revision at which the transaction was applied, or undefined when it was not and never will be. */
async function settle(
  client: Etcd3,
  {
    slot,
    mark,
    location,
    cause,
  }: { readonly slot: Slot; readonly mark: string; readonly location: string; readonly cause: unknown },
): Promise<number | undefined> {
  const deadline = performance.now() + callMs;
  const cancelled = `cancelled ${mark}`;
  for (let attempt = 0; performance.now() < deadline; attempt += 1) {
    try {
      const response = await client
        .if(slot.key, 'Mod', '==', slot.modRevision)
        .then(putRequest(slot.key, cancelled))
        .else({ request_range: { key: Buffer.from(slot.key) } })
        .commit();
      const found = markOf(response);
      if (!response.succeeded && found.value === mark) {
        slot.modRevision = found.modRevision;
        return found.modRevision;
      }
      // The slot is not used again. It has no lease any more, so it is removed; one that stays does no harm.
      await client
        .delete()
        .key(slot.key)
        .exec()
        .catch(() => {});
      return undefined;
    } catch {
      await backOff(attempt);
    }
  }
  throw new StoreError({
    code: 'unknownOutcome',
    message: `${location}: the reply to a transaction was lost and the store cannot be asked what became of it`,
    retryable: false,
    hint: 'Run the command again once etcd answers: it reads what is there and goes on from it.',
    cause,
  });
}

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

import { type FencingToken, fencingToken } from '../model/ids.ts';
import { keys } from './keys.ts';
import { readIdentity } from './recorded.ts';
import { assertWhole } from './restoring.ts';
import { type Compare, type KeyValue, type Store, StoreError, type StoreLease } from './store.ts';

/** Who holds the lock, for messages: `alice@build-7`, or `muster run`. */
export interface Holder {
  readonly actor: string;
  readonly pid: number;
  readonly host: string;
  readonly command: string;
}

/**
 * The right to write. `compare` goes into every transaction, so that one which lost it writes nothing: it holds while the
 * leader key says what this leader wrote there, its epoch and its lease included. No other leadership has both, also not
 * one of a store that was restored, whose revisions may be the same again.
 */
export interface Leadership {
  readonly token: FencingToken;
  readonly compare: Compare;
  /** When it was taken, by the monotonic clock (ms): the leases of all before it had ended. */
  readonly since: number;
  /** By an own monotonic deadline: false within the TTL after the store was last heard of. */
  isAlive(): boolean;
  /** Resolves when it is lost or released. */
  readonly ended: Promise<void>;
  release(): Promise<void>;
}

/** Somebody else writes (exit code 4 of the CLI). */
export class LockHeld extends Error {
  override readonly name = 'LockHeld';
  readonly holder: Holder;
  /** Unix ms */
  readonly since: number;
  readonly hint: string;

  constructor(holder: Holder, since: number) {
    super(
      `${holder.command} of ${holder.actor} (process ${holder.pid} on ${holder.host}) holds the lock since ${new Date(since).toISOString()}`,
    );
    this.holder = holder;
    this.since = since;
    this.hint =
      holder.command === 'muster run'
        ? 'It applies what is merged and heals by itself, muster runs list shows what it does. To do this by hand, stop it first. Nothing was changed.'
        : 'Wait for it with --lock-timeout 5m. Reading commands work beside it. Nothing was changed.';
  }
}

/** As it is stored under the leader key. */
export interface LeaderRecord extends Holder {
  /** Unix ms */
  readonly since: number;
  /** The cluster's when the lease was taken; absent in records of versions before it was compared. */
  readonly epoch?: number;
  readonly lease?: string;
}

/** Time as an input, so that a simulation can supply its own. */
export interface LeaderClock {
  /** Unix ms */
  now(): number;
  /** Ms since some fixed instant; never set back or forth. */
  monotonic(): number;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface LeadershipOptions {
  readonly holder: Holder;
  readonly clock: LeaderClock;
  /** How long others wait when this process dies. etcd raises it to its minimum, 1.5 × its election timeout. */
  readonly ttlMs: number;
  /** How long to wait for another holder; 0: not at all. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Only a restore takes over a store that another one has left half done. */
  readonly purpose?: 'restore';
}

/** Between two looks at the key when the watch says nothing. */
const lookAgainMs = 1000;

/**
 * Takes the leader key, waiting for another holder up to `waitMs`. Throws `LockHeld`, the signal's reason, or
 * `StoreError`. The epoch is the cluster's, or 1 before it is initialised.
 */
export async function acquireLeadership(store: Store, options: LeadershipOptions): Promise<Leadership> {
  const { signal, clock } = options;
  const deadline = clock.monotonic() + options.waitMs;
  for (;;) {
    signal.throwIfAborted();
    const { revision, entries } = await store.range(keys.leader);
    const current = entries.find(({ key }) => key === keys.leader);
    if (current === undefined) {
      const leadership = await tryAcquire(store, options);
      if (leadership !== undefined) return leadership;
      continue;
    }
    const remainingMs = deadline - clock.monotonic();
    if (remainingMs <= 0) throw lockHeld(current);
    await nextChange(store, { fromRevision: revision, signal, clock, timeoutMs: Math.min(remainingMs, lookAgainMs) });
  }
}

/** Undefined when somebody else was faster. */
async function tryAcquire(store: Store, options: LeadershipOptions): Promise<Leadership | undefined> {
  const { holder, ttlMs, clock, purpose } = options;
  if (purpose !== 'restore') await assertWhole(store);
  const epoch = (await readIdentity(store))?.epoch ?? 1;
  const lease = await store.lease({ ttlMs });
  const { actor, pid, host, command } = holder;
  const record: LeaderRecord = { actor, pid, host, command, since: clock.now(), epoch, lease: lease.id };
  const value = JSON.stringify(record);
  try {
    const { succeeded, revision } = await store.txn({
      compares: [{ kind: 'createRevision', key: keys.leader, equals: 0 }],
      operations: [{ kind: 'put', key: keys.leader, value, lease }],
    });
    const token = fencingToken({ epoch, createRevision: revision });
    if (succeeded) return leadershipOf({ lease, token, record: value, since: clock.monotonic() });
  } catch (error) {
    const hasRunOut = !lease.isAlive();
    await quietly(lease.revoke());
    // The store was slow, or this process stopped, for longer than a lease lives: as if somebody else had been faster.
    if (hasRunOut && error instanceof StoreError) return undefined;
    throw error;
  }
  await quietly(lease.revoke());
  return undefined;
}

const leadershipOf = ({
  lease,
  token,
  record,
  since,
}: {
  readonly lease: StoreLease;
  readonly token: FencingToken;
  readonly record: string;
  readonly since: number;
}): Leadership => ({
  token,
  compare: { kind: 'value', key: keys.leader, equals: record },
  since,
  isAlive: () => lease.isAlive(),
  ended: lease.ended,
  // A store that is away ends the lease by itself; whoever stops must not fail or hang because of it.
  release: () => quietly(lease.revoke()),
});

/**
 * Resolves at the first change of the key or after the timeout; errors of the watch are left to the next read. From the
 * revision that was read at, not that of the key: a leader keeps its key for months, and its history is compacted away.
 */
async function nextChange(
  store: Store,
  of: {
    readonly fromRevision: number;
    readonly signal: AbortSignal;
    readonly clock: LeaderClock;
    readonly timeoutMs: number;
  },
): Promise<void> {
  const { fromRevision, signal, clock, timeoutMs } = of;
  const over = new AbortController();
  const end = (): void => over.abort(inTime);
  if (signal.aborted) end();
  signal.addEventListener('abort', end, { once: true });
  void clock.sleep(Math.ceil(timeoutMs), over.signal).then(end);
  try {
    for await (const _change of store.watch(keys.leader, { fromRevision, signal: over.signal })) return;
  } catch (error) {
    if (error instanceof StoreError && error.retryable) return;
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
    end();
  }
}

/** Given as a reason, so that no error with a stack is made for every look. */
const inTime = 'in time';

/** Who leads now, or undefined while nobody does. */
export async function readLeader(store: Store): Promise<LeaderRecord | undefined> {
  const current = await store.get(keys.leader);
  return current && decodeLeader(current);
}

function lockHeld(current: KeyValue): LockHeld {
  const { since, ...holder } = decodeLeader(current);
  return new LockHeld(holder, since);
}

function decodeLeader(current: KeyValue): LeaderRecord {
  try {
    const { actor, pid, host, command, since } = JSON.parse(current.value) as LeaderRecord;
    return { actor, pid, host, command, since };
  } catch {
    return { actor: 'somebody', pid: 0, host: 'an unknown host', command: 'a muster of another version', since: 0 };
  }
}

/** The lease ends by itself: what went wrong before is what counts. */
async function quietly(promise: Promise<void>): Promise<void> {
  await promise.catch(() => {});
}

import { randomUUID } from 'node:crypto';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Stray } from '../drift/strays.ts';
import type { EngineDirectory } from '../engines/engine.ts';
import { openEngines } from '../engines/registry.ts';
import type { Desired } from '../model/desired.ts';
import { type ClusterUid, clusterUid } from '../model/ids.ts';
import type { Observed } from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import type { ApplyDependencies } from '../reconcile/apply.ts';
import { aheadOf, assertNothingRuns, behind } from '../reconcile/behind.ts';
import { systemClock } from '../reconcile/clock.ts';
import { createLiveRuns, type LiveRuns } from '../reconcile/control.ts';
import type { Progress } from '../reconcile/progress.ts';
import { look } from '../reconcile/reconcile.ts';
import { acquireLeadership, type Holder, type Leadership } from '../store/leader.ts';
import { openStore, parseStoreLocation, type StoreLocation, type StoreMode } from '../store/open.ts';
import { initialiseCluster, readIdentity } from '../store/recorded.ts';
import { assertWhole } from '../store/restoring.ts';
import { type Store, StoreError } from '../store/store.ts';
import type { Place } from './config.ts';
import { type Credentials, type EngineCredentials, loadCredentials } from './credentials.ts';
import { CliError, exitCodes } from './exit.ts';
import type { Interrupt } from './interrupt.ts';

export interface StoreFlags {
  readonly store?: string;
}

/** How long the leader lease lives without its holder; the time after which another Muster takes over. */
export const leaseTtlMs = 10_000;

/** `--store`, else what the Cluster declares, else embedded beside the config repo. */
export function storeLocation(place: Place, desired: Desired, flags: StoreFlags): StoreLocation {
  if (flags.store !== undefined) return parseStoreLocation(flags.store);
  const declared = desired.cluster.store;
  if (declared !== undefined) return { kind: 'etcd', endpoints: declared.endpoints, prefix: declared.prefix };
  return { kind: 'embedded', path: join(place.stateDir, 'store') };
}

/** The store of a cluster, opened for reading: it changes nothing and waits for nobody. */
export async function openForReading(place: Place, desired: Desired, flags: StoreFlags): Promise<Store> {
  const credentials = await loadCredentials(process.env);
  return await whole(await open('read', place, desired, flags, credentials));
}

/** The same for whoever mends it: also a store that a restore has left half done. */
export const openHalfDone = (
  place: Place,
  desired: Desired,
  flags: StoreFlags,
  credentials: Credentials,
): Promise<Store> => open('read', place, desired, flags, credentials);

/** The store of a cluster, for single records beside whoever leads. */
export async function openBeside(place: Place, desired: Desired, flags: StoreFlags): Promise<Store> {
  const credentials = await loadCredentials(process.env);
  return await whole(await open('beside', place, desired, flags, credentials));
}

/** Closes one that a restore has left half done, and throws. */
async function whole(store: Store): Promise<Store> {
  try {
    await assertWhole(store);
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

function open(
  mode: StoreMode,
  place: Place,
  desired: Desired,
  flags: StoreFlags,
  credentials: Credentials,
): Promise<Store> {
  return openStore({
    location: storeLocation(place, desired, flags),
    cluster: desired.cluster.name,
    mode,
    ...(credentials.etcd !== undefined && { credentials: credentials.etcd }),
  });
}

/** How long to wait for another writer. */
export interface WaitOptions {
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Called once, when there is one. */
  readonly onWait?: (reason: string) => void;
}

/** Between two attempts to open the embedded store while another process writes to it. */
const lockRetryMs = 250;

/**
 * The store opened for writing. The embedded one has one writer: `StoreError` `locked` when another process is that for
 * longer than `waitMs`. Throws the signal's reason when aborted.
 */
export async function openForWriting(
  place: Place,
  desired: Desired,
  flags: StoreFlags & WaitOptions,
  credentials: Credentials,
): Promise<Store> {
  const { waitMs, signal, onWait } = flags;
  const deadline = performance.now() + waitMs;
  // Bounded by the deadline, or for a standby by the signal.
  for (let attempt = 0; ; attempt += 1) {
    signal.throwIfAborted();
    try {
      return await open('write', place, desired, flags, credentials);
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'locked' || performance.now() >= deadline) throw error;
      if (attempt === 0) onWait?.(error.message);
      await systemClock.sleep(Math.min(lockRetryMs, deadline - performance.now()), signal);
    }
  }
}

/** A fresh look at store and engines, for commands that only read. Throws `StoreError` `behind` for a store that went back in time. */
export async function readSoundWorld(
  place: Place,
  desired: Desired,
  flags: StoreFlags,
): Promise<{ readonly recorded: Recorded; readonly observed: Observed }> {
  const { ahead, location, ...seen } = await readWorld(place, desired, flags);
  if (ahead.length > 0) throw behind(location, ahead);
  return seen;
}

/** A fresh look at store and engines, whatever state the store is in. */
export async function readWorld(
  place: Place,
  desired: Desired,
  flags: StoreFlags,
): Promise<{
  readonly recorded: Recorded;
  readonly observed: Observed;
  /** What runs and is newer than the store. */
  readonly ahead: readonly Stray[];
  readonly location: string;
}> {
  const credentials = await loadCredentials(process.env);
  const store = await whole(await open('read', place, desired, flags, credentials));
  try {
    const identity = await readIdentity(store);
    if (identity === undefined) await requireNothingRuns(store, { place, desired, credentials });
    const engines = enginesOf({ place, desired, credentials, uid: identity?.uid });
    try {
      const seen = await look({ desired, store, engines, clock: systemClock });
      return { ...seen, ahead: await aheadOf(store, seen), location: store.location };
    } finally {
      await engines.close();
    }
  } finally {
    await store.close();
  }
}

/** Store, lease and engines of a command that changes something. */
export interface WritableWorld {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly engines: EngineDirectory;
  close(): Promise<void>;
}

/**
 * Throws `LockHeld` or `StoreError` `locked` when another Muster writes for longer than `lockTimeoutMs`, and `CliError`
 * when it is interrupted while it waits.
 */
export async function openWorld(
  place: Place,
  desired: Desired,
  flags: StoreFlags & {
    readonly lockTimeoutMs: number;
    readonly signal: AbortSignal;
    readonly onWait?: (reason: string) => void;
    /** What others are told that holds the lock; `muster apply` unless it says otherwise. */
    readonly command?: string;
  },
): Promise<WritableWorld> {
  try {
    return await openWhenFree(place, desired, { ...flags, waitMs: flags.lockTimeoutMs });
  } catch (error) {
    if (!flags.signal.aborted) throw error;
    throw new CliError('interrupted while waiting for the lock; nothing was changed', {
      exitCode: exitCodes.interrupted,
      cause: error,
    });
  }
}

async function openWhenFree(
  place: Place,
  desired: Desired,
  flags: StoreFlags & WaitOptions & { readonly command?: string },
): Promise<WritableWorld> {
  const credentials = await loadCredentials(process.env);
  const startedAt = performance.now();
  const store = await openForWriting(place, desired, flags, credentials);
  try {
    const leadership = await acquireLeadership(store, {
      holder: holder(flags.command ?? 'muster apply'),
      clock: systemClock,
      ttlMs: leaseTtlMs,
      waitMs: Math.max(flags.waitMs - (performance.now() - startedAt), 0),
      signal: flags.signal,
    });
    const uid = await identify(store, leadership, { place, desired, credentials });
    const engines = enginesOf({ place, desired, credentials, uid });
    const close = async (): Promise<void> => {
      try {
        await engines.close();
        await leadership.release();
      } finally {
        await store.close();
      }
    };
    return { store, leadership, engines, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}

/** What applying needs, of a world that was opened for it. */
export const applyingIn = (
  { store, leadership, engines }: WritableWorld,
  {
    desired,
    interrupt,
    progress,
  }: { readonly desired: Desired; readonly interrupt: Interrupt; readonly progress: Progress },
): ApplyDependencies & { readonly live: LiveRuns } => ({
  store,
  leadership,
  engines,
  desired,
  clock: systemClock,
  progress,
  softStop: interrupt.soft,
  hardStop: interrupt.hard,
  actor: actor(),
  live: createLiveRuns(),
});

/**
 * The cluster's uid; given to it by the first that ever writes. A lease with which that fails is given back: nobody waits
 * for a leader that does nothing, least of all the same process when it tries again.
 */
export async function identify(store: Store, leadership: Leadership, where: EngineOptions): Promise<ClusterUid> {
  try {
    const known = await readIdentity(store);
    if (known !== undefined) return known.uid;
    await requireNothingRuns(store, where);
    const made = await initialiseCluster(store, { uid: clusterUid(randomUUID()), fence: leadership.compare });
    return made.uid;
  } catch (error) {
    await leadership.release();
    throw error;
  }
}

async function requireNothingRuns(store: Store, where: EngineOptions): Promise<void> {
  const engines = enginesOf({ ...where, uid: undefined });
  try {
    await assertNothingRuns({ store, desired: where.desired, engines });
  } finally {
    await engines.close();
  }
}

interface EngineOptions {
  readonly place: Place;
  readonly desired: Desired;
  readonly credentials: EngineCredentials;
}

export function enginesOf(options: EngineOptions & { readonly uid: ClusterUid | undefined }): EngineDirectory {
  const { place, desired, credentials, uid } = options;
  return openEngines({
    nodes: desired.nodes,
    cluster: { name: desired.cluster.name, ...(uid !== undefined && { uid }) },
    stateDir: place.stateDir,
    credentials: credentials.docker,
    ssh: credentials.ssh,
  });
}

/** Who holds the lock, as others are told. */
export const holder = (command: string): Holder => ({ actor: actor(), pid: process.pid, host: hostname(), command });

/** `user@host`, for the history and for who holds the lock. */
export const actor = (): string => `${userName()}@${hostname()}`;

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user id that has no name.
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}

import { type Stray, straysOf } from '../drift/strays.ts';
import { type Engine, type EngineDirectory, EngineError } from '../engines/engine.ts';
import type { Desired } from '../model/desired.ts';
import { type AllocationId, type NodeName, parseAllocationId } from '../model/ids.ts';
import type { Observed, ObservedObject } from '../model/observed.ts';
import type { Recorded } from '../model/recorded.ts';
import { keys, prefixes } from '../store/keys.ts';
import type { Leadership } from '../store/leader.ts';
import type { Store } from '../store/store.ts';
import type { Clock } from './clock.ts';
import { Halted } from './halt.ts';
import { commit } from './journal.ts';
import { lateCallMs } from './late-calls.ts';
import { deadlineMs, stopSettings } from './perform.ts';

export interface Removed {
  readonly allocation: AllocationId;
  readonly node: NodeName;
  readonly objectId: string;
}

export interface SweepContext {
  readonly store: Store;
  readonly leadership: Leadership;
  readonly engines: EngineDirectory;
  readonly desired: Desired;
  readonly clock: Clock;
  readonly hardStop: AbortSignal;
  readonly report: (event: { readonly kind: 'zombieRemoved' } & Removed) => void;
}

interface Seen {
  readonly recorded: Recorded;
  readonly observed: Observed;
}

/** Takes zombies away, pass after pass of one term of leadership. */
export interface Sweeper {
  /** Returns after how long it wants to look again, in ms. Throws `Halted`, and `StoreError` while it reads. */
  sweep(context: SweepContext, seen: Seen): Promise<number>;
}

/**
 * The most at once: late calls leave few. More, and the store lacks records rather than the engines are late: then all of
 * them are only told.
 */
const breaker = { share: 0.1, atLeast: 2 } as const;
/** After an engine has refused, or did not answer. */
const againMs = 30_000;

/**
 * An object is taken away once it has been seen for as long as the call that made it may have been under way, and never
 * what may be serving: one that runs in place of an instance that git asks for stays until that has a live allocation.
 */
export function openSweeper(): Sweeper {
  const firstSeen = new Map<string, number>();
  let hasLookedBack = false;
  return {
    async sweep(context, seen) {
      const zombies = straysOf(seen.recorded, seen.observed).filter(({ kind }) => kind === 'zombie');
      if (!hasLookedBack) await forgetGone(context, zombies);
      hasLookedBack = true;
      const now = context.clock.monotonic();
      const present = new Set(zombies.map(nameOf));
      for (const name of firstSeen.keys()) if (!present.has(name)) firstSeen.delete(name);
      for (const name of present) if (!firstSeen.has(name)) firstSeen.set(name, now);
      if (zombies.length > mostAtOnce(seen.recorded)) return Number.POSITIVE_INFINITY;
      let nextMs = Number.POSITIVE_INFINITY;
      for (const { object } of zombies.filter((zombie) => !mayServe(zombie, context.desired, seen.recorded))) {
        const dueInMs = (firstSeen.get(nameOf({ object })) ?? now) + lateCallMs - now;
        if (dueInMs > 0) nextMs = Math.min(nextMs, dueInMs);
        else if (await remove(context, object, seen.recorded)) firstSeen.delete(nameOf({ object }));
        else nextMs = Math.min(nextMs, againMs);
      }
      return nextMs;
    },
  };
}

const nameOf = ({ object }: Pick<Stray, 'object'>): string => `${object.node}/${object.engine}/${object.objectId}`;

const mostAtOnce = ({ allocations }: Recorded): number =>
  Math.max(breaker.atLeast, Math.floor(breaker.share * allocations.length));

const isUp = ({ state }: ObservedObject): boolean => state !== 'created' && state !== 'exited';

function mayServe({ object }: Stray, { workloads }: Desired, { allocations }: Recorded): boolean {
  if (!isUp(object)) return false;
  const { workload, instance, ordinal } = parseAllocationId(object.allocation);
  if (allocations.some((other) => other.instance === instance && other.state === 'live')) return false;
  const definition = workloads.find(({ id }) => id === workload);
  return definition !== undefined && (definition.type === 'daemon' || ordinal < definition.replicas);
}

/** Says in the store what is about to be removed, stops and removes it, and takes the word back. False when its engine does not do it. */
async function remove(context: SweepContext, object: ObservedObject, recorded: Recorded): Promise<boolean> {
  const { allocation, node, engine: kind, objectId } = object;
  const key = keys.zombie(allocation);
  const word = { node, engine: kind, objectId, at: context.clock.now(), token: context.leadership.token };
  await commit(context, [{ kind: 'put', key, value: JSON.stringify(word) }]);
  try {
    const engine = await context.engines.engineOf(node, kind);
    if (isUp(object)) await stop(context, engine, object, recorded);
    stopUnlessLeading(context);
    await engine.remove(objectId, { deadlineMs: deadlineMs.remove, signal: context.hardStop });
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return false;
  }
  await commit(context, [{ kind: 'delete', key }]);
  context.report({ kind: 'zombieRemoved', allocation, node, objectId });
  return true;
}

async function stop(
  context: SweepContext,
  engine: Engine,
  { objectId, revision }: ObservedObject,
  recorded: Recorded,
): Promise<void> {
  const how = stopSettings(recorded, revision);
  stopUnlessLeading(context);
  await engine.stop(objectId, how, { deadlineMs: deadlineMs.stop + how.graceMs, signal: context.hardStop });
}

function stopUnlessLeading({ leadership, hardStop }: SweepContext): void {
  if (hardStop.aborted) throw new Halted('interrupted', 'interrupted');
  if (!leadership.isAlive()) throw new Halted('leaseLost', 'the leader lease was lost');
}

/** Words of a leader that died in the middle; where its zombie is still there, it is seen again. */
async function forgetGone(context: SweepContext, zombies: readonly Stray[]): Promise<void> {
  const { entries } = await context.store.range(prefixes.zombies);
  const present = new Set(zombies.map(({ object }) => keys.zombie(object.allocation)));
  const gone = entries.filter(({ key }) => !present.has(key));
  for (const { key } of gone) await commit(context, [{ kind: 'delete', key }]);
}

import type { Random } from './random.ts';

/** Somebody whose code runs in the simulation: a process of Muster. What happens for nobody is the world's own doing. */
export interface Actor {
  readonly name: string;
  /** Nothing reaches a dead one any more. */
  dead: boolean;
  /** Until then (virtual ms) it does not run: what would reach it waits. */
  pausedUntil: number;
}

export interface Timer {
  cancel(): void;
}

/**
 * Virtual time, and the only source of order: everything that happens is an event at an instant, and events of one instant
 * happen in an order that the seed draws. Between two events all promises run dry.
 */
export interface Scheduler {
  /** Virtual ms since the start. */
  now(): number;
  after(delayMs: number, fire: () => void, actor?: Actor): Timer;
  /** Resolves after `ms`, or at once when the signal is aborted; never rejects. */
  sleep(
    ms: number,
    options: { readonly actor?: Actor | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<void>;
  /** Lets events happen until `isOver`, checked after each. */
  run(isOver: () => boolean): Promise<void>;
  events(): number;
}

interface Entry {
  readonly at: number;
  readonly tie: number;
  readonly actor: Actor | undefined;
  fire: (() => void) | undefined;
}

/** Once all promises have run dry: what is queued for the next tick by a promise comes after all of them. */
const turn = (): Promise<void> => new Promise((resolve) => process.nextTick(resolve));
/** The same, and node does what it has put off: ticks alone never let it. */
const longTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export function createScheduler(random: Random): Scheduler {
  const heap = createHeap();
  let now = 0;
  let events = 0;
  const add = (at: number, fire: () => void, actor: Actor | undefined): Entry => {
    const entry: Entry = { at, tie: random.next(), actor, fire };
    heap.push(entry);
    return entry;
  };
  const after: Scheduler['after'] = (delayMs, fire, actor) => {
    const entry = add(now + Math.max(0, delayMs), fire, actor);
    return {
      cancel: () => {
        entry.fire = undefined;
      },
    };
  };
  /** True when something happened. */
  const step = (entry: Entry): boolean => {
    const { fire, actor, at } = entry;
    if (fire === undefined || actor?.dead === true) return false;
    now = Math.max(now, at);
    if (actor !== undefined && actor.pausedUntil > now) {
      add(actor.pausedUntil, () => entry.fire?.(), actor);
      return false;
    }
    fire();
    return true;
  };
  return {
    now: () => now,
    after,
    events: () => events,
    sleep: (ms, { actor, signal }) => {
      if (signal?.aborted === true) return Promise.resolve();
      return new Promise((resolve) => {
        const onAbort = (): void => {
          timer.cancel();
          resolve();
        };
        const wake = (): void => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        };
        const timer = after(ms, wake, actor);
        signal?.addEventListener('abort', onAbort, { once: true });
      });
    },
    run: async (isOver) => {
      await longTurn();
      while (!isOver()) {
        const entry = heap.pop();
        if (entry === undefined) throw new Error('nothing is left to happen');
        if (!step(entry)) continue;
        events += 1;
        await turn();
      }
    },
  };
}

interface Heap {
  push(entry: Entry): void;
  pop(): Entry | undefined;
}

const isBefore = (a: Entry, b: Entry): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie);

/** A binary heap, the earliest first. */
function createHeap(): Heap {
  const entries: Entry[] = [];
  const at = (index: number): Entry => entries[index] as Entry;
  const sink = (entry: Entry): void => {
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= entries.length) break;
      if (child + 1 < entries.length && isBefore(at(child + 1), at(child))) child += 1;
      if (!isBefore(at(child), entry)) break;
      entries[index] = at(child);
      index = child;
    }
    entries[index] = entry;
  };
  return {
    push: (entry) => {
      let index = entries.length;
      entries.push(entry);
      while (index > 0) {
        const parent = (index - 1) >> 1;
        if (!isBefore(entry, at(parent))) break;
        entries[index] = at(parent);
        index = parent;
      }
      entries[index] = entry;
    },
    pop: () => {
      const first = entries[0];
      const last = entries.pop();
      if (first !== undefined && last !== undefined && entries.length > 0) sink(last);
      return first;
    },
  };
}

import { existsSync, type FSWatcher, mkdirSync, watch } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineEvent } from '../engine.ts';
import { readState } from './folder.ts';
import { isRunning } from './identity.ts';
import { type StoredObject, storedObjects } from './objects.ts';
import type { ProcessNode } from './observe.ts';

/** A process that dies without a supervisor changes no file: only looking finds out. */
const rescanEveryMs = 1_000;
/** Several changes at once are one look. */
const coalesceMs = 20;
/** Kernel watches are a shared resource of the machine: beyond this the rescan has to do. */
const maxWatchedFolders = 1_000;

/** What an object was when last looked at: its program's pid and start while it runs, the text `none` while it does not. */
type Seen = ReadonlyMap<string, string>;

/** Compares what is there with what was there, whenever a file changes and once a second. */
export async function* watchObjects(node: ProcessNode, signal: AbortSignal): AsyncIterable<EngineEvent> {
  const changes = watchFolders(node.root);
  const onAbort = (): void => changes.close();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    let seen = look(node, changes);
    while (!signal.aborted) {
      await changes.next(rescanEveryMs);
      if (signal.aborted) return;
      await sleep(coalesceMs);
      const now = look(node, changes);
      yield* differences(seen, now);
      seen = now;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    changes.close();
  }
}

function differences(before: Seen, now: Seen): readonly EngineEvent[] {
  const events: EngineEvent[] = [];
  for (const [objectId, was] of before) {
    const is = now.get(objectId);
    if (was !== stopped && was !== is) events.push({ objectId, kind: 'exited' });
    if (is === undefined) events.push({ objectId, kind: 'removed' });
  }
  for (const [objectId, is] of now) {
    if (is !== stopped && is !== before.get(objectId)) events.push({ objectId, kind: 'started' });
  }
  return events;
}

const stopped = 'none';

function look(node: ProcessNode, changes: Changes): Seen {
  const { ours } = storedObjects(node.root, node.cluster, 'uid');
  changes.follow(ours);
  return new Map(
    ours.map(({ folder, spec }) => {
      const child = readState(folder)?.child;
      return [spec.objectId, child !== undefined && isRunning(child) ? `${child.pid}.${child.startTicks}` : stopped];
    }),
  );
}

interface Changes {
  /** Watches these objects' folders, and no others. */
  follow(objects: readonly StoredObject[]): void;
  /** Resolves at the next change, or after the time. */
  next(timeoutMs: number): Promise<void>;
  close(): void;
}

function watchFolders(root: string): Changes {
  mkdirSync(root, { recursive: true, mode: 0o700 });
  const watchers = new Map<string, FSWatcher>();
  let changed = false;
  let wake: (() => void) | undefined;
  const notify = (): void => {
    changed = true;
    wake?.();
  };
  const add = (folder: string): void => {
    if (watchers.has(folder) || watchers.size >= maxWatchedFolders || !existsSync(folder)) return;
    try {
      const watcher = watch(folder, { persistent: false }, notify);
      // A folder that is removed under its watcher, or no watches left: the rescan sees what the watcher would have.
      watcher.on('error', () => watcher.close());
      watchers.set(folder, watcher);
    } catch (error) {
      if (!['ENOENT', 'ENOSPC', 'EMFILE'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
    }
  };
  add(root);
  return {
    follow(objects) {
      const folders = new Set([root, ...objects.map(({ folder }) => folder)]);
      for (const [folder, watcher] of watchers) {
        if (folders.has(folder)) continue;
        watcher.close();
        watchers.delete(folder);
      }
      for (const folder of folders) add(folder);
    },
    async next(timeoutMs) {
      if (!changed) {
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
      wake = undefined;
      changed = false;
    },
    close() {
      for (const watcher of watchers.values()) watcher.close();
      watchers.clear();
      notify();
    },
  };
}

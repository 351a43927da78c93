import { watch } from 'chokidar';
import type { CommitSha } from '../model/ids.ts';
import { SourceError } from './error.ts';
import { isSkipped } from './limits.ts';
import { type OpenOptions, pollRef } from './open.ts';
import type { SourceLocation } from './tree.ts';

/** An editor or `git checkout` writes several files: look when it has been quiet for this long. */
const quietMs = 150;

export interface WatchOptions extends OpenOptions {
  /** Ends the watch. */
  readonly signal: AbortSignal;
  /** A commit is asked for this often; a directory is looked through this often besides its file events, which may get lost. */
  readonly pollMs: number;
  /** Called for what is there at the start, and whenever that has changed; never twice at once. */
  onChange(version: CommitSha): void | Promise<void>;
  /** The source could not be read; the watch goes on. */
  onError?(error: Error): void;
}

/**
 * Tells when a source has something new: a branch by asking for its commit, a directory by file events and by looking
 * through it now and then. Resolves when the signal is aborted and nothing runs any more.
 */
export async function watchSource(location: SourceLocation, options: WatchOptions): Promise<void> {
  const { signal, pollMs } = options;
  const wake = createWake();
  const stop = location.kind === 'directory' ? watchFiles(location.path, wake.up, options) : async () => undefined;
  try {
    let last: CommitSha | undefined;
    while (!signal.aborted) {
      last = await look(location, last, options);
      await wake.sleep(pollMs, signal);
    }
  } finally {
    await stop();
  }
}

async function look(
  location: SourceLocation,
  last: CommitSha | undefined,
  options: WatchOptions,
): Promise<CommitSha | undefined> {
  try {
    const version = await pollRef(location, options);
    if (version !== last && !options.signal.aborted) await options.onChange(version);
    return version;
  } catch (error) {
    if (!(error instanceof SourceError)) throw error;
    options.onError?.(error);
    return last;
  }
}

/** Calls back when something below the directory changed and it is quiet again. Returns what ends it. */
function watchFiles(path: string, onQuiet: () => void, options: WatchOptions): () => Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const watcher = watch(path, {
    ignoreInitial: true,
    ignored: (file) => file !== path && isSkipped(file.split(/[\\/]/).at(-1) ?? ''),
  });
  watcher.on('all', () => {
    clearTimeout(timer);
    timer = setTimeout(onQuiet, quietMs);
  });
  // No more inotify watches, for instance: the regular look goes on, so nothing is missed for long.
  watcher.on('error', (error) => options.onError?.(error instanceof Error ? error : new Error(String(error))));
  return async () => {
    clearTimeout(timer);
    await watcher.close();
  };
}

interface Wake {
  /** Ends the present sleep, or the next one when nobody sleeps. */
  up(): void;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/**
 * With a timer of its own rather than `AbortSignal.any`: with that, polls under load were seen to stop on Node 20, and do
 * not since. Why was not found out.
 */
function createWake(): Wake {
  let isUp = false;
  let wakeSleeper: (() => void) | undefined;
  return {
    up: () => {
      isUp = true;
      wakeSleeper?.();
    },
    sleep: async (ms, signal) => {
      if (!isUp && !signal.aborted) {
        await new Promise<void>((done) => {
          const finish = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', finish);
            wakeSleeper = undefined;
            done();
          };
          const timer = setTimeout(finish, ms);
          signal.addEventListener('abort', finish, { once: true });
          wakeSleeper = finish;
        });
      }
      isUp = false;
    },
  };
}

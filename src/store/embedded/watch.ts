import { type FSWatcher, watch as watchFile } from 'node:fs';
import type { WatchEvent } from '../store.ts';
import { dataFileOf, type Environment } from './environment.ts';
import { compactedRevision, currentRevision, type LogRecord, readLog, toKeyValue } from './records.ts';

/** How long a change of another process may go unnoticed where the file system tells nothing. */
const pollMs = 500;
/** Revisions read at once; the consumer decides when the next are. */
const maxPage = 200;

interface WatchOptions {
  /** The environment at its newest revision, or undefined while there is no store yet. */
  readonly environment: () => Promise<Environment | undefined>;
  readonly path: string;
  /** The cluster's, cut off of the keys that are delivered. */
  readonly prefix: string;
  readonly below: string;
  readonly fromRevision: number;
  readonly signal: AbortSignal;
}

/** Follows the revision log; woken by commits of this process, by writes to the file and by a poll. */
export async function* watchLog(options: WatchOptions): AsyncGenerator<WatchEvent> {
  const { signal } = options;
  const waker = new Waker(options.path, signal);
  let delivered = options.fromRevision;
  try {
    while (!signal.aborted) {
      const environment = await options.environment();
      waker.listen(environment);
      const page = environment === undefined ? [] : nextPage(environment, delivered);
      if (page === 'reset') {
        yield { kind: 'reset' };
        return;
      }
      for (const [index, record] of page.entries()) {
        for (const event of eventsOf(record, delivered + index + 1, options)) {
          if (signal.aborted) return;
          yield event;
        }
      }
      delivered += page.length;
      if (page.length === 0) await waker.woken();
    }
  } finally {
    waker.close();
  }
}

/** A revision of the future is one of a store that was replaced by an older one. */
function nextPage(environment: Environment, delivered: number): readonly LogRecord[] | 'reset' {
  if (delivered < compactedRevision(environment) || delivered > currentRevision(environment)) return 'reset';
  return readLog(environment, delivered, maxPage);
}

function* eventsOf(record: LogRecord, modRevision: number, { prefix, below }: WatchOptions): Generator<WatchEvent> {
  for (const [fullKey, data] of record) {
    if (!fullKey.startsWith(prefix + below)) continue;
    const key = fullKey.slice(prefix.length);
    yield data === null ? { kind: 'delete', key, modRevision } : { kind: 'put', entry: toKeyValue(key, data) };
  }
}

/** Remembers a wake-up that comes while nobody waits. */
class Waker {
  readonly #path: string;
  readonly #signal: AbortSignal;
  #environment: Environment | undefined;
  #files: FSWatcher | undefined;
  #pending = false;
  #wake: (() => void) | undefined;

  constructor(path: string, signal: AbortSignal) {
    this.#path = path;
    this.#signal = signal;
    signal.addEventListener('abort', this.#notify);
  }

  listen(environment: Environment | undefined): void {
    if (environment === undefined || this.#environment !== undefined) return;
    this.#environment = environment;
    environment.listeners.add(this.#notify);
    try {
      this.#files = watchFile(dataFileOf(this.#path), { persistent: false }, this.#notify);
      this.#files.on('error', () => this.#files?.close());
    } catch {
      // No inotify handles left: the poll finds it.
    }
  }

  async woken(): Promise<void> {
    if (!this.#pending && !this.#signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pollMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#wake = undefined;
    this.#pending = false;
  }

  close(): void {
    this.#signal.removeEventListener('abort', this.#notify);
    this.#environment?.listeners.delete(this.#notify);
    this.#files?.close();
  }

  readonly #notify = (): void => {
    this.#pending = true;
    this.#wake?.();
  };
}

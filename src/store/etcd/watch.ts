import type { Etcd3, IWatchResponse, Watcher } from 'etcd3';
import type { WatchEvent } from '../store.ts';
import { backOff, repeatable } from './calls.ts';
import { createClient, type EtcdConnection } from './client.ts';
import { failureOf } from './errors.ts';

/** A consumer that is slower than this makes the watch begin again behind what it has read. */
const maxQueued = 20_000;

interface WatchOptions {
  readonly connection: EtcdConnection;
  readonly location: string;
  /** The cluster's, cut off of the keys that are delivered. */
  readonly prefix: string;
  readonly below: string;
  readonly fromRevision: number;
  readonly signal: AbortSignal;
}

type Item =
  | { readonly kind: 'events'; readonly response: IWatchResponse }
  | { readonly kind: 'broken' }
  | { readonly kind: 'refused'; readonly reason: string };

/**
 * Every change after `fromRevision`, across reconnects. etcd3 1: its own reconnect goes on from the revision of the *create*
 * response and loses what lay before it, so a watcher that drops is thrown away, and the next one starts from the last
 * revision that was delivered. etcd3 7: a watch with a password dies with the server's tokens; each start is a new client,
 * which logs in again.
 */
export async function* watchEtcd(options: WatchOptions): AsyncGenerator<WatchEvent> {
  const { connection, prefix, signal } = options;
  let delivered = options.fromRevision;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const client = createClient(connection);
    try {
      const revision = await currentRevision(client, options);
      if (revision === undefined) continue;
      // A store that is behind was replaced by an older one.
      if (revision < delivered) {
        yield { kind: 'reset' };
        return;
      }
      const queue = new ItemQueue(signal);
      const stop = startWatcher(client, { key: prefix + options.below, fromRevision: delivered + 1, queue });
      try {
        for (let item = await queue.next(); item?.kind === 'events'; item = await queue.next()) {
          failures = 0;
          yield* eventsOf(item.response, prefix);
          delivered = Math.max(delivered, revisionOf(item.response));
        }
        // etcd3 6: compaction is an error without a revision. Whatever the server ended the watch for, listing again mends it.
        if (queue.refused) {
          yield { kind: 'reset' };
          return;
        }
      } finally {
        stop();
      }
    } finally {
      client.close();
    }
    if (!signal.aborted) await backOff(Math.min(failures, 4));
  }
}

/** Undefined after an outage that lasted longer than a call: the caller tries again for as long as it is wanted. */
async function currentRevision(client: Etcd3, { location, prefix, signal }: WatchOptions): Promise<number | undefined> {
  try {
    const { header } = await repeatable(location, () => client.get(prefix).exec());
    return Number(header.revision);
  } catch (error) {
    if (signal.aborted || failureOf((error as Error).cause ?? error) !== 'refused') return undefined;
    throw error;
  }
}

function startWatcher(
  client: Etcd3,
  { key, fromRevision, queue }: { readonly key: string; readonly fromRevision: number; readonly queue: ItemQueue },
): () => void {
  const watcher: Watcher = client.watch().prefix(key).startRevision(String(fromRevision)).watcher();
  const stop = (): void => {
    watcher.removeAllListeners('data');
    watcher.cancel().catch(() => {});
    endStream(client);
  };
  watcher.on('data', (response) => queue.push({ kind: 'events', response }));
  watcher.on('disconnected', () => queue.push({ kind: 'broken' }));
  watcher.on('error', (error) => queue.push({ kind: 'refused', reason: error.message }));
  return stop;
}

/**
 * Neither closing a client nor a watch that the server refused ends the stream, which then keeps the process alive; etcd3
 * has no call for it.
 */
function endStream(client: Etcd3): void {
  const { watchManager } = client as unknown as { readonly watchManager?: { readonly stream?: { cancel(): void } } };
  watchManager?.stream?.cancel();
}

/** A response without events says that all up to its revision have been sent. */
function revisionOf({ header, events }: IWatchResponse): number {
  if (events.length === 0) return Number(header.revision);
  return events.reduce((highest, { kv }) => Math.max(highest, Number(kv.mod_revision)), 0);
}

function* eventsOf({ events }: IWatchResponse, prefix: string): Generator<WatchEvent> {
  for (const { type, kv } of events) {
    const key = kv.key.toString().slice(prefix.length);
    const modRevision = Number(kv.mod_revision);
    if (String(type).toUpperCase() === 'DELETE') yield { kind: 'delete', key, modRevision };
    else
      yield {
        kind: 'put',
        entry: { key, value: kv.value.toString(), createRevision: Number(kv.create_revision), modRevision },
      };
  }
}

/** Between the client's callbacks and the consumer. Ends with undefined: broken, refused, overflown or aborted. */
class ItemQueue {
  refused = false;
  readonly #items: Item[] = [];
  readonly #signal: AbortSignal;
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake?.(), { once: true });
  }

  push(item: Item): void {
    if (this.#ended) return;
    if (item.kind === 'events' && this.#items.length < maxQueued) this.#items.push(item);
    else this.#ended = true;
    this.refused ||= item.kind === 'refused';
    this.#wake?.();
  }

  async next(): Promise<Item | undefined> {
    while (!this.#signal.aborted) {
      const item = this.#items.shift();
      if (item !== undefined || this.#ended) return item;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
    return undefined;
  }
}

import { setTimeout as sleep } from 'node:timers/promises';
import type { EngineEvent } from '../engine.ts';
import type { DockerClient } from './client.ts';
import { pingDaemon } from './daemon.ts';
import { within } from './errors.ts';
import { labels } from './labels.ts';
import { linesOf } from './ndjson.ts';

const firstRetryMs = 100;
const maxRetryMs = 2_000;
/** A daemon that hangs keeps its event stream open: it has to answer a ping this often. */
const pingEveryMs = 5_000;
const pingDeadlineMs = 5_000;

/**
 * Events of our containers until the signal. After a break it goes on from the last event that it saw and says
 * `reconnected`: what the daemon itself forgot meanwhile is found by looking.
 */
export async function* watchEvents(client: DockerClient, signal: AbortSignal): AsyncIterable<EngineEvent> {
  if (client.scope.uid === undefined) return await untilAborted(signal);
  let since: string | undefined;
  let broken = false;
  let retryMs = firstRetryMs;
  while (!signal.aborted) {
    try {
      for await (const message of openStream(client, since, signal)) {
        if (message === 'open') {
          if (broken) yield { objectId: '', kind: 'reconnected' };
          broken = false;
          retryMs = firstRetryMs;
          continue;
        }
        since = message.since;
        if (message.event !== undefined) yield message.event;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (!isBreak(error)) throw error;
    }
    broken = true;
    await sleep(retryMs, undefined, { signal }).catch(() => undefined);
    retryMs = Math.min(retryMs * 2, maxRetryMs);
  }
}

interface Message {
  readonly since: string;
  readonly event: EngineEvent | undefined;
}

async function* openStream(
  client: DockerClient,
  since: string | undefined,
  signal: AbortSignal,
): AsyncIterable<'open' | Message> {
  const stop = new AbortController();
  const cancel = (): void => stop.abort();
  signal.addEventListener('abort', cancel, { once: true });
  const watchdog = setInterval(() => {
    within(client, 'ping', { deadlineMs: pingDeadlineMs }, (abort) => pingDaemon(client, abort)).catch(cancel);
  }, pingEveryMs);
  try {
    const opened = await within(client, 'events', { deadlineMs: pingDeadlineMs, signal }, () =>
      client.docker.getEvents({
        filters: { type: ['container'], label: [`${labels.cluster}=${client.scope.uid}`] },
        ...(since !== undefined && { since: since as unknown as number }),
        abortSignal: stop.signal,
      }),
    );
    yield 'open';
    for await (const line of linesOf(opened as AsyncIterable<Buffer>)) yield parseMessage(line);
  } finally {
    clearInterval(watchdog);
    signal.removeEventListener('abort', cancel);
    stop.abort();
  }
}

function parseMessage(line: string): Message {
  const message = JSON.parse(line) as {
    readonly Action: string;
    readonly Actor: { readonly ID: string };
    readonly timeNano: number;
  };
  // Nanoseconds of an epoch do not fit a double: seconds are exact, and an event seen twice does no harm.
  const since = `${Math.floor(message.timeNano / 1e9)}.${String(Math.floor(message.timeNano % 1e9)).padStart(9, '0')}`;
  const kind = kindOf(message.Action);
  return { since, event: kind && { objectId: message.Actor.ID, kind } };
}

/** Exec health checks flood the stream (`exec_start: …`): they say nothing about the container. */
function kindOf(action: string): EngineEvent['kind'] | undefined {
  if (action.startsWith('exec_')) return undefined;
  if (action.startsWith('health_status')) return 'health';
  switch (action) {
    case 'start':
    case 'restart':
    case 'unpause':
      return 'started';
    case 'die':
    case 'stop':
    case 'oom':
    case 'pause':
      return 'exited';
    case 'destroy':
      return 'removed';
    case 'update':
    case 'rename':
      return 'health'; // Something about it is not as it was: look again.
    default:
      return undefined;
  }
}

/** Everything but our own bugs: a daemon that is away, stops or restarts. */
const isBreak = (error: unknown): boolean => !(error instanceof TypeError || error instanceof SyntaxError);

function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

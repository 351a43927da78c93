import type { DockerClient } from './client.ts';
import { linesOf } from './ndjson.ts';

/** The daemon keeps so many events, of whatever kind: of more it has forgotten the first. */
const keptEvents = 256;
const deadlineMs = 2_000;

interface Event {
  readonly Type: string;
  readonly Action: string;
  readonly Actor: { readonly ID: string; readonly Attributes?: Readonly<Record<string, string>> };
}

/**
 * Ids of the containers to which something happened in a span of the daemon's own time (RFC 3339); undefined where it
 * cannot say, be it that it has forgotten some, or that it is none that keeps events.
 */
export async function changedSince(
  client: DockerClient,
  { since, until }: { readonly since: string; readonly until: string },
  signal: AbortSignal,
): Promise<ReadonlySet<string> | undefined> {
  const [from, to] = [unixTime(since), unixTime(until)];
  if (from === undefined || to === undefined || Date.parse(since) > Date.parse(until)) return undefined;
  try {
    const stream = await client.docker.getEvents({
      since: from as unknown as number,
      until: to as unknown as number,
      abortSignal: AbortSignal.any([signal, AbortSignal.timeout(deadlineMs)]),
    });
    const changed = new Set<string>();
    let count = 0;
    for await (const line of linesOf(stream as AsyncIterable<Buffer>)) {
      count += 1;
      const id = containerOf(JSON.parse(line) as Event);
      if (id !== undefined) changed.add(id);
    }
    return count < keptEvents ? changed : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** Commands that are run in a container say nothing about it, and health checks are many. */
function containerOf({ Type: type, Action: action, Actor: actor }: Event): string | undefined {
  if (type === 'container') return action.startsWith('exec_') ? undefined : actor.ID;
  return type === 'network' ? actor.Attributes?.['container'] : undefined;
}

/** `2026-01-01T00:00:00.123456789Z` as `1767225600.123456789`: nanoseconds of an epoch do not fit a double. */
function unixTime(text: string): string | undefined {
  const match = /^(.+?:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(text);
  const [, start = '', fraction = '', zone = ''] = match ?? [];
  const seconds = Date.parse(`${start}${zone}`) / 1000;
  return Number.isInteger(seconds) ? `${seconds}.${fraction.padEnd(9, '0')}` : undefined;
}

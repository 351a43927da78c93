import type { Call, ClusterScope, EngineEvent, LogLine } from '../engine.ts';
import { isOurs } from './calls.ts';
import type { SimObject, SimWorld } from './world.ts';

/** Events that a slow reader has not taken: beyond this it is told to look at everything. */
const maxQueuedEvents = 1_000;
const followEveryMs = 50;

export async function* readLines(
  world: SimWorld,
  object: SimObject,
  options: { readonly tail: number; readonly follow: boolean },
  call: Call,
): AsyncIterable<LogLine> {
  let next = Math.max(0, object.output.length - options.tail);
  const until = world.clock.now() + call.deadlineMs;
  for (;;) {
    for (; next < object.output.length; next += 1) yield object.output[next] as LogLine;
    const over = world.clock.now() >= until || call.signal?.aborted === true || !world.objects.has(object.objectId);
    if (!options.follow || over) return;
    await world.clock.sleep(followEveryMs, call.signal);
  }
}

export async function* readEvents(
  world: SimWorld,
  cluster: ClusterScope,
  signal: AbortSignal,
): AsyncIterable<EngineEvent> {
  const queue: EngineEvent[] = [];
  let wake: () => void = () => undefined;
  const listen = (event: EngineEvent): void => {
    const object = world.objects.get(event.objectId);
    if (object !== undefined && !isOurs(object, cluster)) return;
    if (queue.length >= maxQueuedEvents)
      queue.splice(0, queue.length, { objectId: event.objectId, kind: 'reconnected' });
    else queue.push(event);
    wake();
  };
  const onAbort = (): void => wake();
  world.listeners.add(listen);
  signal.addEventListener('abort', onAbort);
  try {
    while (!signal.aborted) {
      const event = queue.shift();
      if (event !== undefined) yield event;
      else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    world.listeners.delete(listen);
    signal.removeEventListener('abort', onAbort);
  }
}

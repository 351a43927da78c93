import type { EngineKind, NodeName } from '../../model/ids.ts';
import type { Resources } from '../../model/resources.ts';
import { type Call, EngineError, type EngineErrorCode } from '../engine.ts';
import type { CallFault, FaultRates, Faults } from './faults.ts';
import { end, type SimClock, type SimWorld, tell } from './world.ts';

export interface SimOptions {
  readonly node: NodeName;
  readonly kind: EngineKind;
  readonly seed: number;
  readonly faults?: FaultRates;
  readonly clock?: SimClock;
  readonly capacity?: Resources;
  /** Images that can be pulled; absent: all. */
  readonly images?: readonly string[];
  /** Networks that there are; absent: all. */
  readonly networks?: readonly string[];
  readonly exec?: (
    environment: Readonly<Record<string, string>>,
    command: readonly string[],
  ) => { readonly exitCode: number; readonly output: string };
}

/** One simulated machine: its world, and what is wrong with the way to it. */
export interface Machine {
  readonly options: SimOptions;
  readonly world: SimWorld;
  readonly faults: Faults;
  reachable: 'reachable' | 'unreachable';
  readonly pulled: Set<string>;
}

/** One call with everything that may go wrong with it. It takes no time by itself: only a fault can make it miss its deadline. */
export async function instantly<T>(machine: Machine, name: string, call: Call, work: () => T): Promise<T> {
  const fault = nextFault(machine, name);
  if (fault === undefined && machine.reachable === 'reachable') return work();
  return withFault(machine, { name, fault }, call, work);
}

/** The same of a call that takes time. */
export async function within<T>(
  machine: Machine,
  name: string,
  call: Call,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return withFault(machine, { name, fault: nextFault(machine, name) }, call, work);
}

function nextFault({ world, faults }: Machine, name: string): CallFault | undefined {
  for (const { kind, draw } of faults.world()) disturb(world, kind, draw);
  return faults.next(name);
}

async function withFault<T>(
  machine: Machine,
  { name, fault }: { readonly name: string; readonly fault: CallFault | undefined },
  call: Call,
  work: (signal: AbortSignal) => T | Promise<T>,
): Promise<T> {
  const { clock } = machine.world;
  const fail = (code: EngineErrorCode, message: string): EngineError => failure(machine, name, code, message);
  return await byDeadline({ clock, call, timeout: () => fail('timeout', 'no answer in time') }, async (signal) => {
    if (machine.reachable === 'unreachable') throw fail('unreachable', 'no connection');
    if (fault?.kind === 'failBefore') throw fail(fault.code ?? 'unreachable', 'injected before it happened');
    if (fault?.kind === 'hang') await forever(signal);
    if (fault?.kind === 'slow') await clock.sleep(fault.delayMs, signal);
    signal.throwIfAborted();
    const result = await work(signal);
    if (fault?.kind === 'failAfter') throw fail('unreachable', 'injected after it happened: the reply is lost');
    return result;
  });
}

export function failure(
  machine: Machine,
  call: string,
  code: EngineErrorCode,
  message: string,
  port?: number,
): EngineError {
  const { node, kind } = machine.options;
  const retryable = code === 'unreachable' || code === 'timeout';
  return new EngineError({
    code,
    message: `${kind} on ${node}: cannot ${call}: ${message}`,
    retryable,
    node,
    engine: kind,
    call,
    ...(port !== undefined && { port }),
  });
}

function disturb(world: SimWorld, kind: 'crash' | 'vanish', draw: number): void {
  const running = [...world.objects.values()].filter((object) => object.state === 'running');
  const victim = running[Math.floor(draw * running.length)];
  if (victim === undefined) return;
  if (kind === 'crash') end(world, victim, 1);
  else vanish(world, victim.objectId);
}

/** The object is gone, as if removed by hand. */
export function vanish(world: SimWorld, objectId: string): void {
  const object = world.objects.get(objectId);
  object?.running?.abort();
  if (world.objects.delete(objectId)) tell(world, { objectId, kind: 'removed' });
}

const forever = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Given as a reason, so that no error with a stack is made for every call that ends well. */
const inTime = 'in time';

/** Like `withDeadline`, by the simulation's own clock. */
async function byDeadline<T>(
  options: { readonly clock: SimClock; readonly call: Call; readonly timeout: () => EngineError },
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const stopWork = new AbortController();
  const stopTimer = new AbortController();
  const outer = options.call.signal;
  const timer = outer === undefined ? stopTimer.signal : AbortSignal.any([stopTimer.signal, outer]);
  const late = options.clock.sleep(options.call.deadlineMs, timer).then(async () => {
    if (stopTimer.signal.aborted) return await new Promise<never>(() => undefined);
    const error = options.timeout();
    stopWork.abort(error);
    throw error;
  });
  try {
    return await Promise.race([work(stopWork.signal), late]);
  } finally {
    stopTimer.abort(inTime);
  }
}

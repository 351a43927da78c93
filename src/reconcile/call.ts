import { type Call, type Engine, EngineError } from '../engines/engine.ts';
import type { Effect } from '../model/effects.ts';
import { Halted } from './halt.ts';
import { jittered } from './jitter.ts';
import type { RunContext } from './run-context.ts';

/** How long a retryable engine error is tried again before the unit is left for the next run. */
const engineRetryForMs = 30_000;
/** The same for an image that its registry does not give: the engine itself answers, so that the unit can be undone. */
const registryRetryForMs = 5_000;
const firstBackoffMs = 250;
const maxBackoffMs = 4_000;

/**
 * One engine call within the limits, tried again while its error is retryable. Then `Halted` where the engine does not
 * answer, and the error itself where only a registry does not.
 */
export async function call<T>(
  context: RunContext,
  at: Pick<Effect, 'node' | 'engine' | 'kind'> & Partial<Pick<Effect, 'allocation'>>,
  run: (engine: Engine, options: Call) => Promise<T>,
  deadline: number,
): Promise<T> {
  const began = context.clock.monotonic();
  const within = at.kind === 'await' ? context.limits.look : context.limits.change;
  for (let backoffMs = firstBackoffMs; ; backoffMs = Math.min(backoffMs * 2, maxBackoffMs)) {
    stopUnlessLeading(context);
    try {
      return await within(at, async () => {
        const engine = await context.engines.engineOf(at.node, at.engine);
        // Its turn, and the way to the engine, may have been long in coming.
        stopUnlessLeading(context);
        return run(engine, { deadlineMs: deadline, signal: context.hardStop });
      });
    } catch (error) {
      if (context.hardStop.aborted) throw new Halted('interrupted', 'interrupted', { cause: error });
      if (!(error instanceof EngineError) || !error.retryable) throw error;
      const ofRegistry = error.code === 'imageMissing';
      if (!ofRegistry) context.engineTrouble.set(`${at.node}/${at.engine}`, context.clock.monotonic());
      const waitMs = jittered(backoffMs, `${at.allocation ?? ''} ${at.node} ${at.engine} ${at.kind} ${backoffMs}`);
      if (context.clock.monotonic() + waitMs > began + (ofRegistry ? registryRetryForMs : engineRetryForMs)) {
        if (ofRegistry) throw error;
        throw new Halted('engine', `${at.engine} on node ${at.node} does not answer: ${error.message}`, {
          cause: error,
        });
      }
      context.progress({
        kind: 'retrying',
        node: at.node,
        engine: at.engine,
        call: error.call,
        error: error.message,
        inMs: waitMs,
      });
      await context.clock.sleep(waitMs, context.hardStop);
    }
  }
}

function stopUnlessLeading({ hardStop, leadership }: RunContext): void {
  if (hardStop.aborted) throw new Halted('interrupted', 'interrupted');
  if (!leadership.isAlive()) throw new Halted('leaseLost', 'the leader lease was lost');
}

import PQueue from 'p-queue';
import type { InstanceId } from '../model/ids.ts';
import type { Step } from '../model/plan.ts';
import { isAvailable } from './gate.ts';
import { BudgetExhausted, Halted } from './halt.ts';
import type { RunContext } from './run-context.ts';
import type { UnitRecord } from './unit.ts';

const pollMs = 500;

/**
 * The disruption budget of one unit at run time: planned waves respect it, but the world may have lost instances since.
 * So it is counted again on a fresh look before each stop, one stop at a time.
 */
export interface Budget {
  /**
   * Waits until stopping what the step ends leaves enough instances available; a forced step does not wait. Throws
   * `BudgetExhausted` at the deadline.
   */
  admit(step: Step, signal: AbortSignal): Promise<void>;
  /** The instance serves again: its place in the budget is free. */
  restored(instance: InstanceId): void;
}

export function openBudget(context: RunContext, record: UnitRecord): Budget {
  const { base, maxUnavailable, healthyDeadlineMs } = record.settings;
  const counted = new Set(base);
  // Taken down by this run and not yet back, whether or not a look would show it already.
  const down = new Set<InstanceId>();
  const oneAtATime = new PQueue({ concurrency: 1 });

  const admitNow = async (step: Step, signal: AbortSignal): Promise<void> => {
    const failAt = context.clock.monotonic() + healthyDeadlineMs;
    // Bounded by the deadline.
    for (;;) {
      if (signal.aborted || context.hardStop.aborted) throw new Halted('interrupted', 'interrupted');
      const unavailable = await unavailableInstances(context, counted);
      // Disrupting what is unavailable already costs nothing: a crash loop can be repaired and drained.
      if (unavailable.has(step.instance)) return;
      const others = new Set([...unavailable, ...down]);
      if (others.size + 1 <= maxUnavailable) {
        down.add(step.instance);
        return;
      }
      const names = [...others].sort().slice(0, 5).join(', ');
      const what = `${others.size} of ${counted.size} instances are unavailable (${names}); at most ${maxUnavailable} may be`;
      if (context.clock.monotonic() >= failAt) throw new BudgetExhausted(`${step.instance} was not stopped: ${what}`);
      context.progress({ kind: 'waiting', unit: record.unit, instance: step.instance, what });
      await context.clock.sleep(pollMs, signal);
    }
  };

  return {
    admit: async (step, signal) => {
      if (!counted.has(step.instance)) return;
      if (step.forced === true) down.add(step.instance);
      else await oneAtATime.add(() => admitNow(step, signal));
    },
    restored: (instance) => {
      down.delete(instance);
    },
  };
}

/** Counted instances none of whose allocations runs and is healthy now. */
async function unavailableInstances(
  context: RunContext,
  counted: ReadonlySet<InstanceId>,
): Promise<ReadonlySet<InstanceId>> {
  const candidates = [...context.allocations.values()].filter(
    ({ instance, state }) => counted.has(instance) && (state === 'live' || state === 'reserved'),
  );
  const looks = await Promise.all(
    candidates.map(async ({ id, instance, node, engine }) => ({
      instance,
      available: await isAvailable(context, { allocation: id, node, engine }).catch((error: unknown) => {
        // An engine that does not answer shows nothing available; anything else ends the run as it should.
        if (error instanceof Halted && error.why === 'engine') return false;
        throw error;
      }),
    })),
  );
  const available = new Set(looks.filter((look) => look.available).map((look) => look.instance));
  return new Set([...counted].filter((instance) => !available.has(instance)));
}

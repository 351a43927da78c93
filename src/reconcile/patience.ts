const deadlineMs = 10_000;
const shortDeadlineMs = 2_000;
/** So often one that does not answer is given the whole time again: it may have become slow. */
const wholeEvery = 6;

/**
 * How long an engine is waited for. A look waits for every engine, so one that hangs would hold up everything else, each
 * time anew: one that did not answer in time is waited for less, until it does.
 */
export interface Patience {
  deadlineFor(engine: string): number;
  answered(engine: string): void;
  timedOut(engine: string): void;
}

export function openPatience(): Patience {
  const misses = new Map<string, number>();
  return {
    deadlineFor: (engine) => ((misses.get(engine) ?? 0) % wholeEvery === 0 ? deadlineMs : shortDeadlineMs),
    answered: (engine) => void misses.delete(engine),
    timedOut: (engine) => void misses.set(engine, (misses.get(engine) ?? 0) + 1),
  };
}

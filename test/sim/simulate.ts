import { storyOf } from './generate.ts';
import { allPromises } from './promises/all.ts';
import type { Story } from './story.ts';
import { type Told, tell } from './tell.ts';

/** One story with every promise watched. */
export const simulate = (story: Story): Promise<Told> => tell(story, allPromises);

export interface Failure {
  readonly seed: number;
  readonly promise: string;
  readonly message: string;
}

export interface Sweep {
  readonly runs: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Of one core */
  readonly cpuMs: number;
  readonly failures: readonly Failure[];
}

/** Seed after seed, until all are told, so many have failed or the time is up. */
export async function sweep(options: {
  readonly seeds: Iterable<number>;
  readonly maxFailures: number;
  /** By `performance.now()`; absent: none. */
  readonly until?: number;
}): Promise<Sweep> {
  const { seeds, maxFailures, until = Number.POSITIVE_INFINITY } = options;
  const failures: Failure[] = [];
  const cpuBefore = process.cpuUsage();
  let [runs, events, virtualMs] = [0, 0, 0];
  for (const seed of seeds) {
    if (performance.now() > until || failures.length >= maxFailures) break;
    const told = await simulate(storyOf(seed));
    runs += 1;
    events += told.events;
    virtualMs += told.lastedMs;
    if (told.violation !== undefined) failures.push({ seed, ...told.violation });
  }
  const { user, system } = process.cpuUsage(cpuBefore);
  return { runs, events, virtualMs, cpuMs: (user + system) / 1000, failures };
}

import { commitsText } from '../model/commits.ts';
import type { Desired } from '../model/desired.ts';
import type { Recorded } from '../model/recorded.ts';
import { isOutdated } from '../plan/outdated.ts';
import type { LiveRuns } from './control.ts';

/**
 * Git has changed workloads whose units are under way: each ends when the wave that it is in is through, what it did
 * stays, and a later pass plans the rest from there. The last good revision remains the one of before the unit, so a
 * successor that fails goes back to that. Units that commit together are left to their common end: what one of them had
 * done could be neither kept nor taken back without the others.
 */
export function supersedeOutdated(of: {
  readonly desired: Desired;
  readonly recorded: Pick<Recorded, 'inFlight'>;
  readonly live: LiveRuns;
}): void {
  const { desired, recorded, live } = of;
  for (const unit of recorded.inFlight) {
    if (live.runOf(unit.unit) !== undefined && isOutdated(desired, unit))
      live.supersede(unit.unit, commitsText(desired.commits));
  }
}

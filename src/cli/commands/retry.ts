import type { WorkloadId } from '../../model/ids.ts';
import { systemClock } from '../../reconcile/clock.ts';
import { forgetFailures } from '../../reconcile/retry.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { onInterrupt } from '../interrupt.ts';
import { openTerminal } from '../terminal.ts';
import { openWorld, type StoreFlags } from '../world.ts';

export interface RetryFlags extends SourceFlags, StoreFlags {
  readonly lockTimeout: number;
}

/** Forgets that revisions of a workload failed, so that the next plan tries what git declares again. */
export async function retry(workload: string, dir: string, flags: RetryFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const interrupt = onInterrupt((text) => terminal.say(text));
  const world = await openWorld(place, desired, { ...flags, lockTimeoutMs: flags.lockTimeout, signal: interrupt.soft });
  try {
    const forgotten = await forgetFailures({ ...world, clock: systemClock }, workload as WorkloadId);
    if (forgotten === undefined) {
      throw new CliError(`nothing is recorded of ${workload}`, {
        hint: 'Name it as namespace/workload, as `muster status` shows it.',
      });
    }
    terminal.say(
      forgotten.length === 0
        ? `No revision of ${workload} is remembered as failed; nothing was changed.`
        : `Forgotten: ${forgotten.join(', ')}. The next \`muster plan\` tries what git declares again.`,
    );
  } finally {
    interrupt.restore();
    await world.close();
  }
  return exitCodes.ok;
}

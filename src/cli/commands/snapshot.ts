import { liveFields } from '../../engines/features.ts';
import { toSnapshot } from '../../model/snapshot.ts';
import { worldAfter } from '../../plan/after.ts';
import { readPlan, readSnapshot, snapshotChunks, writeDocument } from '../../reconcile/documents.ts';
import { planExpiresAfterMs } from '../../reconcile/planning.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { readSoundWorld, type StoreFlags } from '../world.ts';

export interface SnapshotFlags extends SourceFlags, StoreFlags {
  readonly after?: string;
  readonly state?: string;
  readonly out?: string;
}

/** Recorded and observed as one JSON document; with `--after`, as they will be once that plan is applied. */
export async function snapshot(dir: string, flags: SnapshotFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  if (flags.state !== undefined && flags.after === undefined) {
    throw new CliError('--state needs --after', { hint: 'It is the snapshot that the plan of --after starts from.' });
  }
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const { recorded, observed } =
    flags.state === undefined
      ? await readSoundWorld(place, desired, flags)
      : await readSnapshot(flags.state, { desired });
  const inputs = { desired, recorded, observed, now: Date.now(), expiresAfterMs: planExpiresAfterMs, liveFields };
  const world = flags.after === undefined ? inputs : worldAfter(inputs, await readPlan(flags.after));
  const chunks = snapshotChunks(toSnapshot({ desired, recorded: world.recorded, observed: world.observed }));
  if (flags.out === undefined) await terminal.result(chunks);
  else {
    await writeDocument(flags.out, chunks);
    terminal.say(`Wrote ${flags.out}; plan on it with: muster plan --state ${flags.out}`);
  }
  return exitCodes.ok;
}

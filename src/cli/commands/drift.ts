import { detectDrift } from '../../drift/detect.ts';
import { renderDriftText, viewDrift } from '../../render/drift.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { readSoundWorld, type StoreFlags } from '../world.ts';

export interface DriftFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
  readonly all?: boolean;
  readonly detailedExitcode?: boolean;
}

/** What is not as it was recorded, and what becomes of it. Changes nothing. */
export async function drift(dir: string, flags: DriftFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const { cluster } = desired;
  const { recorded, observed } = await readSoundWorld(place, desired, flags);
  const found = detectDrift(recorded, observed, cluster.drift.ignoreFields);
  const live = recorded.allocations.filter(({ state }) => state === 'live').length;
  const view = viewDrift(found, { cluster: cluster.name, live, policy: cluster.drift });
  const page = { color: terminal.color, width: terminal.width, all: flags.all };
  await terminal.result(
    flags.output === 'json' ? `${JSON.stringify(view, undefined, 2)}\n` : renderDriftText(view, page),
  );
  return flags.detailedExitcode === true && view.drift.length > 0 ? exitCodes.changes : exitCodes.ok;
}

import { detectDrift } from '../../drift/detect.ts';
import { renderStatusText } from '../../render/status.ts';
import { viewStatus } from '../../render/status-view.ts';
import { locate, requireDesired, type SourceFlags } from '../config.ts';
import { type ExitCode, exitCodes } from '../exit.ts';
import { openTerminal } from '../terminal.ts';
import { readWorld, type StoreFlags } from '../world.ts';

export interface StatusFlags extends SourceFlags, StoreFlags {
  readonly output: 'text' | 'json';
  readonly all?: boolean;
  readonly detailedExitcode?: boolean;
}

/** Desired, recorded and observed side by side. */
export async function status(dir: string, flags: StatusFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal);
  const { recorded, observed } = await readWorld(place, desired, flags);
  const now = Date.now();
  const drift = detectDrift(recorded, observed, desired.cluster.drift.ignoreFields);
  const view = viewStatus({ desired, recorded, observed, drift, now });
  const text =
    flags.output === 'json'
      ? `${JSON.stringify(view, undefined, 2)}\n`
      : renderStatusText(view, { color: terminal.color, width: terminal.width, all: flags.all, now });
  await terminal.result(text);
  return flags.detailedExitcode === true && !view.asDeclared ? exitCodes.changes : exitCodes.ok;
}

import { liveFields } from '../engines/features.ts';
import type { Desired } from '../model/desired.ts';
import type { PlanWarning } from '../model/plan.ts';
import type { PlanInputs } from '../plan/inputs.ts';
import { readSnapshot } from '../reconcile/documents.ts';
import { planExpiresAfterMs } from '../reconcile/planning.ts';
import type { DiagnosticFormat } from '../render/diagnostics.ts';
import { locate, locateBase, type Place, requireDesired, type SourceFlags } from './config.ts';
import { CliError } from './exit.ts';
import type { Terminal } from './terminal.ts';
import type { StoreFlags } from './world.ts';

/** Where a command that only plans gets the world from: store and engines, or a snapshot. */
export interface InputFlags extends SourceFlags, StoreFlags {
  readonly state?: string;
  /** Ref of the same repo that "current" in the snapshot stands for. */
  readonly base?: string;
}

/** Everything that planning needs, and what is to be told about how it was read. */
export interface ReadInputs {
  readonly inputs: PlanInputs;
  readonly warnings: readonly PlanWarning[];
}

export function checkInputFlags(flags: InputFlags): void {
  if (flags.state !== undefined && flags.store !== undefined) {
    throw new CliError('both --state and --store were given', {
      hint: 'With --state no store is contacted: leave --store out.',
    });
  }
}

/** The config repo of a directory or `--repo`, and the world that it is about. */
export async function readInputs(dir: string, flags: InputFlags, terminal: Terminal): Promise<ReadInputs> {
  checkInputFlags(flags);
  if (flags.base !== undefined && flags.state === undefined) {
    throw new CliError('--base needs --state', {
      hint: 'It says which revisions "current" in the snapshot stands for.',
    });
  }
  return await readInputsAt(await locate(dir, flags), flags, { terminal, format: 'text' });
}

export async function readInputsAt(
  place: Place,
  flags: InputFlags,
  { terminal, format }: { readonly terminal: Terminal; readonly format: DiagnosticFormat },
): Promise<ReadInputs> {
  const desired = await requireDesired(place, terminal, format);
  const { recorded, observed, warnings } =
    flags.state === undefined
      ? await liveWorld(place, desired, flags)
      : await snapshotWorld({ place, desired, flags, terminal, file: flags.state });
  return {
    inputs: { desired, recorded, observed, now: Date.now(), expiresAfterMs: planExpiresAfterMs, liveFields },
    warnings,
  };
}

type World = Pick<PlanInputs, 'recorded' | 'observed'> & { readonly warnings: readonly PlanWarning[] };

/** Stores and engines are loaded when they are asked for: not with --state. */
async function liveWorld(place: Place, desired: Desired, flags: StoreFlags): Promise<World> {
  const { readSoundWorld } = await import('./world.ts');
  return { ...(await readSoundWorld(place, desired, flags)), warnings: [] };
}

async function snapshotWorld(options: {
  readonly place: Place;
  readonly desired: Desired;
  readonly flags: InputFlags;
  readonly terminal: Terminal;
  readonly file: string;
}): Promise<World> {
  const { place, desired, flags, terminal, file } = options;
  const base =
    flags.base === undefined ? undefined : await requireDesired(await locateBase(place, flags.base), terminal);
  return await readSnapshot(file, { desired, ...(base !== undefined && { base }) });
}

import { liveFields } from '../../engines/features.ts';
import type { Desired } from '../../model/desired.ts';
import type { Observed } from '../../model/observed.ts';
import type { PlanWarning } from '../../model/plan.ts';
import type { Recorded } from '../../model/recorded.ts';
import { readSnapshot, writeDocument } from '../../reconcile/documents.ts';
import { planAndVerify, planExpiresAfterMs } from '../../reconcile/reconcile.ts';
import type { DiagnosticFormat } from '../../render/diagnostics.ts';
import { type PlanFormat, renderPlan } from '../../render/plan.ts';
import { planJsonChunks } from '../../render/plan-json.ts';
import { locate, locateBase, type Place, requireDesired, type SourceFlags } from '../config.ts';
import { CliError, type ExitCode } from '../exit.ts';
import { planExitCode } from '../plans.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { readWorld, type StoreFlags } from '../world.ts';

export interface PlanFlags extends SourceFlags, StoreFlags {
  readonly state?: string;
  readonly base?: string;
  readonly out?: string;
  readonly output: PlanFormat;
  readonly all?: boolean;
  readonly detailedExitcode?: boolean;
}

/** Plans and verifies, shows the plan, and changes nothing. */
export async function plan(dir: string, flags: PlanFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  if (flags.state !== undefined && flags.store !== undefined) {
    throw new CliError('both --state and --store were given', {
      hint: 'With --state no store is contacted: leave --store out.',
    });
  }
  if (flags.base !== undefined && flags.state === undefined) {
    throw new CliError('--base needs --state', {
      hint: 'It says which revisions "current" in the snapshot stands for.',
    });
  }
  const place = await locate(dir, flags);
  const desired = await requireDesired(place, terminal, diagnosticFormat(flags.output));
  const world =
    flags.state === undefined
      ? { ...(await readWorld(place, desired, flags)), warnings: [] }
      : await snapshotWorld({ place, desired, flags, terminal, file: flags.state });
  const { plan } = planAndVerify({
    desired,
    recorded: world.recorded,
    observed: world.observed,
    now: Date.now(),
    expiresAfterMs: planExpiresAfterMs,
    liveFields,
  });
  const told = { ...plan, warnings: [...plan.warnings, ...world.warnings] };
  if (flags.out !== undefined) {
    await writeDocument(flags.out, planJsonChunks(told));
    terminal.say(`Saved the plan to ${flags.out}; apply it with: muster apply ${flags.out}`);
  }
  await terminal.result(
    renderPlan(told, flags.output, { color: terminal.color, width: terminal.width, all: flags.all }),
  );
  return planExitCode(told, { detailed: flags.detailedExitcode ?? false });
}

/** CI formats get mistakes of the configuration in the same format; the others read them on stderr. */
function diagnosticFormat(format: PlanFormat): DiagnosticFormat {
  return format === 'github' || format === 'junit' || format === 'sarif' ? format : 'text';
}

async function snapshotWorld(options: {
  readonly place: Place;
  readonly desired: Desired;
  readonly flags: PlanFlags;
  readonly terminal: Terminal;
  readonly file: string;
}): Promise<{ readonly recorded: Recorded; readonly observed: Observed; readonly warnings: readonly PlanWarning[] }> {
  const { place, desired, flags, terminal, file } = options;
  const base =
    flags.base === undefined ? undefined : await requireDesired(await locateBase(place, flags.base), terminal);
  return await readSnapshot(file, { desired, ...(base !== undefined && { base }) });
}

import type { Desired } from '../../model/desired.ts';
import { headRoomWarnings } from '../../plan/simulate/worse.ts';
import { writeDocument } from '../../reconcile/documents.ts';
import { planAndVerify } from '../../reconcile/planning.ts';
import type { DiagnosticFormat } from '../../render/diagnostics.ts';
import { type PlanFormat, renderPlan } from '../../render/plan.ts';
import { planJsonChunks } from '../../render/plan-json.ts';
import { locate, locateBase, type Place, readConfig } from '../config.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { checkInputFlags, type InputFlags, readInputsAt } from '../inputs.ts';
import { planExitCode } from '../plans.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

export interface PlanFlags extends InputFlags {
  readonly changed?: boolean;
  readonly out?: string;
  readonly output: PlanFormat;
  readonly all?: boolean;
  readonly detailedExitcode?: boolean;
}

/** Formats of which several can follow each other. */
const sequenceFormats: readonly PlanFormat[] = ['text', 'markdown', 'github'];

/** Plans and verifies, shows the plans, and changes nothing. Of several directories the worst exit code counts. */
export async function plan(dirs: readonly string[], flags: PlanFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  checkFlags(dirs, flags);
  let worst: ExitCode = exitCodes.ok;
  for (const dir of dirs) {
    const place = await locate(dir, flags);
    if (flags.changed === true && flags.base !== undefined && (await isAsAt(place, flags.base))) {
      terminal.say(`${dir}: nothing changed since ${flags.base}`);
      continue;
    }
    worst = worseOf(worst, await planOne(place, flags, terminal));
  }
  return worst;
}

function checkFlags(dirs: readonly string[], flags: PlanFlags): void {
  if (dirs.length > 1 && !sequenceFormats.includes(flags.output)) {
    throw new CliError(`-o ${flags.output} is one document, and ${dirs.length} directories were given`, {
      hint: `Plan them one by one, or use -o ${sequenceFormats.join(', ')}.`,
    });
  }
  if (dirs.length > 1 && (flags.out !== undefined || flags.state !== undefined)) {
    throw new CliError('--out and --state are about one cluster', { hint: 'Plan the directories one by one.' });
  }
  if (flags.changed === true && flags.base === undefined) {
    throw new CliError('--changed needs --base', { hint: 'Since when? For example: --changed --base origin/main' });
  }
  checkInputFlags(flags);
  if (flags.base !== undefined && flags.state === undefined && flags.changed !== true) {
    throw new CliError('--base needs --state or --changed', {
      hint: 'It says which revisions "current" in the snapshot stands for, or since when something has changed.',
    });
  }
}

/** True when the configuration says the same at another ref: includes and all, whatever its files look like. */
async function isAsAt(place: Place, ref: string): Promise<boolean> {
  const [now, then] = await Promise.all([readConfig(place), locateBase(place, ref).then(readConfig)]);
  if (now.desired === undefined || then.desired === undefined) return false;
  return meaningOf(now.desired) === meaningOf(then.desired);
}

const meaningOf = (desired: Desired): string =>
  JSON.stringify({
    ...desired,
    commits: {},
    workloads: desired.workloads.map((workload) => ({ ...workload, declaredAt: '' })),
  });

/** An error outweighs a refusal, a refusal changes. */
function worseOf(a: ExitCode, b: ExitCode): ExitCode {
  const order: readonly ExitCode[] = [exitCodes.ok, exitCodes.changes, exitCodes.refused, exitCodes.error];
  return order.indexOf(a) >= order.indexOf(b) ? a : b;
}

async function planOne(place: Place, flags: PlanFlags, terminal: Terminal): Promise<ExitCode> {
  const { inputs, warnings } = await readInputsAt(place, flags, { terminal, format: diagnosticFormat(flags.output) });
  const { plan } = planAndVerify(inputs);
  const told = { ...plan, warnings: [...plan.warnings, ...headRoomWarnings(inputs, plan), ...warnings] };
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

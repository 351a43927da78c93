import { readPlan } from '../../reconcile/documents.ts';
import { type PlanFormat, renderPlan } from '../../render/plan.ts';
import type { ExitCode } from '../exit.ts';
import { planExitCode } from '../plans.ts';
import { openTerminal } from '../terminal.ts';

export interface ShowFlags {
  readonly output: PlanFormat;
  readonly all?: boolean;
  readonly detailedExitcode?: boolean;
  readonly color?: boolean;
}

/** Renders a plan that `muster plan --out` wrote. */
export async function show(file: string, flags: ShowFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const plan = await readPlan(file);
  await terminal.result(
    renderPlan(plan, flags.output, { color: terminal.color, width: terminal.width, all: flags.all }),
  );
  return planExitCode(plan, { detailed: flags.detailedExitcode ?? false });
}

import type { PlanInputs } from '../../plan/inputs.ts';
import { type Goal, rebalance as planRebalance } from '../../plan/rebalance.ts';
import { writeDocument } from '../../reconcile/documents.ts';
import { assertVerified } from '../../reconcile/planning.ts';
import { planJsonChunks } from '../../render/plan-json.ts';
import {
  type PlannedRebalance,
  type RebalanceFormat,
  renderBetterText,
  renderRebalance,
} from '../../render/rebalance.ts';
import { locate } from '../config.ts';
import { CliError, type ExitCode } from '../exit.ts';
import { type InputFlags, readInputs } from '../inputs.ts';
import { namedNodes, namedPods } from '../names.ts';
import { planExitCode } from '../plans.ts';
import { openTerminal, type Terminal } from '../terminal.ts';

export interface RebalanceFlags extends InputFlags {
  readonly maxMoves: number;
  readonly pod?: readonly string[];
  readonly empty?: readonly string[];
  readonly fewestNodes?: boolean;
  readonly out?: string;
  readonly apply?: boolean;
  readonly autoApprove?: boolean;
  readonly lockTimeout: number;
  readonly output: RebalanceFormat;
  readonly all?: boolean;
}

/** A plan of a few moves after which the cluster is better balanced: shown, saved, or carried out. */
export async function rebalance(dir: string, flags: RebalanceFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  checkFlags(flags);
  if (flags.apply === true) return await carryOut(dir, flags, terminal);
  const { inputs } = await readInputs(dir, flags, terminal);
  const result = planMoves(inputs, flags);
  if (flags.out !== undefined) {
    await writeDocument(flags.out, planJsonChunks(result.plan));
    terminal.say(`Saved the plan to ${flags.out}; apply it with: muster apply ${flags.out}`);
  }
  const options = { color: terminal.color, width: terminal.width, all: flags.all };
  await terminal.result(renderRebalance(result, flags.output, options));
  return planExitCode(result.plan, { detailed: false });
}

function checkFlags(flags: RebalanceFlags): void {
  if (flags.empty !== undefined && flags.fewestNodes === true) {
    throw new CliError('both --empty and --fewest-nodes were given', {
      hint: '--empty names the nodes that are to be empty; --fewest-nodes chooses them.',
    });
  }
  if (flags.apply !== true) return;
  for (const name of ['state', 'out'] as const) {
    if (flags[name] === undefined) continue;
    throw new CliError(`--apply works on the cluster as it is, not with --${name}`, {
      hint: `Leave --${name} out, or save a plan with --out and apply that.`,
    });
  }
  if (flags.output !== 'text') {
    throw new CliError(`--apply shows its plan as text, not as ${flags.output}`, { hint: 'Leave -o out.' });
  }
}

async function carryOut(dir: string, flags: RebalanceFlags, terminal: Terminal): Promise<ExitCode> {
  // Engines and stores that write are loaded when something is to be changed.
  const { applyAt, freshPlan, requireAnswer } = await import('./apply.ts');
  requireAnswer(terminal, flags);
  const place = await locate(dir, flags);
  const options = { color: terminal.color, width: terminal.width, all: flags.all };
  return await applyAt(place, flags, terminal, (applying) =>
    freshPlan(applying, (inputs) => {
      const result = planMoves(inputs, flags);
      return { plan: result.plan, text: renderBetterText(result, options) };
    }),
  );
}

/** Throws `CliError` when something else is to be applied first. */
function planMoves(inputs: PlanInputs, flags: RebalanceFlags): PlannedRebalance {
  const pods = flags.pod === undefined ? undefined : namedPods(inputs, flags.pod);
  const result = planRebalance(inputs, {
    goal: goalOf(inputs, flags),
    maxMoves: flags.maxMoves,
    ...(pods !== undefined && { pods }),
  });
  if (result.kind === 'planned') {
    assertVerified(inputs, result.plan);
    return result;
  }
  const { length } = result.plan.steps;
  throw new CliError(
    `the cluster is not as git declares it: ${length} ${length === 1 ? 'step comes' : 'steps come'} first`,
    {
      hint: 'See `muster plan`, apply it, and rebalance what runs then.',
    },
  );
}

function goalOf(inputs: PlanInputs, { empty, fewestNodes }: RebalanceFlags): Goal {
  if (empty !== undefined) return { kind: 'empty', nodes: namedNodes(inputs, empty) };
  return fewestNodes === true ? { kind: 'fewest' } : { kind: 'even' };
}

import { stat } from 'node:fs/promises';
import type { Plan } from '../../model/plan.ts';
import { approvalStates, approvalText, putApproval } from '../../reconcile/approvals.ts';
import { readPlan } from '../../reconcile/documents.ts';
import { planAndVerify } from '../../reconcile/planning.ts';
import { locate, type SourceFlags } from '../config.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { readInputsAt } from '../inputs.ts';
import { type Overriding, overriding, whoPlans } from '../override.ts';
import { openTerminal } from '../terminal.ts';
import { actor, type StoreFlags } from '../world.ts';

export interface ApproveFlags extends SourceFlags, StoreFlags {
  readonly reason?: string;
}

/** Records that whoever runs it agrees to a plan, and to no other. */
export async function approve(subject: string, dir: string, flags: ApproveFlags): Promise<ExitCode> {
  const plan = (await isFile(subject)) ? await readPlan(subject) : await planNow(subject, dir, flags);
  return await overriding(dir, flags, async (with_) => {
    requireApplicable(with_, plan);
    const before = await approvalStates(with_.store, plan, { ...with_, now: Date.now() });
    if (before.length === 0) {
      throw new CliError(`plan ${shortId(plan.id)} needs nobody’s approval; nothing was recorded`, {
        hint: 'Policies say what does, under `spec.approvals`.',
      });
    }
    const { reason } = flags;
    await putApproval(with_.store, {
      plan: plan.id,
      actor: actor(),
      at: Date.now(),
      ...(reason !== undefined && { reason }),
    });
    const states = await approvalStates(with_.store, plan, { ...with_, now: Date.now() });
    with_.terminal.say(`${actor()} approves plan ${plan.id}.`);
    for (const state of states) with_.terminal.say(`${state.isMet ? 'Met' : 'Not met yet'}: ${approvalText(state)}.`);
    if (states.every(({ isMet }) => isMet)) with_.terminal.say(await whoPlans(with_));
    return exitCodes.ok;
  });
}

const shortest = 8;

/** The plan as it is now, when that is the one that is meant: nobody approves what cannot be looked at any more. */
async function planNow(subject: string, dir: string, flags: ApproveFlags): Promise<Plan> {
  const hash = subject.replace(/^sha256:/, '');
  if (!/^[0-9a-f]+$/.test(hash) || hash.length < shortest) {
    throw new CliError(`${subject} is neither a file nor the id of a plan`, {
      hint: 'A saved plan (muster plan --out plan.json), or the id that `muster plan` shows.',
    });
  }
  const terminal = openTerminal(flags);
  const { inputs } = await readInputsAt(await locate(dir, flags), flags, { terminal, format: 'text' });
  const { plan } = planAndVerify(inputs);
  if (plan.id.startsWith(`sha256:${hash}`)) return plan;
  throw new CliError(
    `the plan as of now is ${shortId(plan.id)}, not ${shortId(`sha256:${hash}`)}; nothing was recorded`,
    {
      exitCode: exitCodes.stalePlan,
      hint: 'Look at it with `muster plan`. To have one approved and applied just so, save it: muster plan --out plan.json',
    },
  );
}

function requireApplicable({ desired }: Overriding, plan: Plan): void {
  if (plan.cluster !== desired.cluster.name)
    throw new CliError(`the plan is for cluster ${plan.cluster}, not ${desired.cluster.name}; nothing was recorded`);
  if (Date.parse(plan.expiresAt) > Date.now()) return;
  throw new CliError(`the plan expired at ${plan.expiresAt}; nothing was recorded`, {
    exitCode: exitCodes.stalePlan,
    hint: 'Make a new one: muster plan --out plan.json',
  });
}

const shortId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false;

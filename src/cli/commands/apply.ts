import { stat } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { liveFields } from '../../engines/features.ts';
import type { Desired } from '../../model/desired.ts';
import type { NodeName, WorkloadId } from '../../model/ids.ts';
import { isEmptyPlan, type Plan } from '../../model/plan.ts';
import { definitionsOf } from '../../plan/basis.ts';
import type { PlanInputs } from '../../plan/inputs.ts';
import { relocationsOf } from '../../plan/rebalance/relocations.ts';
import { verifyPlan } from '../../plan/verify.ts';
import { type ApplyDependencies, applyPlan } from '../../reconcile/apply.ts';
import { approvalStates, approvalText } from '../../reconcile/approvals.ts';
import { assertMayGoOn, assertNotBehind } from '../../reconcile/behind.ts';
import { systemClock } from '../../reconcile/clock.ts';
import type { LiveRuns } from '../../reconcile/control.ts';
import { type Desk, openDesk } from '../../reconcile/desk.ts';
import { readPlan } from '../../reconcile/documents.ts';
import { forgetEnded } from '../../reconcile/overrides.ts';
import { planAndVerify, planExpiresAfterMs } from '../../reconcile/planning.ts';
import type { UnitResult } from '../../reconcile/progress.ts';
import { look, noteAbsences } from '../../reconcile/reconcile.ts';
import { recoverRuns } from '../../reconcile/recover.ts';
import { renderOutcomeText, renderUnitResults } from '../../render/outcome.ts';
import { renderPlan } from '../../render/plan.ts';
import { createProgress } from '../../render/progress.ts';
import { loadRecorded } from '../../store/recorded.ts';
import { locate, type Place, requireDesired, type SourceFlags } from '../config.ts';
import { endCode } from '../ends.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { type Interrupt, onInterrupt } from '../interrupt.ts';
import { openTerminal, type Terminal } from '../terminal.ts';
import { applyingIn, openWorld, type StoreFlags, type WritableWorld } from '../world.ts';

export interface ApplyFlags extends SourceFlags, StoreFlags {
  readonly autoApprove?: boolean;
  readonly lockTimeout: number;
  readonly all?: boolean;
}

export type ApplyingFlags = Pick<ApplyFlags, 'store' | 'autoApprove' | 'lockTimeout' | 'all' | 'color'>;

export interface Applying {
  readonly terminal: Terminal;
  readonly flags: ApplyingFlags;
  readonly desired: Desired;
  readonly world: WritableWorld;
  readonly interrupt: Interrupt;
  readonly dependencies: ApplyDependencies & { readonly live: LiveRuns };
}

/** A plan for the world as it is, and what is shown of it beside the plan itself. */
export type MakePlan = (inputs: PlanInputs) => { readonly plan: Plan; readonly text?: string };

/** Finishes what an earlier run left, then plans (or takes a saved plan), shows it, asks, and carries it out. */
export async function apply(target: string, dir: string, flags: ApplyFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const saved = (await isFile(target)) ? await readPlan(target) : undefined;
  if (saved === undefined) requireAnswer(terminal, flags);
  const place = await locate(saved === undefined ? target : dir, flags);
  return await applyAt(place, flags, terminal, (applying) =>
    saved === undefined ? freshPlan(applying, planAndVerify) : recheckedPlan(applying, saved),
  );
}

/** Somebody can be asked, or has said yes beforehand. */
export function requireAnswer(terminal: Terminal, flags: ApplyingFlags): void {
  if (flags.autoApprove === true || terminal.interactive) return;
  throw new CliError('nobody can be asked: this is not a terminal', {
    hint: 'Approve beforehand with --auto-approve, or save a plan (muster plan --out plan.json) and apply that.',
  });
}

/**
 * Carries out what `choose` chooses; undefined: nothing. The lease is held from before the look at the world until the
 * end, so that what is shown is what is applied.
 */
export async function applyAt(
  place: Place,
  flags: ApplyingFlags,
  terminal: Terminal,
  choose: (applying: Applying) => Promise<Plan | undefined>,
): Promise<ExitCode> {
  const desired = await requireDesired(place, terminal);
  const interrupt = onInterrupt((text) => terminal.say(text));
  const world = await openWorld(place, desired, {
    ...flags,
    lockTimeoutMs: flags.lockTimeout,
    signal: interrupt.soft,
    onWait: (reason) => terminal.say(`Waiting: ${reason}`),
  });
  const progress = createProgress(process.stderr, { color: terminal.errorColor, now: () => Date.now() });
  const dependencies = applyingIn(world, { desired, interrupt, progress: progress.report });
  let desk: Desk | undefined;
  try {
    await assertMayGoOn(dependencies, interrupt.soft);
    desk = openDesk(() => dependencies);
    await desk.takeUp();
    const recovered = await recoverRuns(dependencies);
    tellWaiting(terminal, recovered);
    // A unit whose engine does not answer stays in flight, its workload frozen; everything else goes on.
    if (interrupt.soft.aborted || !world.leadership.isAlive()) return endCode(recovered, interrupt);
    const plan = await choose({ terminal, flags, desired, world, interrupt, dependencies });
    if (plan === undefined) return exitCodes.ok;
    await requireApprovals({ desired, world }, plan);
    const code = (units: readonly UnitResult[]): ExitCode => refusedCode(plan, endCode(units, interrupt));
    if (isEmptyPlan(plan)) return code(recovered);
    const outcome = await applyPlan(dependencies, plan);
    progress.close();
    terminal.say(renderOutcomeText(outcome, { color: terminal.errorColor, width: process.stderr.columns }));
    return code([...recovered, ...outcome.units]);
  } finally {
    await desk?.close();
    progress.close();
    interrupt.restore();
    await world.close();
  }
}

/** What went wrong says more than that something was refused. */
const refusedCode = ({ refusals }: Plan, code: ExitCode): ExitCode =>
  code === exitCodes.ok && refusals.length > 0 ? exitCodes.refused : code;

/** Units that wait for an operator hold up their own workloads and nothing else: they are named, and the rest goes on. */
function tellWaiting(terminal: Terminal, recovered: readonly UnitResult[]): void {
  const waiting = recovered.filter(({ waitsFor }) => waitsFor === 'operator');
  if (waiting.length === 0) return;
  terminal.say(renderUnitResults(waiting, { color: terminal.errorColor, width: process.stderr.columns }));
}

async function inputsNow({ desired, world, interrupt }: Applying): Promise<PlanInputs> {
  const { recorded, observed } = await look({
    desired,
    store: world.store,
    engines: world.engines,
    clock: systemClock,
    signal: interrupt.soft,
  });
  // What was seen is not the world when the look was cut short: nothing is concluded from it.
  if (interrupt.soft.aborted) throw new CliError('interrupted; nothing was begun', { exitCode: exitCodes.interrupted });
  await assertNotBehind(world.store, { recorded, observed });
  return { desired, recorded, observed, now: Date.now(), expiresAfterMs: planExpiresAfterMs, liveFields };
}

/** Plans, shows and asks; undefined when the answer was no. */
export async function freshPlan(applying: Applying, make: MakePlan): Promise<Plan | undefined> {
  const { terminal, flags, dependencies, desired } = applying;
  const seen = await inputsNow(applying);
  await noteAbsences(dependencies, desired, seen.recorded);
  await forgetEnded(dependencies, desired, seen.recorded);
  const { plan, text = '' } = make(await inputsNow(applying));
  await terminal.result(renderPlan(plan, 'text', { color: terminal.color, width: terminal.width, all: flags.all }));
  await terminal.result(text);
  await requireApprovals(applying, plan);
  if (isEmptyPlan(plan) || flags.autoApprove === true) return plan;
  if (!(await confirmed(applying))) {
    terminal.say('Nothing was changed.');
    return undefined;
  }
  const { plan: now } = make(await inputsNow(applying));
  if (now.id === plan.id) return now;
  throw new CliError('the world changed while the plan was on the screen; nothing was applied', {
    exitCode: exitCodes.stalePlan,
    hint: 'Run the command again to see the plan as it is now.',
  });
}

/** The gate of policies: who has to agree to a plan has agreed to this one. */
async function requireApprovals({ desired, world }: Pick<Applying, 'desired' | 'world'>, plan: Plan): Promise<void> {
  const recorded = await loadRecorded(world.store);
  const states = await approvalStates(world.store, plan, { desired, recorded, now: Date.now() });
  const open = states.filter(({ isMet }) => !isMet);
  if (open.length === 0) return;
  throw new CliError(`${open.map(approvalText).join('\n  ')}\n  Nothing was applied. [MUS5014]`, {
    exitCode: exitCodes.refused,
    hint: 'Save the plan, have it approved, apply it: muster plan --out plan.json, muster approve plan.json, muster apply plan.json',
  });
}

async function confirmed({ interrupt }: Applying): Promise<boolean> {
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question('Apply this plan? Only "yes" does: ', { signal: interrupt.soft });
    return answer.trim().toLowerCase() === 'yes';
  } catch (error) {
    if (interrupt.soft.aborted) return false;
    throw error;
  } finally {
    prompt.close();
  }
}

/** A saved plan was approved as it is: it is applied exactly so, or not at all. */
async function recheckedPlan(applying: Applying, saved: Plan): Promise<Plan> {
  const inputs = await inputsNow(applying);
  const problem = staleness(inputs, saved);
  if (problem === undefined) return saved;
  throw new CliError(`the saved plan is stale: ${problem}; nothing was applied`, {
    exitCode: exitCodes.stalePlan,
    hint: 'Make a new one: muster plan --out plan.json',
  });
}

/** Why a plan does not fit the world any more: expired, another cluster, a touched definition changed, not verified. */
function staleness(inputs: PlanInputs, saved: Plan): string | undefined {
  if (saved.cluster !== inputs.desired.cluster.name)
    return `it is for cluster ${saved.cluster}, not ${inputs.desired.cluster.name}`;
  if (Date.parse(saved.expiresAt) < inputs.now) return `it expired at ${saved.expiresAt}`;
  const { plan: fresh } = planAndVerify({ ...inputs, relocate: relocationsOf(saved) });
  if (fresh.id === saved.id) return undefined;
  const workloads = Object.keys(saved.basis.workloads) as WorkloadId[];
  const nodes = Object.keys(saved.basis.nodes) as NodeName[];
  const now = definitionsOf(inputs, { workloads, nodes });
  const workload = workloads.find((id) => now.workloads[id] !== saved.basis.workloads[id]);
  if (workload !== undefined) return `${workload} has changed`;
  const node = nodes.find((name) => now.nodes[name] !== saved.basis.nodes[name]);
  if (node !== undefined) return `node ${node} has changed`;
  const done = workloads.find((id) => fresh.basis.workloads[id] === undefined);
  if (done !== undefined) return `${done} is already as planned`;
  const [violation] = verifyPlan(inputs, saved);
  return violation === undefined ? undefined : `${violation.subject}: ${violation.message}`;
}

const isFile = async (path: string): Promise<boolean> => (await stat(path).catch(() => undefined))?.isFile() ?? false;

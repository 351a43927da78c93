import type { Plan, Step, StepKind } from '../model/plan.ts';
import { plural } from './layout.ts';

/** What every format says the same way about a plan. */
export const symbols: Readonly<Record<StepKind, string>> = {
  create: '+',
  update: '~',
  replace: '-/+',
  move: '→',
  stop: '-',
  remove: '-',
  forget: '.',
};

const causes: Readonly<Record<Step['cause'], string>> = {
  new: 'new',
  scale: 'scaled',
  change: 'changed',
  heal: 'healed',
  drain: 'drained',
  lost: 'lost',
  prune: 'left git',
  rollback: 'rolled back',
  orphan: 'orphan',
  preempt: 'preempted',
  quota: 'over quota',
  rebalance: 'rebalanced',
};

export const causeText = (cause: Step['cause']): string => causes[cause];

const undoWords: Readonly<Record<Step['undo'], string>> = {
  reversible: 'reversible',
  compensable: 'compensable: undo restarts',
  final: 'final: cannot be undone',
};

/** One thing to know about a step; `unusual` ones are to be noticed. */
export interface Trait {
  readonly text: string;
  readonly unusual: boolean;
}

/** Why a step is there, in what order it goes, and what of it can be taken back. */
export function traitsOf(step: Step): readonly Trait[] {
  const usual = (text: string): Trait => ({ text, unusual: false });
  const unusual = (text: string): Trait => ({ text, unusual: true });
  return [
    usual(causeText(step.cause)),
    ...(step.forced === true ? [unusual('forced: waits for no budget')] : []),
    ...(step.order === 'in-place' || step.replaces === undefined ? [] : [usual(step.order)]),
    ...(step.class === 'dataLoss' ? [unusual('data is lost')] : step.kind === 'update' ? [usual(step.class)] : []),
    ...(step.undo === 'final' && step.kind !== 'forget' ? [unusual(undoWords.final)] : [usual(undoWords[step.undo])]),
  ];
}

/** The reason, where it says more than the cause and the list of changed fields, which are shown beside it. */
export function reasonText(step: Pick<Step, 'cause' | 'changes' | 'reason'>, reason = step.reason): string {
  const fields = `${step.changes.map(({ path }) => path || '/').join(', ')} changed`;
  const said = [fields, causeText(step.cause)];
  return reason
    .split('; ')
    .filter((part) => !said.includes(part))
    .join('; ');
}

/** `Plan: 3 to create, 1 to update, …`: the one line that everybody reads. */
export function verdict(plan: Plan): string {
  const { summary, refusals } = plan;
  const blocked = plan.goals.filter((goal) => goal.blocked.length > 0).length;
  const trouble = [
    refusals.length === 0 ? '' : ` ${refusals.length} refused.`,
    blocked === 0 ? '' : ` ${plural(blocked, 'drain')} blocked.`,
  ].join('');
  if (plan.steps.length === 0) {
    if (refusals.length > 0) return `Nothing can be changed; ${summary.unchanged} unchanged.${trouble}`;
    return `No changes. ${restingText(plan)}${trouble}`;
  }
  const rare = [
    summary.stop > 0 ? `, ${summary.stop} to stop` : '',
    summary.forget > 0 ? `, ${summary.forget} to forget` : '',
  ].join('');
  return (
    `Plan: ${summary.create} to create, ${summary.update} to update, ${summary.replace} to replace, ` +
    `${summary.move} to move, ${summary.remove} to remove${rare}; ${summary.unchanged} unchanged.${trouble}`
  );
}

/** Why there is nothing to do; what waits or is left alone is not as git declares it. */
function restingText({ summary: { unchanged }, warnings, goals }: Plan): string {
  const pinned = warnings.filter(({ code }) => code === 'MUS5005').map(({ subject }) => subject);
  if (pinned.length > 0)
    return `${pinned.join(', ')} ${pinned.length === 1 ? 'stays' : 'stay'} on an earlier revision than git declares.`;
  const waits = goals.length > 0 || warnings.some(({ code }) => waiting.includes(code));
  if (waits) return `${plural(unchanged, 'instance')} unchanged; what waits or is left alone is said above.`;
  if (unchanged === 0) return 'Nothing is declared and nothing runs.';
  return unchanged === 1
    ? 'The one instance is as git declares it.'
    : `All ${unchanged} instances are as git declares them.`;
}

/** Warnings about instances that are not as git declares them, and stay so for now. */
const waiting: readonly string[] = ['MUS5002', 'MUS5006', 'MUS5008', 'MUS5009', 'MUS5010'];

/** The message with what it is about in front, once: most messages begin with it already. */
export const withSubject = (of: { readonly subject?: string | undefined; readonly message: string }): string =>
  of.subject === undefined || of.message.replace(/^(node|quota) /, '').startsWith(of.subject)
    ? of.message
    : `${of.subject}: ${of.message}`;

/** Enough of the plan's id to recognise it. */
export const shortPlanId = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

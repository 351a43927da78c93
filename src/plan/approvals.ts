import { assertNever } from '../model/assert.ts';
import type { ApprovalClass, ApprovalRule, DesiredPolicy } from '../model/desired.ts';
import { parseWorkloadId, type RevisionHash, type WorkloadId, workloadOfUnit } from '../model/ids.ts';
import type { Plan, Step } from '../model/plan.ts';
import type { HeldVolume } from '../model/recorded.ts';
import type { Revision } from '../model/revision.ts';
import type { Context } from './context.ts';
import { covers } from './rules.ts';
import type { UnitDraft } from './units.ts';

/** People have to agree to some of a plan's units before any of these may be carried out. */
export interface ApprovalDemand extends ApprovalRule {
  readonly policy: string;
  /** With how many steps of the class each has. */
  readonly units: ReadonlyMap<WorkloadId, number>;
}

type Revisions = ReadonlyMap<RevisionHash, Revision>;

/** What the policies ask for before this plan may be carried out: all that cover a workload, whichever is the narrowest. */
export function approvalDemands(
  { steps }: Pick<Plan, 'steps'>,
  { policies, revisions }: { readonly policies: readonly DesiredPolicy[]; readonly revisions: Revisions },
): readonly ApprovalDemand[] {
  return demandsOf(policies, revisions, () => changesOfSteps(steps));
}

/** Says in the plan itself who has to agree. */
export function noteApprovals({ inputs, notes }: Context, units: readonly UnitDraft[]): void {
  const { desired, recorded } = inputs;
  for (const demand of demandsOf(desired.policies, recorded.revisions, () => changesOfDrafts(units)))
    notes.warn('MUS5014', undefined, demandText(demand));
}

/** `payments/db (2 steps), …`: which units wait for whom, and why. */
export function demandText({ policy, when, approvers, units }: ApprovalDemand): string {
  const names = [...units].map(([unit, steps]) => `${unit} (${steps} ${steps === 1 ? 'step' : 'steps'})`);
  const some =
    names.length > mostNamed ? [...names.slice(0, mostNamed), `and ${names.length - mostNamed} more`] : names;
  return (
    `policy ${policy} asks for ${approvers === 1 ? 'an approval' : `${approvers} approvals`} of this plan before it is applied, ` +
    `for ${wordsOf[when]}: ${some.join(', ')}`
  );
}

const mostNamed = 5;

const wordsOf: Readonly<Record<ApprovalClass, string>> = {
  any: 'every change',
  live: 'changes in place and more',
  restart: 'restarts and more',
  recreate: 'replacements',
  move: 'moves',
  remove: 'removals',
  dataLoss: 'loss of data',
};

/** What of a step decides whether it needs approval. */
interface Change {
  readonly workload: WorkloadId;
  readonly kind: Step['kind'];
  readonly class: Step['class'];
  readonly cause: Step['cause'];
  /** Of what the step ends. */
  readonly ended: { readonly revision: RevisionHash; readonly volumes: readonly HeldVolume[] | undefined } | undefined;
}

function demandsOf(
  policies: readonly DesiredPolicy[],
  revisions: Revisions,
  changes: () => Iterable<Change>,
): readonly ApprovalDemand[] {
  const open = policies.flatMap((policy) =>
    (policy.approvals ?? []).map((rule) => ({
      ...rule,
      policy: policy.name,
      of: policy,
      units: new Map<WorkloadId, number>(),
    })),
  );
  if (open.length === 0) return [];
  for (const change of changes()) {
    // Nobody is woken for what only brings back what was there.
    if (change.cause === 'heal' || change.cause === 'lost' || change.cause === 'rollback') continue;
    for (const { of, when, units } of open) {
      if (!isOfClass(change, when, revisions) || !covers(of, parseWorkloadId(change.workload).namespace)) continue;
      units.set(change.workload, (units.get(change.workload) ?? 0) + 1);
    }
  }
  return open.filter(({ units }) => units.size > 0).map(({ of: _, ...demand }) => demand);
}

const ladder: readonly Step['class'][] = ['none', 'live', 'restart', 'recreate', 'dataLoss'];

function isOfClass(change: Change, when: ApprovalClass, revisions: Revisions): boolean {
  switch (when) {
    case 'any':
      return true;
    case 'live':
    case 'restart':
    case 'recreate':
      return ladder.indexOf(change.class) >= ladder.indexOf(when);
    case 'move':
      return change.kind === 'move';
    case 'remove':
      return change.kind === 'remove' || (change.kind === 'stop' && change.cause === 'prune');
    case 'dataLoss':
      return change.class === 'dataLoss' || losesData(change, revisions);
    default:
      return assertNever(when);
  }
}

/** A volume goes with its instance where its revision says so. */
function losesData({ kind, ended }: Change, revisions: Revisions): boolean {
  if ((kind !== 'remove' && kind !== 'move') || ended === undefined) return false;
  const held = new Set(ended.volumes?.map(({ name }) => name));
  const volumes = revisions.get(ended.revision)?.volumes ?? [];
  return volumes.some(({ name, onRemove }) => onRemove === 'delete' && held.has(name));
}

function* changesOfSteps(steps: Plan['steps']): Generator<Change> {
  for (const { unit, kind, class: disruption, cause, revision, holds, replaces } of steps) {
    const ended =
      replaces === undefined
        ? { revision, volumes: holds.volumes }
        : { revision: replaces.revision, volumes: replaces.holds.volumes };
    yield { workload: workloadOfUnit(unit), kind, class: disruption, cause, ended };
  }
}

function* changesOfDrafts(units: readonly UnitDraft[]): Generator<Change> {
  for (const { workload, waves } of units) {
    for (const { action, old } of waves.flatMap(({ drafts }) => drafts)) {
      const { kind, class: disruption, cause } = action;
      const ended = old && { revision: old.allocation.revision, volumes: old.allocation.holds.volumes };
      yield { workload, kind, class: disruption, cause, ended };
    }
  }
}

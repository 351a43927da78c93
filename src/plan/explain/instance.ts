import { type InstanceId, parseInstanceId, type RevisionHash, type WorkloadId } from '../../model/ids.ts';
import type { Plan } from '../../model/plan.ts';
import type { Allocation } from '../../model/recorded.ts';
import type { Instance, InstanceStatus } from '../instances.ts';
import type { MatchedWorkload } from '../match.ts';
import { whyMisplaced, whyTainted } from '../place/feasible.ts';
import { wantedOf } from '../simulate/world.ts';
import { type Balance, balanceOf } from './balance.ts';
import { type Elsewhere, elsewhereOf } from './elsewhere.ts';
import { type Looking, type NextStep, nextStepOf, saidOf, targetOf } from './looking.ts';

/** Why an instance is where it is, or is not. */
export interface InstanceExplanation extends Pick<Plan, 'refusals' | 'warnings'> {
  readonly kind: 'instance';
  readonly id: InstanceId;
  readonly workload: WorkloadId;
  readonly type: string;
  /** Git wants it. */
  readonly wanted: boolean;
  /** Absent: it was never made, or is gone. */
  readonly at?: InstancePlace;
  /** The revision that it is planned on; absent when there is none that could be tried. */
  readonly target?: { readonly revision: RevisionHash; readonly followsGit: boolean };
  /** Why nothing is planned for its workload. */
  readonly frozen?: 'inFlight' | 'override';
  /** Why it keeps its place whatever room there is elsewhere. */
  readonly bound?: string;
  /** Rules of its workload that its node does not keep: nothing new would come here. */
  readonly misplaced?: string;
  readonly balance?: Balance;
  /** What the plan does with it; absent: nothing. */
  readonly next?: NextStep;
  readonly elsewhere?: Elsewhere;
}

export interface InstancePlace extends Pick<Allocation, 'node' | 'generation' | 'revision' | 'state' | 'holds'> {
  readonly status: InstanceStatus;
  readonly available: boolean;
  /** Unix ms */
  readonly startedAt?: number;
  readonly restarts?: number;
  readonly exitCode?: number;
}

export function explainInstance(looking: Looking, id: InstanceId): InstanceExplanation | undefined {
  const { workload: workloadId, ordinal } = parseInstanceId(id);
  const workload = looking.workloads.get(workloadId);
  const instance = workload?.instances.find((candidate) => candidate.ordinal === ordinal);
  if (workload === undefined || (instance === undefined && !isWanted(workload, ordinal))) return undefined;
  const { definition, frozen } = workload;
  const target = targetOf(looking, workload);
  const step = looking.plan.steps.find((candidate) => candidate.instance === id);
  const misplaced = definition && instance && whyNotHere(definition, instance);
  const bound = instance && whyBound(workload, instance);
  return {
    kind: 'instance',
    id,
    workload: workloadId,
    type: definition?.type ?? 'not in git',
    wanted: instance === undefined || wantedOf(workload).includes(instance),
    ...(instance !== undefined && { at: placeOf(instance) }),
    ...(target !== undefined && { target: { revision: target.hash, followsGit: target.followsGit } }),
    ...(frozen !== undefined && { frozen }),
    ...(bound !== undefined && { bound }),
    ...(misplaced !== undefined && { misplaced }),
    ...(target !== undefined && { balance: balanceOf(looking, workload, target) }),
    ...(step !== undefined && { next: nextStepOf(looking, step) }),
    ...(target !== undefined && { elsewhere: elsewhereOf(looking.context, workload, { target, without: instance }) }),
    ...saidOf(looking, workloadId),
  };
}

const isWanted = ({ definition }: MatchedWorkload, ordinal: number): boolean =>
  definition !== undefined && definition.type !== 'daemon' && ordinal < definition.replicas;

function placeOf({ allocation, status, available, object }: Instance): InstancePlace {
  const { node, generation, revision, state, holds } = allocation;
  return {
    node,
    generation,
    revision,
    state,
    holds,
    status,
    available,
    ...(object?.startedAt !== undefined && { startedAt: object.startedAt }),
    ...(object?.restarts !== undefined && { restarts: object.restarts }),
    ...(object?.exitCode !== undefined && { exitCode: object.exitCode }),
  };
}

type Definition = NonNullable<MatchedWorkload['definition']>;

const whyNotHere = ({ placement }: Definition, { node, allocation }: Instance): string | undefined =>
  (whyMisplaced(node, placement, allocation.engine) ?? whyTainted(node, placement))?.text;

function whyBound({ definition }: MatchedWorkload, { node, allocation }: Instance): string | undefined {
  if (definition?.type === 'daemon') return `it is the daemon of ${node.name}`;
  if (definition?.type === 'static') return 'it is static, and never moves';
  const devices = [...new Set((allocation.holds.volumes ?? []).map(({ device }) => device))];
  if (definition?.type === 'stateful' && devices.length > 0)
    return `its data is on ${devices.join(', ')} of ${node.name}`;
  return undefined;
}

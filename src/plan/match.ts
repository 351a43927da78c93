import type { DesiredWorkload } from '../model/desired.ts';
import type { WorkloadId } from '../model/ids.ts';
import { workloadOfUnit } from '../model/ids.ts';
import { coveringTargets, type RecordedWorkload } from '../model/recorded.ts';
import type { Compiled } from './compile.ts';
import { type PlanInputs, workloadsById } from './inputs.ts';
import type { Instance } from './instances.ts';

export interface MatchedWorkload {
  readonly id: WorkloadId;
  /** Absent when it has left git. */
  readonly definition: DesiredWorkload | undefined;
  readonly record: RecordedWorkload | undefined;
  /** Recorded instances by ordinal. */
  readonly instances: readonly Instance[];
  /** A unit of it is under way, or an override freezes it: no steps. */
  readonly frozen: 'inFlight' | 'override' | undefined;
}

/** Every workload that git or the records know, by id, but those that are known to have nothing to do. */
export function match(
  inputs: PlanInputs,
  { instances, settled }: Pick<Compiled, 'instances' | 'settled'>,
): readonly MatchedWorkload[] {
  const definitions = workloadsById(inputs.desired);
  const frozen = frozenWorkloads(inputs);
  const open: WorkloadId[] = [];
  for (const definition of definitions.values()) if (!settled.has(definition)) open.push(definition.id);
  const left = new Set<WorkloadId>();
  for (const id of inputs.recorded.workloads.keys()) if (!definitions.has(id)) left.add(id);
  for (const id of instances.keys()) if (!definitions.has(id)) left.add(id);
  return sorted([...open, ...left]).map(
    (id): MatchedWorkload => ({
      id,
      definition: definitions.get(id),
      record: inputs.recorded.workloads.get(id),
      instances: instances.get(id) ?? none,
      frozen: frozen.size === 0 ? undefined : frozenBy(frozen, id),
    }),
  );
}

/** Mostly they are sorted already. */
function sorted(ids: WorkloadId[]): readonly WorkloadId[] {
  for (let i = 1; i < ids.length; i += 1) {
    if ((ids[i] as WorkloadId) < (ids[i - 1] as WorkloadId)) return ids.sort();
  }
  return ids;
}

function frozenWorkloads(inputs: PlanInputs): ReadonlyMap<string, 'inFlight' | 'override'> {
  const frozen = new Map<string, 'inFlight' | 'override'>();
  for (const override of inputs.recorded.overrides) {
    if (override.kind === 'freeze' && override.until > inputs.now) frozen.set(override.target, 'override');
  }
  for (const { unit } of inputs.recorded.inFlight) frozen.set(workloadOfUnit(unit), 'inFlight');
  return frozen;
}

function frozenBy(frozen: ReturnType<typeof frozenWorkloads>, id: WorkloadId): MatchedWorkload['frozen'] {
  const [own, namespace, all] = coveringTargets(id);
  return frozen.get(own) ?? frozen.get(namespace) ?? frozen.get(all);
}

const none: readonly Instance[] = [];

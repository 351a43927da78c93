import {
  type AllocationId,
  type InstanceId,
  instanceId,
  type NodeName,
  type PlanId,
  parseAllocationId,
  type RevisionHash,
  type RunId,
  type UnitId,
  type WorkloadId,
} from '../model/ids.ts';

/**
 * The layout of the store below `<prefix>/<cluster>/` (docs/architecture.md). Names in it are those of git, which the
 * schemas restrict to letters, digits, `-`, `_` and `.`, so that `/` always separates.
 */
export const keys = {
  /** Format version, cluster uid and epoch. */
  format: 'format',
  /** Who may write; its create revision is half of the fencing token. */
  leader: 'leader',
  /** There while a restore has begun and has not ended. */
  restoring: 'restoring',
  revision: (workload: WorkloadId, hash: RevisionHash): string => `${prefixes.revisions}${workload}/${hash}`,
  workload: (workload: WorkloadId): string => `${prefixes.workloads}${workload}`,
  allocation(id: AllocationId): string {
    const { instance, generation } = parseAllocationId(id);
    return `${prefixes.allocations}${instance}/${generation}`;
  },
  node: (name: NodeName): string => `${prefixes.nodes}${name}`,
  override: (id: string): string => `${prefixes.overrides}${id}`,
  /** What an operator asks of whoever leads, and the answer to it. */
  request: (id: string): string => `${prefixes.requests}${id}`,
  /** That a user agrees to a plan. */
  approval: (plan: PlanId, user: string): string => `${prefixes.approvalsOf(plan)}${user}`,
  /** A leftover that the leader is about to remove. */
  zombie(id: AllocationId): string {
    const { instance, generation } = parseAllocationId(id);
    return `${prefixes.zombies}${instance}/${generation}`;
  },
  history: (run: RunId): string => `${prefixes.history}${run}`,
  runMeta: (run: RunId): string => `${prefixes.run(run)}meta`,
  /** What an operator said last about the whole run. */
  runWord: (run: RunId): string => `${prefixes.run(run)}word`,
  unitPlan: (run: RunId, unit: UnitId, chunk: number): string => `${prefixes.unitPlan(run, unit)}${padded(chunk)}`,
  unitStatus: (run: RunId, unit: UnitId): string => `${prefixes.unit(run, unit)}status`,
  /** `index` counts from 0; padded, so that keys sort as the journal was written. */
  journal: (run: RunId, unit: UnitId, index: number): string => `${prefixes.journal(run, unit)}${padded(index)}`,
} as const;

export const prefixes = {
  revisions: 'revision/',
  workloads: 'workload/',
  allocations: 'alloc/',
  nodes: 'node/',
  overrides: 'override/',
  requests: 'request/',
  approvals: 'approval/',
  zombies: 'zombie/',
  history: 'history/',
  runs: 'run/',
  approvalsOf: (plan: PlanId): string => `approval/${plan.replace(/^sha256:/, '')}/`,
  revisionsOf: (workload: WorkloadId): string => `revision/${workload}/`,
  allocationsOf: (workload: WorkloadId): string => `alloc/${workload}/`,
  run: (run: RunId): string => `run/${run}/`,
  unit: (run: RunId, unit: UnitId): string => `run/${run}/unit/${unit}/`,
  unitPlan: (run: RunId, unit: UnitId): string => `run/${run}/unit/${unit}/plan/`,
  journal: (run: RunId, unit: UnitId): string => `run/${run}/unit/${unit}/journal/`,
} as const;

/** Parts of `alloc/<ns>/<workload>/<ordinal>/<generation>`, or undefined where the key is another. */
export function parseAllocationKey(key: string):
  | {
      readonly id: AllocationId;
      readonly workload: WorkloadId;
      readonly instance: InstanceId;
      readonly ordinal: number;
      readonly generation: number;
    }
  | undefined {
  const generationAt = key.lastIndexOf('/');
  const ordinalAt = key.lastIndexOf('/', generationAt - 1);
  const start = prefixes.allocations.length;
  if (!key.startsWith(prefixes.allocations) || ordinalAt < start) return undefined;
  const workload = key.slice(start, ordinalAt) as WorkloadId;
  const slash = workload.indexOf('/');
  if (slash < 0 || workload.indexOf('/', slash + 1) >= 0) return undefined;
  const ordinalText = key.slice(ordinalAt + 1, generationAt);
  const generationText = key.slice(generationAt + 1);
  if (!isNumber(ordinalText) || !isNumber(generationText)) return undefined;
  const ordinal = Number(ordinalText);
  const instance = instanceId(workload, ordinal);
  return {
    id: `${instance}#${generationText}` as AllocationId,
    workload,
    instance,
    ordinal,
    generation: Number(generationText),
  };
}

/** Run and unit of `run/<id>/unit/<ns>/<workload>/status`, or undefined where the key is another. */
export function parseUnitStatusKey(key: string): { readonly run: RunId; readonly unit: UnitId } | undefined {
  const match = /^run\/([^/]+)\/unit\/([^/]+\/[^/]+)\/status$/.exec(key);
  if (match === null) return undefined;
  const [, run, unit] = match as unknown as [string, string, string];
  return { run: run as RunId, unit: unit as UnitId };
}

/** Which part of which unit a key below `run/` holds, or undefined where it belongs to no unit. */
export function parseUnitKey(key: string):
  | {
      readonly run: RunId;
      readonly unit: UnitId;
      readonly kind: 'plan' | 'status' | 'journal';
      /** Of the chunk or the journal entry; 0 for a status. */
      readonly number: number;
    }
  | undefined {
  const match = /^run\/([^/]+)\/unit\/([^/]+\/[^/]+)\/(plan|status|journal)(?:\/(\d+))?$/.exec(key);
  if (match === null) return undefined;
  const [, run, unit, kind, number] = match as unknown as [
    string,
    string,
    string,
    'plan' | 'status' | 'journal',
    string?,
  ];
  return { run: run as RunId, unit: unit as UnitId, kind, number: Number(number ?? 0) };
}

/** The run of a key below `run/`. */
export function parseRunKey(key: string): RunId | undefined {
  const match = /^run\/([^/]+)\//.exec(key);
  return match === null ? undefined : (match[1] as RunId);
}

const isNumber = (text: string): boolean => /^\d+$/.test(text);

/** Ten digits: etcd and lmdb sort keys as text. */
const padded = (index: number): string => String(index).padStart(10, '0');

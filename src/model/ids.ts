declare const brand: unique symbol;

/** A string that only its own constructor makes, so that ids of different things cannot be mixed up. */
export type Brand<Name extends string> = string & { readonly [brand]: Name };

export type NodeName = Brand<'NodeName'>;
export type PodName = Brand<'PodName'>;
export type NamespaceName = Brand<'NamespaceName'>;
/** `namespace/workload` */
export type WorkloadId = Brand<'WorkloadId'>;
/** `namespace/workload/ordinal` */
export type InstanceId = Brand<'InstanceId'>;
/** `namespace/workload/ordinal#generation`: one incarnation of an instance on one node */
export type AllocationId = Brand<'AllocationId'>;
/** First 16 hex digits of the SHA-256 of a normalised revision. */
export type RevisionHash = Brand<'RevisionHash'>;
export type CommitSha = Brand<'CommitSha'>;
/** One unit per workload, so a unit's id is its workload's. */
export type UnitId = Brand<'UnitId'>;
export type StepId = Brand<'StepId'>;
/** `namespace/name` of workloads that change together. */
export type TransactionId = Brand<'TransactionId'>;
export type RunId = Brand<'RunId'>;
export type PlanId = Brand<'PlanId'>;
export type ClusterUid = Brand<'ClusterUid'>;
/** `epoch.createRevision` of the leader key: compared in every store transaction. */
export type FencingToken = Brand<'FencingToken'>;

export const engineKinds = ['docker', 'libvirt', 'systemd', 'process'] as const;
export type EngineKind = (typeof engineKinds)[number];

export const nodeName = (name: string): NodeName => name as NodeName;
export const podName = (name: string): PodName => name as PodName;
export const namespaceName = (name: string): NamespaceName => name as NamespaceName;
export const revisionHash = (hash: string): RevisionHash => hash as RevisionHash;
export const commitSha = (sha: string): CommitSha => sha as CommitSha;
export const stepId = (id: string): StepId => id as StepId;
export const runId = (id: string): RunId => id as RunId;
export const planId = (id: string): PlanId => id as PlanId;
export const clusterUid = (uid: string): ClusterUid => uid as ClusterUid;
export const unitOf = (workload: WorkloadId): UnitId => workload as string as UnitId;
export const workloadOfUnit = (unit: UnitId): WorkloadId => unit as string as WorkloadId;

export const workloadId = (namespace: string, name: string): WorkloadId => `${namespace}/${name}` as WorkloadId;
export const transactionId = (namespace: string, name: string): TransactionId =>
  `${namespace}/${name}` as TransactionId;
export const instanceId = (workload: WorkloadId, ordinal: number): InstanceId => `${workload}/${ordinal}` as InstanceId;
export const allocationId = (instance: InstanceId, generation: number): AllocationId =>
  `${instance}#${generation}` as AllocationId;

export const fencingToken = (token: { readonly epoch: number; readonly createRevision: number }): FencingToken =>
  `${token.epoch}.${token.createRevision}` as FencingToken;

/** Parts of a fencing token; undefined for text that is none. */
export function parseFencingToken(
  token: string,
): { readonly epoch: number; readonly createRevision: number } | undefined {
  const match = /^(\d+)\.(\d+)$/.exec(token);
  return match === null ? undefined : { epoch: Number(match[1]), createRevision: Number(match[2]) };
}

/** Parts of an allocation id. Throws on anything that `allocationId` did not make: callers validate at the edge. */
export function parseAllocationId(id: AllocationId): {
  readonly workload: WorkloadId;
  readonly instance: InstanceId;
  readonly ordinal: number;
  readonly generation: number;
} {
  const match = /^([^/#]+\/[^/#]+)\/(\d+)#(\d+)$/.exec(id);
  if (match === null) throw new Error(`not an allocation id: ${id}`);
  const [, workload, ordinal, generation] = match as unknown as [string, string, string, string];
  return {
    workload: workload as WorkloadId,
    instance: `${workload}/${ordinal}` as InstanceId,
    ordinal: Number(ordinal),
    generation: Number(generation),
  };
}

/** Parts of an instance id. Throws on anything that `instanceId` did not make. */
export function parseInstanceId(id: InstanceId): { readonly workload: WorkloadId; readonly ordinal: number } {
  const slash = id.lastIndexOf('/');
  if (slash <= 0) throw new Error(`not an instance id: ${id}`);
  return { workload: id.slice(0, slash) as WorkloadId, ordinal: Number(id.slice(slash + 1)) };
}

/** Parts of a workload id. */
export function parseWorkloadId(id: WorkloadId): { readonly namespace: NamespaceName; readonly name: string } {
  const slash = id.indexOf('/');
  if (slash <= 0) throw new Error(`not a workload id: ${id}`);
  return { namespace: id.slice(0, slash) as NamespaceName, name: id.slice(slash + 1) };
}

/** True for text of the form `namespace/workload/ordinal#generation`. */
export const isAllocationId = (text: string): text is AllocationId => /^[^/#]+\/[^/#]+\/\d+#\d+$/.test(text);

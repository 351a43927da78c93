import type { DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import {
  allocationId,
  clusterUid,
  type InstanceId,
  instanceId,
  type NodeName,
  namespaceName,
  nodeName,
  parseWorkloadId,
  podName,
  revisionHash,
  type WorkloadId,
  workloadId,
} from '../../src/model/ids.ts';
import type { ObservedObject } from '../../src/model/observed.ts';
import type { Plan, Step } from '../../src/model/plan.ts';
import type { Allocation, Holds, RecordedWorkload } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';

export const now = 1_790_000_000_000;
export const uid = clusterUid('uid-1');
export const GiB = 1024 ** 3;

export function revision(change: Partial<Revision> = {}): Revision {
  return {
    engine: 'docker',
    image: 'registry.local/app@sha256:01',
    command: [],
    args: [],
    env: {},
    resources: { cpuMillis: 500, memoryBytes: GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
    limits: { cpuMillis: 500, memoryBytes: GiB },
    ports: [],
    stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
    restart: 'on-failure',
    ...change,
  };
}

export type WorkloadChange = Partial<Omit<DesiredWorkload, 'id' | 'namespace' | 'name' | 'revisionHash'>> & {
  readonly hash?: string;
};

export function workload(id: string, change: WorkloadChange = {}): DesiredWorkload {
  const { hash, ...rest } = change;
  const { namespace, name } = parseWorkloadId(id as WorkloadId);
  return {
    id: workloadId(namespace, name),
    namespace,
    name,
    labels: {},
    type: 'stateless',
    replicas: 3,
    revisionHash: revisionHash(hash ?? 'r1'),
    revision: revision(),
    after: [],
    placement: { pods: [podName('web')], require: {}, tolerate: [], partial: true },
    update: {
      groups: [
        { kind: 'count', count: 1 },
        { kind: 'percent', percent: 100 },
      ],
      observeMs: 10_000,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 60_000,
    },
    maxUnavailable: { kind: 'policy' },
    onLost: 'auto',
    priority: 1000,
    declaredAt: 'workloads/app.yaml:1',
    ...rest,
  };
}

export function node(name: string, change: Partial<DesiredNode> = {}): DesiredNode {
  return {
    name: nodeName(name),
    pod: podName('web'),
    labels: {},
    lifecycle: 'online',
    engines: { docker: { endpoint: 'unix:///var/run/docker.sock' } },
    capacity: { cpuMillis: 8000, memoryBytes: 16 * GiB, storageBytes: 100 * GiB, bandwidthBits: 1_000_000_000 },
    reserved: {},
    overcommitCpuMilli: 1000,
    taints: [],
    portRange: { first: 30_000, last: 30_999 },
    portDomain: name,
    ...change,
  };
}

/** A world in which every node is observed alive, and empty. */
export function world(
  desired: Partial<Omit<PlanInputs['desired'], 'cluster'>> & {
    readonly cluster?: Partial<PlanInputs['desired']['cluster']>;
  },
): PlanInputs {
  const { cluster, ...rest } = desired;
  const nodes = rest.nodes ?? [node('n1'), node('n2'), node('n3')];
  return {
    desired: {
      cluster: {
        name: 'prod',
        drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
        prune: { stopAfterMs: 600_000, deleteAfterMs: 86_400_000, max: { sharePercent: 10, atLeast: 3 } },
        apply: { parallelism: 32, perNode: 4 },
        ...cluster,
      },
      commits: { platform: 'worktree' },
      incompleteSources: [],
      policies: [],
      namespaces: [],
      pods: [{ name: podName('web'), strategy: 'auto' }],
      quotas: [],
      workloads: [],
      refactors: [],
      ...rest,
      nodes,
    },
    recorded: {
      storeRevision: 7,
      identity: { formatVersion: '1.0', uid, epoch: 1 },
      workloads: new Map(),
      allocations: [],
      revisions: new Map(),
      nodes: new Map(),
      overrides: [],
      inFlight: [],
    },
    observed: {
      takenAt: now,
      nodes: new Map(
        nodes.map((definition) => [
          definition.name,
          {
            liveness: 'alive',
            foreign: [],
            engines: {
              docker: { kind: 'reachable', version: '27', fingerprint: `fp-${definition.name}`, capacity: {} },
            },
          },
        ]),
      ),
      objects: [],
    },
    now,
    expiresAfterMs: 3_600_000,
    liveFields: { docker: ['/resources/cpuMillis', '/resources/memoryBytes', '/limits', '/restart'] },
  };
}

export interface Running {
  readonly workload: string;
  readonly ordinal: number;
  readonly node: string;
  readonly generation?: number;
  readonly hash?: string;
  readonly state?: Allocation['state'];
  readonly heldSince?: number;
  readonly holds?: Partial<Holds>;
  /** `undefined`: the usual running object; `'gone'`: none. */
  readonly object?: Partial<ObservedObject> | 'gone';
}

/** The same world with instances that are recorded, and observed as said. */
export function withRunning(
  inputs: PlanInputs,
  running: readonly Running[],
  options: {
    readonly revisions?: Readonly<Record<string, Revision>>;
    readonly workloads?: Readonly<Record<string, Partial<RecordedWorkload>>>;
  } = {},
): PlanInputs {
  const revisions = options.revisions ?? { r1: revision() };
  const allocations = running.map((entry) => allocationOf(entry, revisions));
  const objects = running.flatMap((entry, index) => {
    const allocation = allocations[index];
    return entry.object === 'gone' || allocation === undefined ? [] : [objectOf(allocation, entry.object ?? {})];
  });
  const workloads = new Map<WorkloadId, RecordedWorkload>();
  for (const { workload: id, generation } of allocations) {
    const known = workloads.get(id)?.nextGeneration ?? 1;
    workloads.set(id, { failed: [], nextGeneration: Math.max(known, generation + 1) });
  }
  for (const [id, change] of Object.entries(options.workloads ?? {})) {
    const known = workloads.get(id as WorkloadId) ?? { failed: [], nextGeneration: 1 };
    workloads.set(id as WorkloadId, { ...known, ...change });
  }
  return {
    ...inputs,
    recorded: {
      ...inputs.recorded,
      workloads,
      allocations,
      revisions: new Map(Object.entries(revisions).map(([hash, body]) => [revisionHash(hash), body])),
    },
    observed: { ...inputs.observed, objects },
  };
}

function allocationOf(entry: Running, revisions: Readonly<Record<string, Revision>>): Allocation {
  const workload = entry.workload as WorkloadId;
  const instance: InstanceId = instanceId(workload, entry.ordinal);
  const generation = entry.generation ?? entry.ordinal + 1;
  const hash = entry.hash ?? 'r1';
  const body = revisions[hash] ?? revision();
  return {
    id: allocationId(instance, generation),
    instance,
    workload,
    ordinal: entry.ordinal,
    generation,
    node: nodeName(entry.node),
    engine: body.engine,
    revision: revisionHash(hash),
    state: entry.state ?? 'live',
    objectId: `object-${instance}-${generation}`,
    holds: {
      cpuMillis: body.resources.cpuMillis,
      memoryBytes: body.resources.memoryBytes,
      storageBytes: body.resources.storageBytes,
      ...entry.holds,
    },
    ...(entry.heldSince !== undefined && { heldSince: entry.heldSince }),
  };
}

function objectOf(allocation: Allocation, change: Partial<ObservedObject>): ObservedObject {
  return {
    node: allocation.node,
    engine: allocation.engine,
    objectId: allocation.objectId ?? '?',
    name: `prod.${allocation.id}`,
    cluster: uid,
    allocation: allocation.id,
    revision: allocation.revision,
    state: 'running',
    health: 'healthy',
    ports: {},
    actual: {},
    ...change,
  };
}

/** `count` instances of a workload, one after the other over the nodes. */
export const spread = (
  workload: string,
  count: number,
  nodes: readonly string[],
  change: Partial<Running> = {},
): Running[] =>
  Array.from({ length: count }, (_, ordinal) => ({
    workload,
    ordinal,
    node: nodes[ordinal % nodes.length] ?? 'n1',
    ...change,
  }));

/** The same inputs with changes to what is observed of a node. */
export function withNode(
  inputs: PlanInputs,
  name: string,
  change: Partial<NonNullable<ReturnType<PlanInputs['observed']['nodes']['get']>>>,
): PlanInputs {
  const nodes = new Map(inputs.observed.nodes);
  const known = nodes.get(name as NodeName) ?? { liveness: 'alive', foreign: [], engines: {} };
  nodes.set(name as NodeName, { ...known, ...change });
  return { ...inputs, observed: { ...inputs.observed, nodes } };
}

export { namespaceName, podName };

/** A plan as lines that a person can review. */
export const planText = (plan: Plan): string =>
  [
    ...stepLines(plan),
    ...plan.goals.flatMap(({ node: name, units, blocked }) => [
      `drain ${name} through ${units.join(', ') || 'nothing'}`,
      ...blocked.map(({ instance, reason }) => `  blocked ${instance}: ${reason}`),
    ]),
    ...Object.entries(plan.availability).map(([id, { lowest, of }]) => `availability ${id} ${lowest} of ${of}`),
    ...plan.quota.map(
      (row) => `quota ${row.name} ${row.dimension} ${row.before} → ${row.after} (peak ${row.peak}) of ${row.limit}`,
    ),
    ...plan.refusals.map(({ code, message, byReason }) => `refused ${code} ${message} ${JSON.stringify(byReason)}`),
    ...plan.warnings.map(({ code, message }) => `warning ${code} ${message}`),
    `summary ${JSON.stringify(plan.summary)}`,
  ].join('\n');

/** Units, waves and steps with what is not told to people: generations, revisions and what becomes of predecessors. */
export function stepLines({ units, steps }: Plan): readonly string[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  return units.flatMap((unit) => [
    `unit ${unit.id}${unit.after.length > 0 ? ` after ${unit.after.join(', ')}` : ''} worst case ${unit.worstCaseMs} ms`,
    ...unit.waves.flatMap((wave, index) => [
      `  wave ${index} gate ${wave.gate} observe ${wave.observeMs}`,
      ...wave.steps.flatMap((id) => {
        const step = byId.get(id);
        return step === undefined ? [] : [`    ${stepLine(step)}`, ...step.changes.map(changeLine)];
      }),
    ]),
  ]);
}

function stepLine(step: Step): string {
  const from = step.from === undefined ? '' : ` from ${step.from}`;
  const old = step.replaces === undefined ? '' : ` for #${step.replaces.generation} (${step.replaces.object})`;
  const ports = Object.entries(step.holds.ports ?? {}).map(([name, port]) => ` ${name}:${port}`);
  return (
    `${step.id} ${step.kind} ${step.instance}#${step.generation} on ${step.node}${from}${old} ` +
    `${step.order} ${step.class} ${step.undo} ${step.cause} ${step.revision}${ports.join('')}: ${step.reason}`
  );
}

const changeLine = ({ path, before, after, class: disruption }: Step['changes'][number]): string =>
  `      ${path}: ${JSON.stringify(before)} → ${JSON.stringify(after)} (${disruption})`;

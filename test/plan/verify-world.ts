import type { Desired, DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import {
  allocationId,
  clusterUid,
  type EngineKind,
  type InstanceId,
  instanceId,
  namespaceName,
  nodeName,
  planId,
  podName,
  type RevisionHash,
  revisionHash,
  stepId,
  type UnitId,
  type WorkloadId,
  workloadId,
} from '../../src/model/ids.ts';
import type { Observed, ObservedObject } from '../../src/model/observed.ts';
import type { Plan, PlannedUnit, Step } from '../../src/model/plan.ts';
import type { Allocation, Holds, Recorded } from '../../src/model/recorded.ts';
import type { Revision, RevisionPort } from '../../src/model/revision.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';

/** A small world in which one valid plan has a step of every kind; written by hand, so that it owes nothing to a planner. */

export const now = 1_750_000_000_000;
const day = 86_400_000;
const mebibyte = 1024 * 1024;

export const web = workloadId('payments', 'web');
export const db = workloadId('payments', 'db');
export const tuned = workloadId('payments', 'tuned');
export const extra = workloadId('payments', 'extra');
export const oldApi = workloadId('old', 'api');

const node = (name: string, rest: Partial<DesiredNode> = {}): DesiredNode => ({
  name: nodeName(name),
  pod: podName('web'),
  labels: { disk: 'ssd' },
  lifecycle: 'online',
  engines: { docker: { endpoint: 'unix:///var/run/docker.sock' } },
  capacity: { cpuMillis: 2000, memoryBytes: 2048 * mebibyte },
  reserved: { cpuMillis: 0 },
  overcommitCpuMilli: 1000,
  taints: [],
  portRange: { first: 30_000, last: 30_099 },
  portDomain: name,
  ...rest,
});

const revision = (memoryMebibytes: number, ports: readonly RevisionPort[] = [], cpuMillis = 500): Revision => ({
  engine: 'docker',
  image: 'app:1',
  command: [],
  args: [],
  env: {},
  resources: { cpuMillis, memoryBytes: memoryMebibytes * mebibyte, storageBytes: 0, bandwidthBits: 0, extended: {} },
  limits: { cpuMillis, memoryBytes: memoryMebibytes * mebibyte },
  ports,
  stop: { signal: 'SIGTERM', graceMs: 10_000, delayMs: 0 },
  restart: 'always',
});

export const autoPort: RevisionPort = { name: 'http', port: 8080, protocol: 'tcp', publish: 'auto' };

export const revisions = {
  webOld: { hash: revisionHash('aaaaaaaaaaaaaaa1'), body: revision(256, [autoPort]) },
  webNew: { hash: revisionHash('aaaaaaaaaaaaaaa2'), body: { ...revision(256, [autoPort]), image: 'app:2' } },
  db: {
    hash: revisionHash('bbbbbbbbbbbbbbb1'),
    body: revision(512, [{ name: 'sql', port: 5432, protocol: 'tcp', publish: 5432 }]),
  },
  tunedOld: { hash: revisionHash('ccccccccccccccc1'), body: revision(128) },
  tunedNew: { hash: revisionHash('ccccccccccccccc2'), body: revision(256) },
  extra: { hash: revisionHash('ddddddddddddddd1'), body: revision(64, [], 100) },
  oldApi: { hash: revisionHash('eeeeeeeeeeeeeee1'), body: revision(64, [], 100) },
} as const;

type Known = (typeof revisions)[keyof typeof revisions];

const workload = (
  id: WorkloadId,
  replicas: number,
  { hash, body }: Known,
  rest: Partial<DesiredWorkload> = {},
): DesiredWorkload => ({
  id,
  namespace: namespaceName(id.split('/')[0] ?? ''),
  name: id.split('/')[1] ?? '',
  labels: {},
  type: 'stateless',
  replicas,
  revisionHash: hash,
  revision: body,
  after: [],
  placement: { pods: [podName('web')], require: { disk: 'ssd' }, tolerate: [], partial: true },
  update: {
    groups: [{ kind: 'percent', percent: 100 }],
    observeMs: 0,
    order: 'auto',
    maxSurge: { kind: 'policy' },
    healthyDeadlineMs: 60_000,
  },
  maxUnavailable: { kind: 'policy' },
  onLost: 'auto',
  priority: 1000,
  declaredAt: 'workloads.yaml:1',
  ...rest,
});

export const holdsOf = ({ body }: Known, ports?: Readonly<Record<string, number>>): Holds => ({
  cpuMillis: body.resources.cpuMillis,
  memoryBytes: body.resources.memoryBytes,
  storageBytes: 0,
  ...(ports !== undefined && { ports }),
});

interface Row {
  readonly workload: WorkloadId;
  readonly ordinal: number;
  readonly node: string;
  readonly known: Known;
  readonly ports?: Readonly<Record<string, number>>;
}

const rows: readonly Row[] = [
  { workload: oldApi, ordinal: 0, node: 'n1', known: revisions.oldApi },
  { workload: extra, ordinal: 0, node: 'n1', known: revisions.extra },
  { workload: extra, ordinal: 1, node: 'n2', known: revisions.extra },
  { workload: tuned, ordinal: 0, node: 'n2', known: revisions.tunedOld },
  { workload: web, ordinal: 0, node: 'n1', known: revisions.webOld, ports: { http: 30_000 } },
  { workload: web, ordinal: 1, node: 'n2', known: revisions.webOld, ports: { http: 30_000 } },
  { workload: web, ordinal: 2, node: 'n3', known: revisions.webOld, ports: { http: 30_000 } },
];

const docker: EngineKind = 'docker';

const allocation = ({ workload: id, ordinal, node: on, known, ports }: Row): Allocation => ({
  id: allocationId(instanceId(id, ordinal), 1),
  instance: instanceId(id, ordinal),
  workload: id,
  ordinal,
  generation: 1,
  node: nodeName(on),
  engine: docker,
  revision: known.hash,
  state: 'live',
  objectId: `object-${id}-${ordinal}`,
  holds: holdsOf(known, ports),
});

const uid = clusterUid('uid-1');

const object = (made: Allocation): ObservedObject => ({
  node: made.node,
  engine: made.engine,
  objectId: made.objectId ?? '',
  name: `test.${made.instance.replaceAll('/', '.')}.g1`,
  cluster: uid,
  allocation: made.id,
  revision: made.revision,
  state: 'running',
  health: 'none',
  ports: {},
  actual: {},
});

export function smallWorld(): PlanInputs {
  const names = ['n1', 'n2', 'n3', 'n4', 'n5'];
  const desired: Desired = {
    cluster: {
      name: 'test',
      drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
      prune: { stopAfterMs: 600_000, deleteAfterMs: day, max: { sharePercent: 10, atLeast: 3 } },
      apply: { parallelism: 32, perNode: 4 },
    },
    commits: { main: 'worktree' },
    incompleteSources: [],
    policies: [],
    namespaces: [],
    pods: [
      { name: podName('batch'), strategy: 'auto' },
      { name: podName('web'), strategy: 'auto' },
    ],
    nodes: [
      node('n1'),
      node('n2'),
      node('n3', { lifecycle: 'maintenance' }),
      node('n4'),
      node('n5', { pod: podName('batch'), taints: [{ key: 'pool', value: 'batch', effect: 'NoSchedule' }] }),
    ],
    quotas: [{ name: 'payments', namespace: namespaceName('payments'), limits: { instances: 11, cpuMillis: 6000 } }],
    workloads: [
      workload(db, 1, revisions.db, { after: [web] }),
      workload(extra, 1, revisions.extra),
      workload(tuned, 1, revisions.tunedNew),
      workload(web, 4, revisions.webNew),
    ],
    refactors: [],
  };
  const allocations = rows.map(allocation);
  const recorded: Recorded = {
    storeRevision: 7,
    identity: { formatVersion: '1.0', uid, epoch: 1 },
    workloads: new Map(
      [oldApi, extra, tuned, web].map((id) => [
        id,
        { failed: [], nextGeneration: 2, ...(id === oldApi && { missingSince: now - day }) },
      ]),
    ),
    allocations,
    revisions: new Map<RevisionHash, Revision>(Object.values(revisions).map(({ hash, body }) => [hash, body])),
    nodes: new Map(),
    overrides: [],
    inFlight: [],
  };
  const observed: Observed = {
    takenAt: now,
    nodes: new Map(
      names.map((name) => [
        nodeName(name),
        {
          liveness: 'alive',
          engines: { docker: { kind: 'reachable', version: '27', fingerprint: `f-${name}`, capacity: {} } },
          foreign:
            name === 'n4' ? [{ engine: docker, name: 'cron', resources: { cpuMillis: 100 }, ports: [9100] }] : [],
        },
      ]),
    ),
    objects: allocations.map(object),
  };
  return {
    desired,
    recorded,
    observed,
    now,
    expiresAfterMs: day,
    liveFields: { docker: ['/resources/memoryBytes', '/limits/memoryBytes'] },
  };
}

type StepInput = Pick<
  Step,
  'kind' | 'instance' | 'generation' | 'wave' | 'undo' | 'order' | 'cause' | 'revision' | 'holds'
> &
  Partial<Step> & { readonly on: string };

function step(id: number, { on, ...input }: StepInput): Step {
  return {
    id: stepId(`s${id}`),
    engine: docker,
    node: nodeName(on),
    unit: input.instance.slice(0, input.instance.lastIndexOf('/')) as string as UnitId,
    class: 'recreate',
    changes: [],
    reason: 'because',
    ...input,
  };
}

const replaces = (instance: InstanceId, inputs: PlanInputs): NonNullable<Step['replaces']> => {
  const old = inputs.recorded.allocations.find((known) => known.instance === instance);
  if (old === undefined) throw new Error(`no ${instance}`);
  const { generation, engine, revision: hash, holds } = old;
  return { generation, node: old.node, engine, revision: hash, holds, object: 'running' };
};

/** A step of every kind, each where and when it may be. */
export function validPlan(inputs: PlanInputs): Plan {
  const web0 = instanceId(web, 0);
  const web1 = instanceId(web, 1);
  const web2 = instanceId(web, 2);
  const made = { undo: 'compensable', cause: 'change', generation: 2, revision: revisions.webNew.hash } as const;
  const steps: readonly Step[] = [
    step(1, {
      ...made,
      kind: 'replace',
      instance: web0,
      on: 'n1',
      wave: 0,
      order: 'stop-first',
      holds: holdsOf(revisions.webNew, { http: 30_000 }),
      replaces: replaces(web0, inputs),
    }),
    step(2, {
      ...made,
      kind: 'replace',
      instance: web1,
      on: 'n2',
      wave: 1,
      order: 'create-first',
      holds: holdsOf(revisions.webNew, { http: 30_001 }),
      replaces: replaces(web1, inputs),
    }),
    step(3, {
      ...made,
      kind: 'move',
      instance: web2,
      on: 'n4',
      from: nodeName('n3'),
      wave: 2,
      order: 'stop-first',
      cause: 'drain',
      holds: holdsOf(revisions.webNew, { http: 30_000 }),
      replaces: replaces(web2, inputs),
    }),
    step(4, {
      ...made,
      kind: 'create',
      instance: instanceId(web, 3),
      on: 'n4',
      wave: 2,
      order: 'create-first',
      undo: 'reversible',
      cause: 'scale',
      holds: holdsOf(revisions.webNew, { http: 30_001 }),
    }),
    step(5, {
      kind: 'create',
      instance: instanceId(db, 0),
      generation: 1,
      on: 'n4',
      wave: 0,
      order: 'create-first',
      undo: 'reversible',
      cause: 'new',
      revision: revisions.db.hash,
      holds: holdsOf(revisions.db, { sql: 5432 }),
    }),
    step(6, {
      kind: 'update',
      instance: instanceId(tuned, 0),
      generation: 1,
      on: 'n2',
      wave: 0,
      order: 'in-place',
      class: 'live',
      undo: 'reversible',
      cause: 'change',
      revision: revisions.tunedNew.hash,
      holds: holdsOf(revisions.tunedNew),
      heldBefore: holdsOf(revisions.tunedOld),
    }),
    step(7, {
      kind: 'remove',
      instance: instanceId(extra, 1),
      generation: 1,
      on: 'n2',
      wave: 0,
      order: 'in-place',
      undo: 'final',
      cause: 'scale',
      revision: revisions.extra.hash,
      holds: holdsOf(revisions.extra),
    }),
    step(8, {
      kind: 'stop',
      instance: instanceId(oldApi, 0),
      generation: 1,
      on: 'n1',
      wave: 0,
      order: 'in-place',
      undo: 'compensable',
      cause: 'prune',
      revision: revisions.oldApi.hash,
      holds: holdsOf(revisions.oldApi),
    }),
  ];
  return planOf(steps, { [db]: [web as string as UnitId] });
}

/** The plan that has these steps, each in the unit and wave that it names. */
export function planOf(steps: readonly Step[], after: Readonly<Record<string, readonly UnitId[]>> = {}): Plan {
  const ids = [...new Set(steps.map(({ unit }) => unit))];
  const units = ids.map((id): PlannedUnit => {
    const own = steps.filter(({ unit }) => unit === id);
    const waves = Math.max(...own.map(({ wave }) => wave)) + 1;
    return {
      id,
      after: after[id] ?? [],
      waves: Array.from({ length: waves }, (_, wave) => {
        const inWave = own.filter((candidate) => candidate.wave === wave);
        const gate = inWave.some(({ kind }) => ['create', 'replace', 'move', 'update'].includes(kind))
          ? 'healthy'
          : 'none';
        return { steps: inWave.map((candidate) => candidate.id), gate, observeMs: 0 };
      }),
      worstCaseMs: 1000,
    };
  });
  const count = (kind: Step['kind']): number => steps.filter((candidate) => candidate.kind === kind).length;
  return {
    formatVersion: '1.0',
    id: planId('sha256:0'),
    cluster: 'test',
    createdAt: '2026-01-01T00:00:00.000Z',
    expiresAt: '2026-01-02T00:00:00.000Z',
    basis: { commits: { main: 'worktree' }, storeRevision: 7, engines: {}, workloads: {}, nodes: {} },
    summary: {
      create: count('create'),
      update: count('update'),
      replace: count('replace'),
      move: count('move'),
      stop: count('stop'),
      remove: count('remove'),
      forget: count('forget'),
      unchanged: 1,
    },
    steps,
    units,
    goals: [],
    refusals: [],
    availability: {},
    quota: [],
    capacity: [],
    warnings: [],
  };
}

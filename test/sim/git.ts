import { liveFields } from '../../src/engines/features.ts';
import type { Desired, DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import { namespaceName, nodeName, podName, revisionHash, transactionId, workloadId } from '../../src/model/ids.ts';
import type { Revision } from '../../src/model/revision.ts';
import type { Story, StoryChange, StoryNode, StoryWorkload, WorkloadShape } from './story.ts';

export { liveFields };

/** What git says at one moment of a story. */
export interface GitState {
  readonly workloads: ReadonlyMap<string, WorkloadState>;
  readonly draining: ReadonlySet<string>;
}

interface WorkloadState extends StoryWorkload {
  readonly version: number;
  readonly quality: 'good' | 'bad';
  readonly declared: boolean;
}

export const gitAtStart = ({ workloads }: Pick<Story, 'workloads'>): GitState => ({
  workloads: new Map(
    workloads.map((workload) => [workload.name, { ...workload, version: 1, quality: 'good', declared: true }]),
  ),
  draining: new Set(),
});

/** The state after a change. */
export function changed(state: GitState, change: StoryChange): GitState {
  if (change.kind === 'drain') return { ...state, draining: new Set([...state.draining, change.node]) };
  if (change.kind === 'undrain')
    return { ...state, draining: new Set([...state.draining].filter((node) => node !== change.node)) };
  if (change.kind === 'release') return { ...state, workloads: released(state.workloads, change) };
  const before = state.workloads.get(change.workload);
  if (before === undefined) return state;
  return { ...state, workloads: new Map(state.workloads).set(change.workload, workloadAfter(before, change)) };
}

const released = (
  workloads: GitState['workloads'],
  { version, bad }: Extract<StoryChange, { readonly kind: 'release' }>,
): GitState['workloads'] =>
  new Map(
    [...workloads].map(([name, before]) =>
      before.transaction === undefined
        ? [name, before]
        : [name, { ...before, version, quality: name === bad ? 'bad' : 'good' }],
    ),
  );

function workloadAfter(
  before: WorkloadState,
  change: Exclude<StoryChange, { readonly kind: 'drain' | 'undrain' | 'release' }>,
): WorkloadState {
  switch (change.kind) {
    case 'scale':
      return { ...before, replicas: change.replicas };
    case 'revise':
      return { ...before, version: change.version, quality: change.quality };
    case 'resize':
      return { ...before, cpuMillis: change.cpuMillis };
    case 'remove':
      return { ...before, declared: false };
    case 'restore':
      return { ...before, declared: true };
  }
}

const namespace = namespaceName('default');
const network = 'lan';

/** The commit as its reader would normalise it. */
export function desiredOf(story: Story, state: GitState): Desired {
  const workloads = [...state.workloads.values()].filter(({ declared }) => declared).map(workloadOf);
  return {
    cluster: {
      name: 'sim',
      drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
      prune: { stopAfterMs: 10_000, deleteAfterMs: 60_000, max: { sharePercent: 100, atLeast: 1_000 } },
      apply: { parallelism: 8, perNode: 2 },
    },
    commits: { main: 'worktree' },
    incompleteSources: [],
    policies: [],
    namespaces: [],
    networks: [{ name: network, subnet: '10.0.0.0/24', pools: [] }],
    pods: [{ name: podName('p'), strategy: 'auto' }],
    nodes: story.nodes.map((node) => nodeOf(node, state.draining.has(node.name))),
    quotas:
      story.quotaCpuMillis === undefined
        ? []
        : [{ name: 'all', namespace, limits: { cpuMillis: story.quotaCpuMillis } }],
    workloads: workloads.sort((a, b) => (a.id < b.id ? -1 : 1)),
    refactors: [],
  };
}

const nodeOf = ({ name, cpuMillis }: StoryNode, isDraining: boolean): DesiredNode => ({
  name: nodeName(name),
  pod: podName('p'),
  labels: {},
  lifecycle: isDraining ? 'maintenance' : 'online',
  engines: { docker: { endpoint: 'unix:///var/run/docker.sock' } },
  capacity: { cpuMillis, memoryBytes: 2 ** 33, storageBytes: 2 ** 36 },
  reserved: {},
  overcommitCpuMilli: 1_000,
  taints: [],
  portRange: { first: 20_000, last: 20_009 },
  portDomain: name,
});

function workloadOf(state: WorkloadState): DesiredWorkload {
  const { name, shape, replicas, cpuMillis, version, quality, transaction } = state;
  const revision: Revision = {
    engine: 'docker',
    image: `${name}:${version}`,
    command: [],
    args: [],
    env: { VERSION: String(version), QUALITY: quality },
    resources: { cpuMillis, memoryBytes: 2 ** 26, storageBytes: 0, bandwidthBits: 0, extended: {} },
    limits: { cpuMillis: 'unlimited', memoryBytes: 'unlimited' },
    ports: [],
    stop: { signal: 'SIGTERM', graceMs: 2_000, delayMs: 0 },
    restart: 'never',
    ...ofShape[shape],
    // Without a check only a program that ends is known to be bad.
    ...(quality === 'bad' && ofShape[shape].health === undefined && { options: { sim: { exitCode: 1 } } }),
  };
  return {
    id: workloadId(namespace, name),
    namespace,
    name,
    labels: {},
    type: shape === 'store' ? 'stateful' : shape === 'agent' ? 'daemon' : 'stateless',
    replicas,
    revisionHash: revisionHash(`${name}-v${version}-${quality}-c${cpuMillis}`),
    revision,
    after: [],
    ...(transaction !== undefined && { transaction: transactionId(namespace, transaction) }),
    placement: { pods: [], require: {}, tolerate: [], partial: true },
    update: {
      groups: [
        { kind: 'count', count: 1 },
        { kind: 'percent', percent: 100 },
      ],
      observeMs: shape === 'web' ? 4_000 : 0,
      order: shape === 'store' ? 'stop-first' : 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 20_000,
    },
    maxUnavailable: { kind: 'policy' },
    onLost: 'auto',
    priority: 1_000,
    declaredAt: 'story',
  };
}

const ofShape: Readonly<Record<WorkloadShape, Partial<Revision>>> = {
  web: {
    health: {
      probe: { kind: 'exec', command: ['check'] },
      intervalMs: 2_000,
      timeoutMs: 1_000,
      healthyAfter: 2,
      unhealthyAfter: 2,
    },
    ports: [{ name: 'http', port: 80, protocol: 'tcp', publish: 'auto' }],
  },
  plain: {},
  fixed: { ports: [{ name: 'main', port: 9_000, protocol: 'tcp', publish: 9_000 }] },
  store: { network: { name: network, ip: 'keep' } },
  cores: { cpu: { bind: true, numa: 'none' } },
  agent: {},
};

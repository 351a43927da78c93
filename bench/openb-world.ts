import type { DesiredNode, DesiredWorkload, Strategy } from '../src/model/desired.ts';
import { namespaceName, nodeName, podName, revisionHash, type WorkloadId, workloadId } from '../src/model/ids.ts';
import type { PlanInputs } from '../src/plan/inputs.ts';
import { milliOf, type TraceNode, type TraceTask } from './openb-data.ts';
import { freshInputs } from './world.ts';

const pod = podName('openb');
const MiB = 1024 ** 2;

/** The n-th arrival's workload. Names are in order of arrival, and so is placement among equals. */
export const arrivalId = (index: number): WorkloadId => workloadId('openb', `task-${String(index).padStart(6, '0')}`);

/** An empty cluster, and every arrival declared as a workload of one instance. */
export function arrivalInputs(options: {
  readonly nodes: readonly TraceNode[];
  readonly arrivals: readonly TraceTask[];
  readonly strategy: Strategy;
}): PlanInputs {
  return freshInputs({
    cluster: {
      name: 'openb',
      drift: { changed: 'heal', orphan: 'report', ignoreFields: [] },
      prune: { stopAfterMs: 600_000, deleteAfterMs: 86_400_000, max: { sharePercent: 10, atLeast: 3 } },
      apply: { parallelism: 64, perNode: 4 },
    },
    commits: { openb: 'worktree' },
    incompleteSources: [],
    policies: [],
    namespaces: [],
    pods: [{ name: pod, strategy: options.strategy }],
    nodes: options.nodes.map(nodeOf).sort((a, b) => (a.name < b.name ? -1 : 1)),
    quotas: [],
    workloads: options.arrivals.map(workloadOf),
    refactors: [],
  });
}

const nodeOf = ({ name, cpuMillis, memoryMiB, gpus, model }: TraceNode): DesiredNode => ({
  name: nodeName(name),
  pod,
  labels: {},
  lifecycle: 'online',
  engines: { docker: { endpoint: `tcp://${name}:2376` } },
  capacity: { cpuMillis, memoryBytes: memoryMiB * MiB, ...(gpus > 0 && { [`gpu/${model}`]: gpus * 1000 }) },
  reserved: {},
  overcommitCpuMilli: 1000,
  taints: [],
  portRange: { first: 30_000, last: 32_767 },
  portDomain: name,
});

function workloadOf(task: TraceTask, index: number): DesiredWorkload {
  const { cpuMillis, memoryMiB, models } = task;
  const memoryBytes = memoryMiB * MiB;
  const kind = `gpu/${models.length > 0 ? models.join('|') : '*'}`;
  const id = arrivalId(index);
  return {
    id,
    namespace: namespaceName('openb'),
    name: id.slice('openb/'.length),
    labels: {},
    type: 'stateless',
    replicas: 1,
    revisionHash: revisionHash(index.toString(16).padStart(16, '0')),
    revision: {
      engine: 'docker',
      image: 'registry.local/task:1',
      command: [],
      args: [],
      env: {},
      resources: {
        cpuMillis,
        memoryBytes,
        storageBytes: 0,
        bandwidthBits: 0,
        extended: milliOf(task) > 0 ? { [kind]: milliOf(task) } : {},
      },
      limits: { cpuMillis, memoryBytes },
      ports: [],
      stop: { signal: 'SIGTERM', graceMs: 30_000, delayMs: 0 },
      restart: 'never',
    },
    after: [],
    placement: { pods: [pod], require: {}, tolerate: [], partial: true },
    update: {
      groups: [{ kind: 'percent', percent: 100 }],
      observeMs: 0,
      order: 'auto',
      maxSurge: { kind: 'policy' },
      healthyDeadlineMs: 300_000,
    },
    maxUnavailable: { kind: 'policy' },
    onLost: 'auto',
    priority: 1000,
    declaredAt: 'openb:1',
  };
}

import fc from 'fast-check';
import type { Desired, DesiredCluster, DesiredPolicy, DesiredQuota } from '../../src/model/desired.ts';
import type { WorkloadId } from '../../src/model/ids.ts';
import type { RecordedWorkload } from '../../src/model/recorded.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { anyNode, hour } from './generated-nodes.ts';
import { anyWorkload, workloadName } from './generated-workloads.ts';
import { GiB, namespaceName, podName, world } from './world.ts';

/** What git says at one time. */
export type Commit = Pick<
  Desired,
  'nodes' | 'workloads' | 'quotas' | 'policies' | 'incompleteSources' | 'refactors'
> & {
  readonly cluster: Partial<DesiredCluster>;
};

const anyQuotas: fc.Arbitrary<readonly DesiredQuota[]> = fc
  .record({
    instances: fc.integer({ min: 2, max: 40 }),
    cpuMillis: fc.integer({ min: 1000, max: 30_000 }),
    whole: fc.integer({ min: 4, max: 40 }),
    gpuMilli: fc.constantFrom(1000, 4000, 9000),
    drains: fc.boolean(),
  })
  .map(({ instances, cpuMillis, whole, gpuMilli, drains }) => [
    { name: 'all', limits: { instances: whole, 'gpu/a100': gpuMilli } },
    {
      name: 'batch',
      namespace: namespaceName('batch'),
      parent: 'all',
      limits: { memoryBytes: 8 * GiB },
      ...(drains && { drainToQuota: true as const }),
    },
    {
      name: 'payments',
      namespace: namespaceName('payments'),
      parent: 'all',
      limits: { instances, cpuMillis, storageBytes: 60 * GiB },
      ...(drains && { drainToQuota: true as const }),
    },
    { name: 'web', pod: podName('web'), limits: { bandwidthBits: 3_000_000_000 } },
  ]);

const anyPolicies: fc.Arbitrary<readonly DesiredPolicy[]> = fc
  .record({
    disruption: fc.constantFrom<DesiredPolicy['disruption']>([], [], [{ max: { kind: 'percent', percent: 34 } }]),
    spread: fc.constantFrom(
      undefined,
      undefined,
      { by: 'zone', minDomains: 2 } as const,
      { by: 'node', minDomains: 2 } as const,
    ),
  })
  .map(({ disruption, spread }) => [
    {
      name: 'sites',
      namespaces: ['*'],
      disruption,
      ...(spread !== undefined && { require: [{ spread, replicasFrom: 3 }] }),
    },
  ]);

const anyCluster: fc.Arbitrary<Partial<DesiredCluster>> = fc
  .record({
    perZone: fc.boolean(),
    reports: fc.constantFrom(false, false, true),
    stopAfterMs: fc.constantFrom(0, 0, hour * 1.5),
    deleteAfterMs: fc.constantFrom(0, 0, hour * 1.5),
    mostPruned: fc.constantFrom(100, 100, 10),
  })
  .map(({ perZone, reports, stopAfterMs, deleteAfterMs, mostPruned }) => ({
    prune: { stopAfterMs, deleteAfterMs, max: { sharePercent: mostPruned, atLeast: 2 } },
    drift: { changed: reports ? 'report' : 'heal', orphan: 'report', ignoreFields: [] },
    ...(perZone && { drain: { perZone: { kind: 'count', count: 1 } } }),
  }));

export const anyCommit: fc.Arbitrary<Commit> = fc
  .record({
    nodes: fc.tuple(...[0, 1, 2, 3, 4].map(anyNode)),
    hasLast: fc.constantFrom(true, true, true, false),
    workloads: fc.tuple(...[0, 1, 2, 3].map(anyWorkload)),
    kept: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
    isTorn: fc.constantFrom(false, false, false, false, false, true),
    removes: fc.constantFrom(undefined, undefined, undefined, 0, 1),
    quotas: anyQuotas,
    policies: anyPolicies,
    cluster: anyCluster,
  })
  .map(({ nodes, hasLast, workloads, kept, isTorn, removes, ...rest }) => ({
    ...rest,
    nodes: hasLast ? nodes : nodes.slice(0, -1),
    workloads: workloads.filter((_, index) => kept.includes(index)),
    incompleteSources: isTorn ? ['platform'] : [],
    refactors: removes === undefined ? [] : [{ name: 'tidy', removed: [{ from: workloadName(removes) }] }],
  }));

/** Everything as the first commit says, and nothing there yet. */
export const start = (commit: Commit): PlanInputs => ({
  ...applyCommit(world({ nodes: [], workloads: [] }), commit),
  now: world({}).now,
});

/** An hour later git says something else; all nodes are well, and what ran runs. */
export function applyCommit(inputs: PlanInputs, commit: Commit): PlanInputs {
  const now = inputs.now + hour;
  const { recorded, observed } = inputs;
  const fresh = world({
    ...commit,
    networks: [
      {
        name: 'prod',
        subnet: '10.1.0.0/28',
        gateway: '10.1.0.1',
        pools: [{ name: 'web', first: '10.1.0.5', last: '10.1.0.8' }],
      },
    ],
    pods: ['db', 'web'].map((name) => ({ name: podName(name), strategy: 'auto' })),
  });
  const kept = new Set(commit.workloads.map(({ id }) => id));
  return {
    ...fresh,
    now,
    recorded: { ...recorded, workloads: leaving(recorded.workloads, kept, now), overrides: [], inFlight: [] },
    observed: { ...fresh.observed, takenAt: now, objects: observed.objects },
  };
}

/** What left git is seen to have left it when it is first looked at. */
function leaving(
  known: PlanInputs['recorded']['workloads'],
  kept: ReadonlySet<WorkloadId>,
  now: number,
): ReadonlyMap<WorkloadId, RecordedWorkload> {
  return new Map(
    [...known].map(([id, { missingSince = now, ...record }]) => [
      id,
      kept.has(id) ? record : { ...record, missingSince },
    ]),
  );
}

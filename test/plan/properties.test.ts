import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DesiredNode, DesiredWorkload, Placement } from '../../src/model/desired.ts';
import type { ObservedObject } from '../../src/model/observed.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { RevisionVolume } from '../../src/model/revision.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan, openPlanner } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { GiB, namespaceName, node, planText, podName, revision, workload, world } from './world.ts';

/** Settings that a generated world goes through, one commit after the other. */
interface Commit {
  readonly nodes: readonly DesiredNode[];
  readonly workloads: readonly DesiredWorkload[];
  readonly quotaInstances: number;
  readonly quotaCpuMillis: number;
  readonly drainToQuota: boolean;
  readonly perZone: boolean;
  readonly forcesSites: boolean;
}

const anyNode = (index: number): fc.Arbitrary<DesiredNode> =>
  fc
    .record({
      cpu: fc.integer({ min: 1, max: 8 }),
      lifecycle: fc.constantFrom('online', 'online', 'online', 'online', 'cordoned', 'maintenance', 'spare'),
      pod: fc.constantFrom('web', 'web', 'db'),
      ssd: fc.boolean(),
      tainted: fc.boolean(),
      numa: fc.boolean(),
      overcommit: fc.constantFrom(1000, 1000, 2000),
      force: fc.constantFrom(undefined, undefined, undefined, true),
    })
    .map(({ cpu, lifecycle, pod, ssd, tainted, numa, overcommit, force }) =>
      node(`n${index}`, {
        pod: podName(pod),
        lifecycle: lifecycle as DesiredNode['lifecycle'],
        zone: 'abc'[index % 3] as string,
        rack: `r${index % 4}`,
        overcommitCpuMilli: overcommit,
        ...(force !== undefined && { drain: { force } }),
        capacity: {
          cpuMillis: cpu * 1000,
          memoryBytes: 8 * GiB,
          storageBytes: 10 * GiB,
          bandwidthBits: 0,
          'gpu/a100': 2000,
          ...(index === 0 && { 'gpu/v100': 1000 }),
        },
        ...(numa &&
          cpu >= 2 && {
            numa: [
              { cpus: range(0, cpu >> 1), memoryBytes: 3 * GiB },
              { cpus: range(cpu >> 1, cpu), memoryBytes: 4 * GiB },
            ],
          }),
        disks: [
          { device: '/data1', sizeBytes: 20 * GiB, readIops: 100 },
          { device: '/data2', sizeBytes: 10 * GiB },
        ],
        labels: ssd ? { disk: 'ssd' } : {},
        taints: tainted && index > 3 ? [{ key: 'pool', value: 'offline', effect: 'NoSchedule' }] : [],
        portDomain: index < 2 ? 'machine' : `n${index}`,
        portRange: { first: 30_000, last: 30_005 },
      }),
    );

const range = (from: number, to: number): readonly number[] => Array.from({ length: to - from }, (_, i) => from + i);

const anyWorkload = (index: number): fc.Arbitrary<DesiredWorkload> =>
  fc
    .record({
      type: fc.constantFrom('stateless', 'stateless', 'stateful', 'static', 'daemon'),
      replicas: fc.integer({ min: 0, max: 7 }),
      version: fc.integer({ min: 1, max: 3 }),
      cpu: fc.constantFrom(250, 500, 1500),
      port: fc.constantFrom('none', 'auto', 'fixed'),
      gpu: fc.constantFrom(undefined, undefined, 'gpu/a100', 'gpu/*', 'gpu/a100|v100'),
      gpuMilli: fc.constantFrom(500, 1000, 2000),
      bind: fc.constantFrom(undefined, undefined, 'none', 'prefer', 'require'),
      volume: fc.constantFrom(undefined, undefined, 'auto', 'device', 'exclusive', 'rate'),
      ip: fc.constantFrom(undefined, undefined, 'pool', 'keep'),
      storage: fc.constantFrom(0, 0, 3),
      spread: fc.constantFrom(undefined, undefined, 'zone', 'rack', 'node'),
      minDomains: fc.integer({ min: 1, max: 3 }),
      near: fc.constantFrom(undefined, undefined, undefined, 'near', 'far', 'likes', 'dislikes'),
      prefers: fc.boolean(),
      preempts: fc.boolean(),
      ssd: fc.boolean(),
      order: fc.constantFrom('auto', 'auto', 'create-first', 'stop-first'),
      strategy: fc.constantFrom('auto', 'fill', 'each', 'global', 'drained', 'pack'),
      perNode: fc.constantFrom(undefined, undefined, 2),
      partial: fc.boolean(),
      maxUnavailable: fc.constantFrom(
        { kind: 'policy' },
        { kind: 'count', count: 0 },
        { kind: 'count', count: 2 },
        { kind: 'percent', percent: 50 },
        { kind: 'quorum' },
      ),
      restart: fc.constantFrom('always', 'on-failure'),
      after: fc.boolean(),
      priority: fc.constantFrom(100, 1000),
    })
    .map((w) => {
      const body = revision({
        image: `app:${w.version}`,
        restart: w.restart as 'always',
        ports:
          w.port === 'none'
            ? []
            : [{ name: 'http', port: 80, protocol: 'tcp', publish: w.port === 'auto' ? 'auto' : 8000 + index }],
        resources: {
          cpuMillis: w.cpu,
          memoryBytes: GiB,
          storageBytes: w.storage * GiB,
          bandwidthBits: 0,
          extended: w.gpu !== undefined && index >= 2 ? { [w.gpu]: w.gpuMilli } : {},
        },
        ...(w.bind !== undefined && { cpu: { bind: true as const, numa: w.bind as 'none' } }),
        ...(w.volume !== undefined && { volumes: [volumeOf(w.volume)] }),
        ...(w.ip !== undefined && { network: { name: 'prod', ip: w.ip as 'pool' } }),
      });
      const base = workload(`payments/w${index}`);
      return workload(`payments/w${index}`, {
        type: w.type as DesiredWorkload['type'],
        replicas: w.replicas,
        hash: `w${index}-${w.version}-${w.cpu}-${w.port}-${w.gpu}-${w.gpuMilli}-${w.bind}-${w.volume}-${w.ip}-${w.storage}-${w.restart}`,
        revision: body,
        placement: {
          pods: [podName('web')],
          require: w.ssd ? { disk: 'ssd' } : {},
          tolerate: [],
          partial: w.partial,
          strategy: w.strategy as 'auto',
          ...(w.perNode !== undefined && { perNode: w.perNode }),
          ...(w.spread !== undefined && { spread: [{ by: w.spread as 'zone', minDomains: w.minDomains }] }),
          ...(w.prefers && { prefer: [{ labels: { disk: 'ssd' }, weight: 5 }] }),
          ...affinityOf(w.near, index),
        },
        update: { ...base.update, order: w.order as 'auto' },
        maxUnavailable: w.maxUnavailable as DesiredWorkload['maxUnavailable'],
        after: w.after && index > 0 ? [workload(`payments/w${index - 1}`).id] : [],
        priority: w.priority,
        ...(w.preempts && { preemption: 'lower' as const }),
      });
    });

const volumeOf = (kind: string): RevisionVolume => ({
  name: 'data',
  mount: '/data',
  sizeBytes: kind === 'exclusive' ? GiB : 3 * GiB,
  source: kind === 'device' ? { kind: 'device', device: '/data2' } : { kind: 'auto' },
  exclusive: kind === 'exclusive',
  readOnly: false,
  onRemove: 'keep',
  readIops: kind === 'rate' ? 60 : 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
});

function affinityOf(kind: string | undefined, index: number): Partial<Placement> {
  if (kind === undefined || index === 0) return {};
  const to = workload(`payments/w${index - 1}`).id;
  const required = kind === 'near' || kind === 'far';
  const rules = [{ to, by: 'zone' as const, required }];
  return kind === 'near' || kind === 'likes' ? { affinity: rules } : { antiAffinity: rules };
}

const anyCommit: fc.Arbitrary<Commit> = fc
  .tuple(
    fc.tuple(...[0, 1, 2, 3, 4].map(anyNode)),
    fc.tuple(...[0, 1, 2, 3].map(anyWorkload)),
    fc.subarray([0, 1, 2, 3], { minLength: 1 }),
    fc.record({
      quotaInstances: fc.integer({ min: 2, max: 40 }),
      quotaCpuMillis: fc.integer({ min: 1000, max: 30_000 }),
      drainToQuota: fc.boolean(),
      perZone: fc.boolean(),
      forcesSites: fc.boolean(),
    }),
  )
  .map(([nodes, workloads, kept, rest]) => ({
    nodes,
    workloads: workloads.filter((_, index) => kept.includes(index)),
    ...rest,
  }));

/** What befalls the cluster between two commits: by object and node index, modulo how many there are. */
const anyTrouble = fc.record({
  killed: fc.array(fc.nat(30), { maxLength: 3 }),
  exited: fc.array(fc.nat(30), { maxLength: 3 }),
  unhealthy: fc.array(fc.nat(30), { maxLength: 2 }),
  drifted: fc.array(fc.nat(30), { maxLength: 2 }),
  node: fc.constantFrom(undefined, undefined, 0, 1, 2),
  liveness: fc.constantFrom('lost', 'unknown', 'suspect'),
});

type Trouble = typeof anyTrouble extends fc.Arbitrary<infer Value> ? Value : never;

const start = (commit: Commit): PlanInputs => applyCommit(world({ nodes: [], workloads: [] }), commit);

function applyCommit(inputs: PlanInputs, commit: Commit): PlanInputs {
  const fresh = world({
    cluster: {
      prune: { stopAfterMs: 0, deleteAfterMs: 0, max: { sharePercent: 100, atLeast: 10 } },
      ...(commit.perZone && { drain: { perZone: { kind: 'count', count: 1 } } }),
    },
    nodes: commit.nodes,
    workloads: commit.workloads,
    quotas: [
      {
        name: 'payments',
        namespace: namespaceName('payments'),
        limits: { instances: commit.quotaInstances, cpuMillis: commit.quotaCpuMillis, storageBytes: 60 * GiB },
        ...(commit.drainToQuota && { drainToQuota: true as const }),
      },
    ],
    policies: commit.forcesSites
      ? [
          {
            name: 'sites',
            namespaces: ['*'],
            disruption: [],
            require: [{ spread: { by: 'zone', minDomains: 2 }, replicasFrom: 3 }],
          },
        ]
      : [],
    networks: [{ name: 'prod', subnet: '10.1.0.0/28', gateway: '10.1.0.1', pools: [] }],
  });
  return { ...fresh, recorded: inputs.recorded, observed: { ...fresh.observed, objects: inputs.observed.objects } };
}

function applyTrouble(inputs: PlanInputs, trouble: Trouble): PlanInputs {
  const { objects, nodes } = inputs.observed;
  const hit = (list: readonly number[], index: number): boolean =>
    list.some((n) => n % Math.max(1, objects.length) === index);
  const left = objects.flatMap((object, index): readonly ObservedObject[] => {
    if (hit(trouble.killed, index)) return [];
    if (hit(trouble.exited, index)) return [{ ...object, state: 'exited', exitCode: 1, health: 'none' }];
    if (hit(trouble.unhealthy, index)) return [{ ...object, health: 'unhealthy' }];
    return hit(trouble.drifted, index) ? [{ ...object, actual: { '/image': 'other' } }] : [object];
  });
  const name = inputs.desired.nodes[trouble.node ?? -1]?.name;
  const seen = new Map(nodes);
  const known = name === undefined ? undefined : seen.get(name);
  if (name !== undefined && known !== undefined) {
    seen.set(name, { ...known, liveness: trouble.liveness as 'lost' });
  }
  return { ...inputs, observed: { ...inputs.observed, nodes: seen, objects: left } };
}

function shuffled<Value>(list: readonly Value[], seed: number): readonly Value[] {
  let state = seed + 1;
  const keyed = list.map((value) => {
    state = (state * 48_271) % 2_147_483_647;
    return { value, key: state };
  });
  return keyed.sort((a, b) => a.key - b.key).map(({ value }) => value);
}

function shuffleInputs(inputs: PlanInputs, seed: number): PlanInputs {
  const { desired, recorded, observed } = inputs;
  return {
    ...inputs,
    desired: { ...desired, nodes: shuffled(desired.nodes, seed), workloads: shuffled(desired.workloads, seed) },
    recorded: {
      ...recorded,
      allocations: shuffled(recorded.allocations, seed),
      workloads: new Map(shuffled([...recorded.workloads], seed)),
    },
    observed: {
      ...observed,
      objects: shuffled(observed.objects, seed),
      nodes: new Map(shuffled([...observed.nodes], seed)),
    },
  };
}

function assertSound(inputs: PlanInputs, plan: Plan): void {
  assert.deepEqual(verifyPlan(inputs, plan), [], planText(plan));
}

/** More of them, and a failure's seed and path, by MUSTER_PROPERTY_RUNS, _SEED and _PATH: see CONTRIBUTING. */
const { MUSTER_PROPERTY_RUNS, MUSTER_PROPERTY_SEED, MUSTER_PROPERTY_PATH } = process.env;
const runs = {
  numRuns: Number(MUSTER_PROPERTY_RUNS ?? 100),
  ...(MUSTER_PROPERTY_SEED !== undefined && { seed: Number(MUSTER_PROPERTY_SEED) }),
  ...(MUSTER_PROPERTY_PATH !== undefined && { path: MUSTER_PROPERTY_PATH }),
};
const story = fc.tuple(anyCommit, fc.array(fc.tuple(anyCommit, anyTrouble), { minLength: 1, maxLength: 3 }), fc.nat());

test('every plan passes the second opinion, is the same whatever the order of its inputs, and leaves nothing to do', () => {
  fc.assert(
    fc.property(story, ([first, commits, seed]) => {
      let inputs = start(first);
      const steps: readonly (readonly [Commit, Trouble] | undefined)[] = [undefined, ...commits];
      for (const step of steps) {
        if (step !== undefined) inputs = applyTrouble(applyCommit(inputs, step[0]), step[1]);
        const plan = createPlan(inputs);
        assertSound(inputs, plan);
        assert.equal(JSON.stringify(createPlan(shuffleInputs(inputs, seed))), JSON.stringify(plan));
        const planner = openPlanner();
        planner(inputs);
        assert.equal(JSON.stringify(planner(inputs)), JSON.stringify(plan));
        const after = { ...inputs, ...worldAfter(inputs, plan) };
        assertSettled(after, plan);
        inputs = after;
      }
    }),
    runs,
  );
});

/** A plan that refused nothing and let nothing wait has nothing left to do; any other comes to rest, and does not flap. */
function assertSettled(inputs: PlanInputs, plan: Plan): void {
  let next = createPlan(inputs);
  const waits = plan.warnings.some(({ code }) => code === 'MUS5010' || code === 'MUS5006');
  const whole = plan.refusals.length === 0 && !waits && plan.goals.every((goal) => goal.blocked.length === 0);
  const told = [planText(plan), planText(next)];
  let world = inputs;
  for (let round = 0; round < (whole ? 0 : 6) && next.steps.length > 0; round += 1) {
    world = { ...world, ...worldAfter(world, next) };
    next = createPlan(world);
    told.push(planText(next));
  }
  assert.deepEqual(next.steps, [], told.join('\n--- and then\n'));
}

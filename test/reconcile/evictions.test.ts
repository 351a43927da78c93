import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Desired, DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import { instanceId, namespaceName, type WorkloadId, workloadId } from '../../src/model/ids.ts';
import type { Revision } from '../../src/model/revision.ts';
import { type Bench, desiredOf, openBench, type RunOptions, workloadOf } from './harness.ts';
import { checked, holderOf, overloaded, running, simOf } from './worlds.ts';

/** Instances that have to go, and whoever waits for that. */
describe('making room for a more urgent workload', () => {
  it('moves the less urgent off first, and never overloads a node on the way', async (t) => {
    const bench = await open(t);
    await bench.run(world(batch(2), { nodes: ['n1'] }));
    const desired = world(batch(2), urgent(1), { require: { urgent: 'n1' } });
    const { plan, outcome } = await runWatched(bench, desired);
    assert.deepEqual(
      plan.steps.map(({ kind, instance, cause }) => `${kind} ${instance} ${cause}`),
      ['move default/batch/1 preempt', 'create default/urgent/0 new'],
    );
    assert.ok(outcome.units.every(({ state }) => state === 'done'));
    assert.deepEqual(endsOf(bench, 'default/batch'), ['default/batch', 'default/urgent']);
    assert.deepEqual(running(bench), ['batch/0 1 running', 'batch/1 1 running', 'urgent/0 1 running']);
    assert.deepEqual((await bench.plan(desired)).steps, []);
  });

  it('removes what has no other place, and does not bring it back as long as there is none', async (t) => {
    const bench = await open(t, ['n1']);
    await bench.run(world(batch(2), { nodes: ['n1'] }));
    const desired = world(batch(2), urgent(1), { nodes: ['n1'] });
    const { plan } = await runWatched(bench, desired);
    assert.deepEqual(
      plan.steps.map(({ kind, instance, cause }) => `${kind} ${instance} ${cause}`),
      ['remove default/batch/1 preempt', 'create default/urgent/0 new'],
    );
    assert.deepEqual(running(bench), ['batch/0 1 running', 'urgent/0 1 running']);
    const after = await bench.plan(desired);
    assert.deepEqual(after.steps, []);
    assert.deepEqual(
      after.refusals.map(({ subject }) => subject),
      ['default/batch'],
    );
  });

  it('is not begun when the room could not be made: it says for whom it waited, and the next run does both', async (t) => {
    const bench = await open(t);
    await bench.run(world(batch(2), { nodes: ['n1'] }));
    const desired = world(batch(2), urgent(1), { require: { urgent: 'n1' } });
    simOf(bench, 'n2').inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 });
    const { outcome } = await runWatched(bench, desired);
    const results = new Map(outcome.units.map(({ unit, state, reason }) => [`${unit}`, `${state}: ${reason}`]));
    assert.match(results.get('default/batch') ?? '', /^undone: docker on n2: .*cannot create/);
    assert.equal(results.get('default/urgent'), 'skipped: default/batch, which it comes after, is undone');
    assert.deepEqual(endsOf(bench, 'default/batch'), ['default/batch', 'default/urgent'], 'both are told');
    assert.deepEqual(running(bench), ['batch/0 1 running', 'batch/1 1 running']);
    assert.deepEqual((await bench.look(desired)).recorded.allocations.length, 2, 'nothing is reserved');

    await runWatched(bench, desired);
    assert.deepEqual(running(bench), ['batch/0 1 running', 'batch/1 1 running', 'urgent/0 1 running']);
  });

  it('is looked at once more before it takes anything away: what crashed meanwhile uses up the budget', async (t) => {
    const bench = await open(t, ['n1']);
    const alone = { require: { urgent: 'n1' }, nodes: ['n1'], cpuMillis: 1_500 };
    await bench.run(world(batch(3), alone));
    let waited = 0;
    const { outcome } = await runWatched(bench, world(batch(3), urgent(1), alone), {
      onEvent: (event) => {
        if (event.kind === 'runStarted') crash(bench, 'batch/0');
        if (event.kind === 'waiting') waited += 1;
      },
    });
    const [first, second] = outcome.units;
    assert.equal(first?.state, 'undone');
    assert.match(first?.reason ?? '', /default\/batch\/2 was not stopped: 1 of 3 instances are unavailable/);
    assert.equal(second?.state, 'skipped');
    assert.ok(waited > 1, 'it waited for the crashed one to return');
    assert.deepEqual(running(bench), ['batch/0 1 exited', 'batch/1 1 running', 'batch/2 1 running']);
  });

  it('is not taken back when more room that it needs cannot be made: the next run makes the rest', async (t) => {
    const bench = await open(t);
    const oneByOne = { ...batch(5), update: { ...batch(5).update, maxSurge: { kind: 'count', count: 1 } as const } };
    await bench.run(world(oneByOne, { nodes: ['n1'], cpuMillis: 2_500 }));
    const desired = world(oneByOne, urgent(2), { require: { urgent: 'n1' }, cpuMillis: 2_500 });
    simOf(bench, 'n3').inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 });
    const { plan, outcome } = await runWatched(bench, desired);
    assert.deepEqual(
      plan.steps.flatMap(({ cause, node, wave }) => (cause === 'preempt' ? [`${node} in wave ${wave}`] : [])),
      ['n2 in wave 0', 'n3 in wave 1'],
    );
    assert.deepEqual(
      outcome.units.map(({ state }) => state),
      ['undone', 'skipped'],
    );
    const counts = (): readonly number[] => [...bench.sims.values()].map((sim) => sim.objects().length);
    assert.deepEqual(counts(), [4, 1, 0], 'the first has moved, and the second is where it was');
    const next = await runWatched(bench, desired);
    assert.equal(next.plan.steps.filter(({ cause }) => cause === 'preempt').length, 1);
    assert.ok(next.outcome.units.every(({ state }) => state === 'done'));
    assert.deepEqual(counts(), [5, 1, 1]);
  });
});

describe('a quota that drains', () => {
  it('takes away what is over it, whatever is down: nobody misses what has to go', async (t) => {
    const bench = await open(t);
    await bench.run(world(batch(4)));
    const limited = quota(world(batch(4)), 2);
    const { plan, outcome } = await runWatched(bench, limited, {
      onEvent: (event) => {
        if (event.kind === 'runStarted') crash(bench, 'batch/0');
      },
    });
    assert.deepEqual(
      plan.steps.map(({ kind, instance, cause }) => `${kind} ${instance} ${cause}`),
      ['remove default/batch/3 quota', 'remove default/batch/2 quota'],
    );
    assert.equal(outcome.units[0]?.state, 'done');
    assert.deepEqual(running(bench), ['batch/0 1 exited', 'batch/1 1 running']);
  });

  it('does not make the rollout beside it wait for what has gone', async (t) => {
    const bench = await open(t);
    await bench.run(world(stopFirst()));
    const { outcome } = await runWatched(bench, quota(world(stopFirst('2')), 2));
    assert.equal(outcome.units[0]?.state, 'done', outcome.units[0]?.reason);
    assert.deepEqual(running(bench), ['batch/0 2 running', 'batch/1 2 running']);
    assert.equal(bench.events.filter(({ kind }) => kind === 'waiting').length, 0);
  });
});

describe('a drain that is forced', () => {
  const drained = (drain: DesiredNode['drain']): Desired => {
    const desired = world(stopFirst());
    const nodes = desired.nodes.map((node) =>
      node.name === 'n1' ? { ...node, lifecycle: 'maintenance' as const, ...(drain && { drain }) } : node,
    );
    return { ...desired, nodes };
  };
  const elsewhereCrashes = (bench: Bench): RunOptions => ({
    onEvent: (event) => {
      if (event.kind !== 'runStarted') return;
      const sim = simOf(bench, 'n2');
      for (const { objectId } of sim.objects()) sim.crash(objectId, { exitCode: 1 });
    },
  });

  it('waits for nobody', async (t) => {
    const bench = await open(t);
    await bench.run(world(stopFirst()));
    const { plan, outcome } = await bench.run(drained({ force: true }), elsewhereCrashes(bench));
    assert.ok(plan.steps.every(({ forced, from }) => forced === true && from === 'n1'));
    assert.equal(outcome.units[0]?.state, 'done');
    assert.deepEqual(simOf(bench, 'n1').objects(), []);
  });

  it('waits as any other before its deadline', async (t) => {
    const bench = await open(t);
    await bench.run(world(stopFirst()));
    const later = Date.now() + 10 * 365 * 86_400_000;
    const { plan, outcome } = await bench.run(drained({ force: true, deadline: later }), elsewhereCrashes(bench));
    assert.ok(plan.steps.every(({ forced }) => forced === undefined));
    assert.equal(outcome.units[0]?.state, 'undone');
    assert.match(outcome.units[0]?.reason ?? '', /was not stopped: . of 4 instances are unavailable/);
  });
});

describe('a move for the sake of balance', () => {
  it('is committed by itself: it stays when another of its unit fails, and says nothing about revisions', async (t) => {
    const bench = await open(t);
    await bench.run(world(batch(2), { nodes: ['n1'] }));
    await bench.run(world(batch(2, { version: '2', env: { BROKEN: 'yes' }, health: checked }), { nodes: ['n1'] }));
    const broken = world(batch(2, { version: '2', env: { BROKEN: 'yes' }, health: checked }));
    simOf(bench, 'n3').inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 });
    const reason = { cause: 'rebalance', reason: 'n1 is full' } as const;
    const relocate = new Map([0, 1].map((ordinal) => [instanceId(batchId, ordinal), reason] as const));
    const { outcome, plan } = await runWatched(bench, broken, { relocate });
    assert.deepEqual(plan.steps.map(({ node }) => `${node}`).sort(), ['n2', 'n3']);
    assert.equal(outcome.units[0]?.state, 'undone');
    assert.deepEqual([1, 0], [simOf(bench, 'n2').objects().length, simOf(bench, 'n3').objects().length]);
    const { recorded } = await bench.look(broken);
    const { lastGood, failed } = recorded.workloads.get(batchId) ?? {};
    assert.deepEqual([lastGood, failed?.length], [batch(2).revisionHash, 1], 'the failed revision is not tried again');
    assert.deepEqual((await bench.plan(broken)).steps, []);
  });
});

const batchId: WorkloadId = workloadId('default', 'batch');

async function open(t: TestContext, nodes: readonly string[] = ['n1', 'n2', 'n3']): Promise<Bench> {
  const bench = await openBench(nodes, {
    exec: ({ BROKEN }) => ({ exitCode: BROKEN === 'yes' ? 1 : 0, output: '' }),
  });
  t.after(() => bench.close());
  return bench;
}

interface Shape {
  readonly nodes?: readonly string[];
  /** Of each node; an instance has 500. */
  readonly cpuMillis?: number;
  /** The only node that a workload may be on. */
  readonly require?: Readonly<Record<string, string>>;
}

/** Nodes for two instances each. */
function world(...of: readonly (DesiredWorkload | Shape)[]): Desired {
  const shapes = of.filter((each): each is Shape => !('revision' in each));
  const { nodes = ['n1', 'n2', 'n3'], cpuMillis = 1_000, require = {} }: Shape = Object.assign({}, ...shapes);
  const workloads = of
    .filter((each): each is DesiredWorkload => 'revision' in each)
    .map((workload) => {
      const only = require[workload.name];
      const placement = { ...workload.placement, require: only === undefined ? {} : { name: only } };
      return { ...workload, placement };
    });
  const desired = desiredOf(nodes, workloads);
  return {
    ...desired,
    nodes: desired.nodes.map((node) => ({
      ...node,
      labels: { name: `${node.name}` },
      capacity: { ...node.capacity, cpuMillis },
    })),
  };
}

const quota = (desired: Desired, instances: number): Desired => ({
  ...desired,
  quotas: [{ name: 'all', namespace: namespaceName('default'), limits: { instances }, drainToQuota: true }],
});

function batch(
  replicas: number,
  of: {
    readonly version?: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly health?: NonNullable<Revision['health']>;
  } = {},
): DesiredWorkload {
  const { version = '1', env = {}, health } = of;
  const revision = { resources, env: { VERSION: version, ...env }, ...(health && { health }) };
  return { ...workloadOf('batch', { replicas, version, revision }), priority: 100 };
}

function stopFirst(version = '1'): DesiredWorkload {
  const workload = batch(4, { version });
  return { ...workload, update: { ...workload.update, order: 'stop-first' } };
}

const urgent = (replicas: number): DesiredWorkload => ({
  ...workloadOf('urgent', { replicas, version: '1', revision: { resources, env: { VERSION: '1' } } }),
  preemption: 'lower',
});

const resources = { cpuMillis: 500, memoryBytes: 2 ** 20, storageBytes: 0, bandwidthBits: 0, extended: {} };

/** A run during which no node ever runs more than it can. */
async function runWatched(bench: Bench, desired: Desired, options: RunOptions = {}) {
  return bench.run(desired, {
    ...options,
    onEvent: (event) => {
      assert.deepEqual(overloaded(bench, desired), []);
      options.onEvent?.(event);
    },
  });
}

function crash(bench: Bench, instance: string): void {
  const { sim, object } = holderOf(bench, instance);
  sim.crash(object.objectId, { exitCode: 1 });
}

/** Units in the order of their last ends, from the last time that `first` ended. */
function endsOf(bench: Bench, first: string): readonly string[] {
  const ended = bench.events.flatMap((event) => (event.kind === 'unitEnded' ? [`${event.unit}`] : []));
  return ended.slice(ended.lastIndexOf(first));
}

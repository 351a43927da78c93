import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Desired, DesiredNode, Placement } from '../../src/model/desired.ts';
import { nodeName, type WorkloadId } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { RevisionVolume } from '../../src/model/revision.ts';
import { worldAfter } from '../../src/plan/after.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import {
  GiB,
  namespaceName,
  node,
  now,
  podName,
  type Running,
  revision,
  spread,
  withNode,
  withRunning,
  workload,
  world,
} from './world.ts';

const app = 'payments/checkout';
const other = 'payments/db' as WorkloadId;
const placement = (change: Partial<Placement>): { readonly placement: Placement } => ({
  placement: { pods: [podName('web')], require: {}, tolerate: [], partial: true, ...change },
});

/** Nodes `a1 a2 b1 b2 c1 c2`, each in the zone of its letter. */
const zoned = (zones: string, change: Partial<DesiredNode> = {}): readonly DesiredNode[] =>
  [...zones].flatMap((zone) => [1, 2].map((i) => node(`${zone}${i}`, { zone, rack: `${zone}-r${i}`, ...change })));

/** A plan that the verifier agrees with. */
function plan(inputs: PlanInputs): Plan {
  const made = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, made), []);
  return made;
}

const withDesired = (inputs: PlanInputs, change: Partial<Desired>): PlanInputs => ({
  ...inputs,
  desired: { ...inputs.desired, ...change },
});

const nodesOf = (made: Plan, id: string): readonly string[] =>
  made.steps
    .filter(({ instance, kind }) => instance.startsWith(`${id}/`) && kind !== 'remove' && kind !== 'stop')
    .map((step) => step.node)
    .sort();

const zonesOf = (made: Plan, id: string): string =>
  nodesOf(made, id)
    .map((name) => name[0])
    .join('');

describe('spread', () => {
  it('evens out the zones, whatever room they have', () => {
    const inputs = world({
      nodes: [...zoned('ab'), node('b3', { zone: 'b' }), node('b4', { zone: 'b' })],
      workloads: [workload(app, { replicas: 6, ...placement({ spread: [{ by: 'zone', minDomains: 2 }] }) })],
    });
    assert.equal(zonesOf(plan(inputs), app), 'aaabbb');
  });

  it('goes on where one zone is full, but leaves enough for the least number of zones', () => {
    const full = zoned('b', { capacity: { cpuMillis: 0, memoryBytes: 0 } });
    const inputs = world({
      nodes: [...zoned('a'), ...full],
      workloads: [workload(app, { replicas: 4, ...placement({ spread: [{ by: 'zone', minDomains: 2 }] }) })],
    });
    const made = plan(inputs);
    assert.equal(zonesOf(made, app), 'aaa');
    assert.match(
      made.refusals[0]?.message ?? '',
      /1 of 4 instances does not fit.*zone a, which has its share \(spread needs 2 zones\)/,
    );
  });

  it('is kept after a zone is lost: what would leave one zone alone waits', () => {
    const workloads = [workload(app, { replicas: 4, ...placement({ spread: [{ by: 'zone', minDomains: 2 }] }) })];
    let inputs = withRunning(world({ nodes: zoned('ab'), workloads }), spread(app, 4, ['a1', 'a2', 'b1', 'b2']));
    for (const name of ['b1', 'b2']) inputs = withNode(inputs, name, { liveness: 'lost' });
    const made = plan(inputs);
    assert.equal(zonesOf(made, app), 'a', 'three may be in zone a, the fourth has to be elsewhere');
    assert.equal(made.refusals[0]?.instances, 1);
  });

  it('that cannot be kept any more lets come what opens another zone, and nothing else', () => {
    const minimum = { by: 'zone', minDomains: 3 } as const;
    const workloads = [workload(app, { replicas: 4, ...placement({ spread: [minimum] }) })];
    let inputs = withRunning(
      world({ nodes: zoned('abc'), workloads }),
      ['a1', 'a1', 'a2'].map((name, ordinal) => ({ workload: app, ordinal, node: name })),
    );
    // Two stay in zone a, whatever happens there, and a third is repaired there.
    inputs = withNode(inputs, 'a1', { liveness: 'unknown' });
    const objects = inputs.observed.objects.filter((object) => object.node !== 'a2');
    const made = plan({ ...inputs, observed: { ...inputs.observed, objects } });
    assert.equal(zonesOf(made, app), 'ab');
    assert.deepEqual(made.refusals, []);

    const full = zoned('bc', { capacity: { cpuMillis: 0, memoryBytes: 0 } });
    const tight = withDesired(
      { ...inputs, observed: { ...inputs.observed, objects } },
      { nodes: [...zoned('a'), ...full] },
    );
    assert.equal(zonesOf(plan(tight), app), 'a', 'one more in zone a would be further from three zones');
  });

  it('is forced upon everybody by a policy, from so many replicas on', () => {
    const inputs = world({
      nodes: [...zoned('a'), ...zoned('b', { capacity: { cpuMillis: 600, memoryBytes: 64 * GiB } })],
      workloads: [workload(app, { replicas: 4 }), workload(other, { replicas: 1 })],
      policies: [
        {
          name: 'multi-site',
          namespaces: ['*'],
          disruption: [],
          require: [{ spread: { by: 'zone', minDomains: 2 }, replicasFrom: 2 }],
        },
      ],
    });
    assert.equal(zonesOf(plan(inputs), app), 'aabb');
  });
});

describe('a limit of instances on one node', () => {
  for (const strategy of ['auto', 'fill', 'each', 'global', 'drained', 'pack'] as const) {
    it(`is reached and not passed with ${strategy}`, () => {
      const inputs = world({
        nodes: zoned('a'),
        workloads: [workload(app, { replicas: 5, ...placement({ strategy, perNode: 2 }) })],
      });
      const made = plan(inputs);
      assert.deepEqual(nodesOf(made, app), ['a1', 'a1', 'a2', 'a2']);
      assert.equal(made.refusals[0]?.instances, 1);
    });
  }
});

describe('affinity', () => {
  it('puts a workload beside another one, in the domain that it names', () => {
    const near = workload(app, {
      replicas: 2,
      ...placement({ affinity: [{ to: other, by: 'zone', required: true }] }),
    });
    const db = workload(other, { replicas: 1, ...placement({ require: { disk: 'ssd' } }) });
    const nodes = zoned('ab').map((each) => (each.name === 'b2' ? { ...each, labels: { disk: 'ssd' } } : each));
    // The one that is followed may come later by name or priority: its place counts once it is known.
    const made = plan(world({ nodes, workloads: [near, { ...db, priority: 2000 }] }));
    assert.equal(zonesOf(made, app), 'bb');
  });

  it('that cannot be kept is a refusal that says so', () => {
    const near = workload(app, {
      replicas: 1,
      ...placement({ affinity: [{ to: other, by: 'zone', required: true }] }),
    });
    const made = plan(world({ nodes: zoned('a'), workloads: [near] }));
    assert.match(made.refusals[0]?.message ?? '', /have no payments\/db in their zone/);
  });

  it('keeps workloads apart, whichever of them says it', () => {
    const far = workload(app, {
      replicas: 2,
      ...placement({ antiAffinity: [{ to: other, by: 'node', required: true }] }),
    });
    const inputs = withRunning(
      world({ nodes: zoned('a'), workloads: [far, workload(other, { replicas: 2 })] }),
      spread(other, 1, ['a1']),
    );
    const made = plan(inputs);
    assert.deepEqual(nodesOf(made, app), ['a2', 'a2']);
    assert.deepEqual(nodesOf(made, other), ['a1']);
  });

  it('counts on what stays, whatever an unfinished run left beside it', () => {
    const nodes = zoned('ab').filter(({ name }) => name !== 'a2');
    const near = workload(app, {
      replicas: 2,
      ...placement({ affinity: [{ to: other, by: 'zone', required: true }] }),
    });
    const running = { workload: other, ordinal: 0, node: 'a1' };
    const inputs = withRunning(world({ nodes, workloads: [near, workload(other, { replicas: 1 })] }), [
      running,
      { ...running, generation: 2, state: 'reserved', object: 'gone' },
    ]);
    const made = plan(inputs);
    assert.equal(zonesOf(made, app), 'aa');
  });

  it('that is only wished for gives way', () => {
    const wish = workload(app, {
      replicas: 1,
      ...placement({ affinity: [{ to: other, by: 'zone', required: false }] }),
    });
    const inputs = withRunning(
      world({ nodes: zoned('ab'), workloads: [wish, workload(other, { replicas: 1 })] }),
      spread(other, 1, ['b1']),
    );
    assert.equal(zonesOf(plan(inputs), app), 'b');
    const full = withDesired(inputs, {
      nodes: inputs.desired.nodes.map((each) =>
        each.zone === 'b' ? { ...each, lifecycle: 'cordoned' as const } : each,
      ),
    });
    assert.equal(zonesOf(plan(full), app), 'a');
  });

  it('prefers nodes with the labels that weigh most', () => {
    const nodes = zoned('a').map((each) => (each.name === 'a2' ? { ...each, labels: { disk: 'ssd' } } : each));
    const made = plan(
      world({
        nodes,
        workloads: [
          workload(app, { replicas: 2, ...placement({ prefer: [{ labels: { disk: 'ssd' }, weight: 10 }] }) }),
        ],
      }),
    );
    assert.deepEqual(nodesOf(made, app), ['a2', 'a2']);
  });
});

describe('preemption', () => {
  const room = { capacity: { cpuMillis: 1000, memoryBytes: 4 * GiB } };
  const batch = workload(other, { replicas: 2, priority: 100 });
  const urgent = workload(app, { replicas: 1, preemption: 'lower' });

  it('moves the least urgent instances off, and comes after them', () => {
    const inputs = withRunning(
      world({ nodes: [node('n1', room), node('n2', { ...room, labels: {} })], workloads: [batch, urgent] }),
      [
        { workload: other, ordinal: 0, node: 'n1' },
        { workload: other, ordinal: 1, node: 'n1' },
      ],
    );
    const pinned = withDesired(inputs, {
      nodes: [node('n1', { ...room, labels: { disk: 'ssd' } }), node('n2', room)],
      workloads: [{ ...urgent, ...placement({ require: { disk: 'ssd' } }) }, batch],
    });
    const made = plan(pinned);
    assert.deepEqual(made.refusals, []);
    const [move] = made.steps.filter(({ cause }) => cause === 'preempt');
    assert.deepEqual([move?.kind, move?.from, move?.node], ['move', 'n1', 'n2']);
    assert.deepEqual(made.units.find(({ id }) => (id as string) === app)?.after, [other]);
    assert.match(move?.reason ?? '', /payments\/checkout is more urgent and needs its room on n1/);
  });

  it('evicts what has no other place, within its budget, and says so', () => {
    const inputs = withRunning(world({ nodes: [node('n1', room)], workloads: [batch, { ...urgent, replicas: 2 }] }), [
      { workload: other, ordinal: 0, node: 'n1' },
      { workload: other, ordinal: 1, node: 'n1' },
    ]);
    const made = plan(inputs);
    const evicted = made.steps.filter(({ cause }) => cause === 'preempt');
    assert.deepEqual(
      evicted.map(({ kind }) => kind),
      ['remove'],
      'the budget of two instances is one',
    );
    assert.equal(nodesOf(made, app).length, 1);
    assert.ok(made.refusals.some(({ subject, instances }) => subject === app && instances === 1));
    assert.ok(made.refusals.some(({ subject }) => subject === other));
  });

  it('never happens unless it is declared, nor to what is as urgent', () => {
    const full = (change: Parameters<typeof workload>[1]) =>
      withRunning(world({ nodes: [node('n1', room)], workloads: [batch, workload(app, { replicas: 1, ...change })] }), [
        { workload: other, ordinal: 0, node: 'n1' },
        { workload: other, ordinal: 1, node: 'n1' },
      ]);
    assert.deepEqual(plan(full({})).steps, []);
    assert.deepEqual(plan(full({ preemption: 'lower', priority: 100 })).steps, []);
  });
});

describe('a quota that was lowered below what is used', () => {
  const lowered = (drainToQuota: boolean): PlanInputs =>
    withDesired(
      withRunning(
        world({ workloads: [workload(app, { replicas: 3 }), workload(other, { replicas: 2, priority: 100 })] }),
        [...spread(app, 3, ['n1', 'n2', 'n3']), ...spread(other, 2, ['n1', 'n2'])],
      ),
      {
        quotas: [
          {
            name: 'payments',
            namespace: namespaceName('payments'),
            limits: { instances: 4 },
            ...(drainToQuota && { drainToQuota: true }),
          },
        ],
      },
    );

  it('is refused, and removes nothing', () => {
    const made = plan(lowered(false));
    assert.deepEqual(made.steps, []);
    assert.match(
      made.refusals[0]?.message ?? '',
      /quota payments: 5 instances are used, and the limit is 4: 1 more than allowed/,
    );
  });

  it('drains to it when it says so, the least urgent first', () => {
    const made = plan(lowered(true));
    assert.deepEqual(
      made.steps.map(({ kind, instance, cause }) => `${kind} ${instance} ${cause}`),
      ['remove payments/db/1 quota'],
    );
  });
});

describe('a drain', () => {
  const workloads = [workload(app, { replicas: 4, maxUnavailable: { kind: 'count', count: 1 } })];
  const drained = (change: Partial<DesiredNode>, cluster: Partial<Desired['cluster']> = {}): PlanInputs => {
    const base = withRunning(world({ nodes: zoned('ab'), workloads }), spread(app, 4, ['a1', 'a2', 'b1', 'b2']));
    return withDesired(base, {
      cluster: { ...base.desired.cluster, ...cluster },
      nodes: base.desired.nodes.map((each) =>
        each.zone === 'a' ? { ...each, lifecycle: 'maintenance' as const, ...change } : each,
      ),
    });
  };

  it('goes on over all nodes together within one budget, and says how long it takes', () => {
    const made = plan(drained({}));
    assert.deepEqual(
      made.goals.map(({ node: name, waves }) => [name, waves]),
      [
        ['a1', 1],
        ['a2', 2],
      ],
    );
    assert.equal(made.availability[app as WorkloadId]?.lowest, 4);
  });

  it('takes so many nodes of a zone at a time; the others wait and are named', () => {
    const made = plan(drained({}, { drain: { perZone: { kind: 'count', count: 1 } } }));
    assert.deepEqual(
      made.steps.map(({ from }) => from),
      ['a1'],
    );
    assert.match(made.goals.find(({ node: name }) => name === 'a2')?.blocked[0]?.reason ?? '', /drain\.perZone/);
  });

  it('that is forced does not wait for budgets once its deadline has passed', () => {
    const inputs = withDesired(drained({ drain: { force: true, deadline: now } }), {
      workloads: workloads.map((each) => ({
        ...each,
        maxUnavailable: { kind: 'count' as const, count: 0 },
        update: { ...each.update, order: 'stop-first' as const },
      })),
    });
    const forced = createPlan(inputs);
    assert.deepEqual(
      forced.steps.map((step) => step.forced),
      [true, true],
      'the executor is told as well',
    );
    const early = withDesired(inputs, {
      nodes: inputs.desired.nodes.map((each) =>
        each.drain === undefined ? each : { ...each, drain: { force: true, deadline: now + 1 } },
      ),
    });
    assert.equal(createPlan(early).steps.length, 0);
    assert.ok(
      verifyPlan(early, forced).some(
        ({ rule, message }) => rule === 'budget' && /no forced drain says so/.test(message),
      ),
    );
  });

  it('stops static instances last, and brings them back with their node', () => {
    const disk = workload(other, { type: 'static', replicas: 1 });
    const down = withRunning(
      world({ nodes: [node('n1', { lifecycle: 'maintenance' }), node('n2')], workloads: [disk] }),
      [{ workload: other, ordinal: 0, node: 'n1', state: 'held' }],
    );
    assert.deepEqual(plan(down).steps, [], 'it waits for its node');
    const back = plan(withDesired(down, { nodes: [node('n1'), node('n2')] }));
    assert.deepEqual(
      back.steps.map(({ kind, node: name, reason }) => `${kind} ${name} ${reason}`),
      ['replace n1 n1 is back'],
    );
  });
});

describe('bound cores and devices', () => {
  it('are given out packed: fragments share a core, parts share a device', () => {
    const bound = revision({
      cpu: { bind: true, numa: 'none' },
      resources: {
        cpuMillis: 1500,
        memoryBytes: GiB,
        storageBytes: 0,
        bandwidthBits: 0,
        extended: { 'gpu/a100': 500 },
      },
    });
    const nodes = [node('n1', { capacity: { cpuMillis: 4000, memoryBytes: 8 * GiB, 'gpu/a100': 2000 } })];
    const made = plan(world({ nodes, workloads: [workload(app, { replicas: 2, revision: bound })] }));
    assert.deepEqual(
      made.steps.map(({ holds }) => [holds.cpuset, holds.cpuFragments, holds.devices]),
      [
        ['0-1', { 0: 500 }, { 'gpu/a100': { 0: 500 } }],
        ['0,2', { 0: 500 }, { 'gpu/a100': { 0: 500 } }],
      ],
    );
  });
});

describe('an object that was started a second time', () => {
  it('does not stand in for the one that is recorded, wherever the engines list it', () => {
    const inputs = withRunning(world({ workloads: [workload(app)] }), spread(app, 3, ['n1', 'n2', 'n3']));
    const [first, ...others] = inputs.observed.objects;
    assert.ok(first);
    const elsewhere = { ...first, objectId: 'twin', node: nodeName('n2') };
    const beside = { ...first, objectId: 'another', state: 'exited', health: 'none' } as const;
    for (const objects of [
      [elsewhere, beside, first, ...others],
      [first, ...others, beside, elsewhere],
    ]) {
      const seen = { ...inputs, observed: { ...inputs.observed, objects } };
      const made = plan(seen);
      assert.deepEqual(made.steps, []);
      assert.deepEqual(new Set(worldAfter(seen, made).observed.objects), new Set(objects), 'all are still there');
    }
  });
});

describe('what an unfinished run left', () => {
  const exited = { state: 'exited', health: 'none' } as const;
  const both = (older: Partial<Running>, newer: Partial<Running>): readonly string[] => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), [
      { workload: app, ordinal: 0, node: 'n1', generation: 1, ...older },
      { workload: app, ordinal: 0, node: 'n2', generation: 2, ...newer },
    ]);
    return plan(inputs).steps.map(({ kind, node: name, wave }) => `${wave} ${kind} ${name}`);
  };

  it('goes, and not the one that serves: the newer where both do', () => {
    assert.deepEqual(both({}, { object: exited }), ['0 remove n2']);
    assert.deepEqual(both({ object: exited }, {}), ['0 remove n1']);
    assert.deepEqual(both({}, {}), ['0 remove n1']);
  });

  it('goes once the instance has been made anew where neither serves', () => {
    assert.deepEqual(both({ object: exited }, { object: exited }), ['0 replace n2', '1 remove n1']);
  });
});

describe('a rollout', () => {
  it('begins with its first group, also where instances that do not answer have to wait', () => {
    const nodes = ['n1', 'n2', 'n3'].map((name) => node(name));
    const changed = workload(app, {
      replicas: 6,
      hash: 'r2',
      revision: revision({ image: 'app:2' }),
      maxUnavailable: { kind: 'count', count: 3 },
    });
    const running = withRunning(world({ nodes, workloads: [changed] }), spread(app, 6, ['n1', 'n2', 'n3']));
    const made = plan(withNode(running, 'n3', { liveness: 'unknown' }));
    assert.deepEqual(
      made.units[0]?.waves.map(({ steps, observeMs }) => [steps.length, observeMs]),
      [
        [1, 10_000],
        [3, 10_000],
      ],
    );
  });
});

describe('a daemon', () => {
  it('goes on counting on a node whose turn to be drained has not come', () => {
    const nodes = zoned('a', { lifecycle: 'maintenance' });
    const inputs = withRunning(
      world({
        nodes,
        workloads: [workload(app, { type: 'daemon' })],
        cluster: { drain: { perZone: { kind: 'count', count: 1 } } },
      }),
      spread(app, 2, ['a1', 'a2']),
    );
    const made = plan(inputs);
    assert.deepEqual(
      made.steps.map(({ kind, node: name }) => `${kind} ${name}`),
      ['remove a1'],
    );
    assert.equal(made.units[0]?.waves[0]?.available, 1);
  });
});

describe('a volume', () => {
  it('that git takes away is left behind: a replacement deletes nothing, whatever onRemove says', () => {
    const data = { ...volume, name: 'data' } as const;
    const before = revision({ volumes: [data, { ...volume, name: 'log', onRemove: 'delete' }] });
    const nodes = [node('n1', { disks: [{ device: '/data1', sizeBytes: 10 * GiB }] })];
    const db = workload(app, { type: 'stateful', replicas: 1, hash: 'r2', revision: revision({ volumes: [data] }) });
    const held = ['data', 'log'].map((name) => ({ name, device: '/data1', bytes: GiB }));
    const inputs = withRunning(
      world({ nodes, workloads: [db] }),
      [{ workload: app, ordinal: 0, node: 'n1', holds: { volumes: held } }],
      { revisions: { r1: before } },
    );
    assert.deepEqual(
      plan(inputs).steps.map(({ kind, holds }) => [
        kind,
        holds.volumes?.map(({ name, device }) => `${name} ${device}`),
      ]),
      [['replace', ['data /data1']]],
    );
  });
});

const volume: Omit<RevisionVolume, 'name'> = {
  mount: '/data',
  sizeBytes: GiB,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
};

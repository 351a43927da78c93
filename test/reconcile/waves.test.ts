import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import type { Desired, DesiredWorkload } from '../../src/model/desired.ts';
import type { Revision } from '../../src/model/revision.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';
import { checked, objectsOf, overloaded, running, simOf } from './worlds.ts';

/** What a wave has freed, later waves of its unit use: so it has to be free before, and again on the way back. */
describe('a rollout in the room that its own waves free', () => {
  it('makes each new one only when an old one has gone', async (t) => {
    const bench = await open(t, ['n1']);
    await bench.run(web('1'));
    const { plan, outcome } = await runWatched(bench, web('2'));
    assert.deepEqual(
      plan.steps.map(({ kind, order, wave }) => `${wave} ${kind} ${order}`),
      ['0 replace create-first', '1 replace create-first', '2 replace create-first'],
    );
    assert.equal(outcome.units[0]?.state, 'done');
    assert.deepEqual(running(bench), ['web/0 2 running', 'web/1 2 running', 'web/2 2 running']);
  });

  it('goes back wave by wave: a new one is off before an old one returns', async (t) => {
    const bench = await open(t, ['n1']);
    await bench.run(web('1'));
    const before = bench.events.length;
    const { outcome } = await runWatched(bench, web('2', { BROKEN: '2' }));
    assert.equal(outcome.units[0]?.state, 'undone');
    assert.match(outcome.units[0]?.reason ?? '', /web\/2#6 on n1: not healthy/);
    const undone = bench.events
      .slice(before)
      .flatMap((event) =>
        event.kind === 'effectDone' && event.undo && (event.effect.kind === 'start' || event.effect.kind === 'stop')
          ? [`${event.effect.kind} ${event.effect.allocation.replace('default/', '')}`]
          : [],
      );
    assert.deepEqual(undone, ['stop web/2#6', 'start web/1#2', 'stop web/1#5', 'start web/0#1', 'stop web/0#4']);
    assert.deepEqual(running(bench), ['web/0 1 running', 'web/1 1 running', 'web/2 1 running']);
    assert.deepEqual(await allocationsOf(bench), ['web/0#1 live', 'web/1#2 live', 'web/2#3 live']);
  });

  it('gives cores and volumes back that were changed in place before a later wave failed', async (t) => {
    const bench = await open(t);
    const small = db('1', 1_000, 2 ** 30);
    await bench.run(small);
    const before = held(bench);
    const recorded = (await loadRecorded(bench.store)).allocations;
    assert.deepEqual(
      before.map((line) => line.cpuset),
      ['0', '0'],
    );
    simOf(bench, 'n2').inject({ call: 'update', fault: { kind: 'failBefore', code: 'rejected' }, times: 1 });
    const grown = db('2', 2_500, 2 ** 31);
    const { plan, outcome } = await runWatched(bench, grown);
    assert.deepEqual(
      plan.steps.map(({ kind, wave, holds }) => [kind, wave, holds.cpuset, holds.volumes?.[0]?.bytes]),
      [
        ['update', 0, '0-2', 2 ** 31],
        ['update', 1, '0-2', 2 ** 31],
      ],
    );
    assert.equal(outcome.units[0]?.state, 'undone');
    const updates = bench.events.filter(
      (event) => event.kind === 'effectDone' && event.effect.kind === 'update' && !event.undo,
    );
    assert.equal(updates.length, 1, 'the first had been changed');
    assert.deepEqual(held(bench), before);
    assert.deepEqual((await loadRecorded(bench.store)).allocations, recorded);
    assert.deepEqual(
      objectsOf(bench).map(({ executions }) => executions),
      [1, 1],
      'nothing was restarted',
    );
    await bench.run(grown);
    assert.deepEqual(
      held(bench).map((line) => line.cpuset),
      ['0-2', '0-2'],
    );
  });
});

async function open(t: TestContext, nodes: readonly string[] = ['n1', 'n2']): Promise<Bench> {
  const bench = await openBench(nodes, {
    exec: ({ BROKEN, MUSTER_ORDINAL }) => ({ exitCode: BROKEN === MUSTER_ORDINAL ? 1 : 0, output: '' }),
  });
  t.after(() => bench.close());
  return bench;
}

/** Three instances on a node that has room for a fourth. */
const web = (version: string, env: Readonly<Record<string, string>> = {}): Desired =>
  world(['n1'], workload('web', version, { health: checked, env: { VERSION: version, ...env }, resources: cpu(250) }));

/** Two instances that change in place. */
const db = (version: string, cpuMillis: number, sizeBytes: number): Desired =>
  world(['n1', 'n2'], {
    ...workload('db', version, {
      image: 'image:1',
      cpu: { bind: true, numa: 'none' },
      resources: cpu(cpuMillis),
      volumes: [{ ...volume, sizeBytes }],
    }),
    type: 'stateful',
  });

const workload = (name: string, version: string, revision: Partial<Revision>): DesiredWorkload =>
  workloadOf(name, { replicas: name === 'db' ? 2 : 3, version, revision });

const cpu = (cpuMillis: number): Revision['resources'] => ({
  cpuMillis,
  memoryBytes: 2 ** 20,
  storageBytes: 0,
  bandwidthBits: 0,
  extended: {},
});

const volume = {
  name: 'data',
  mount: '/data',
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
} as const;

/** Small nodes for what does not bind its cores. */
function world(nodes: readonly string[], of: DesiredWorkload): Desired {
  const desired = desiredOf(nodes, [of]);
  const cpuMillis = of.revision.cpu === undefined ? 1_000 : 4_000;
  return {
    ...desired,
    nodes: desired.nodes.map((node) => ({
      ...node,
      capacity: { ...node.capacity, cpuMillis },
      disks: [{ device: '/data1', sizeBytes: 2 ** 40 }],
    })),
  };
}

const runWatched = (bench: Bench, desired: Desired) =>
  bench.run(desired, { onEvent: () => assert.deepEqual(overloaded(bench, desired), []) });

const held = (bench: Bench) => objectsOf(bench).map(({ name, holds }) => ({ name, ...holds }));

const allocationsOf = async (bench: Bench): Promise<readonly string[]> =>
  (await loadRecorded(bench.store)).allocations.map(({ id, state }) => `${id.replace('default/', '')} ${state}`);

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { detectDrift } from '../../src/drift/detect.ts';
import type { Desired, DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import { type NodeName, nodeName } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Allocation } from '../../src/model/recorded.ts';
import type { RevisionVolume } from '../../src/model/revision.ts';
import { loadRecorded } from '../../src/store/recorded.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';
import { holderOf, objectsOf, simOf } from './worlds.ts';

/** Static instances are like machines: they stop with their node, and are brought back with it. */
describe('the maintenance of a node with a static instance', () => {
  it('stops it, leaves it alone as long as the maintenance lasts, and brings it back in place with its data', async (t) => {
    const bench = await open(t);
    await bench.run(world());
    const { object } = holderOf(bench, 'disk/0');
    const home = nodeOf(bench, 'disk/0');
    simOf(bench, home).writeFile(object.objectId, { path: '/data/file', text: 'precious' });

    const away = world({ nodes: { [home]: { lifecycle: 'maintenance' } } });
    const { plan } = await bench.run(away);
    assert.deepEqual(stepsOf(plan), [`stop disk/0 on ${home}`]);
    assert.match(plan.steps[0]?.reason ?? '', /is in maintenance; it is started again when the node is back/);
    assert.deepEqual(await states(bench), ['disk/0#1 held']);
    assert.deepEqual([holderOf(bench, 'disk/0').object.state], ['exited']);

    const during = await bench.look(away);
    assert.deepEqual(detectDrift(during.recorded, during.observed), [], 'nothing has drifted');
    assert.deepEqual((await bench.plan(away)).steps, [], 'and nothing is healed or deleted');

    const { plan: back } = await bench.run(world());
    assert.deepEqual(stepsOf(back), [`replace disk/0 on ${home}`]);
    assert.deepEqual(await states(bench), ['disk/0#2 live']);
    const again = holderOf(bench, 'disk/0').object;
    assert.equal(simOf(bench, home).readFile(again.objectId, '/data/file'), 'precious');
    assert.deepEqual(again.holds, object.holds, 'its cores, its volume and its address are the same');
    assert.equal(objectsOf(bench).length, 1);
  });

  it('comes after everything that can move has left, and its daemons after it', async (t) => {
    const bench = await open(t);
    const others = [
      workloadOf('web', { replicas: 3, version: '1' }),
      { ...workloadOf('agent', { replicas: 0, version: '1' }), type: 'daemon' as const },
    ];
    await bench.run(world({ others }));
    const home = nodeOf(bench, 'disk/0');
    const before = bench.events.length;
    await bench.run(world({ others, nodes: { [home]: { lifecycle: 'maintenance' } } }));
    const stopped = bench.events
      .slice(before)
      .flatMap((event) =>
        event.kind === 'effectDone' && event.effect.kind === 'stop' ? event.effect.allocation.split('/')[1] : [],
      );
    assert.deepEqual(stopped, ['web', 'disk', 'agent']);
    assert.ok(objectsOf(bench).every((object) => object.state === 'running' || object.name.includes('.disk.')));
  });

  it('counts what is stopped as unavailable: a second node waits until the first is back', async (t) => {
    const bench = await open(t);
    await bench.run(world({ replicas: 3 }));
    const both = {
      n1: { lifecycle: 'maintenance' },
      n2: { lifecycle: 'maintenance' },
    } as const;
    const { plan } = await bench.run(world({ replicas: 3, nodes: both }));
    assert.equal(plan.steps.length, 1, 'three instances: one may be away');
    const waits = plan.goals.flatMap(({ blocked }) => blocked);
    assert.match(waits[0]?.reason ?? '', /too many others of the workload are unavailable/);
    assert.deepEqual((await bench.plan(world({ replicas: 3, nodes: both }))).steps, []);
    const first = plan.steps[0]?.node ?? '';
    const second = first === 'n1' ? 'n2' : 'n1';
    const onlySecond = world({ replicas: 3, nodes: { [second]: { lifecycle: 'maintenance' } } });
    const { plan: back } = await bench.run(onlySecond);
    assert.deepEqual(
      back.steps.map(({ kind, node }) => `${kind} ${node}`),
      [`replace ${first}`],
      'the first node is back',
    );
    const { plan: next } = await bench.run(onlySecond);
    assert.deepEqual(
      next.steps.map(({ kind, node }) => `${kind} ${node}`),
      [`stop ${second}`],
    );
  });

  it('is forced: a drain that does not wait for the budget stops it as well', async (t) => {
    const bench = await open(t);
    await bench.run(world({ replicas: 2 }));
    const forced = { lifecycle: 'maintenance', drain: { force: true } } as const;
    const away = world({ replicas: 2, nodes: { n1: forced, n2: forced, n3: forced } });
    const { plan, outcome } = await bench.run(away);
    assert.deepEqual(
      plan.steps.map((step) => [step.kind, step.forced]),
      [
        ['stop', true],
        ['stop', true],
      ],
    );
    assert.deepEqual(
      outcome.units.map(({ state }) => state),
      ['done'],
    );
    assert.deepEqual(await states(bench), ['disk/0#1 held', 'disk/1#2 held']);
  });

  it('brings what git changed meanwhile', async (t) => {
    const bench = await open(t);
    await bench.run(world());
    const home = nodeOf(bench, 'disk/0');
    await bench.run(world({ nodes: { [home]: { lifecycle: 'maintenance' } } }));
    assert.deepEqual(
      (await bench.plan(world({ version: '2', nodes: { [home]: { lifecycle: 'maintenance' } } }))).steps,
      [],
    );
    await bench.run(world({ version: '2' }));
    const { object } = holderOf(bench, 'disk/0');
    assert.deepEqual([object.revision.image, object.state], ['image:2', 'running']);
  });

  it('brings it back at the next try when the first one fails', async (t) => {
    const bench = await open(t);
    await bench.run(world());
    const home = nodeOf(bench, 'disk/0');
    await bench.run(world({ nodes: { [home]: { lifecycle: 'maintenance' } } }));
    const held = (await loadRecorded(bench.store)).allocations;
    simOf(bench, home).inject({ call: 'create', fault: { kind: 'failBefore', code: 'noSpace' }, times: 1 });
    const { outcome } = await bench.run(world());
    assert.equal(outcome.units[0]?.state, 'undone');
    assert.deepEqual((await loadRecorded(bench.store)).allocations, held, 'as it was, and since when');
    await bench.run(world());
    assert.deepEqual(await states(bench), ['disk/0#3 live']);
  });

  it('deletes it only when git does not want it any more, and then after both delays', async (t) => {
    const bench = await open(t);
    const prune = { stopAfterMs: 60_000, deleteAfterMs: 120_000, max: { sharePercent: 100, atLeast: 1_000 } };
    const others = [workloadOf('web', { replicas: 1, version: '1' })];
    const at = (desired: Desired): Desired => ({ ...desired, cluster: { ...desired.cluster, prune } });
    await bench.run(at(world({ others })));
    const home = nodeOf(bench, 'disk/0');
    const nodes = { [home]: { lifecycle: 'maintenance' } } as const;
    await bench.run(at(world({ others, nodes })));
    bench.leap(10 * prune.deleteAfterMs);
    assert.deepEqual((await bench.plan(at(world({ others, nodes })))).steps, [], 'held for long, and wanted');

    const without = at(world({ others, nodes, replicas: undefined }));
    await bench.noteAbsences(without);
    bench.leap(prune.stopAfterMs);
    assert.deepEqual((await bench.plan(without)).steps, [], 'held since long before it left git');
    bench.leap(prune.deleteAfterMs);
    assert.deepEqual(stepsOf(await bench.plan(without)), [`remove disk/0 on ${home}`]);
  });
});

const open = async (t: TestContext): Promise<Bench> => {
  const bench = await openBench(['n1', 'n2', 'n3']);
  t.after(() => bench.close());
  return bench;
};

/** Static instances with two cores of their own, a volume and an address; `replicas: undefined`: git does not have them. */
function world(
  options: {
    readonly version?: string;
    readonly replicas?: number | undefined;
    readonly nodes?: Readonly<Record<string, Partial<DesiredNode>>>;
    readonly others?: readonly DesiredWorkload[];
  } = {},
): Desired {
  const { version = '1', nodes = {}, others = [] } = options;
  const replicas = 'replicas' in options ? options.replicas : 1;
  const workloads = replicas === undefined ? others : [...others, disk(version, replicas)];
  const desired = desiredOf(['n1', 'n2', 'n3'], workloads);
  return {
    ...desired,
    networks: [{ name: 'lan', subnet: '10.1.0.0/24', pools: [] }],
    nodes: desired.nodes.map((node) => ({
      ...node,
      disks: [{ device: '/data1', sizeBytes: 2 ** 40 }],
      ...nodes[node.name],
    })),
  };
}

const disk = (version: string, replicas: number): DesiredWorkload => ({
  ...workloadOf('disk', {
    replicas,
    version,
    revision: {
      cpu: { bind: true, numa: 'none' },
      resources: {
        cpuMillis: 2_000,
        memoryBytes: 2 ** 20,
        storageBytes: 0,
        bandwidthBits: 0,
        extended: {},
      },
      volumes: [data],
      network: { name: 'lan', ip: 'keep' },
    },
  }),
  type: 'static',
});

const data: RevisionVolume = {
  name: 'data',
  mount: '/data',
  sizeBytes: 2 ** 30,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'delete',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
};

function nodeOf(bench: Bench, instance: string): NodeName {
  const { sim } = holderOf(bench, instance);
  const [name] = [...bench.sims].find(([, other]) => other === sim) ?? [];
  return nodeName(name ?? '');
}

const stepsOf = (plan: Plan): readonly string[] =>
  plan.steps.map(({ kind, instance, node }) => `${kind} ${instance.replace('default/', '')} on ${node}`);

const states = async (bench: Bench): Promise<readonly string[]> =>
  (await loadRecorded(bench.store)).allocations.map(
    ({ id, state }: Allocation) => `${id.replace('default/', '')} ${state}`,
  );

import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { type AllocationId, allocationId, fencingToken, instanceId, workloadId } from '../../src/model/ids.ts';
import { lateCallMs } from '../../src/reconcile/late-calls.ts';
import { openSweeper, type Removed, type Sweeper } from '../../src/reconcile/zombies.ts';
import { keys, prefixes } from '../../src/store/keys.ts';
import { cluster, desiredOf, openBench, workloadOf } from './harness.ts';

const nodes = ['n1', 'n2'];
const web = workloadId('default', 'web');
const call = { deadlineMs: 1_000 };

/** Two instances that have been made anew once: their first generations are over. */
async function open(t: TestContext) {
  const bench = await openBench(nodes);
  t.after(() => bench.close());
  const desired = (version: string, replicas = 2) => desiredOf(nodes, [workloadOf('web', { replicas, version })]);
  await bench.run(desired('1'));
  await bench.run(desired('2'));
  const removed: AllocationId[] = [];
  const report = ({ allocation }: Removed): void => void removed.push(allocation);
  return {
    bench,
    removed,
    desired,
    /** An engine carries out a creation late; by whom it was asked for stands in the token. */
    make: async (
      generation: number,
      of: { readonly ordinal?: number; readonly epoch?: number; readonly node?: string } = {},
    ) => {
      const { ordinal = 0, epoch = 1, node = 'n1' } = of;
      const engine = bench.sims.get(node)?.open(cluster);
      assert.ok(engine !== undefined);
      const [revision] = desired('1').workloads;
      assert.ok(revision !== undefined);
      const { objectId } = await engine.create(
        {
          allocation: allocationId(instanceId(web, ordinal), generation),
          revisionHash: revision.revisionHash,
          revision: revision.revision,
          holds: { cpuMillis: 100, memoryBytes: 0, storageBytes: 0 },
          token: fencingToken({ epoch, createRevision: 2 }),
          effect: 'late',
        },
        call,
      );
      return { start: () => engine.start(objectId, call) };
    },
    sweep: (sweeper: Sweeper, world = desired('2')) =>
      bench.lead(world, async (dependencies) => sweeper.sweep({ ...dependencies, report }, await bench.look(world))),
    objects: () =>
      [...bench.sims.values()].flatMap((sim) => sim.objects().map(({ request }) => request.allocation)).sort(),
  };
}

const served = ['default/web/0#3', 'default/web/1#4'];

describe('what an engine makes late', () => {
  it('is taken away once no call of that time can come any more, not before', async (t) => {
    const { make, sweep, objects, removed, bench } = await open(t);
    assert.deepEqual(objects(), served);
    await make(1);
    const sweeper = openSweeper();
    assert.equal(Math.round(await sweep(sweeper)), lateCallMs);
    bench.leap(lateCallMs - 1_000);
    assert.ok((await sweep(sweeper)) <= 1_000);
    assert.deepEqual(objects(), ['default/web/0#1', ...served]);
    bench.leap(1_000);
    assert.equal(await sweep(sweeper), Number.POSITIVE_INFINITY);
    assert.deepEqual(objects(), served);
    assert.deepEqual(removed, ['default/web/0#1']);
    assert.deepEqual((await bench.store.range(prefixes.zombies)).entries, [], 'and nothing is left to be said of it');
    await make(1);
    assert.equal(Math.round(await sweep(sweeper)), lateCallMs, 'it came once more, and waits once more');
  });

  it('is stopped before where it runs beside the allocation that is served by another', async (t) => {
    const { make, sweep, objects, bench } = await open(t);
    await (await make(1)).start();
    const sweeper = openSweeper();
    await sweep(sweeper);
    bench.leap(lateCallMs);
    await sweep(sweeper);
    assert.deepEqual(objects(), served);
  });

  it('stays where it may be what serves, and goes once git does not ask for it', async (t) => {
    const { make, sweep, objects, bench, desired } = await open(t);
    await (await make(2, { ordinal: 7 })).start();
    const sweeper = openSweeper();
    const asked = desired('2', 9);
    await sweep(sweeper, asked);
    bench.leap(lateCallMs);
    assert.equal(await sweep(sweeper, asked), Number.POSITIVE_INFINITY);
    assert.equal(objects().length, 3);
    await sweep(sweeper);
    assert.deepEqual(objects(), served);
  });

  it('stays where nobody can say whose it is, and where there are too many of them', async (t) => {
    const { make, sweep, objects, bench } = await open(t);
    await make(1, { epoch: 0 });
    const sweeper = openSweeper();
    await sweep(sweeper);
    bench.leap(lateCallMs);
    assert.equal(await sweep(sweeper), Number.POSITIVE_INFINITY, 'of another epoch: a restore forgets');
    for (const ordinal of [1, 2, 3]) await make(1, { ordinal });
    await sweep(sweeper);
    bench.leap(lateCallMs);
    assert.equal(await sweep(sweeper), Number.POSITIVE_INFINITY, 'more than late calls leave');
    assert.equal(objects().length, 6);
  });

  it('is tried again where its engine refuses, and what a leader left half done is cleared away', async (t) => {
    const { make, sweep, objects, bench } = await open(t);
    await make(1);
    const first = openSweeper();
    await sweep(first);
    bench.leap(lateCallMs);
    bench.sims.get('n1')?.inject({ call: 'remove', fault: { kind: 'failBefore' }, times: 1 });
    assert.ok((await sweep(first)) <= 30_000);
    assert.equal((await bench.store.range(prefixes.zombies)).entries.length, 1);
    assert.equal((await bench.store.get(keys.zombie('default/web/0#1' as AllocationId))) === undefined, false);
    bench.sims.get('n1')?.vanish('sim-n1-default/web/0#1');
    await sweep(openSweeper());
    assert.deepEqual((await bench.store.range(prefixes.zombies)).entries, []);
    assert.deepEqual(objects(), served);
  });
});

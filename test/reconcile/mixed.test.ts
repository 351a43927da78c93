import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Desired, DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { Revision, RevisionVolume } from '../../src/model/revision.ts';
import type { ProgressEvent } from '../../src/reconcile/progress.ts';
import { type Death, Died } from '../store/dying.ts';
import { type Bench, desiredOf, openBench, workloadOf } from './harness.ts';
import { checked, holderOf, objectsOf, overloaded, running } from './worlds.ts';

/**
 * Units that do everything at once, cut off at every record that they write: `web` heals one instance, moves one off a
 * drained node, rolls out in the room that its waves free and removes one; `disk` stops a static instance for its node's
 * maintenance and rolls out another; `urgent` has `batch` make room.
 */
const nodes = ['n1', 'n2', 'n3'];

const data: RevisionVolume = {
  name: 'data',
  mount: '/data',
  sizeBytes: 2 ** 30,
  source: { kind: 'auto' },
  exclusive: false,
  readOnly: false,
  onRemove: 'keep',
  readIops: 0,
  writeIops: 0,
  readBps: 0,
  writeBps: 0,
};

test('the plan of these tests is as mixed as they say', async () => {
  const bench = await openMixed();
  try {
    const plan = await bench.plan(after());
    assert.deepEqual(summaryOf(plan), [
      'batch remove preempt',
      'disk replace change',
      'disk stop drain',
      'urgent create new',
      'web move drain',
      'web remove scale',
      'web replace change',
      'web replace heal',
    ]);
    assert.deepEqual(
      plan.steps
        .filter(({ cause, unit }) => cause === 'change' && `${unit}` === 'default/web')
        .map(({ order }) => order),
      ['create-first', 'create-first'],
      'the second has room only where the first was',
    );
    assert.ok(plan.units.some(({ id, waves }) => `${id}` === 'default/web' && waves.length >= 4));
    const urgent = plan.units.find(({ id }) => `${id}` === 'default/urgent');
    assert.deepEqual(urgent?.after, ['default/batch']);
  } finally {
    await bench.close();
  }
});

for (const kind of ['good', 'broken'] as const) {
  const what = kind === 'good' ? 'finished' : 'undone, what fails as well as what waited for it,';
  test(`units are ${what} after a death at any record: no node is ever overloaded, nothing is doubled or lost`, async (t) => {
    let deaths = 0;
    let first = 1;
    // Worlds of their own, a few at the same time: mostly they wait for the disk.
    for (let survived = false; !survived && first < mostTransactions; first += atOnce) {
      const all = Array.from({ length: atOnce }, (_, index) => first + index).flatMap((atTransaction) => [
        dieAndRecover({ atTransaction, moment: 'before' }, kind),
        dieAndRecover({ atTransaction, moment: 'after' }, kind),
      ]);
      const ends = await Promise.all(all);
      survived = ends.includes('survived');
      deaths += ends.filter((end) => end === 'died').length;
    }
    assert.ok(first < mostTransactions, 'the last run was not cut off');
    t.diagnostic(`${deaths} deaths`);
    assert.ok(deaths > 150, `${deaths} deaths`);
  });
}

const atOnce = 3;
/** Far more transactions than the run has. */
const mostTransactions = 600;
/** Passes after which a world that is left alone has come to rest: a failed rollout takes one to undo what repairs brought of it. */
const mostPasses = 4;

/** `survived`: the run ended before its death came. */
async function dieAndRecover(death: Death, kind: 'good' | 'broken'): Promise<'died' | 'survived'> {
  const bench = await openMixed();
  const what = JSON.stringify(death);
  const desired = after(kind);
  const watch = { onEvent: (event: ProgressEvent) => assertBounds(bench, desired, `${what} ${JSON.stringify(event)}`) };
  try {
    const died = await bench.run(desired, { ...watch, death }).then(
      () => false,
      (error: unknown) => {
        assert.ok(error instanceof Died, `${what}: unexpected ${error instanceof Error ? error.stack : String(error)}`);
        return true;
      },
    );
    let passes = 0;
    while ((await bench.run(desired, watch)).plan.steps.length > 0) {
      passes += 1;
      assert.ok(passes < mostPasses, `${what}: no end of it`);
    }
    assert.deepEqual(running(bench), kind === 'good' ? finished : undone, what);
    assert.equal((await bench.look(desired)).recorded.allocations.length, objectsOf(bench).length, what);
    return died ? 'died' : 'survived';
  } finally {
    await bench.close();
  }
}

const finished = [
  'batch/0 1 running',
  'disk/0 2 running',
  'disk/1 1 exited',
  'urgent/0 1 running',
  'web/0 2 running',
  'web/1 2 running',
  'web/2 2 running',
  'web/3 2 running',
];

/** Git's counts and places, but at the revision that was good before. */
const undone = finished.map((line) => (line.startsWith('web/') ? line.replace(' 2 ', ' 1 ') : line));

/** No node runs more than it can, and of the four web instances that git wants at most one is missing. */
function assertBounds(bench: Bench, desired: Desired, what: string): void {
  assert.deepEqual(overloaded(bench, desired), [], what);
  const serving = new Set(
    running(bench)
      .filter((line) => line.endsWith('running'))
      .map((line) => line.split(' ')[0]),
  );
  const missing = [0, 1, 2, 3].map((ordinal) => `web/${ordinal}`).filter((instance) => !serving.has(instance));
  assert.ok(missing.length <= 1, `${what}: ${missing} are away`);
}

/** Everything at version 1, one instance dead. */
async function openMixed(): Promise<Bench> {
  const bench = await openBench(nodes, {
    exec: ({ BROKEN, MUSTER_ORDINAL }) => ({ exitCode: BROKEN === MUSTER_ORDINAL ? 1 : 0, output: '' }),
  });
  const { outcome } = await bench.run(before());
  assert.ok(outcome.units.every(({ state }) => state === 'done'));
  const { sim, object } = holderOf(bench, 'web/0');
  sim.crash(object.objectId, { exitCode: 1 });
  return bench;
}

/** `web/1` and `disk/1` are all that `n2` has room for; the others share `n1`, but for `batch`. */
const before = (): Desired =>
  world([of('web', { replicas: 5, version: '1' }), disk('1'), batch], { n2: { lifecycle: 'online' } });

/** `n1` has room for two more: the one that comes from `n2`, and one at a time beside what it replaces. */
const after = (kind: 'good' | 'broken' = 'good'): Desired =>
  world(
    [
      of('web', { replicas: 4, version: '2', ...(kind === 'broken' && { env: { BROKEN: '3' } }) }),
      disk('2'),
      batch,
      urgent,
    ],
    { n2: { lifecycle: 'maintenance' } },
  );

function world(
  workloads: readonly DesiredWorkload[],
  { n2 }: { readonly n2: Pick<DesiredNode, 'lifecycle'> },
): Desired {
  const desired = desiredOf(nodes, workloads);
  return {
    ...desired,
    nodes: desired.nodes.map((node) => ({
      ...node,
      ...(node.name === 'n2' && n2),
      labels: { use: node.name === 'n3' ? 'batch' : 'web' },
      capacity: { ...node.capacity, cpuMillis: node.name === 'n2' ? 300 : 1_100 },
      disks: [{ device: '/data1', sizeBytes: 2 ** 40 }],
    })),
  };
}

function of(
  name: string,
  {
    replicas,
    version,
    use = 'web',
    cpuMillis = 150,
    env = {},
    ...revision
  }: {
    readonly replicas: number;
    readonly version: string;
    readonly use?: string;
    readonly cpuMillis?: number;
    readonly env?: Readonly<Record<string, string>>;
    readonly volumes?: NonNullable<Revision['volumes']>;
  },
): DesiredWorkload {
  const resources = { cpuMillis, memoryBytes: 2 ** 20, storageBytes: 0, bandwidthBits: 0, extended: {} };
  const workload = workloadOf(name, {
    replicas,
    version,
    revision: { health: checked, resources, env: { VERSION: version, ...env }, ...revision },
  });
  return { ...workload, placement: { ...workload.placement, require: { use } } };
}

const disk = (version: string): DesiredWorkload => ({
  ...of('disk', { replicas: 2, version, volumes: [data] }),
  type: 'static',
});

const batch: DesiredWorkload = {
  ...of('batch', { replicas: 2, version: '1', use: 'batch', cpuMillis: 500 }),
  priority: 100,
};

const urgent: DesiredWorkload = {
  ...of('urgent', { replicas: 1, version: '1', use: 'batch', cpuMillis: 500 }),
  preemption: 'lower',
};

const summaryOf = (plan: Plan): readonly string[] =>
  [...new Set(plan.steps.map(({ kind, cause, instance }) => `${instance.split('/')[1]} ${kind} ${cause}`))].sort();

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EngineDirectory, EngineError } from '../../src/engines/engine.ts';
import { createSimEngine, type Sim } from '../../src/engines/sim/sim.ts';
import type { SimClock } from '../../src/engines/sim/world.ts';
import type { Desired } from '../../src/model/desired.ts';
import {
  allocationId,
  type ClusterUid,
  clusterUid,
  fencingToken,
  instanceId,
  type NodeName,
  nodeName,
} from '../../src/model/ids.ts';
import type { Observed, ObservedObject } from '../../src/model/observed.ts';
import { systemClock } from '../../src/reconcile/clock.ts';
import { surveyEngines } from '../../src/reconcile/survey.ts';
import { desiredOf, workloadOf } from './harness.ts';

const [first, second] = ['1', '2'].map((digit) => clusterUid(digit.repeat(8))) as [ClusterUid, ClusterUid];
const call = { deadlineMs: 30_000 };
const check = {
  probe: { kind: 'exec', command: ['check'] },
  intervalMs: 10,
  timeoutMs: 20_000,
  healthyAfter: 1,
  unhealthyAfter: 1,
} as const;
const web = workloadOf('web', { replicas: 3, version: '2', revision: { health: check } });
const old = workloadOf('web', { replicas: 3, version: '1', revision: { health: check } });
const nodes = ['n1', 'n2', 'n3'];

test('finds the objects of the cluster’s name under any uid, and probes those at git’s revision as their own cluster', async () => {
  const world = worldOf(nodes, { exec: () => ({ exitCode: 0, output: '' }) });
  await world.start('n1', first, { ordinal: 0, workload: web });
  await world.start('n2', second, { ordinal: 1, workload: web });
  await world.start('n3', first, { ordinal: 2, workload: old });
  const observed = await world.survey(desiredOf(nodes, [web]));
  assert.deepEqual(
    observed.objects.map((object) => [object.allocation, object.node, object.cluster, object.health]),
    [
      ['default/web/0#1', 'n1', first, 'healthy'],
      ['default/web/1#1', 'n2', second, 'healthy'],
      ['default/web/2#1', 'n3', first, 'unknown'],
    ],
    'how to check the health of an older revision is in the store alone',
  );
  assert.deepEqual(world.closed, world.opened, 'every directory is closed again');
});

test('an engine that hangs is told as unreachable by its deadline, and the others are told all the same', async () => {
  const world = worldOf(nodes, { clock: leapingClock() });
  await world.start('n1', first, { ordinal: 0, workload: web });
  for (const name of ['n2', 'n3']) {
    const fault = { kind: 'hang' } as const;
    for (const asked of ['info', 'listNamed']) world.simOf(name).inject({ call: asked, fault, times: 1 });
  }
  const observed = await world.survey(desiredOf(nodes, []));
  assert.deepEqual(
    nodes.map((name) => observed.nodes.get(nodeName(name))?.engines.docker?.kind),
    ['reachable', 'unreachable', 'unreachable'],
  );
  assert.equal(observed.nodes.get(nodeName('n2'))?.liveness, 'unknown');
  assert.deepEqual(
    observed.objects.map(({ node }) => node),
    ['n1'],
  );
});

test('all engines are asked at the same time', async () => {
  const world = worldOf(nodes, {});
  let asked = 0;
  let allAsked: () => void = () => undefined;
  const barrier = new Promise<void>((resolve) => (allAsked = resolve));
  const observed = await world.survey(desiredOf(nodes, []), async () => {
    asked += 1;
    if (asked === nodes.length) allAsked();
    // One after the other would wait here for ever.
    await barrier;
  });
  assert.equal(observed.nodes.size, nodes.length);
});

test('an object that says to be on a node that left git is told, with a health that nobody can check', async () => {
  const world = worldOf(nodes, {});
  const { objectId } = await world.start('n1', first, { ordinal: 0, workload: web });
  const renamed = (objects: readonly ObservedObject[]): readonly ObservedObject[] =>
    objects.map((object) => (object.objectId === objectId ? { ...object, node: nodeName('before') } : object));
  const observed = await world.survey(desiredOf(nodes, [web]), undefined, renamed);
  assert.deepEqual(
    observed.objects.map(({ node, health }) => [node, health]),
    [['before', 'unknown']],
  );
});

interface World {
  readonly opened: readonly (ClusterUid | undefined)[];
  readonly closed: readonly (ClusterUid | undefined)[];
  simOf(name: string): Sim;
  start(
    node: string,
    uid: ClusterUid,
    what: { readonly ordinal: number; readonly workload: ReturnType<typeof workloadOf> },
  ): Promise<{ readonly objectId: string }>;
  survey(
    desired: Desired,
    onList?: () => Promise<void>,
    change?: (objects: readonly ObservedObject[]) => readonly ObservedObject[],
  ): Promise<Observed>;
}

function worldOf(
  names: readonly string[],
  options: Pick<Parameters<typeof createSimEngine>[0], 'exec' | 'clock'>,
): World {
  const sims = new Map(
    names.map((name, seed) => [name, createSimEngine({ node: nodeName(name), kind: 'docker', seed, ...options })]),
  );
  const opened: (ClusterUid | undefined)[] = [];
  const closed: (ClusterUid | undefined)[] = [];
  const simOf = (name: string): Sim => {
    const sim = sims.get(name);
    assert.ok(sim !== undefined, name);
    return sim;
  };
  return {
    opened,
    closed,
    simOf,
    async start(node, uid, { ordinal, workload }) {
      const engine = simOf(node).open({ name: 'test', uid });
      await engine.pull(workload.revision, call);
      const { objectId } = await engine.create(
        {
          allocation: allocationId(instanceId(workload.id, ordinal), 1),
          revisionHash: workload.revisionHash,
          revision: workload.revision,
          holds: { cpuMillis: 0, memoryBytes: 0, storageBytes: 0 },
          token: fencingToken({ epoch: 1, createRevision: 1 }),
          effect: 's1:create',
        },
        call,
      );
      await engine.start(objectId, call);
      return { objectId };
    },
    survey: (desired, onList = async () => undefined, change = (objects) => objects) =>
      surveyEngines({
        desired,
        clock: systemClock,
        openEngines: (uid): EngineDirectory => {
          opened.push(uid);
          return {
            engineOf: async (node) => {
              const sim = sims.get(node);
              if (sim === undefined) throw new EngineError(notDeclared(node));
              const engine = sim.open({ name: 'test', ...(uid !== undefined && { uid }) });
              const listNamed: typeof engine.listNamed = async (how) => {
                await onList();
                const listing = await engine.listNamed(how);
                return { ...listing, objects: change(listing.objects) };
              };
              return { ...engine, listNamed };
            },
            close: async () => void closed.push(uid),
          };
        },
      }),
  };
}

const notDeclared = (node: NodeName) =>
  ({ code: 'notFound', message: `no ${node}`, retryable: false, node, engine: 'docker', call: 'open' }) as const;

/** Waiting takes no time: a call that hangs is over at once. */
const leapingClock = (): SimClock => ({
  now: () => Date.now(),
  sleep: async () => await new Promise((resolve) => setImmediate(resolve)),
});

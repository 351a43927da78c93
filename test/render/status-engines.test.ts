import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Desired, DesiredNode } from '../../src/model/desired.ts';
import {
  allocationId,
  type ClusterUid,
  clusterUid,
  instanceId,
  nodeName,
  revisionHash,
  workloadId,
} from '../../src/model/ids.ts';
import type { Observed, ObservedEngine, ObservedObject } from '../../src/model/observed.ts';
import { renderEnginesText } from '../../src/render/status-engines.ts';
import type { EnginesView } from '../../src/render/status-engines-shape.ts';
import { viewEngines } from '../../src/render/status-engines-view.ts';
import { assertGolden } from '../golden.ts';

const now = Date.UTC(2026, 10, 21, 3);
const checkout = workloadId('payments', 'checkout');
const wanted = revisionHash('3333cccc4444dddd');
const older = revisionHash('1111aaaa2222bbbb');
const uid = clusterUid('0a5c2f1e-1111-4111-8111-111111111111');
const strange = clusterUid('77e0d9b4-2222-4222-8222-222222222222');

describe('status from the engines', () => {
  test('on a bad night: what runs, what is missing, what is doubled, what nobody can see', () => {
    assertGolden('status/engines.txt', textOf(badNight()));
  });

  test('a terminal of 60 columns stays readable', () => {
    const text = textOf(badNight(), 60);
    assertGolden('status/engines-narrow.txt', text);
    assert.ok(text.split('\n').every((line) => [...line].length <= 60));
  });

  test('on a good night only the absence of the store is worth a warning', () => {
    const view = viewOf({ workloads: [{ replicas: 2 }], objects: [object(0), object(1)] });
    assertGolden('status/engines-as-declared.txt', textOf(view));
    assert.equal(view.asDeclared, true);
    assert.deepEqual(
      view.warnings.map(({ code }) => code),
      ['MUS5011'],
    );
  });

  test('the same data are plain JSON, and say where they are from', () => {
    const view = badNight();
    assert.deepEqual(JSON.parse(JSON.stringify(view)), view);
    assert.equal(view.from, 'engines');
    assert.equal(view.asDeclared, false);
  });

  test('an instance that runs twice counts once, and both incarnations name each other', () => {
    const view = viewOf({
      workloads: [{ replicas: 1 }],
      objects: [object(0), object(0, { generation: 9, node: 'n2' })],
    });
    const [workload] = view.workloads;
    assert.deepEqual([workload?.running, workload?.healthy], [1, 1]);
    assert.deepEqual(
      workload?.instances.map((instance) => instance.kind === 'found' && instance.problem),
      ['runs more than once: also #9 on n2', 'runs more than once: also #1 on n1'],
    );
    assert.ok(view.warnings.some(({ code, message }) => code === 'MUS3012' && message.includes('#1 on n1, #9 on n2')));
    assert.equal(view.asDeclared, false);
  });

  test('what a finished rollout left stopped beside the one that runs is no problem', () => {
    const left = object(0, { generation: 1, state: 'exited', exitCode: 143, revision: older });
    const view = viewOf({ workloads: [{ replicas: 1 }], objects: [left, object(0, { generation: 2 })] });
    assert.equal(view.asDeclared, true);
  });

  test('objects of another uid stand out where most have one, and all do where none is in the majority', () => {
    const problems = (uids: readonly ClusterUid[]): readonly (string | undefined)[] => {
      const objects = uids.map((cluster, ordinal) => object(ordinal, { cluster }));
      const view = viewOf({ workloads: [{ replicas: uids.length }], objects });
      assert.equal(view.asDeclared, new Set(uids).size === 1);
      assert.equal(
        view.warnings.some(({ code }) => code === 'MUS3011'),
        new Set(uids).size > 1,
      );
      return view.workloads.flatMap((workload) =>
        workload.instances.map((instance) => (instance.kind === 'found' ? instance.problem : 'absent')),
      );
    };
    const [a, b, c] = problems([uid, uid, strange]);
    assert.deepEqual([a, b], [undefined, undefined]);
    assert.equal(c, `its uid is ${strange}, that of most is ${uid}`);
    for (const problem of problems([uid, strange])) assert.match(problem ?? '', /objects of this name have several/);
    assert.deepEqual(problems([uid, uid]), [undefined, undefined]);
  });

  test('missing is concluded only when every engine answers that it may be on', () => {
    const absent = (over: Partial<Parameters<typeof viewOf>[0]>) => {
      const view = viewOf({ workloads: [{ replicas: 2 }], objects: [object(0)], ...over });
      return [view.workloads[0]?.instances[1]?.observed, view.asDeclared];
    };
    assert.deepEqual(absent({}), ['missing', false]);
    assert.deepEqual(absent({ silent: ['n2'] }), ['unknown', false]);
    assert.deepEqual(absent({ silent: ['n2'], lifecycles: { n2: 'offline' } }), ['missing', false]);
    assert.deepEqual(absent({ silent: ['n2'], silentEngine: 'docker' }), ['missing', false], 'it is a process');
  });

  test('of a daemon something must run; more than was found is not looked for', () => {
    const daemon = { replicas: 0, type: 'daemon' } as const;
    assert.equal(viewOf({ workloads: [daemon], objects: [object(0), object(1)] }).asDeclared, true);
    assert.equal(viewOf({ workloads: [daemon], objects: [] }).asDeclared, false);
  });

  test('what git does not want may be stopped, and is a change while it runs', () => {
    const beyond = object(1, { state: 'exited' });
    assert.equal(viewOf({ workloads: [{ replicas: 1 }], objects: [object(0), beyond] }).asDeclared, true);
    const more = viewOf({ workloads: [{ replicas: 1 }], objects: [object(0), object(1)] });
    assert.equal(more.asDeclared, false);
    assert.match(textOf(more), /change: git wants 1/);
    const outside = viewOf({ workloads: [], objects: [object(0)] });
    assert.equal(outside.asDeclared, false);
    assert.match(textOf(outside), /not in git · running 1[\s\S]*^1 instance not in git\./m);
    assert.equal(viewOf({ workloads: [], objects: [object(0, { state: 'exited' })] }).asDeclared, true);
  });

  test('a long list shows what needs somebody first, and says what it leaves out', () => {
    const objects = Array.from({ length: 30 }, (_, ordinal) => object(ordinal));
    const ill = object(30, { health: 'unhealthy' });
    const view = viewOf({ workloads: [{ replicas: 31 }], objects: [...objects, ill] });
    const text = textOf(view);
    assert.match(text, /^ {2}30 .*\n.*fails its health check$/m);
    assert.match(text, /… and 11 more/);
  });
});

function badNight(): EnginesView {
  return viewOf({
    workloads: [{ replicas: 8 }],
    silent: ['n3'],
    foreign: { n2: 2 },
    objects: [
      object(0),
      object(1, { revision: older, health: 'unknown' }),
      object(2, { node: 'n2', state: 'exited', exitCode: 137, restarts: 4 }),
      object(3, { generation: 3 }),
      object(3, { generation: 7, node: 'n2' }),
      object(4, { node: 'n2', health: 'unhealthy' }),
      object(5, { node: 'n2', cluster: strange }),
      { ...object(0), allocation: allocationId(instanceId(workloadId('old', 'api'), 0), 2) },
    ],
  });
}

const textOf = (view: EnginesView, width = 110): string => renderEnginesText(view, { color: false, width, now });

function viewOf(of: {
  readonly workloads: readonly { readonly replicas: number; readonly type?: 'daemon' }[];
  readonly objects: readonly ObservedObject[];
  /** Nodes whose engine does not answer. */
  readonly silent?: readonly string[];
  readonly silentEngine?: 'process' | 'docker';
  readonly lifecycles?: Readonly<Record<string, DesiredNode['lifecycle']>>;
  readonly foreign?: Readonly<Record<string, number>>;
}): EnginesView {
  const { silent = [], silentEngine = 'process', lifecycles = {}, foreign = {} } = of;
  const names = ['n1', 'n2', 'n3'];
  const desired = {
    cluster: { name: 'prod' },
    commits: { platform: '3f2a9c1d00000000000000000000000000000000' },
    nodes: names.map((name) => ({ name: nodeName(name), pod: 'local', lifecycle: lifecycles[name] ?? 'online' })),
    workloads: of.workloads.map((workload) => ({
      id: checkout,
      type: 'stateless',
      revisionHash: wanted,
      revision: { engine: 'process' },
      ...workload,
    })),
  } as unknown as Desired;
  const reachable: ObservedEngine = { kind: 'reachable', version: '1.0', fingerprint: 'f', capacity: {} };
  const unreachable: ObservedEngine = { kind: 'unreachable', reason: 'process on n3: no answer in time' };
  const observed: Observed = {
    takenAt: now - 2_000,
    objects: of.objects,
    nodes: new Map(
      names.map((name) => [
        nodeName(name),
        {
          liveness: silent.includes(name) ? 'unknown' : 'alive',
          engines: silent.includes(name) ? { [silentEngine]: unreachable } : { process: reachable },
          foreign: Array.from({ length: foreign[name] ?? 0 }, () => ({
            engine: 'process',
            name: 'somebody’s',
            resources: {},
            ports: [],
          })),
        },
      ]),
    ),
  };
  return viewEngines({ desired, observed, now });
}

function object(
  ordinal: number,
  over: Partial<Omit<ObservedObject, 'node'>> & { readonly generation?: number; readonly node?: string } = {},
): ObservedObject {
  const { generation = 1, node = 'n1', ...rest } = over;
  return {
    node: nodeName(node),
    engine: 'process',
    objectId: `object-${ordinal}-${generation}`,
    name: `prod.payments.checkout.${ordinal}.g${generation}`,
    cluster: uid,
    allocation: allocationId(instanceId(checkout, ordinal), generation),
    revision: wanted,
    state: 'running',
    health: 'healthy',
    startedAt: now - 3_600_000,
    restarts: 0,
    ports: { http: { host: '127.0.0.1', port: 31_000 + ordinal } },
    actual: {},
    ...rest,
  };
}

import type { DesiredNode } from '../../../src/model/desired.ts';
import type { PlanInputs } from '../../../src/plan/inputs.ts';
import { GiB, node, now, revision, spread, withNode, withRunning, workload, world } from '../world.ts';
import { app, type Cases, db, large, network, newer, placed, running, update, volume, withPort } from './parts.ts';

const leaving: Partial<DesiredNode> = { lifecycle: 'maintenance' };

/** Four instances on two nodes of zone a that are left, and two of zone b. */
function twoLeave(cluster: Partial<PlanInputs['desired']['cluster']>): PlanInputs {
  const nodes = ['a1', 'a2', 'b1', 'b2'].map((name) =>
    node(name, { zone: name.slice(0, 1), ...(name.startsWith('a') && leaving) }),
  );
  return withRunning(
    world({ cluster, nodes, workloads: [workload(app, { replicas: 4 })] }),
    spread(app, 4, ['a1', 'a2', 'b1', 'b2']),
  );
}

/** What comes of nodes that are drained, lost, unreachable, or back. */
export const nodes: Cases = {
  'lost node: stateless is made anew elsewhere, stateful waits': () =>
    withNode(
      withRunning(
        world({ workloads: [workload(app, { replicas: 2 }), workload(db, { type: 'stateful', replicas: 1 })] }),
        [...running(2), { workload: db, ordinal: 0, node: 'n1' }],
      ),
      'n1',
      { liveness: 'lost' },
    ),
  'unreachable node: nothing is concluded': () =>
    withNode(
      withRunning(world({ workloads: [workload(app, { replicas: 2, hash: 'r2', revision: newer })] }), running(2)),
      'n1',
      { liveness: 'suspect' },
    ),
  'drain in waves, daemon last, static stays': () =>
    withRunning(
      world({
        nodes: [node('n1', leaving), node('n2'), node('n3')],
        workloads: [
          workload(app, { replicas: 4 }),
          workload('payments/agent', { type: 'daemon' }),
          workload('payments/disk', { type: 'static', replicas: 1 }),
        ],
      }),
      [
        ...spread(app, 4, ['n1', 'n2']),
        ...spread('payments/agent', 3, ['n1', 'n2', 'n3']),
        { workload: 'payments/disk', ordinal: 0, node: 'n1' },
      ],
    ),
  'drain of several nodes within one budget': () => twoLeave({}),
  'drain: so many nodes of a zone at a time': () => twoLeave({ drain: { perZone: { kind: 'count', count: 1 } } }),
  'drain that is forced: no budget holds it up': () =>
    withRunning(
      world({
        nodes: [node('n1', { ...leaving, drain: { force: true, deadline: now } }), node('n2')],
        workloads: [
          workload(app, {
            replicas: 3,
            maxUnavailable: { kind: 'count', count: 0 },
            update: { ...update, order: 'stop-first' },
          }),
        ],
      }),
      spread(app, 3, ['n1']),
    ),
  'drain: the address stays, the published port may change': () =>
    withRunning(
      world({
        nodes: [node('n1', leaving), node('n2', { portRange: { first: 40_000, last: 40_999 } })],
        networks: [network],
        workloads: [
          workload(app, {
            type: 'stateful',
            replicas: 1,
            revision: withPort('auto', { network: { name: 'prod', ip: 'keep' } }),
          }),
        ],
      }),
      spread(app, 1, ['n1'], { holds: { ports: { http: 30_000 }, ip: '10.1.0.4' } }),
      { revisions: { r1: withPort('auto', { network: { name: 'prod', ip: 'keep' } }) } },
    ),
  'drain: a stateless instance starts with empty volumes': () =>
    withRunning(
      world({
        nodes: [node('n1', { ...large, ...leaving }), node('n2', large)],
        workloads: [workload(app, { replicas: 2, revision: revision({ volumes: [volume('cache', 5 * GiB)] }) })],
      }),
      spread(app, 2, ['n1', 'n2'], { holds: { volumes: [{ name: 'cache', device: '/data2', bytes: 5 * GiB }] } }),
      { revisions: { r1: revision({ volumes: [volume('cache', 5 * GiB)] }) } },
    ),
  'drain is blocked: volumes hold a stateful instance': () =>
    withRunning(
      world({
        nodes: [node('n1', { ...large, ...leaving }), node('n2', large)],
        workloads: [
          workload(db, { type: 'stateful', replicas: 1, revision: revision({ volumes: [volume('data', 5 * GiB)] }) }),
        ],
      }),
      spread(db, 1, ['n1'], { holds: { volumes: [{ name: 'data', device: '/data2', bytes: 5 * GiB }] } }),
      { revisions: { r1: revision({ volumes: [volume('data', 5 * GiB)] }) } },
    ),
  'drain is blocked: static instances of a node that goes offline': () =>
    withRunning(
      world({
        nodes: [node('n1', { lifecycle: 'offline' }), node('n2')],
        workloads: [workload(db, { type: 'static', replicas: 1 })],
      }),
      spread(db, 1, ['n1']),
    ),
  'drain: what is down is healed first': () =>
    withRunning(
      world({
        nodes: [node('n1', leaving), node('n2'), node('n3')],
        workloads: [workload(app, { replicas: 3, update: { ...update, order: 'stop-first' } })],
      }),
      [
        ...spread(app, 2, ['n1']),
        { workload: app, ordinal: 2, node: 'n3', object: { state: 'exited', exitCode: 1, health: 'none' } },
      ],
    ),
  'drain is blocked: too many are unavailable': () =>
    withNode(
      withRunning(
        world({
          nodes: [node('n1', leaving), node('n2'), node('n3')],
          workloads: [workload(app, { replicas: 3, update: { ...update, order: 'stop-first' } })],
        }),
        spread(app, 3, ['n1', 'n1', 'n3']),
      ),
      'n3',
      { liveness: 'suspect' },
    ),
  'drain is blocked: static ones stop as far as the budget goes': () =>
    withRunning(
      world({
        nodes: [node('n1', leaving), node('n2')],
        workloads: [workload(db, { type: 'static', replicas: 3 })],
      }),
      spread(db, 3, ['n1', 'n1', 'n2']),
    ),
  'drain is blocked: a quota leaves no room to move': () =>
    withRunning(
      world({
        nodes: [node('n1', leaving), node('n2')],
        workloads: [workload(app, { replicas: 2, update: { ...update, order: 'create-first' } })],
        quotas: [{ name: 'payments', namespace: workload(app).namespace, limits: { instances: 2 } }],
      }),
      spread(app, 2, ['n1', 'n2']),
    ),
  'drain without room is blocked': () =>
    withRunning(
      world({
        nodes: [node('n1', { lifecycle: 'offline' }), node('n2', { lifecycle: 'cordoned' })],
        workloads: [workload(app, { replicas: 1 })],
      }),
      running(1),
    ),
  'static that is gone waits for the maintenance to end': () =>
    withRunning(
      world({ nodes: [node('n1', leaving), node('n2')], workloads: [workload(db, { type: 'static', replicas: 1 })] }),
      [{ workload: db, ordinal: 0, node: 'n1', object: 'gone' }],
    ),
  'static comes back with its node': () =>
    withRunning(world({ workloads: [workload(db, { type: 'static', replicas: 1 })] }), [
      { workload: db, ordinal: 0, node: 'n1', state: 'held', heldSince: now, object: { state: 'exited' } },
    ]),
  'static stays on a node that no longer matches': () =>
    withRunning(
      world({
        workloads: [workload(db, { type: 'static', replicas: 1, ...placed({ require: { disk: 'ssd' } }) })],
      }),
      spread(db, 1, ['n1']),
    ),
  'foreign load is charged': () =>
    withNode(
      world({
        nodes: [node('n1'), node('n2')],
        workloads: [workload(app, { replicas: 2, revision: withPort('auto') })],
      }),
      'n1',
      { foreign: [{ engine: 'docker', name: 'postgres', resources: { memoryBytes: 16 * GiB }, ports: [5432] }] },
    ),
};

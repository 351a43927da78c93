import { revisionHash, workloadId } from '../../../src/model/ids.ts';
import { GiB, namespaceName, node, now, podName, spread, withRunning, workload, world } from '../world.ts';
import { app, asking, type Cases, changed, db, newer, placed, running, update, withPort } from './parts.ts';

const huge = asking({ memoryBytes: 99 * GiB });
const payments = { name: 'payments', namespace: namespaceName('payments') };

/** Everything that the planner refuses but for want of room. */
export const refusals: Cases = {
  'refused: quota of instances and cores': () =>
    withRunning(
      world({
        workloads: [workload(app, { replicas: 6 })],
        quotas: [
          { ...payments, limits: { instances: 5 } },
          { name: 'web', pod: podName('web'), limits: { cpuMillis: 100_000 } },
        ],
      }),
      running(3),
    ),
  'refused: quota of memory, devices and a parent': () =>
    withRunning(
      world({
        nodes: [node('n1', { capacity: { cpuMillis: 8000, memoryBytes: 64 * GiB, 'gpu/a100': 4000 } })],
        workloads: [
          workload(app, { replicas: 3, revision: asking({ memoryBytes: 2 * GiB }) }),
          workload(db, { replicas: 2, revision: asking({ extended: { 'gpu/a100': 500 } }) }),
        ],
        quotas: [
          { name: 'company', limits: { memoryBytes: 6 * GiB } },
          { ...payments, parent: 'company', limits: { 'gpu/a100': 500 } },
        ],
      }),
      spread(app, 2, ['n1']),
      { revisions: { r1: asking({ memoryBytes: 2 * GiB }) } },
    ),
  'refused: quota lowered below what is used': () =>
    withRunning(
      world({ workloads: [workload(app)], quotas: [{ ...payments, limits: { cpuMillis: 1000, instances: 2 } }] }),
      running(3),
    ),
  'refused: quota lowered, and what is left may not go': () =>
    withRunning(
      world({
        workloads: [workload(db, { type: 'stateful', replicas: 3 })],
        quotas: [{ ...payments, limits: { instances: 1 }, drainToQuota: true }],
      }),
      spread(db, 3, ['n1', 'n2', 'n3']),
    ),
  'refused: a node left git with what it holds': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 2 })] }), running(2));
    const seen = new Map([...inputs.observed.nodes].filter(([name]) => name !== 'n1'));
    return {
      ...inputs,
      desired: { ...inputs.desired, nodes: inputs.desired.nodes.filter(({ name }) => name !== 'n1') },
      observed: { ...inputs.observed, nodes: seen },
    };
  },
  'refused: everything left git': () => withRunning(world({ workloads: [] }), running(2)),
  'refused: too many workloads left git': () =>
    withRunning(world({ workloads: [workload('a/b', { replicas: 0 })] }), [
      ...spread('x/a', 1, ['n1']),
      ...spread('x/b', 1, ['n1']),
      ...spread('x/c', 1, ['n2']),
      ...spread('x/d', 1, ['n2']),
    ]),
  'refused: failed revision without a good one': () =>
    withRunning(world({ workloads: [workload(app, { hash: 'r2', revision: newer })] }), [], {
      workloads: {
        [app]: { failed: [{ revision: revisionHash('r2'), at: now, reason: 'GET /healthz answered 503' }] },
      },
    }),
  'refused: create first with a fixed port': () =>
    changed(
      { before: withPort(80, { image: 'old' }), after: withPort(80) },
      { holds: { ports: { http: 80 } }, workload: { update: { ...update, order: 'create-first' } } },
    ),
  'refused: create first without a surge': () =>
    withRunning(
      world({
        workloads: [
          workload(app, {
            replicas: 2,
            hash: 'r2',
            revision: newer,
            update: { ...update, order: 'create-first', maxSurge: { kind: 'count', count: 0 } },
          }),
        ],
      }),
      running(2),
    ),
  'refused: no unavailability is allowed': () =>
    withRunning(
      world({
        workloads: [
          workload(app, {
            type: 'stateful',
            replicas: 1,
            hash: 'r2',
            revision: newer,
            maxUnavailable: { kind: 'count', count: 0 },
          }),
        ],
      }),
      running(1),
    ),
  'refused: what comes after something refused': () =>
    world({
      workloads: [
        workload(db, { replicas: 1, revision: huge }),
        workload(app, { after: [workloadId('payments', 'db')] }),
        workload('payments/report', { after: [workload(app).id] }),
      ],
    }),
  'refused: a rollout that comes after something refused': () =>
    withRunning(
      world({
        workloads: [
          workload(db, { replicas: 1, revision: huge }),
          workload(app, { replicas: 2, hash: 'r2', revision: newer, after: [workloadId('payments', 'db')] }),
        ],
      }),
      running(2),
    ),
  'refused: what has to be near something refused': () =>
    withRunning(
      world({
        workloads: [
          workload(db, { replicas: 1, hash: 'r2', revision: huge }),
          workload(app, { replicas: 2, ...placed({ affinity: [{ to: db, by: 'node', required: true }] }) }),
        ],
      }),
      [
        { workload: app, ordinal: 0, node: 'n1' },
        { workload: db, ordinal: 0, node: 'n1' },
      ],
    ),
};

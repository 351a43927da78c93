import { nodeName, revisionHash, runId, unitOf, type WorkloadId } from '../../../src/model/ids.ts';
import type { Override } from '../../../src/model/recorded.ts';
import type { PlanInputs } from '../../../src/plan/inputs.ts';
import { GiB, node, now, revision, spread, withNode, withRunning, workload, world } from '../world.ts';
import { app, type Cases, large, newer, placed, running, ssd, update, volume } from './parts.ts';

const withOverride = (inputs: PlanInputs, override: Pick<Override, 'kind'> & Partial<Override>): PlanInputs => ({
  ...inputs,
  recorded: {
    ...inputs.recorded,
    overrides: [
      { id: 'o1', target: app, actor: 'ann@example.org', reason: 'INC-812', until: now + 3_600_000, ...override },
    ],
  },
});

const failedBefore = { revision: revisionHash('r2'), at: now, reason: 'GET /healthz answered 503' };

/** What is done all the same, or not yet, and has to be known. */
export const warnings: Cases = {
  'nodes that nobody looked at': () => {
    const inputs = world({ workloads: [workload(app, { replicas: 1 })] });
    const seen = new Map([...inputs.observed.nodes].filter(([name]) => name !== 'n2' && name !== 'n3'));
    return { ...inputs, observed: { ...inputs.observed, nodes: seen } };
  },
  'left git: waits': () => withRunning(world({ workloads: [workload('a/b', { replicas: 0 })] }), running(1)),
  'left git, perhaps: a source is incomplete': () =>
    withRunning(world({ workloads: [workload('a/b', { replicas: 0 })], incompleteSources: ['payments'] }), running(2)),
  'failed revision: stays on the last good one': () =>
    withRunning(world({ workloads: [workload(app, { replicas: 4, hash: 'r2', revision: newer })] }), running(3), {
      workloads: { [app]: { lastGood: workload(app).revisionHash, failed: [failedBefore] } },
    }),
  'pinned by an override': () =>
    withOverride(
      withRunning(world({ workloads: [workload(app, { replicas: 2, hash: 'r2', revision: newer })] }), running(2)),
      { kind: 'pin', revision: revisionHash('r1') },
    ),
  'frozen by an override': () =>
    withOverride(withRunning(world({ workloads: [workload(app, { replicas: 5 })] }), running(2)), { kind: 'freeze' }),
  'frozen with its whole namespace': () =>
    withOverride(withRunning(world({ workloads: [workload(app, { replicas: 5 })] }), running(2)), {
      kind: 'freeze',
      target: 'payments',
    }),
  'cordoned by an override: nothing new goes there': () =>
    withOverride(withRunning(world({ workloads: [workload(app, { replicas: 5 })] }), running(2)), {
      kind: 'cordon',
      target: 'n1',
    }),
  'pinned to a revision that nobody knows any more': () =>
    withOverride(withRunning(world({ workloads: [workload(app, { replicas: 2 })] }), running(2)), {
      kind: 'pin',
      revision: revisionHash('gone'),
    }),
  'approval is needed for what is removed, not for what is healed': () =>
    withRunning(
      world({
        workloads: [workload(app, { replicas: 1 })],
        policies: [
          {
            name: 'four-eyes',
            namespaces: ['pay*'],
            disruption: [],
            approvals: [
              { when: 'remove', approvers: 2, expiresMs: 3_600_000 },
              { when: 'any', approvers: 1, expiresMs: 3_600_000 },
              { when: 'move', approvers: 1, expiresMs: 3_600_000 },
            ],
          },
        ],
      }),
      [{ workload: app, ordinal: 0, node: 'n1', object: { state: 'exited' } }, ...running(3).slice(1)],
    ),
  'in flight: left alone': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 5 })] }), running(3));
    const inFlight = [{ run: runId('run-1'), unit: unitOf(app as WorkloadId), status: 'running' }];
    return { ...inputs, recorded: { ...inputs.recorded, inFlight } };
  },
  'drift is only reported': () =>
    withRunning(
      world({
        cluster: { drift: { changed: 'report', orphan: 'report', ignoreFields: [] } },
        workloads: [workload(app, { replicas: 2 })],
      }),
      [
        { workload: app, ordinal: 0, node: 'n1', object: { actual: { '/image': 'other', '/restart': 'always' } } },
        { workload: app, ordinal: 1, node: 'n2' },
      ],
    ),
  'budget is used up: the rollout waits': () =>
    withNode(
      withRunning(
        world({
          workloads: [
            workload(app, { replicas: 3, hash: 'r2', revision: newer, update: { ...update, order: 'stop-first' } }),
          ],
        }),
        spread(app, 3, ['n1', 'n2', 'n3']),
      ),
      'n3',
      { engines: { docker: { kind: 'unreachable', reason: 'timeout' } } },
    ),
  'orphan is reported': () => {
    const inputs = withRunning(world({ workloads: [workload(app, { replicas: 1 })] }), running(2));
    return { ...inputs, recorded: { ...inputs.recorded, allocations: inputs.recorded.allocations.slice(0, 1) } };
  },
  'a lost daemon waits for its node': () =>
    withNode(
      withRunning(
        world({ nodes: [node('n1'), node('n2')], workloads: [workload(app, { type: 'daemon' })] }),
        spread(app, 2, ['n1', 'n2']),
      ),
      nodeName('n2'),
      { liveness: 'lost' },
    ),
  'what has to leave its node is held there by its volumes': () =>
    withRunning(
      world({
        nodes: [node('n1', large), node('n2', { ...large, ...ssd })],
        workloads: [
          workload(app, {
            type: 'stateful',
            replicas: 1,
            revision: revision({ volumes: [volume('data', GiB)] }),
            ...placed({ require: { disk: 'ssd' } }),
          }),
        ],
      }),
      spread(app, 1, ['n1'], { holds: { volumes: [{ name: 'data', device: '/data2', bytes: GiB }] } }),
      { revisions: { r1: revision({ volumes: [volume('data', GiB)] }) } },
    ),
};

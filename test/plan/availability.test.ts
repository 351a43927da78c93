import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnitId } from '../../src/model/ids.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { GiB, node, revision, spread, withRunning, workload, world } from './world.ts';

const app = 'payments/checkout';
const newer = revision({ image: 'registry.local/app@sha256:02' });

/** What each wave of a workload's unit leaves available, and how long it may take. */
function wavesOf(inputs: PlanInputs, id = app) {
  const plan = createPlan(inputs);
  const unit = plan.units.find((candidate) => candidate.id === (id as unknown as UnitId));
  const waves = unit?.waves ?? [];
  return {
    available: waves.map((wave) => wave.available),
    worstCaseMs: waves.map((wave) => wave.worstCaseMs),
    unitMs: unit?.worstCaseMs,
    lowest: Object.entries(plan.availability).find(([workloadId]) => workloadId === id)?.[1],
  };
}

const stopFirst = { ...workload(app).update, order: 'stop-first' } as const;

test('a wave says what it leaves available, and the least of them is what the plan says of the workload', () => {
  const inputs = withRunning(
    world({ workloads: [workload(app, { replicas: 6, hash: 'r2', revision: newer, update: stopFirst })] }),
    spread(app, 6, ['n1', 'n2', 'n3']),
  );
  const { available, lowest } = wavesOf(inputs);
  assert.deepEqual(available, [5, 4, 4, 5]);
  assert.deepEqual(lowest, { lowest: 4, of: 6 });
});

test('the waves of a unit take as long as the unit', () => {
  const inputs = withRunning(
    world({ workloads: [workload(app, { replicas: 3, hash: 'r2', revision: newer, update: stopFirst })] }),
    spread(app, 3, ['n1', 'n2', 'n3']),
  );
  const { worstCaseMs, unitMs } = wavesOf(inputs);
  // Each stops for up to 30 s and starts for up to 60 s; the ends of the groups are watched for 10 s.
  assert.deepEqual(worstCaseMs, [100_000, 90_000, 100_000]);
  assert.equal(unitMs, 290_000);
});

test('what is down is not available until the wave that repairs it is done', () => {
  const inputs = withRunning(
    world({ workloads: [workload(app, { replicas: 6, hash: 'r2', revision: newer, update: stopFirst })] }),
    spread(app, 6, ['n1', 'n2', 'n3']).map((instance) =>
      instance.ordinal === 0
        ? { ...instance, object: { state: 'exited' as const, exitCode: 1, health: 'none' as const } }
        : instance,
    ),
  );
  const { available, lowest } = wavesOf(inputs);
  assert.equal(available[0], 5);
  assert.deepEqual(lowest, { lowest: 4, of: 6 });
});

test('what makes room for others and has no other place is missed until the end', () => {
  const full = revision({
    resources: { cpuMillis: 500, memoryBytes: 16 * GiB, storageBytes: 0, bandwidthBits: 0, extended: {} },
  });
  const inputs = withRunning(
    world({
      nodes: [node('n1'), node('n2')],
      workloads: [
        workload('batch/report', { replicas: 2, priority: 100, revision: full }),
        workload(app, { replicas: 1, hash: 'r2', revision: { ...full, image: 'new' }, preemption: 'lower' }),
      ],
    }),
    spread('batch/report', 2, ['n1', 'n2']),
    { revisions: { r1: full } },
  );
  assert.deepEqual(wavesOf(inputs, 'batch/report').lowest, { lowest: 1, of: 2 });
});

test('nothing is available, or missed, of what has never been there', () => {
  const { available, lowest } = wavesOf(world({ workloads: [workload(app)] }));
  assert.deepEqual(available, [undefined]);
  assert.equal(lowest, undefined);
});

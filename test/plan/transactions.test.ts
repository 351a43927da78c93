import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { nodeName, revisionHash, transactionId, workloadId } from '../../src/model/ids.ts';
import type { Plan } from '../../src/model/plan.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import { createPlan, openPlanner } from '../../src/plan/plan.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { app, asking, newer, placement } from './goldens/parts.ts';
import { changedTogether, jobs, withRecord } from './goldens/transactions.ts';
import { GiB, node, now, revision, spread, withRunning, workload, world } from './world.ts';

const release = transactionId('payments', 'release');
const report = 'payments/report';

function planned(inputs: PlanInputs): Plan {
  const plan = createPlan(inputs);
  assert.deepEqual(verifyPlan(inputs, plan), []);
  return plan;
}

/** `payments/jobs r2, r2`: what each unit brings. */
const brought = ({ units, steps }: Plan): readonly string[] =>
  units.map(({ id }) => {
    const own = steps.filter(({ unit }) => unit === id).map(({ revision: hash }) => hash);
    return `${id} ${own.join(', ')}`;
  });

const said = ({ refusals, warnings }: Plan): readonly string[] =>
  [...refusals, ...warnings].map(({ code, subject }) => `${code} ${subject}`).sort();

describe('workloads of one transaction', () => {
  test('wait while one of them is frozen by an operator, if git has something new for it', () => {
    const freeze = { id: 'f', kind: 'freeze', target: jobs, actor: 'ann', reason: 'audit', until: now + 1 } as const;
    const plan = planned(changedTogether({}, { overrides: [freeze] }));
    assert.deepEqual(plan.units, []);
    assert.deepEqual(said(plan), [`MUS5008 ${jobs}`, `MUS5010 ${app}`, `MUS5010 ${report}`]);
    const same = planned(changedTogether({ [jobs]: { hash: 'r1' } }, { overrides: [freeze] }));
    assert.deepEqual(brought(same), [`${app} r2, r2`, `${report} r2`]);
  });

  test('stay while one of them is pinned, which goes where the pin says', () => {
    const pin = { id: 'p', kind: 'pin', target: jobs, actor: 'ann', reason: 'INC-1', until: now + 1 } as const;
    const inputs = changedTogether({}, { overrides: [{ ...pin, revision: revisionHash('r0') }] });
    const revisions = new Map(inputs.recorded.revisions).set(revisionHash('r0'), revision({ image: 'older' }));
    const plan = planned({ ...inputs, recorded: { ...inputs.recorded, revisions } });
    assert.deepEqual(brought(plan), [`${jobs} r0, r0`, `${report} r2`]);
    assert.deepEqual(said(plan), [`MUS5005 ${app}`, `MUS5005 ${jobs}`]);
  });

  test('wait while nothing is known of one of them', () => {
    const inputs = changedTogether({ [report]: { hash: 'r1' } });
    const nodes = new Map(inputs.observed.nodes);
    for (const name of ['n2', 'n3'].map(nodeName)) {
      const known = nodes.get(name);
      if (known !== undefined) nodes.set(name, { ...known, liveness: 'unknown' });
    }
    const plan = planned({ ...inputs, observed: { ...inputs.observed, nodes } });
    assert.deepEqual(brought(plan), []);
    assert.ok(said(plan).includes(`MUS5010 ${app}`), said(plan).join());
  });

  test('are healed as they were while they wait', () => {
    const inputs = changedTogether({ [jobs]: { revision: asking({ memoryBytes: 99 * GiB }) } });
    const objects = inputs.observed.objects.map((object) =>
      object.allocation === `${app}/0#1` ? ({ ...object, state: 'exited', health: 'none' } as const) : object,
    );
    const plan = planned({ ...inputs, observed: { ...inputs.observed, objects } });
    assert.deepEqual(brought(plan), [`${app} r1`]);
    assert.deepEqual(
      plan.steps.map(({ cause }) => cause),
      ['heal'],
    );
  });

  test('follow git in their counts while they wait', () => {
    const failed = [{ revision: revisionHash('r2'), at: now, reason: 'never healthy' }];
    const plan = planned(withRecord(changedTogether({ [app]: { replicas: 3 } }), jobs, { failed }));
    assert.deepEqual(brought(plan), [`${app} r1`, `${report} r2`]);
  });

  test('are not placed in part: all of what is new to one of them, or nothing of any', () => {
    const half = asking({ memoryBytes: 9 * GiB });
    const member = { transaction: release, hash: 'r2', placement: { ...placement, partial: true } };
    const inputs = world({
      nodes: ['n1', 'n2'].map((name) => node(name)),
      workloads: [
        workload(app, { ...member, replicas: 3, revision: half }),
        workload(jobs, { ...member, replicas: 1 }),
      ],
    });
    const plan = planned(inputs);
    assert.deepEqual(brought(plan), []);
    assert.deepEqual(said(plan), [`MUS4001 ${app}`, `MUS4009 ${jobs}`]);
  });

  test('that nothing good is known of wait without any instance', () => {
    const failed = [{ revision: revisionHash('r2'), at: now, reason: 'never healthy' }];
    const member = { transaction: release, hash: 'r2', revision: newer, replicas: 1 };
    const inputs = world({ workloads: [workload(app, member), workload(jobs, member)] });
    const plan = planned(withRecord(inputs, app, { failed }));
    assert.deepEqual(brought(plan), []);
    assert.deepEqual(said(plan), [`MUS4005 ${app}`, `MUS5005 ${jobs}`]);
  });

  test('hold back another transaction that comes after them', () => {
    const other = transactionId('payments', 'other');
    const [ui, mails] = ['payments/ui', 'payments/mails'];
    const inputs = changedTogether({ [app]: { revision: asking({ memoryBytes: 99 * GiB }) } });
    const member = { transaction: other, replicas: 1, hash: 'r2', revision: newer };
    const workloads = [
      ...inputs.desired.workloads,
      workload(mails, member),
      workload(ui, { ...member, after: [workloadId('payments', 'jobs')] }),
    ];
    const plan = planned({ ...inputs, desired: { ...inputs.desired, workloads } });
    assert.deepEqual(brought(plan), []);
    assert.deepEqual(said(plan), [
      `MUS4001 ${app}`,
      `MUS4008 ${report}`,
      `MUS4008 ${ui}`,
      `MUS4009 ${jobs}`,
      `MUS4009 ${mails}`,
    ]);
  });

  test('do not make room for each other by evictions: none could commit before the other', () => {
    const inputs = evicting(release);
    const plan = planned(inputs);
    assert.deepEqual(brought(plan), []);
    assert.deepEqual(said(plan), [`MUS4009 ${app}`, `MUS4009 ${jobs}`]);
    assert.match(
      plan.refusals[0]?.message ?? '',
      /checkout is not changed: it would wait for payments\/jobs to make room/,
    );
    // Where they change by themselves one evicts the other.
    assert.deepEqual(brought(planned(evicting())), [`${app} r2`, `${jobs} r2, r2`]);
  });

  test('are planned the same by a planner that has seen an earlier commit', () => {
    const [before, after] = [changedTogether({ [app]: { hash: 'r1' }, [jobs]: { hash: 'r1' } }), changedTogether()];
    const broken = changedTogether({ [app]: { revision: asking({ memoryBytes: 99 * GiB }) } });
    const plan = openPlanner();
    const sameWorld = (inputs: PlanInputs): PlanInputs => ({
      ...before,
      desired: { ...inputs.desired, nodes: before.desired.nodes },
    });
    for (const inputs of [before, after, broken, after, before].map(sameWorld))
      assert.deepEqual(plan(inputs), createPlan(inputs));
  });
});

/** A more urgent workload needs the room of another one, which is to have one instance more. */
function evicting(transaction?: typeof release): PlanInputs {
  const tied = transaction === undefined ? {} : { transaction };
  const small = asking({ memoryBytes: 3 * GiB });
  const large = { revision: asking({ memoryBytes: 10 * GiB }), priority: 2000, preemption: 'lower' } as const;
  const second = node('n2', { capacity: { cpuMillis: 8000, memoryBytes: 7 * GiB, storageBytes: 0 } });
  return withRunning(
    world({
      nodes: [node('n1'), second],
      workloads: [
        workload(app, { ...tied, ...large, replicas: 1, hash: 'r2' }),
        workload(jobs, { ...tied, replicas: 4, hash: 'r2', revision: small }),
      ],
    }),
    spread(jobs, 3, ['n1'], { hash: 'r2' }),
    { revisions: { r2: small } },
  );
}

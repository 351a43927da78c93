import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  allocationId,
  instanceId,
  nodeName,
  podName,
  revisionHash,
  runId,
  stepId,
  type UnitId,
} from '../../src/model/ids.ts';
import type { Plan, Step } from '../../src/model/plan.ts';
import type { Allocation, Recorded } from '../../src/model/recorded.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import type { Rule } from '../../src/plan/verify/violation.ts';
import { verifyPlan } from '../../src/plan/verify.ts';
import { db, holdsOf, now, oldApi, planOf, revisions, smallWorld, validPlan, web } from './verify-world.ts';

interface Case {
  readonly name: string;
  readonly rule: Rule;
  readonly plan?: (plan: Plan) => Plan;
  readonly inputs?: (inputs: PlanInputs) => PlanInputs;
}

const mebibyte = 1024 * 1024;

/** Rebuilds the plan around changed steps, so that only the change itself can be what is found. */
const withStep =
  (id: string, change: (step: Step) => Step) =>
  (plan: Plan): Plan =>
    planOf(
      plan.steps.map((step) => (step.id === id ? change(step) : step)),
      afterOf(plan),
    );

const afterOf = (plan: Plan): Record<string, readonly UnitId[]> =>
  Object.fromEntries(plan.units.map(({ id, after }) => [id, after]));

const withRecorded =
  (change: (recorded: Recorded) => Partial<Recorded>) =>
  (inputs: PlanInputs): PlanInputs => ({ ...inputs, recorded: { ...inputs.recorded, ...change(inputs.recorded) } });

const withDesired =
  (change: (desired: PlanInputs['desired']) => Partial<PlanInputs['desired']>) =>
  (inputs: PlanInputs): PlanInputs => ({ ...inputs, desired: { ...inputs.desired, ...change(inputs.desired) } });

const withNode = (name: string, change: Partial<PlanInputs['desired']['nodes'][number]>) =>
  withDesired(({ nodes }) => ({ nodes: nodes.map((node) => (node.name === name ? { ...node, ...change } : node)) }));

const withObservedNode =
  (name: string, liveness: 'lost' | 'suspect' | 'unknown') =>
  (inputs: PlanInputs): PlanInputs => {
    const nodes = new Map(inputs.observed.nodes);
    const node = nodes.get(nodeName(name));
    if (node !== undefined) nodes.set(nodeName(name), { ...node, liveness });
    return { ...inputs, observed: { ...inputs.observed, nodes } };
  };

const on =
  (name: string) =>
  (step: Step): Step => ({ ...step, node: nodeName(name) });
const unit = (id: string): UnitId => id as UnitId;

const cases: readonly Case[] = [
  {
    name: 'a plan format of another major version',
    rule: 'format',
    plan: (plan) => ({ ...plan, formatVersion: '2.0' }),
  },
  { name: 'another cluster', rule: 'format', plan: (plan) => ({ ...plan, cluster: 'other' }) },
  {
    name: 'a step in two waves',
    rule: 'structure',
    plan: (plan) => ({
      ...plan,
      units: plan.units.map((u) => (u.id === unit(db) ? { ...u, waves: [...u.waves, ...u.waves] } : u)),
    }),
  },
  {
    name: 'a step in no wave',
    rule: 'structure',
    plan: (plan) => ({ ...plan, units: plan.units.filter(({ id }) => id !== unit(oldApi)) }),
  },
  {
    name: 'a wave with a step that is not there',
    rule: 'structure',
    plan: (plan) => ({ ...plan, steps: plan.steps.filter(({ id }) => id !== 's8') }),
  },
  {
    name: 'a step in the unit of another workload',
    rule: 'structure',
    plan: withStep('s5', (step) => ({ ...step, unit: unit(web) })),
  },
  { name: 'two steps of one id', rule: 'structure', plan: withStep('s5', (step) => ({ ...step, id: stepId('s6') })) },
  {
    name: 'a step that names another wave than it is in',
    rule: 'structure',
    plan: (plan) => ({ ...plan, steps: plan.steps.map((step) => (step.id === 's2' ? { ...step, wave: 0 } : step)) }),
  },
  {
    name: 'units that wait for each other',
    rule: 'order',
    plan: (plan) => planOf(plan.steps, { [db]: [unit(web)], [web]: [unit(db)] }),
  },
  {
    name: 'a unit after one that is not there',
    rule: 'order',
    plan: (plan) => planOf(plan.steps, { [db]: [unit(web), unit('payments/nothing')] }),
  },
  { name: 'an order of git that was dropped', rule: 'order', plan: (plan) => planOf(plan.steps) },
  {
    name: 'a count that does not add up',
    rule: 'summary',
    plan: (plan) => ({ ...plan, summary: { ...plan.summary, create: 5 } }),
  },
  {
    name: 'a predecessor of a generation that is not recorded',
    rule: 'recorded',
    plan: withStep('s1', (step) => ({
      ...step,
      ...(step.replaces && { replaces: { ...step.replaces, generation: 9 } }),
    })),
  },
  {
    name: 'a predecessor on another node than it is on',
    rule: 'recorded',
    plan: withStep('s2', (step) => ({
      ...step,
      ...(step.replaces && { replaces: { ...step.replaces, node: nodeName('n1') } }),
    })),
  },
  {
    name: 'a predecessor that holds less than it does',
    rule: 'recorded',
    plan: withStep('s3', (step) => ({
      ...step,
      ...(step.replaces && { replaces: { ...step.replaces, holds: { ...step.replaces.holds, cpuMillis: 1 } } }),
    })),
  },
  {
    name: 'an update of a generation that is not there',
    rule: 'recorded',
    plan: withStep('s6', (step) => ({ ...step, generation: 4 })),
  },
  {
    name: 'a removal of what is not recorded',
    rule: 'recorded',
    plan: withStep('s7', (step) => ({ ...step, instance: instanceId(web, 7), unit: unit(web) })),
  },
  { name: 'a removal of a foreign object’s place', rule: 'recorded', plan: withStep('s7', on('n4')) },
  {
    name: 'two steps that end the same allocation',
    rule: 'recorded',
    plan: (plan) =>
      planOf(
        [...plan.steps, ...plan.steps.filter(({ id }) => id === 's7').map((step) => ({ ...step, id: stepId('s9') }))],
        afterOf(plan),
      ),
  },
  {
    name: 'a generation that was used before',
    rule: 'generation',
    plan: withStep('s1', (step) => ({ ...step, generation: 1 })),
  },
  {
    name: 'a generation below the workload’s next',
    rule: 'generation',
    inputs: withRecorded(({ workloads }) => ({
      workloads: new Map([...workloads].map(([id, record]) => [id, { ...record, nextGeneration: 6 }])),
    })),
  },
  {
    name: 'an instance that is made twice',
    rule: 'generation',
    plan: withStep('s4', (step) => ({ ...step, instance: instanceId(web, 0), generation: 3 })),
  },
  {
    name: 'a workload whose unit is in flight',
    rule: 'frozen',
    inputs: withRecorded(() => ({ inFlight: [{ run: runId('r1'), unit: unit(web), status: 'running' }] })),
  },
  {
    name: 'a workload that somebody froze',
    rule: 'frozen',
    inputs: withRecorded(() => ({
      overrides: [{ id: 'o1', kind: 'freeze', target: db, actor: 'ann', reason: 'audit', until: now + 1000 }],
    })),
  },
  { name: 'a node that is not declared', rule: 'eligible', plan: withStep('s5', on('n9')) },
  { name: 'a node in maintenance', rule: 'eligible', plan: withStep('s5', on('n3')) },
  { name: 'a node of another pod', rule: 'eligible', inputs: withNode('n4', { pod: podName('batch') }) },
  { name: 'a node that lacks the label', rule: 'eligible', inputs: withNode('n4', { labels: {} }) },
  {
    name: 'a taint that is not tolerated',
    rule: 'eligible',
    inputs: withNode('n4', { taints: [{ key: 'pool', value: 'gpu', effect: 'NoSchedule' }] }),
  },
  {
    name: 'a node without the engine',
    rule: 'eligible',
    inputs: withNode('n4', { engines: { process: { endpoint: 'local:' } } }),
  },
  { name: 'a node that is lost', rule: 'eligible', inputs: withObservedNode('n4', 'lost') },
  {
    name: 'a node that an override cordons',
    rule: 'eligible',
    inputs: withRecorded(() => ({
      overrides: [{ id: 'o1', kind: 'cordon', target: 'n4', actor: 'ann', reason: 'disk', until: now + 1000 }],
    })),
  },
  {
    name: 'more on a node than perNode allows',
    rule: 'eligible',
    inputs: withDesired(({ workloads }) => ({
      workloads: workloads.map((w) => (w.id === web ? { ...w, placement: { ...w.placement, perNode: 1 } } : w)),
    })),
  },
  {
    name: 'a revision that nobody knows',
    rule: 'revision',
    plan: withStep('s5', (step) => ({ ...step, revision: revisionHash('ffffffffffffffff') })),
  },
  {
    name: 'less held than the revision asks for',
    rule: 'revision',
    plan: withStep('s5', (step) => ({ ...step, holds: { ...step.holds, memoryBytes: 1 } })),
  },
  {
    name: 'a fixed port that was moved',
    rule: 'revision',
    plan: withStep('s5', (step) => ({ ...step, holds: { ...step.holds, ports: { sql: 5433 } } })),
  },
  {
    name: 'a published port that was forgotten',
    rule: 'revision',
    plan: withStep('s4', (step) => ({ ...step, holds: holdsOf(revisions.webNew) })),
  },
  {
    name: 'a restart that claims to be reversible',
    rule: 'undo',
    plan: withStep('s1', (step) => ({ ...step, undo: 'reversible' })),
  },
  {
    name: 'a stop that claims to be reversible',
    rule: 'undo',
    plan: withStep('s8', (step) => ({ ...step, undo: 'reversible' })),
  },
  {
    name: 'a node with too little memory',
    rule: 'capacity',
    inputs: withNode('n4', { capacity: { cpuMillis: 2000, memoryBytes: 900 * mebibyte } }),
  },
  {
    name: 'a node that foreign objects fill',
    rule: 'capacity',
    inputs: withNode('n4', { capacity: { cpuMillis: 1500, memoryBytes: 2048 * mebibyte } }),
  },
  { name: 'a node that its reserve fills', rule: 'capacity', inputs: withNode('n4', { reserved: { cpuMillis: 600 } }) },
  {
    name: 'room that is free only after the old one stops',
    rule: 'capacity',
    inputs: withNode('n2', { capacity: { cpuMillis: 1300, memoryBytes: 2048 * mebibyte } }),
  },
  {
    name: 'an update in place that does not fit',
    rule: 'capacity',
    inputs: withNode('n2', { capacity: { cpuMillis: 2000, memoryBytes: 700 * mebibyte } }),
  },
  {
    name: 'a quota of instances that only the surge exceeds',
    plan: (plan) => planOf(plan.steps.filter(({ id }) => id === 's2').map((step) => ({ ...step, wave: 0 }))),
    rule: 'quota',
    inputs: withDesired(({ quotas }) => ({ quotas: quotas.map((quota) => ({ ...quota, limits: { instances: 6 } })) })),
  },
  {
    name: 'a parent’s quota that a child exceeds',
    rule: 'quota',
    inputs: withDesired(({ quotas }) => ({
      quotas: [
        ...quotas.map((quota) => ({ ...quota, parent: 'all' })),
        {
          name: 'all',
          namespace: quotas[0]?.namespace ?? ('' as never),
          pod: podName('batch'),
          limits: { cpuMillis: 2000 },
        },
      ],
    })),
  },
  {
    name: 'a port that another instance has',
    rule: 'ports',
    plan: withStep('s2', (step) => ({ ...step, holds: { ...step.holds, ports: { http: 30_000 } } })),
  },
  {
    name: 'a port that a foreign object has',
    rule: 'ports',
    plan: withStep('s4', (step) => ({ ...step, holds: { ...step.holds, ports: { http: 9100 } } })),
  },
  {
    name: 'the same port twice on nodes of one machine',
    rule: 'ports',
    inputs: withDesired(({ nodes }) => ({ nodes: nodes.map((node) => ({ ...node, portDomain: 'one-machine' })) })),
  },
  {
    name: 'an address that another instance has',
    rule: 'addresses',
    plan: (plan) =>
      planOf(
        plan.steps.map((step) =>
          step.id === 's4' || step.id === 's5' ? { ...step, holds: { ...step.holds, ip: '10.0.0.7' } } : step,
        ),
        afterOf(plan),
      ),
  },
  { name: 'two of four taken down at once', rule: 'budget', plan: withStep('s3', (step) => ({ ...step, wave: 0 })) },
  {
    name: 'a wave taken down before the one before it is healthy',
    rule: 'budget',
    plan: (plan) => ({
      ...plan,
      units: plan.units.map((u) => ({ ...u, waves: u.waves.map((wave) => ({ ...wave, gate: 'none' as const })) })),
    }),
  },
  {
    name: 'a disruption while another instance is down',
    rule: 'budget',
    inputs: (inputs) => ({
      ...inputs,
      observed: {
        ...inputs.observed,
        objects: inputs.observed.objects.filter(({ allocation }) => allocation !== allocationId(instanceId(web, 1), 1)),
      },
    }),
  },
  {
    name: 'a workload that left git a moment ago',
    rule: 'removal',
    inputs: withRecorded(({ workloads }) => ({
      workloads: new Map([...workloads].map(([id, record]) => [id, { ...record, missingSince: now - 1000 }])),
    })),
  },
  {
    name: 'a removal while a source cannot be read',
    rule: 'removal',
    inputs: withDesired(() => ({ incompleteSources: ['main'] })),
  },
  {
    name: 'the removal of everything',
    rule: 'removal',
    plan: (plan) => planOf(plan.steps.filter(({ id }) => id === 's8')),
    inputs: withDesired(() => ({ workloads: [] })),
  },
];

describe('verifyPlan', () => {
  it('finds nothing wrong with a valid plan that has a step of every kind', () => {
    const inputs = smallWorld();
    assert.deepEqual(verifyPlan(inputs, validPlan(inputs)), []);
  });

  it('finds nothing wrong with an empty plan, whatever the world is like', () => {
    const inputs = withNode('n1', { capacity: { cpuMillis: 1 } })(smallWorld());
    assert.deepEqual(verifyPlan(inputs, planOf([])), []);
  });

  for (const { name, rule, plan, inputs } of cases) {
    it(`refuses ${name}`, () => {
      const world = smallWorld();
      const violations = verifyPlan(inputs?.(world) ?? world, plan?.(validPlan(world)) ?? validPlan(world));
      assert.ok(
        violations.some((violation) => violation.rule === rule),
        `expected a violation of '${rule}', got ${JSON.stringify(violations, null, 2)}`,
      );
    });
  }

  it('lets instances that are down already be taken down together', () => {
    const inputs = smallWorld();
    const down = new Set([1, 2].map((ordinal) => allocationId(instanceId(web, ordinal), 1)));
    const objects = inputs.observed.objects.filter(({ allocation }) => !down.has(allocation));
    const plan = validPlan(inputs);
    const waves: Readonly<Record<string, number>> = { s1: 1, s2: 0, s3: 0, s4: 1 };
    const steps = plan.steps.map((step) => ({
      ...step,
      wave: waves[step.id] ?? step.wave,
      ...(step.id === 's2' && { order: 'stop-first' as const }),
    }));
    const world = { ...inputs, observed: { ...inputs.observed, objects } };
    assert.deepEqual(verifyPlan(world, planOf(steps, afterOf(plan))), []);
    const together = steps.map((step) => (step.id === 's1' ? { ...step, wave: 0 } : step));
    assert.deepEqual(
      verifyPlan(world, planOf(together, afterOf(plan))).map(({ rule }) => rule),
      ['budget'],
    );
  });

  it('leaves what exceeded its node before the plan alone, as long as the plan adds nothing there', () => {
    const inputs = withNode('n1', { capacity: { cpuMillis: 10, memoryBytes: 10 } })(smallWorld());
    assert.deepEqual(verifyPlan(inputs, validPlan(inputs)), []);
  });

  it('refuses the removal of many workloads at once unless a Refactor names them', () => {
    const base = smallWorld();
    const ids = ['a', 'b', 'c', 'd', 'e'].map((name) => `gone/${name}` as typeof web);
    const template = base.recorded.allocations[0] as Allocation;
    const allocations = ids.map(
      (id): Allocation => ({
        ...template,
        workload: id,
        instance: instanceId(id, 0),
        id: allocationId(instanceId(id, 0), 1),
      }),
    );
    const inputs = withRecorded(({ workloads }) => ({
      allocations: [...allocations, ...base.recorded.allocations],
      workloads: new Map([
        ...workloads,
        ...ids.map((id) => [id, { failed: [], nextGeneration: 2, missingSince: 0 }] as const),
      ]),
    }))(base);
    const stop = validPlan(base).steps.find(({ id }) => id === 's8') as Step;
    const plan = planOf(
      ids.map((id, index) => ({ ...stop, id: stepId(`g${index}`), unit: unit(id), instance: instanceId(id, 0) })),
    );
    assert.deepEqual(
      verifyPlan(inputs, plan).map(({ rule }) => rule),
      ['removal'],
    );
    const named = withDesired(() => ({ refactors: [{ name: 'retire', removed: ids.map((from) => ({ from })) }] }))(
      inputs,
    );
    assert.deepEqual(verifyPlan(named, plan), []);
  });
});

import { namespaceName, transactionId, unitOf } from '../../src/model/ids.ts';
import { createPlan } from '../../src/plan/plan.ts';
import { restrictPlan } from '../../src/reconcile/restrict.ts';
import { changedTogether, jobs, withRecord } from './goldens/transactions.ts';
import { editUnit, type Mutation, withPlan } from './mutations-edit.ts';
import type { Scene } from './mutations-worlds.ts';
import { workload } from './world.ts';

// Workloads of one transaction that do not change together after all.

export function twoTogether(): Scene {
  const { desired, ...world } = changedTogether();
  const quotas = [{ name: 'payments', namespace: namespaceName('payments'), limits: { instances: 100 } }];
  const inputs = { ...world, desired: { ...desired, quotas } };
  return { name: 'two that change together', inputs, plan: createPlan(inputs) };
}

const one = unitOf(workload(jobs).id);

/** Only where some do. */
const where =
  (change: (scene: Scene) => Scene): Mutation['apply'] =>
  (scene) =>
    scene.plan.units.some(({ transaction }) => transaction !== undefined) ? change(scene) : undefined;

export const transactions: readonly Mutation[] = [
  {
    name: 'let one of a transaction commit by itself',
    rule: 'transaction',
    apply: where((scene) =>
      withPlan(scene, {
        units: scene.plan.units.map(({ transaction, ...unit }) =>
          unit.id === one || transaction === undefined ? unit : { ...unit, transaction },
        ),
      }),
    ),
  },
  {
    name: 'leave one of a transaction where it was',
    rule: 'transaction',
    apply: where((scene) => {
      const alone = scene.plan.units.map(({ transaction: _, ...unit }) => unit);
      const plan = restrictPlan({ ...scene.plan, units: alone }, (unit) => unit !== one);
      return { ...scene, plan };
    }),
  },
  {
    name: 'change a transaction of which one revision has failed',
    rule: 'transaction',
    apply: where((scene) => {
      const failed = { revision: workload(jobs, { hash: 'r2' }).revisionHash, at: 0, reason: 'never healthy' };
      return { ...scene, inputs: withRecord(scene.inputs, jobs, { failed: [failed] }) };
    }),
  },
  {
    name: 'bring a workload into a transaction that it is not of',
    rule: 'transaction',
    apply: where((scene) =>
      editUnit(scene, unitOf(workload('payments/report').id), () => ({
        transaction: transactionId('payments', 'release'),
      })),
    ),
  },
  {
    name: 'wait for one that commits together with it',
    rule: 'order',
    apply: where((scene) => editUnit(scene, one, () => ({ after: [unitOf(workload('payments/checkout').id)] }))),
  },
  {
    name: 'wait for what comes after one that commits together with it',
    rule: 'order',
    apply: where((scene) =>
      editUnit(scene, unitOf(workload('payments/checkout').id), () => ({
        after: [unitOf(workload('payments/report').id)],
      })),
    ),
  },
];

import type { NodeName } from '../../src/model/ids.ts';
import type { Step } from '../../src/model/plan.ts';
import {
  editNode,
  editStep,
  editUnit,
  editWorkload,
  isNew,
  isReplaced,
  type Mutation,
  makes,
  moveToWave,
  nodeOf,
  onPair,
  onStep,
  otherNode,
  withDesired,
  withPlan,
  withRecorded,
  workloadOf,
} from './mutations-edit.ts';
import type { Scene } from './mutations-worlds.ts';

// Nodes and quotas that are filled too much, budgets that are broken, and what is taken away.
type Amount = 'memoryBytes' | 'cpuMillis' | 'storageBytes';

/** What the steps of a plan put on a node, and what is there and stays. */
function restingOn({ inputs, plan }: Scene, node: NodeName, amount: Amount): number {
  const ended = new Set(plan.steps.map((step) => `${step.instance}#${step.replaces?.generation ?? step.generation}`));
  const stay = inputs.recorded.allocations.filter((known) => known.node === node && !ended.has(known.id));
  const come = plan.steps.filter((step) => step.node === node && (makes(step) || step.kind === 'update'));
  return [...stay, ...come].reduce((sum, { holds }) => sum + holds[amount], 0);
}

/** It puts something on a node that has more in the end than it has now. */
const isGrowing =
  (amount: Amount) =>
  (step: Step, scene: Scene): boolean => {
    const there = scene.inputs.recorded.allocations.filter((known) => known.node === step.node);
    const now = there.reduce((sum, { holds }) => sum + holds[amount], 0);
    return makes(step) && restingOn(scene, step.node, amount) > now;
  };

const shrunk = (amount: Amount) =>
  onStep(isGrowing(amount), (scene, step) =>
    editNode(scene, step.node, ({ capacity }) => ({
      capacity: { ...capacity, [amount]: restingOn(scene, step.node, amount) - 1 },
      overcommitCpuMilli: 1000,
      reserved: {},
    })),
  );

export const capacity: readonly Mutation[] = [
  { name: 'fill a node with memory by one byte too much', rule: 'capacity', apply: shrunk('memoryBytes') },
  { name: 'fill a node with storage by one byte too much', rule: 'capacity', apply: shrunk('storageBytes') },
  { name: 'sell one thousandth of a core too much', rule: 'capacity', apply: shrunk('cpuMillis') },
  {
    name: 'move a step to a full node',
    rule: 'capacity',
    apply: onStep(isNew, (scene, step) => {
      const to = otherNode(scene, step);
      if (to === undefined) return undefined;
      const full = restingOn(scene, to, 'memoryBytes');
      const tight = editNode(scene, to, (node) => ({
        capacity: { ...node.capacity, memoryBytes: full },
        reserved: {},
      }));
      return editStep(tight, step, { node: to });
    }),
  },
  {
    name: 'need disk that only the deletion after the commit gives back',
    rule: 'capacity',
    apply: onStep(
      (step) => step.kind === 'replace' && step.order === 'stop-first' && step.holds.storageBytes > 0,
      (scene, step) =>
        editNode(scene, step.node, (node) => ({
          capacity: { ...node.capacity, storageBytes: restingOn(scene, step.node, 'storageBytes') },
        })),
    ),
  },
  {
    name: 'run two at once where there is room for one after the other',
    rule: 'capacity',
    apply: onStep(
      (step, { plan }) =>
        step.kind === 'replace' &&
        step.order === 'stop-first' &&
        isReplaced(step) &&
        plan.steps.every((other) => other === step || other.node !== step.node || !isNewcomer(other)),
      (scene, step) => {
        const tight = editNode(scene, step.node, (node) => ({
          capacity: { ...node.capacity, memoryBytes: restingOn(scene, step.node, 'memoryBytes') },
          reserved: {},
        }));
        return editStep(tight, step, { order: 'create-first' });
      },
    ),
  },
  {
    name: 'use what a later wave frees',
    rule: 'capacity',
    apply: onPair(isMakingRoom, (scene, leaves, comes) =>
      moveToWave(moveToWave(scene, comes, leaves.wave), leaves, comes.wave),
    ),
  },
  {
    name: 'use what the same wave frees',
    rule: 'capacity',
    apply: onPair(isMakingRoom, (scene, leaves, comes) => moveToWave(scene, comes, leaves.wave)),
  },
];

/** The first leaves a node that the second fills to the last byte, a wave later. */
function isMakingRoom(leaves: Step, comes: Step, scene: Scene): boolean {
  if (leaves.kind !== 'remove' || comes.kind !== 'create') return false;
  if (leaves.unit !== comes.unit || leaves.node !== comes.node || leaves.wave >= comes.wave) return false;
  return restingOn(scene, comes.node, 'memoryBytes') === nodeOf(scene, comes.node)?.capacity.memoryBytes;
}

const isNewcomer = (step: Step): boolean => makes(step) && step.replaces?.node !== step.node;

/** It stops what serves, within the budget: nothing forces it. */
function isTakenDown(step: Step, { inputs }: Scene): boolean {
  const running = inputs.observed.objects.find(({ allocation }) => allocation.startsWith(`${step.instance}#`));
  const serves = running?.state === 'running' && running.health === 'healthy';
  return isReplaced(step) && step.order === 'stop-first' && step.cause !== 'drain' && serves;
}

/** A limit that is what the plan leaves at the end, less a little. */
const lowered =
  (dimension: 'instances' | 'cpuMillis' | 'storageBytes' | 'gpu/a100') =>
  (scene: Scene): Scene | undefined => {
    const row = scene.plan.quota.find(
      (use) => use.dimension === dimension && use.name === 'payments' && use.after > use.before,
    );
    if (row === undefined) return undefined;
    const limit = row.after - 1;
    const quotas = scene.inputs.desired.quotas.map((quota) =>
      quota.name === 'payments' ? { ...quota, limits: { ...quota.limits, [dimension]: limit } } : quota,
    );
    return withDesired(scene, { quotas });
  };

export const limits: readonly Mutation[] = [
  { name: 'exceed a quota by one instance', rule: 'quota', apply: lowered('instances') },
  { name: 'exceed a quota by a thousandth of a core', rule: 'quota', apply: lowered('cpuMillis') },
  { name: 'exceed a quota of storage, volumes included', rule: 'quota', apply: lowered('storageBytes') },
  { name: 'exceed a quota of devices', rule: 'quota', apply: lowered('gpu/a100') },
  {
    name: 'exceed a quota by the surge alone',
    rule: 'quota',
    apply: onStep(
      (step) => step.kind === 'replace' && step.order === 'create-first',
      (scene, step) => {
        const [namespace] = step.unit.split('/');
        const now = scene.inputs.recorded.allocations.filter(({ workload }) =>
          workload.startsWith(`${namespace}/`),
        ).length;
        const quotas = scene.inputs.desired.quotas.map((quota) =>
          quota.name === namespace ? { ...quota, limits: { instances: now } } : quota,
        );
        return withDesired(scene, { quotas });
      },
    ),
  },
  {
    name: 'reorder waves so that too many are down at once',
    rule: 'budget',
    apply: onPair(
      (first, second, scene) =>
        first.unit === second.unit &&
        isTakenDown(first, scene) &&
        isTakenDown(second, scene) &&
        (workloadOf(scene, first)?.replicas ?? 0) < 5 &&
        first.wave < second.wave,
      (scene, first, second) => moveToWave(scene, second, first.wave),
    ),
  },
  {
    name: 'take one down while another is down',
    rule: 'budget',
    apply: onStep(
      (step, scene) => isTakenDown(step, scene) && step.wave === 0 && (workloadOf(scene, step)?.replicas ?? 0) > 1,
      (scene, step) => {
        const { observed } = scene.inputs;
        const objects = observed.objects.filter(
          ({ allocation }) => !allocation.startsWith(`${step.unit}/`) || allocation.startsWith(`${step.instance}#`),
        );
        return { ...scene, inputs: { ...scene.inputs, observed: { ...observed, objects } } };
      },
    ),
  },
  {
    name: 'tell the executor not to ask for the budget',
    rule: 'budget',
    apply: onStep(isTakenDown, (scene, step) => editStep(scene, step, { forced: true })),
  },
  {
    name: 'tell the executor of a larger budget',
    rule: 'budget',
    apply: onStep(
      (step, { plan }) =>
        isReplaced(step) && plan.steps.every(({ unit, cause }) => unit !== step.unit || cause !== 'drain'),
      (scene, step) => editUnit(scene, step.unit, () => ({ maxUnavailable: 99 })),
    ),
  },
  {
    name: 'say that more serve meanwhile than do',
    rule: 'budget',
    apply: onStep(isReplaced, (scene, step) =>
      editUnit(scene, step.unit, ({ waves }) => ({
        waves: waves.map((wave) => ({ ...wave, available: (wave.available ?? 0) + 1 })),
      })),
    ),
  },
  {
    name: 'evict somebody without waiting for it',
    rule: 'preemption',
    apply: onStep(
      ({ cause }) => cause === 'preempt',
      (scene) => withPlan(scene, { units: scene.plan.units.map((known) => ({ ...known, after: [] })) }),
    ),
  },
  {
    name: 'use the room of the evicted at the same time',
    rule: 'capacity',
    apply: onStep(
      ({ cause }) => cause === 'preempt',
      (scene) => withPlan(scene, { units: scene.plan.units.map((known) => ({ ...known, after: [] })) }),
    ),
  },
  {
    name: 'evict somebody of the same priority',
    rule: 'preemption',
    apply: onStep(
      ({ cause }) => cause === 'preempt',
      (scene, step) => editWorkload(scene, step.unit, () => ({ priority: 2000 })),
    ),
  },
  {
    name: 'evict for somebody who never asked for it',
    rule: 'preemption',
    apply: onStep(
      ({ cause }) => cause === 'preempt',
      (scene) =>
        withDesired(scene, {
          workloads: scene.inputs.desired.workloads.map(({ preemption: _, ...workload }) => workload),
        }),
    ),
  },
  {
    name: 'evict a static instance',
    rule: 'preemption',
    apply: onStep(
      ({ cause }) => cause === 'preempt',
      (scene, step) => editWorkload(scene, step.unit, () => ({ type: 'static' })),
    ),
  },
  {
    name: 'take away for a quota what fits into it',
    rule: 'quota',
    apply: onStep(
      ({ cause }) => cause === 'quota',
      (scene) => withDesired(scene, { quotas: scene.inputs.desired.quotas.map((quota) => ({ ...quota, limits: {} })) }),
    ),
  },
  {
    name: 'take away for a quota that does not ask for it',
    rule: 'quota',
    apply: onStep(
      ({ cause }) => cause === 'quota',
      (scene) =>
        withDesired(scene, { quotas: scene.inputs.desired.quotas.map(({ drainToQuota: _, ...quota }) => quota) }),
    ),
  },
  {
    name: 'take away for a quota what is not stateless',
    rule: 'quota',
    apply: onStep(
      ({ cause }) => cause === 'quota',
      (scene, step) => editWorkload(scene, step.unit, () => ({ type: 'stateful' })),
    ),
  },
  {
    name: 'take away for a quota more than has to go',
    rule: 'quota',
    apply: onStep(
      ({ cause }) => cause === 'quota',
      (scene) =>
        withDesired(scene, {
          quotas: scene.inputs.desired.quotas.map((quota) => {
            const { instances } = quota.limits;
            return { ...quota, limits: instances === undefined ? {} : { instances: instances + 20 } };
          }),
        }),
    ),
  },
  {
    name: 'take away what git wants',
    rule: 'removal',
    apply: onStep(
      (step) => step.kind === 'remove' && step.cause === 'scale',
      (scene, step) => editWorkload(scene, step.unit, ({ replicas }) => ({ replicas: replicas + 1 })),
    ),
  },
  {
    name: 'remove at once what left git a moment ago',
    rule: 'removal',
    apply: onStep(
      ({ cause }) => cause === 'prune',
      (scene) => {
        const { cluster } = scene.inputs.desired;
        return withDesired(scene, { cluster: { ...cluster, prune: { ...cluster.prune, stopAfterMs: 60_000 } } });
      },
    ),
  },
  {
    name: 'delete at once what was stopped a moment ago',
    rule: 'removal',
    apply: onStep(
      ({ cause, kind }) => cause === 'prune' && kind === 'remove',
      (scene, step) => {
        const { cluster } = scene.inputs.desired;
        const { allocations } = scene.inputs.recorded;
        const held = allocations.map((known) =>
          known.id === `${step.instance}#${step.generation}`
            ? { ...known, state: 'held' as const, heldSince: scene.inputs.now - 1000 }
            : known,
        );
        const slow = withDesired(scene, {
          cluster: { ...cluster, prune: { ...cluster.prune, deleteAfterMs: 60_000 } },
        });
        return withRecorded(slow, { allocations: held });
      },
    ),
  },
  {
    name: 'remove what left git while a source cannot be read',
    rule: 'removal',
    apply: onStep(
      ({ cause }) => cause === 'prune',
      (scene) => withDesired(scene, { incompleteSources: ['platform'] }),
    ),
  },
  {
    name: 'remove in bulk',
    rule: 'removal',
    apply: onStep(
      ({ cause }) => cause === 'prune',
      (scene) => {
        const { cluster } = scene.inputs.desired;
        const max = { sharePercent: 1, atLeast: 1 };
        return withDesired(scene, { cluster: { ...cluster, prune: { ...cluster.prune, max } } });
      },
    ),
  },
];

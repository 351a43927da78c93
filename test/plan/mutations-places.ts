import { nodeName } from '../../src/model/ids.ts';
import type { Step } from '../../src/model/plan.ts';
import type { HeldVolume } from '../../src/model/recorded.ts';
import {
  editHolds,
  editNode,
  editStep,
  isNew,
  isReplaced,
  type Mutation,
  makes,
  nodeOf,
  onPair,
  onStep,
  otherNode,
  withPlan,
  workloadOf,
} from './mutations-edit.ts';
import type { Scene } from './mutations-worlds.ts';

// Instances where they may not be.
export const places: readonly Mutation[] = [
  {
    name: 'go to a node of another pod',
    rule: 'eligible',
    apply: onStep(isNew, (scene, step) => editStep(scene, step, { node: nodeName('other') })),
  },
  {
    name: 'go to a node with a taint',
    rule: 'eligible',
    apply: onStep(isNew, (scene, step) => editStep(scene, step, { node: nodeName('tainted') })),
  },
  {
    name: 'go to a node without the label',
    rule: 'eligible',
    apply: onStep(
      (step, scene) => isNew(step) && Object.keys(workloadOf(scene, step)?.placement.require ?? {}).length > 0,
      (scene, step) => editNode(scene, step.node, () => ({ labels: {} })),
    ),
  },
  {
    name: 'go to a node that is cordoned',
    rule: 'eligible',
    apply: onStep(isNew, (scene, step) => editNode(scene, step.node, () => ({ lifecycle: 'cordoned' }))),
  },
  {
    name: 'go to a node whose engine does not answer',
    rule: 'eligible',
    apply: onStep(makes, (scene, step) => {
      const { observed } = scene.inputs;
      const known = observed.nodes.get(step.node);
      if (known === undefined) return undefined;
      const docker = { kind: 'unreachable', reason: 'timeout' } as const;
      const nodes = new Map(observed.nodes).set(step.node, { ...known, engines: { docker } });
      return { ...scene, inputs: { ...scene.inputs, observed: { ...observed, nodes } } };
    }),
  },
  {
    name: 'put two where one is the most',
    rule: 'eligible',
    apply: onPair(
      (first, second, scene) =>
        first.unit === second.unit &&
        makes(first) &&
        workloadOf(scene, second)?.placement.perNode === 1 &&
        isNew(second),
      (scene, first, second) => editStep(scene, second, { node: first.node }),
    ),
  },
  {
    name: 'put two daemons on a node',
    rule: 'eligible',
    apply: onPair(
      (first, second, scene) =>
        first.unit === second.unit && isNew(second) && workloadOf(scene, second)?.type === 'daemon',
      (scene, first, second) => editStep(scene, second, { node: first.node }),
    ),
  },
  {
    name: 'put everything into one zone',
    rule: 'spread',
    apply: onStep(
      (step, scene) => isPlacedAnew(scene, step) && workloadOf(scene, step)?.placement.spread !== undefined,
      (scene, step) =>
        withPlan(scene, {
          steps: scene.plan.steps.map((other) => (other.unit === step.unit ? { ...other, node: step.node } : other)),
        }),
    ),
  },
  {
    name: 'put everything on one node where a policy wants two',
    rule: 'spread',
    apply: onStep(
      (step, scene) =>
        isPlacedAnew(scene, step) &&
        scene.inputs.desired.policies.length > 0 &&
        workloadOf(scene, step)?.placement.spread === undefined &&
        (workloadOf(scene, step)?.replicas ?? 0) >= 2,
      (scene, step) =>
        withPlan(scene, {
          steps: scene.plan.steps.map((other) => (other.unit === step.unit ? { ...other, node: step.node } : other)),
        }),
    ),
  },
  {
    name: 'go away from whom it has to be near to',
    rule: 'affinity',
    apply: onStep(
      (step, scene) => isNew(step) && workloadOf(scene, step)?.placement.affinity !== undefined,
      (scene, step) => {
        const zone = nodeOf(scene, step.node)?.zone;
        const far = scene.inputs.desired.nodes.find((node) => node.zone !== zone)?.name;
        return far && editStep(scene, step, { node: far });
      },
    ),
  },
  {
    name: 'go to whom it has to keep away from',
    rule: 'affinity',
    apply: onPair(
      (first, second, scene) =>
        isNew(second) &&
        (workloadOf(scene, second)?.placement.antiAffinity ?? []).some(({ to }) => (to as string) === first.unit),
      (scene, first, second) => editStep(scene, second, { node: first.node }),
    ),
  },
  {
    name: 'move a static instance',
    rule: 'sticky',
    apply: onStep(
      (step, scene) => step.kind === 'replace' && workloadOf(scene, step)?.type === 'static',
      (scene, step) => moved(scene, step),
    ),
  },
  {
    name: 'move a daemon',
    rule: 'sticky',
    apply: onStep(
      (step, scene) => step.replaces !== undefined && workloadOf(scene, step)?.type === 'daemon' && makes(step),
      (scene, step) => {
        const to = otherNode(scene, step);
        return to && editStep(scene, step, { node: to });
      },
    ),
  },
  {
    name: 'move a stateful instance away from its volumes',
    rule: 'sticky',
    apply: onStep(
      (step, scene) => step.kind === 'replace' && workloadOf(scene, step)?.type === 'stateful',
      (scene, step) => moved(scene, step),
    ),
  },
  {
    name: 'make a stateful instance beside itself',
    rule: 'sticky',
    apply: onStep(
      (step, scene) => step.kind === 'replace' && workloadOf(scene, step)?.type === 'stateful',
      (scene, step) => editStep(scene, step, { order: 'create-first' }),
    ),
  },
  {
    name: 'lose data',
    rule: 'dataLoss',
    apply: onStep(isReplaced, (scene, step) => editStep(scene, step, { class: 'dataLoss' })),
  },
  {
    name: 'lose a volume that is deleted with its instance',
    rule: 'dataLoss',
    apply: onStep(
      (step) => step.kind === 'replace' && (step.holds.volumes ?? []).some(({ name }) => name === 'log'),
      (scene, step) =>
        editHolds(scene, step, { volumes: (step.holds.volumes ?? []).filter(({ name }) => name !== 'log') }),
    ),
  },
  {
    name: 'find a volume empty on another device',
    rule: 'dataLoss',
    apply: onStep(
      (step) => step.kind === 'replace' && step.holds.volumes !== undefined,
      (scene, step) => editHolds(scene, step, { volumes: (step.holds.volumes ?? []).map(onAnotherDevice) }),
    ),
  },
];

const onAnotherDevice = (volume: HeldVolume): HeldVolume => ({
  ...volume,
  device: volume.device === '/data3' ? '/data2' : '/data3',
});

/** Nothing of the workload was there. */
const isPlacedAnew = ({ inputs }: Scene, step: Step): boolean =>
  isNew(step) && inputs.recorded.allocations.every(({ workload }) => (workload as string) !== step.unit);

function moved(scene: Scene, step: Step): Scene | undefined {
  const to = otherNode(scene, step);
  const from = step.replaces?.node;
  if (to === undefined || from === undefined) return undefined;
  const { summary } = scene.plan;
  const counted = { ...summary, replace: summary.replace - 1, move: summary.move + 1 };
  return editStep(withPlan(scene, { summary: counted }), step, { kind: 'move', node: to, from });
}

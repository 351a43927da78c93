import type { DesiredNode, DesiredWorkload } from '../../src/model/desired.ts';
import type { NodeName, StepId, UnitId } from '../../src/model/ids.ts';
import type { Plan, PlannedUnit, Step } from '../../src/model/plan.ts';
import type { Holds } from '../../src/model/recorded.ts';
import type { Revision } from '../../src/model/revision.ts';
import type { PlanInputs } from '../../src/plan/inputs.ts';
import type { Rule } from '../../src/plan/verify/violation.ts';
import type { Scene } from './mutations-worlds.ts';

/** One way to corrupt a correct plan, and the promise that it breaks. */
export interface Mutation {
  readonly name: string;
  readonly rule: Rule;
  /** Undefined where the plan has nothing that could be corrupted so. */
  readonly apply: (scene: Scene) => Scene | undefined;
}

// Ways to change one thing of a plan, or of the world under it, and nothing else.

export const editStep = (scene: Scene, { id }: Step, change: Partial<Step>): Scene =>
  withPlan(scene, { steps: scene.plan.steps.map((step) => (step.id === id ? { ...step, ...change } : step)) });

export const editHolds = (scene: Scene, step: Step, change: Partial<Holds>): Scene =>
  editStep(scene, step, { holds: { ...step.holds, ...change } });

export const withPlan = (scene: Scene, change: Partial<Plan>): Scene => ({
  ...scene,
  plan: { ...scene.plan, ...change },
});

export const editUnit = (scene: Scene, id: UnitId, change: (unit: PlannedUnit) => Partial<PlannedUnit>): Scene =>
  withPlan(scene, {
    units: scene.plan.units.map((unit) => (unit.id === id ? { ...unit, ...change(unit) } : unit)),
  });

/** Puts a step into another wave of its unit, and says so in the step. */
export function moveToWave(scene: Scene, step: Step, wave: number): Scene {
  const moved = editStep(scene, step, { wave });
  return editUnit(moved, step.unit, ({ waves }) => ({
    waves: waves.map((known, index) => ({
      ...known,
      steps: [...known.steps.filter((id) => id !== step.id), ...(index === wave ? [step.id] : [])],
    })),
  }));
}

/** The same step under another id, in the first wave of its unit, counted. */
export function withCopy(scene: Scene, step: Step, change: Partial<Step>): Scene {
  const id = `s${scene.plan.steps.length + 1}` as StepId;
  const copy: Step = { ...step, wave: 0, ...change, id };
  const { summary } = scene.plan;
  const added = withPlan(scene, {
    steps: [...scene.plan.steps, copy],
    summary: { ...summary, [copy.kind]: summary[copy.kind] + 1 },
  });
  return editUnit(added, copy.unit, ({ waves }) => ({
    waves: waves.map((wave, index) => (index === 0 ? { ...wave, steps: [...wave.steps, id] } : wave)),
  }));
}

export const withDesired = (scene: Scene, change: Partial<PlanInputs['desired']>): Scene => ({
  ...scene,
  inputs: { ...scene.inputs, desired: { ...scene.inputs.desired, ...change } },
});

export const withRecorded = (scene: Scene, change: Partial<PlanInputs['recorded']>): Scene => ({
  ...scene,
  inputs: { ...scene.inputs, recorded: { ...scene.inputs.recorded, ...change } },
});

export const editNode = (scene: Scene, name: NodeName, change: (node: DesiredNode) => Partial<DesiredNode>): Scene =>
  withDesired(scene, {
    nodes: scene.inputs.desired.nodes.map((node) => (node.name === name ? { ...node, ...change(node) } : node)),
  });

export const editWorkload = (
  scene: Scene,
  unit: UnitId,
  change: (workload: DesiredWorkload) => Partial<DesiredWorkload>,
): Scene =>
  withDesired(scene, {
    workloads: scene.inputs.desired.workloads.map((workload) =>
      (workload.id as string) === unit ? { ...workload, ...change(workload) } : workload,
    ),
  });

export const makes = ({ kind }: Step): boolean => kind === 'create' || kind === 'replace' || kind === 'move';

export const workloadOf = ({ inputs }: Scene, { unit }: Step): DesiredWorkload | undefined =>
  inputs.desired.workloads.find(({ id }) => (id as string) === unit);

export const nodeOf = ({ inputs }: Scene, name: NodeName): DesiredNode | undefined =>
  inputs.desired.nodes.find((node) => node.name === name);

/** What a step gives an instance of. */
export const bodyOf = (scene: Scene, step: Step): Revision | undefined => {
  const workload = workloadOf(scene, step);
  return workload?.revisionHash === step.revision
    ? workload.revision
    : scene.inputs.recorded.revisions.get(step.revision);
};

/** The first step for which there is something to change, changed. */
export function onStep(
  fits: (step: Step, scene: Scene) => boolean,
  change: (scene: Scene, step: Step) => Scene | undefined,
): (scene: Scene) => Scene | undefined {
  return (scene) => {
    for (const step of scene.plan.steps) {
      const changed = fits(step, scene) ? change(scene, step) : undefined;
      if (changed !== undefined) return changed;
    }
    return undefined;
  };
}

/** Two different steps of which the second can be made to clash with the first. */
export function onPair(
  fits: (first: Step, second: Step, scene: Scene) => boolean,
  change: (scene: Scene, first: Step, second: Step) => Scene,
): (scene: Scene) => Scene | undefined {
  return (scene) => {
    for (const first of scene.plan.steps) {
      const second = scene.plan.steps.find((other) => other !== first && fits(first, other, scene));
      if (second !== undefined) return change(scene, first, second);
    }
    return undefined;
  };
}

export const any = (): boolean => true;
/** Made where nothing of the instance was. */
export const isNew = ({ kind, replaces }: Step): boolean => kind === 'create' && replaces === undefined;
export const isReplaced = (step: Step): boolean => makes(step) && step.replaces?.object === 'running';
export const unit = (id: string): UnitId => id as UnitId;

/** A node of the pod that can take anything new; not the one that is named. */
export const otherNode = ({ inputs }: Scene, step: Step): NodeName | undefined =>
  inputs.desired.nodes.find(
    ({ name, pod, taints, lifecycle }) =>
      name !== step.node &&
      name !== step.replaces?.node &&
      pod === 'web' &&
      taints.length === 0 &&
      lifecycle === 'online',
  )?.name;

import type { Step } from '../../src/model/plan.ts';
import { editUnit, editWorkload, isReplaced, type Mutation, moveToWave, onStep, workloadOf } from './mutations-edit.ts';
import type { Scene } from './mutations-worlds.ts';

// Rollouts that go faster than git says.

/** It gives an instance that is there another revision. */
const isRolledOut = (step: Step): boolean =>
  step.kind === 'update' ? step.revisionBefore !== step.revision : step.replaces?.revision !== step.revision;

const isRollout = (step: Step): boolean => (isReplaced(step) || step.kind === 'update') && isRolledOut(step);

const isLater = (step: Step, { plan }: Scene): boolean =>
  isRollout(step) && plan.steps.some((other) => other.unit === step.unit && other.wave < step.wave && isRollout(other));

/** A drain that is forced asks nobody. */
const isBeside = (step: Step): boolean => isReplaced(step) && step.order === 'create-first' && step.forced !== true;

const firstWaveOf = ({ plan }: Scene, { unit }: Step): number =>
  Math.min(...plan.steps.filter((other) => other.unit === unit && isRollout(other)).map(({ wave }) => wave));

export const rollouts: readonly Mutation[] = [
  {
    name: 'roll out to more than the first group at once',
    rule: 'rollout',
    apply: onStep(isLater, (scene, step) => moveToWave(scene, step, firstWaveOf(scene, step))),
  },
  {
    name: 'roll out to everything at once',
    rule: 'rollout',
    apply: onStep(isLater, (scene, step) => {
      const first = firstWaveOf(scene, step);
      return scene.plan.steps
        .filter((other) => other.unit === step.unit && isRollout(other))
        .reduce((changed, other) => moveToWave(changed, other, first), scene);
    }),
  },
  {
    name: 'roll out a daemon to more than the first share of its nodes at once',
    rule: 'rollout',
    apply: onStep(
      (step, scene) => isLater(step, scene) && workloadOf(scene, step)?.type === 'daemon',
      (scene, step) => moveToWave(scene, step, firstWaveOf(scene, step)),
    ),
  },
  {
    name: 'observe a group for less than git says',
    rule: 'rollout',
    apply: onStep(isLater, (scene, step) =>
      editUnit(scene, step.unit, ({ waves }) => ({
        waves: waves.map((wave) => ({ ...wave, observeMs: Math.max(0, wave.observeMs - 1) })),
      })),
    ),
  },
  {
    name: 'not observe the last group',
    rule: 'rollout',
    apply: onStep(isLater, (scene, step) => {
      const last = Math.max(
        ...scene.plan.steps.filter((other) => other.unit === step.unit && isRollout(other)).map(({ wave }) => wave),
      );
      return editUnit(scene, step.unit, ({ waves }) => ({
        waves: waves.map((wave, index) => (index === last ? { ...wave, observeMs: 0 } : wave)),
      }));
    }),
  },
  {
    name: 'make an instance beside the one that it replaces where git allows no more than are wanted',
    rule: 'surge',
    apply: onStep(isBeside, (scene, step) =>
      editWorkload(scene, step.unit, ({ update }) => ({
        update: { ...update, order: 'auto', maxSurge: { kind: 'count', count: 0 } },
      })),
    ),
  },
  {
    name: 'make more instances beside others than maxSurge',
    rule: 'surge',
    apply: onStep(
      (step, scene) =>
        isBeside(step) &&
        scene.plan.steps.some(
          (other) => other.unit === step.unit && other.wave === step.wave && other !== step && isBeside(other),
        ),
      (scene, step) =>
        editWorkload(scene, step.unit, ({ update }) => ({
          update: { ...update, maxSurge: { kind: 'count', count: 1 } },
        })),
    ),
  },
];

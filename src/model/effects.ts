import { assertNever } from './assert.ts';
import { type AllocationId, allocationId, type EngineKind, type NodeName, type StepId } from './ids.ts';
import type { Step } from './plan.ts';

export type EffectKind =
  | 'reserve'
  | 'pull'
  | 'create'
  | 'start'
  | 'await'
  | 'update'
  | 'stop'
  | 'remove'
  | 'hold'
  | 'release';

/**
 * The smallest engine or store action. `key` is unique inside a unit and the same in every run of the same plan, which
 * is what makes an effect idempotent: the journal, the object's label and the executor all speak of it by this name.
 */
export interface Effect {
  readonly key: string;
  readonly step: StepId;
  readonly kind: EffectKind;
  readonly allocation: AllocationId;
  readonly node: NodeName;
  readonly engine: EngineKind;
  /** `do`: before the unit commits, undone when it unwinds · `settle`: after the commit, final, never undone */
  readonly phase: 'do' | 'settle';
}

/** The one table: what a step does, in order. Executor, journal, renderer and verifier all read it here. */
export function expandStep(step: Step): readonly Effect[] {
  const made = { allocation: allocationId(step.instance, step.generation), node: step.node, engine: step.engine };
  const effect = (
    phase: Effect['phase'],
    kind: EffectKind,
    on: Pick<Effect, 'allocation' | 'node' | 'engine'>,
  ): Effect => ({
    key: `${step.id}:${kind}:${on.allocation}`,
    step: step.id,
    kind,
    ...on,
    phase,
  });
  const make = ['create', 'start', 'await'] as const;
  switch (step.kind) {
    case 'create':
    case 'replace':
    case 'move': {
      const old = step.replaces && {
        object: step.replaces.object,
        on: {
          allocation: allocationId(step.instance, step.replaces.generation),
          node: step.replaces.node,
          engine: step.replaces.engine,
        },
      };
      const prepare = [effect('do', 'reserve', made), effect('do', 'pull', made)];
      const bring = make.map((kind) => effect('do', kind, made));
      const stopOld = old !== undefined && old.object !== 'gone' ? [effect('do', 'stop', old.on)] : [];
      const removeOld = old !== undefined && old.object !== 'gone' ? [effect('settle', 'remove', old.on)] : [];
      const releaseOld = old === undefined ? [] : [effect('settle', 'release', old.on)];
      const body = step.order === 'stop-first' ? [...stopOld, ...bring] : [...bring, ...stopOld];
      return [...prepare, ...body, ...removeOld, ...releaseOld];
    }
    case 'update':
      return [effect('do', 'update', made), effect('do', 'await', made)];
    case 'stop':
      return [effect('do', 'stop', made), effect('settle', 'hold', made)];
    case 'remove':
      return [effect('do', 'stop', made), effect('settle', 'remove', made), effect('settle', 'release', made)];
    case 'forget':
      return [effect('settle', 'release', made)];
    default:
      return assertNever(step.kind);
  }
}

/** What takes an effect back, or undefined where there is nothing to take back. Applied in reverse order of doing. */
export function undoOf(effect: Effect): Effect | undefined {
  const inverse = inverseKind(effect.kind);
  if (inverse === undefined || effect.phase === 'settle') return undefined;
  return { ...effect, kind: inverse, key: `undo:${effect.key}` };
}

function inverseKind(kind: EffectKind): EffectKind | undefined {
  switch (kind) {
    case 'reserve':
      return 'release';
    case 'create':
      return 'remove';
    case 'start':
      return 'stop';
    case 'stop':
      return 'start';
    case 'update':
      return 'update';
    case 'pull':
    case 'await':
    case 'remove':
    case 'hold':
    case 'release':
      return undefined;
    default:
      return assertNever(kind);
  }
}

/** True for effects that take an instance away from its users. */
export const isDisruptive = (effect: Effect): boolean => effect.kind === 'stop';

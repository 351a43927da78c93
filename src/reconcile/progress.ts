import type { Effect } from '../model/effects.ts';
import type { AllocationId, EngineKind, InstanceId, NodeName, RunId, UnitId } from '../model/ids.ts';
import type { Plan } from '../model/plan.ts';

/** What a run tells while it goes on: plain data, rendered by the terminal, by plain lines or by the log. */
export type ProgressEvent =
  | { readonly kind: 'recovering'; readonly run: RunId; readonly unit: UnitId; readonly direction: 'finish' | 'unwind' }
  | { readonly kind: 'runStarted'; readonly run: RunId; readonly plan: Plan }
  | { readonly kind: 'unitStarted'; readonly unit: UnitId }
  | { readonly kind: 'waveStarted'; readonly unit: UnitId; readonly wave: number; readonly of: number }
  | { readonly kind: 'effectStarted'; readonly unit: UnitId; readonly effect: Effect; readonly undo: boolean }
  | {
      readonly kind: 'effectDone';
      readonly unit: UnitId;
      readonly effect: Effect;
      readonly undo: boolean;
      readonly tookMs: number;
    }
  | {
      readonly kind: 'effectFailed';
      readonly unit: UnitId;
      readonly effect: Effect;
      readonly undo: boolean;
      readonly error: string;
    }
  | {
      readonly kind: 'retrying';
      readonly node: NodeName;
      readonly engine: EngineKind;
      readonly call: string;
      readonly error: string;
      readonly inMs: number;
    }
  | {
      readonly kind: 'hookFailed';
      readonly allocation: AllocationId;
      readonly node: NodeName;
      readonly hook: 'beforeStop';
      readonly error: string;
    }
  | { readonly kind: 'waiting'; readonly unit: UnitId; readonly instance?: InstanceId; readonly what: string }
  | { readonly kind: 'unitFailed'; readonly unit: UnitId; readonly reason: string }
  | { readonly kind: 'unitEnded'; readonly unit: UnitId; readonly result: UnitResult }
  | { readonly kind: 'stopping'; readonly reason: string }
  | { readonly kind: 'runEnded'; readonly outcome: RunOutcome };

/**
 * `done` · `undone`: failed or cancelled, and rolled back · `stuck`: the undo failed · `paused`: stopped at a safe point ·
 * `abandoned`: an operator closed it as it was · `superseded`: ended at a wave, since git has changed what it was to bring ·
 * `skipped`: never started
 */
export type UnitState = 'done' | 'undone' | 'stuck' | 'paused' | 'abandoned' | 'superseded' | 'skipped';

export interface UnitResult {
  readonly unit: UnitId;
  readonly state: UnitState;
  /** Why it is not `done`, with what is where and what to do next. */
  readonly reason?: string;
  /** Of `stuck` and `paused`: no run goes on with it by itself, an operator has to say so. Absent: the next run does. */
  readonly waitsFor?: 'operator';
}

export interface RunOutcome {
  readonly run: RunId;
  readonly units: readonly UnitResult[];
  readonly startedAt: number;
  readonly endedAt: number;
}

export type Progress = (event: ProgressEvent) => void;

/** What a plan promises, one name for each promise that `verifyPlan` checks. */
export type Rule =
  | 'format'
  | 'structure'
  | 'gate'
  | 'order'
  | 'goal'
  | 'drain'
  | 'summary'
  | 'frozen'
  | 'recorded'
  | 'generation'
  | 'revision'
  | 'undo'
  | 'eligible'
  | 'spread'
  | 'affinity'
  | 'sticky'
  | 'dataLoss'
  | 'capacity'
  | 'cores'
  | 'numa'
  | 'volumes'
  | 'devices'
  | 'ports'
  | 'addresses'
  | 'quota'
  | 'budget'
  | 'surge'
  | 'rollout'
  | 'transaction'
  | 'preemption'
  | 'removal';

/** A broken promise: the plan has a bug, or the world is another one than it was made for. It must not be applied. */
export interface Violation {
  readonly rule: Rule;
  /** The step, unit, node, quota or workload that breaks it. */
  readonly subject: string;
  readonly message: string;
}

export type Report = (rule: Rule, subject: string, message: string) => void;

/** What a plan promises, one name for each promise that `verifyPlan` checks. */
export type Rule =
  | 'format'
  | 'structure'
  | 'order'
  | 'recorded'
  | 'generation'
  | 'frozen'
  | 'eligible'
  | 'revision'
  | 'undo'
  | 'capacity'
  | 'ports'
  | 'addresses'
  | 'quota'
  | 'budget'
  | 'removal'
  | 'summary';

/** A broken promise: the plan has a bug, or the world is another one than it was made for. It must not be applied. */
export interface Violation {
  readonly rule: Rule;
  /** The step, unit, node, quota or workload that breaks it. */
  readonly subject: string;
  readonly message: string;
}

export type Report = (rule: Rule, subject: string, message: string) => void;

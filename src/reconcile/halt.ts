/**
 * Work stops here without a verdict: the lease or the store is gone, an engine does not answer, or the operator asked to
 * stop. Nothing is undone; what was journaled is finished or unwound by the next run.
 */
export class Halted extends Error {
  override readonly name = 'Halted';
  readonly why: HaltCause;

  constructor(why: HaltCause, message: string, options?: { readonly cause: unknown }) {
    super(message, options);
    this.why = why;
  }
}

/** `interrupted`: the process is to end · `paused`: an operator paused the run · `leaseLost` · `store` · `engine`: one engine, so only the unit that needs it stops */
export type HaltCause = 'interrupted' | 'paused' | 'leaseLost' | 'store' | 'engine';

/** A health gate said no. The only failure that makes a revision a failed one. */
export class GateFailed extends Error {
  override readonly name = 'GateFailed';
}

/** An operator cancelled the run. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** The disruption budget left no room until the deadline. */
export class BudgetExhausted extends Error {
  override readonly name = 'BudgetExhausted';
}

/** Another unit that this one commits together with has failed. */
export class MemberFailed extends Error {
  override readonly name = 'MemberFailed';
}

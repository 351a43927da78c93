import type { Diagnostic } from '../model/diagnostics.ts';

/** A source, or one file of it, cannot be read at all. Carries what to tell the operator; never credentials. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
  readonly diagnostic: Diagnostic;
  /** Of the catalogue: `MUS1101`. */
  readonly code: string;
  readonly hint: string | undefined;
  /** The same call may work later: a network or server problem. */
  readonly retryable: boolean;

  constructor(diagnostic: Diagnostic, options: { readonly retryable: boolean; readonly cause?: unknown }) {
    super(diagnostic.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.diagnostic = diagnostic;
    this.code = diagnostic.code;
    this.hint = diagnostic.hint;
    this.retryable = options.retryable;
  }
}

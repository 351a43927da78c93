export type Severity = 'error' | 'warning';

/** 1-based line and column, as editors show them. `end` is exclusive. */
export interface SourceRange {
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** A user's mistake, with everything needed to mend it. All of them are reported, not the first. */
export interface Diagnostic {
  /** `MUS1001`; has an entry in docs/errors.md. */
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  /** Path inside the source, with `/`. */
  readonly file: string;
  readonly range?: SourceRange;
  /** JSON pointer into the document */
  readonly pointer?: string;
  readonly found?: string;
  readonly allowed?: readonly string[];
  /** "did you mean …", or what to do. */
  readonly hint?: string;
  /** The source line(s) at `range`, for the excerpt and caret. */
  readonly excerpt?: string;
  /** Where the other half of the problem is: the first of two duplicates. */
  readonly related?: { readonly file: string; readonly line: number; readonly message: string };
}

export const hasErrors = (diagnostics: readonly Diagnostic[]): boolean =>
  diagnostics.some((diagnostic) => diagnostic.severity === 'error');

/** What the process's exit code says; scripts and CI rely on it, so a number never changes its meaning. */
export const exitCodes = {
  ok: 0,
  error: 1,
  /** With `--detailed-exitcode`: the plan changes something. */
  changes: 2,
  /** Something was refused by policy, quota or capacity; wins over `changes`. */
  refused: 3,
  lockHeld: 4,
  stalePlan: 5,
  rolledBack: 6,
  stuck: 7,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** Something the user can mend: one line that says what and where, and a hint that says what to do next. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;

  constructor(
    message: string,
    options: { readonly hint?: string; readonly exitCode?: ExitCode; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.exitCode = options.exitCode ?? exitCodes.error;
    this.hint = options.hint;
  }
}

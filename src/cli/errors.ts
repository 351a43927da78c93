import { engineFailureCodes, storeFailureCodes } from '../model/failure-codes.ts';
import { CliError, type ExitCode, exitCodes } from './exit.ts';

/** Errors that explain themselves; told apart by name, so that printing one loads no store and no engine. */
const explained = new Set([
  'CliError',
  'StoreError',
  'EngineError',
  'SourceError',
  'DocumentError',
  'LockHeld',
  'CommanderError',
]);

/** An error as it is printed, and the exit code that goes with it. Nobody sees a stack who has not asked for one. */
export function describeError(
  error: unknown,
  options: { readonly debug: boolean },
): { readonly text: string; readonly exitCode: ExitCode } {
  const name = error instanceof Error ? error.name : '';
  const message = error instanceof Error ? error.message : String(error);
  const stack = options.debug && error instanceof Error ? `\n${error.stack ?? ''}${causes(error)}` : '';
  const exitCode = exitCodeOf(error);
  if (explained.has(name)) {
    const hint = textProperty(error, 'hint');
    return {
      text: `error${catalogued(error)}: ${message}${hint === undefined ? '' : `\n  ${hint}`}${stack}`,
      exitCode,
    };
  }
  const advice = options.debug
    ? ''
    : '\n  This is a bug in Muster, not a mistake of yours. MUSTER_DEBUG=1 shows where it happened.';
  return { text: `error: unexpected: ${message}${advice}${stack}`, exitCode };
}

/** `[MUS2001]`: where docs/errors.md says more about it. */
function catalogued(error: unknown): string {
  const code = textProperty(error, 'code') ?? '';
  const failures: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    StoreError: storeFailureCodes,
    EngineError: engineFailureCodes,
    LockHeld: { [code]: storeFailureCodes.locked },
    SourceError: { [code]: code },
  };
  const found = error instanceof Error ? failures[error.name]?.[code] : undefined;
  return found === undefined ? '' : `[${found}]`;
}

function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof Error && error.name === 'LockHeld') return exitCodes.lockHeld;
  if (error instanceof Error && error.name === 'StoreError' && textProperty(error, 'code') === 'locked')
    return exitCodes.lockHeld;
  return exitCodes.error;
}

const deepestCause = 5;

function causes(error: Error): string {
  let text = '';
  let cause: unknown = error.cause;
  for (let depth = 0; depth < deepestCause && cause instanceof Error; depth += 1) {
    text += `\ncaused by: ${cause.stack ?? cause.message}`;
    cause = cause.cause;
  }
  return text;
}

function textProperty(error: unknown, key: string): string | undefined {
  const value: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, key) : undefined;
  return typeof value === 'string' ? value : undefined;
}

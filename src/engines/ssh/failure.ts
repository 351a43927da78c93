import type { CallSite } from '../deadline.ts';
import { EngineError, type EngineErrorCode } from '../engine.ts';

/** Something that went wrong between here and the host, before an engine could say anything about it. */
export class SshFailure extends Error {
  override readonly name = 'SshFailure';
  readonly code: EngineErrorCode;
  readonly retryable: boolean;
  readonly hint: string;

  constructor(options: {
    readonly code: EngineErrorCode;
    readonly retryable: boolean;
    readonly message: string;
    readonly hint: string;
    readonly cause?: unknown;
  }) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = options.code;
    this.retryable = options.retryable;
    this.hint = options.hint;
  }
}

/** The same as an error of the engine that was called. */
export const engineErrorOf = (failure: SshFailure, site: CallSite): EngineError =>
  new EngineError({
    ...site,
    code: failure.code,
    retryable: failure.retryable,
    message: `${site.engine} on ${site.node}: ${failure.message}`,
    hint: failure.hint,
    cause: failure,
  });

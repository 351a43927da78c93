import type { CallSite } from '../deadline.ts';
import { EngineError, type EngineErrorCode } from '../engine.ts';

/** An error of this engine: none of them goes away by trying again. */
export function failure(
  site: CallSite,
  options: {
    readonly code: EngineErrorCode;
    readonly message: string;
    readonly hint?: string;
    readonly port?: number;
  },
): EngineError {
  return new EngineError({
    ...site,
    code: options.code,
    retryable: false,
    message: `process on ${site.node}: cannot ${site.call} ${options.message}`,
    ...(options.hint !== undefined && { hint: options.hint }),
    ...(options.port !== undefined && { port: options.port }),
  });
}

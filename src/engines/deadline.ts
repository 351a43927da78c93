import type { EngineKind, NodeName } from '../model/ids.ts';
import { type Call, EngineError } from './engine.ts';

/** setTimeout fires at once beyond this. */
const maxTimeoutMs = 2_147_483_647;

/** Where a call is made, for messages and typed errors. */
export interface CallSite {
  readonly node: NodeName;
  readonly engine: EngineKind;
  /** The contract's call: `create`, `start`, … */
  readonly call: string;
}

/**
 * Ends work by the call's deadline or abort, whatever it does: a retryable `timeout`. The signal tells the work to stop
 * as well; a result that comes later is dropped. Errors that are not an `EngineError` become `internal`.
 */
export async function withDeadline<T>(
  site: CallSite,
  call: Call,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const timeout = (message: string): EngineError =>
    new EngineError({
      ...site,
      code: 'timeout',
      retryable: true,
      message: `${site.engine} on ${site.node}: ${site.call} ${message}`,
    });
  return await new Promise<T>((resolve, reject) => {
    const end = (error: EngineError): void => {
      reject(error);
      controller.abort(error);
    };
    const timer = setTimeout(
      () => end(timeout(`did not end within ${call.deadlineMs} ms; its outcome is found out by looking again`)),
      Math.min(call.deadlineMs, maxTimeoutMs),
    );
    const onAbort = (): void => end(timeout('was aborted'));
    if (call.signal?.aborted === true) onAbort();
    else call.signal?.addEventListener('abort', onAbort, { once: true });
    work(controller.signal)
      .then(resolve, (error: unknown) => reject(asEngineError(site, error)))
      .finally(() => {
        clearTimeout(timer);
        call.signal?.removeEventListener('abort', onAbort);
      });
  });
}

function asEngineError(site: CallSite, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  const noSpace = code === 'ENOSPC' || code === 'EDQUOT';
  return new EngineError({
    ...site,
    code: noSpace ? 'noSpace' : 'internal',
    retryable: false,
    message: `${site.engine} on ${site.node}: ${site.call} failed: ${error instanceof Error ? error.message : String(error)}`,
    ...(noSpace && { hint: 'free space on the file system, then run it again' }),
    cause: error,
  });
}

import { withDeadline } from '../deadline.ts';
import { type Call, EngineError, type EngineErrorCode } from '../engine.ts';
import { engineErrorOf, SshFailure } from '../ssh/failure.ts';
import type { DockerClient } from './client.ts';

/**
 * Runs one call of the contract, which may be several requests, within its deadline. A daemon that is stopped (SIGSTOP)
 * or behind a dead link never answers, so the deadline is ours: requests get the signal, and the call ends even when
 * they ignore it. Everything that is thrown is an `EngineError`.
 */
export async function within<T>(
  client: DockerClient,
  name: string,
  call: Call,
  request: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withDeadline({ node: client.node, engine: 'docker', call: name }, call, async (signal) => {
    try {
      return await request(signal);
    } catch (error) {
      throw toEngineError(client, name, error);
    }
  });
}

/** An `EngineError` of this engine. */
export function failure(
  client: DockerClient,
  call: string,
  options: {
    readonly code: EngineErrorCode;
    readonly message: string;
    readonly retryable: boolean;
    readonly hint?: string;
    readonly port?: number;
    readonly cause?: unknown;
  },
): EngineError {
  return new EngineError({ ...options, node: client.node, engine: 'docker', call });
}

/** HTTP status of a failed request; undefined when there was no answer. */
export function statusOf(error: unknown): number | undefined {
  const status = property(error, 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

/** The daemon's own words, without dockerode's wrapping. */
export function messageOf(error: unknown): string {
  const answered = property(property(error, 'json'), 'message');
  if (typeof answered === 'string') return answered.trim();
  return (error instanceof Error ? error.message : String(error)).replace(/^\(HTTP code \d+\) [^-]* - /, '').trim();
}

/** Resolves to undefined where the daemon answers one of these statuses. */
export async function unlessStatus<T>(statuses: readonly number[], request: Promise<T>): Promise<T | undefined> {
  try {
    return await request;
  } catch (error) {
    if (statuses.includes(statusOf(error) ?? 0)) return undefined;
    throw error;
  }
}

function toEngineError(client: DockerClient, call: string, error: unknown): EngineError {
  if (error instanceof EngineError) return error;
  if (error instanceof SshFailure) return engineErrorOf(error, { node: client.node, engine: 'docker', call });
  const status = statusOf(error);
  const fail = (code: EngineErrorCode, retryable: boolean, message: string, hint?: string): EngineError =>
    failure(client, call, { code, message, retryable, cause: error, ...(hint !== undefined && { hint }) });
  if (status === undefined) return connectionError(client, error, fail);
  const message = `docker on ${client.node} refused ${call}: ${messageOf(error)}`;
  // The daemon has no status of its own for a full disk: its text is all there is.
  if (status >= 500 && /no space left on device/i.test(message)) {
    return fail(
      'noSpace',
      true,
      message,
      `free space below the data root of docker on ${client.node}: docker system df`,
    );
  }
  if (status === 404) return fail('notFound', false, message);
  if (status === 401 || status === 403) return fail('rejected', false, message);
  if (status === 409) return fail('rejected', true, message);
  if (status >= 500) return fail('internal', true, message);
  return fail('rejected', false, message);
}

function connectionError(
  client: DockerClient,
  error: unknown,
  fail: (code: EngineErrorCode, retryable: boolean, message: string, hint?: string) => EngineError,
): EngineError {
  const code = property(error, 'code');
  const message = `docker on ${client.node} cannot be reached at ${client.address}: ${messageOf(error)}`;
  if (typeof code !== 'string') return fail('internal', true, message);
  if (code === 'EACCES' || code === 'EPERM') {
    return fail('unreachable', false, message, 'may this user use the socket? It needs the group "docker" or root');
  }
  if (/CERT|TLS|SSL|SIGNATURE/.test(code)) {
    return fail(
      'unreachable',
      false,
      message,
      'the certificate does not fit: check ca, cert and key in the credentials file',
    );
  }
  return fail('unreachable', true, message, 'is dockerd running there? systemctl status docker');
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

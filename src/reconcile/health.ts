import { request } from 'node:http';
import { connect } from 'node:net';
import { type Engine, EngineError } from '../engines/engine.ts';
import { assertNever } from '../model/assert.ts';
import type { ObservedObject } from '../model/observed.ts';
import type { HealthCheck } from '../model/revision.ts';

export type ProbeResult = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** The statuses that Kubernetes calls a success: 200 to 399. */
const firstFailingStatus = 400;

/** One probe of one running object: what went wrong with it is the reason. Throws `EngineError` where that is the engine, which says nothing about the object. */
export async function probe(engine: Engine, object: ObservedObject, check: HealthCheck): Promise<ProbeResult> {
  const { probe: how, timeoutMs } = check;
  switch (how.kind) {
    case 'http':
      return withAddress(object, how.port, (address) => probeHttp({ ...address, path: how.path, timeoutMs }));
    case 'tcp':
      return withAddress(object, how.port, (address) => probeTcp({ ...address, timeoutMs }));
    case 'exec':
      return probeExec(engine, object, how.command, timeoutMs);
    default:
      return assertNever(how);
  }
}

interface Address {
  readonly host: string;
  readonly port: number;
}

async function withAddress(
  object: ObservedObject,
  port: string,
  run: (address: Address) => Promise<ProbeResult>,
): Promise<ProbeResult> {
  const address = object.ports[port];
  if (address === undefined) return { ok: false, reason: `port "${port}" is not published` };
  return run(address);
}

function probeHttp(options: Address & { readonly path: string; readonly timeoutMs: number }): Promise<ProbeResult> {
  const { host, port, path, timeoutMs } = options;
  const url = `http://${host}:${port}${path}`;
  return new Promise((resolve) => {
    const call = request(
      { host, port, path, method: 'GET', agent: false, signal: AbortSignal.timeout(timeoutMs) },
      (response) => {
        const status = response.statusCode ?? 0;
        response.destroy();
        resolve(
          status >= 200 && status < firstFailingStatus
            ? { ok: true }
            : { ok: false, reason: `GET ${url} answered ${status}` },
        );
      },
    );
    call.on('error', (error) => resolve({ ok: false, reason: `GET ${url}: ${reasonOf(error, timeoutMs)}` }));
    call.end();
  });
}

function probeTcp(options: Address & { readonly timeoutMs: number }): Promise<ProbeResult> {
  const { host, port, timeoutMs } = options;
  return new Promise((resolve) => {
    const socket = connect({ host, port, signal: AbortSignal.timeout(timeoutMs) });
    socket.once('connect', () => {
      socket.destroy();
      resolve({ ok: true });
    });
    socket.on('error', (error) =>
      resolve({ ok: false, reason: `connect ${host}:${port}: ${reasonOf(error, timeoutMs)}` }),
    );
  });
}

async function probeExec(
  engine: Engine,
  object: ObservedObject,
  command: readonly string[],
  timeoutMs: number,
): Promise<ProbeResult> {
  try {
    const { exitCode, output } = await engine.exec(object.objectId, command, { deadlineMs: timeoutMs });
    if (exitCode === 0) return { ok: true };
    return { ok: false, reason: `${command.join(' ')} exited ${exitCode}: ${output.trim().slice(-200)}` };
  } catch (error) {
    if (error instanceof EngineError && error.retryable) await assertAnswers(engine, error, timeoutMs);
    return { ok: false, reason: error instanceof Error ? error.message : String(error) };
  }
}

/** A command without an answer in time may hang, or the engine may: then it says nothing else in that time either. */
async function assertAnswers(engine: Engine, error: EngineError, timeoutMs: number): Promise<void> {
  if (error.code !== 'timeout') throw error;
  await engine.ping({ deadlineMs: timeoutMs });
}

function reasonOf(error: Error, timeoutMs: number): string {
  if (error.name === 'AbortError' || error.name === 'TimeoutError') return `no answer within ${timeoutMs} ms`;
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

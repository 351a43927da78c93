import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { LoopEvent } from '../reconcile/loop.ts';
import type { Metrics } from './metrics.ts';

/** The daemon's HTTP side: `/healthz` for whoever restarts it, `/metrics` for Prometheus. */
export interface HttpServer {
  readonly host: string;
  readonly port: number;
  record(event: LoopEvent): void;
  close(): Promise<void>;
}

/** Passes may fail for this long (a store outage, a broken source) before the process calls itself unhealthy. */
const unhealthyAfterMs = 300_000;

export async function serveHttp(options: {
  readonly host: string;
  readonly port: number;
  readonly metrics: Metrics;
  readonly now: () => number;
}): Promise<HttpServer> {
  const { metrics, now } = options;
  const health: HealthState = { role: 'starting', lastGoodAt: now(), problem: undefined };
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?')[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'method not allowed\n');
    if (path === '/healthz') return answerHealth(response, health, now());
    if (path === '/metrics') {
      metrics.render().then(
        (text) => answer(response, 200, text, metrics.contentType),
        (error: unknown) => answer(response, 500, `${String(error)}\n`),
      );
      return;
    }
    answer(response, 404, 'not found: /healthz and /metrics are here\n');
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, options.host, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    host: address,
    port,
    record: (event) => {
      metrics.record(event);
      updateHealth(health, event, now());
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface HealthState {
  role: 'starting' | 'standby' | 'leader' | 'stopped';
  lastGoodAt: number;
  problem: string | undefined;
}

function updateHealth(health: HealthState, event: LoopEvent, now: number): void {
  switch (event.kind) {
    case 'standby':
      health.role = 'standby';
      health.lastGoodAt = now;
      break;
    case 'leading':
      health.role = 'leader';
      health.lastGoodAt = now;
      break;
    case 'planned':
      health.lastGoodAt = now;
      health.problem = undefined;
      break;
    case 'passFailed':
      health.problem = event.error;
      break;
    case 'sourceBroken':
      health.problem = 'the source does not load; the last good commit stays in force';
      break;
    case 'stopped':
      health.role = 'stopped';
      break;
    case 'leaseLost':
    case 'recovered':
    case 'applied':
    case 'zombieRemoved':
      break;
  }
}

/** 503 only when restarting the process could help: not for a broken commit, nor while it waits for the lease. */
function answerHealth(response: ServerResponse, health: HealthState, now: number): void {
  const stalled = health.role === 'leader' && now - health.lastGoodAt > unhealthyAfterMs;
  const body = {
    status: stalled ? 'stalled' : 'ok',
    role: health.role,
    secondsSinceLastPass: Math.round((now - health.lastGoodAt) / 1000),
    ...(health.problem !== undefined && { problem: health.problem }),
  };
  answer(response, stalled ? 503 : 200, `${JSON.stringify(body)}\n`, 'application/json');
}

function answer(response: ServerResponse, status: number, text: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
  response.end(text);
}

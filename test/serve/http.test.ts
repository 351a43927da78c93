import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nodeName, runId, unitOf, workloadId } from '../../src/model/ids.ts';
import type { LoopEvent } from '../../src/reconcile/loop.ts';
import { type HttpServer, serveHttp } from '../../src/serve/http.ts';
import { createMetrics } from '../../src/serve/metrics.ts';
import { only, openWeb, web } from '../reconcile/worlds.ts';

interface Serving {
  readonly server: HttpServer;
  readonly url: string;
  /** Moves the server's clock. */
  later(ms: number): void;
}

async function serving(t: { after(clean: () => Promise<void>): void }): Promise<Serving> {
  let now = 1_000_000;
  const server = await serveHttp({ host: '127.0.0.1', port: 0, metrics: createMetrics('prod'), now: () => now });
  t.after(() => server.close());
  return {
    server,
    url: `http://${server.host}:${server.port}`,
    later: (ms) => {
      now += ms;
    },
  };
}

async function health(
  url: string,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> }> {
  const response = await fetch(`${url}/healthz`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const leading: LoopEvent = { kind: 'leading', token: '1.7' };
const minuteMs = 60_000;

async function planned(t: Parameters<typeof openWeb>[0]): Promise<LoopEvent> {
  const plan = await (await openWeb(t)).plan(only(web('1')));
  const drift = {
    kind: 'exited',
    allocation: 'default/web/0#1',
    workload: workloadId('default', 'web'),
    node: nodeName('n1'),
    engine: 'docker',
    detail: 'exited',
  } as const;
  return { kind: 'planned', trigger: 'source', plan, drift: [drift as never], tookMs: 20, delayed: [], unapproved: [] };
}

test('/healthz tells the role, the age of the last pass and what is wrong', async (t) => {
  const { server, url, later } = await serving(t);
  assert.deepEqual((await health(url)).body, { status: 'ok', role: 'starting', secondsSinceLastPass: 0 });
  server.record({ kind: 'standby' });
  assert.equal((await health(url)).body['role'], 'standby');
  server.record(leading);
  later(30_000);
  server.record({ kind: 'passFailed', error: 'etcd is away', retryInMs: 2_000 });
  assert.deepEqual(await health(url), {
    status: 200,
    body: { status: 'ok', role: 'leader', secondsSinceLastPass: 30, problem: 'etcd is away' },
  });
});

test('a leader whose passes fail for too long is unhealthy; a pass that succeeds makes it well', async (t) => {
  const { server, url, later } = await serving(t);
  server.record(leading);
  later(6 * minuteMs);
  const stalled = await health(url);
  assert.equal(stalled.status, 503);
  assert.equal(stalled.body['status'], 'stalled');
  server.record(await planned(t));
  assert.equal((await health(url)).status, 200);
});

test('a standby may wait for ever, and a broken commit is no reason to restart the process', async (t) => {
  const { server, url, later } = await serving(t);
  server.record({ kind: 'standby' });
  later(600 * minuteMs);
  assert.equal((await health(url)).status, 200);
  server.record(leading);
  server.record({ kind: 'sourceBroken' });
  const { status, body } = await health(url);
  assert.equal(status, 200);
  assert.match(String(body['problem']), /last good commit stays in force/);
});

test('/metrics counts passes, drift, units and who leads, each with the cluster as label', async (t) => {
  const { server, url } = await serving(t);
  server.record(leading);
  server.record(await planned(t));
  const units = [
    { unit: unitOf(workloadId('default', 'web')), state: 'done' },
    { unit: unitOf(workloadId('default', 'api')), state: 'undone', reason: 'x' },
  ] as const;
  server.record({ kind: 'applied', outcome: { run: runId('r'), units, startedAt: 0, endedAt: 1 } });
  server.record({ kind: 'passFailed', error: 'x', retryInMs: 1 });
  const response = await fetch(`${url}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
  const text = await response.text();
  for (const line of [
    'muster_leader{cluster="prod"} 1',
    'muster_passes_total{trigger="source",cluster="prod"} 1',
    'muster_pass_failures_total{cluster="prod"} 1',
    'muster_pending_steps{cluster="prod"} 3',
    'muster_drift{kind="exited",cluster="prod"} 1',
    'muster_units_total{state="done",cluster="prod"} 1',
    'muster_units_total{state="undone",cluster="prod"} 1',
  ]) {
    assert.ok(text.includes(`${line}\n`), `${line} is missing in:\n${text}`);
  }
  server.record({ kind: 'leaseLost' });
  assert.match(await (await fetch(`${url}/metrics`)).text(), /muster_leader\{cluster="prod"\} 0/);
});

test('anything else is 404, other methods 405; HEAD works', async (t) => {
  const { url } = await serving(t);
  assert.equal((await fetch(`${url}/`)).status, 404);
  assert.equal((await fetch(`${url}/healthz`, { method: 'POST' })).status, 405);
  assert.equal((await fetch(`${url}/healthz?x=1`, { method: 'HEAD' })).status, 200);
});

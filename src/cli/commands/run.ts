import pino from 'pino';
import { liveFields } from '../../engines/features.ts';
import { assertNever } from '../../model/assert.ts';
import type { Desired } from '../../model/desired.ts';
import { type Diagnostic, hasErrors } from '../../model/diagnostics.ts';
import type { ClusterUid } from '../../model/ids.ts';
import { systemClock } from '../../reconcile/clock.ts';
import { type LoopEvent, runLoop } from '../../reconcile/loop.ts';
import type { ProgressEvent, UnitResult } from '../../reconcile/progress.ts';
import { progressLine } from '../../render/progress-lines.ts';
import { type HttpServer, serveHttp } from '../../serve/http.ts';
import { createMetrics } from '../../serve/metrics.ts';
import { watchSource } from '../../source/watch.ts';
import { acquireLeadership } from '../../store/leader.ts';
import type { Store } from '../../store/store.ts';
import { cacheDir, locate, type Place, readConfig, requireDesired, type SourceFlags } from '../config.ts';
import { type Credentials, loadCredentials } from '../credentials.ts';
import { CliError, type ExitCode, exitCodes } from '../exit.ts';
import { type Interrupt, onInterrupt } from '../interrupt.ts';
import { openTerminal } from '../terminal.ts';
import { actor, enginesOf, holder, identify, leaseTtlMs, openForWriting, type StoreFlags } from '../world.ts';

export interface RunFlags extends SourceFlags, StoreFlags {
  readonly interval: number;
  readonly listen: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
}

/** The engines are looked at this often even when nothing seems to have happened. */
const resyncMs = 30_000;

/** Follows the config repo until stopped: structured log lines on stdout, health and metrics over HTTP. */
export async function run(dir: string, flags: RunFlags): Promise<ExitCode> {
  const terminal = openTerminal(flags);
  const place = await locate(dir, flags);
  const first = await requireDesired(place, terminal);
  const address = listenAddress(flags.listen);
  const log = pino({ level: flags.logLevel, base: { cluster: first.cluster.name } });
  const credentials = await loadCredentials(process.env);
  const interrupt = onInterrupt((text) => log.warn(text));
  const server = await serveHttp({ ...address, metrics: createMetrics(first.cluster.name), now: () => Date.now() });
  log.info({ address: `http://${server.host}:${server.port}` }, 'serving /healthz and /metrics');
  let uid: ClusterUid | undefined;
  let store: Store | undefined;
  try {
    store = await standBy(place, first, { flags, credentials, interrupt, server, log });
    if (store === undefined) return exitCodes.ok;
    const opened = store;
    await runLoop({
      loadDesired: () => reload(place, log, first.cluster.name),
      watchSource: (changed, signal) =>
        watchSource(place.location, {
          name: 'main',
          cacheDir: cacheDir(),
          signal,
          pollMs: flags.interval,
          onChange: changed,
          onError: (error) => log.error({ error: error.message }, 'the source cannot be read'),
        }),
      store: opened,
      acquireLeadership: async (signal) => {
        const wait = { clock: systemClock, ttlMs: leaseTtlMs, waitMs: Number.POSITIVE_INFINITY, signal };
        const leadership = await acquireLeadership(opened, { holder: holder('muster run'), ...wait });
        uid = await identify(opened, leadership, { place, desired: first, credentials });
        return leadership;
      },
      openEngines: async (desired) => enginesOf({ place, desired, credentials, uid }),
      liveFields,
      clock: systemClock,
      progress: (event) => logProgress(log, event),
      report: (event) => {
        server.record(event);
        logEvent(log, event);
      },
      actor: `muster run (${actor()})`,
      resyncMs,
      softStop: interrupt.soft,
      hardStop: interrupt.hard,
    });
  } finally {
    interrupt.restore();
    await server.close();
    await store?.close();
  }
  return exitCodes.ok;
}

/** The store, once no other process writes to the embedded one; undefined when it was stopped before. */
async function standBy(
  place: Place,
  desired: Desired,
  of: {
    readonly flags: StoreFlags;
    readonly credentials: Credentials;
    readonly interrupt: Interrupt;
    readonly server: HttpServer;
    readonly log: pino.Logger;
  },
): Promise<Store | undefined> {
  const { flags, credentials, interrupt, server, log } = of;
  const onWait = (reason: string): void => {
    server.record({ kind: 'standby' });
    log.info({ reason }, 'waiting for the store');
  };
  const wait = { waitMs: Number.POSITIVE_INFINITY, signal: interrupt.soft, onWait };
  try {
    const store = await openForWriting(place, desired, { ...flags, ...wait }, credentials);
    log.info({ store: store.location }, 'opened the store');
    return store;
  } catch (error) {
    if (!interrupt.soft.aborted) throw error;
    log.info('stopped; what runs goes on running');
    return undefined;
  }
}

function listenAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^:]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3] ?? Number.NaN);
  if (match === null || !(port <= 65_535)) {
    throw new CliError(`--listen ${text} is not HOST:PORT`, {
      hint: 'For example 127.0.0.1:9464, or 127.0.0.1:0 for a free port.',
    });
  }
  return { host: match[1] ?? match[2] ?? '127.0.0.1', port };
}

/** A commit that does not load whole changes nothing: the last good one stays in force. */
async function reload(place: Place, log: pino.Logger, cluster: string): Promise<Desired | undefined> {
  const { desired, diagnostics } = await readConfig(place);
  for (const diagnostic of diagnostics)
    log[diagnostic.severity === 'error' ? 'error' : 'warn'](diagnosticFields(diagnostic), 'configuration');
  if (desired === undefined || hasErrors(diagnostics)) return undefined;
  if (desired.cluster.name !== cluster) {
    log.error(
      { found: desired.cluster.name },
      'the source now declares another cluster; restart muster run to follow it',
    );
    return undefined;
  }
  return desired;
}

const diagnosticFields = ({ code, message, file, range, pointer }: Diagnostic): object => ({
  code,
  problem: message,
  file,
  line: range?.line,
  pointer,
});

function logProgress(log: pino.Logger, event: ProgressEvent): void {
  const text = progressLine(event);
  const bad = ['effectFailed', 'unitFailed', 'retrying', 'hookFailed'].includes(event.kind);
  if (text !== undefined) log[bad ? 'warn' : 'info']({ event: event.kind, text }, 'progress');
}

function logRecovered(log: pino.Logger, units: readonly UnitResult[]): void {
  const waiting = units.filter(({ waitsFor }) => waitsFor === 'operator');
  const others = units.filter(({ waitsFor }) => waitsFor === undefined);
  if (others.length > 0) log.warn({ units: others }, 'finished what an earlier run left');
  if (waiting.length > 0) log.error({ units: waiting }, 'units wait for an operator: muster unit list');
}

/** Messages are constant and the data are fields, so that they can be searched and counted. */
function logEvent(log: pino.Logger, event: LoopEvent): void {
  switch (event.kind) {
    case 'standby':
      log.info('waiting for the leader lease');
      break;
    case 'leading':
      log.info({ token: event.token }, 'leading');
      break;
    case 'leaseLost':
      log.error('the leader lease was lost; waiting for it again');
      break;
    case 'recovered':
      logRecovered(log, event.units);
      break;
    case 'sourceBroken':
      log.error('the source does not load; the last good commit stays in force');
      break;
    case 'planned': {
      const { plan, trigger, drift, tookMs, delayed, unapproved } = event;
      const isQuiet = plan.steps.length === 0 && plan.refusals.length === 0 && drift.length === 0;
      const fields = { trigger, tookMs, plan: plan.id, commits: plan.basis.commits, summary: plan.summary, delayed };
      log[isQuiet ? 'debug' : 'info']({ ...fields, drift: drift.length, refusals: plan.refusals }, 'planned');
      for (const waits of unapproved) log.warn({ plan: plan.id, waits }, 'waits for approval: muster approve PLAN');
      for (const item of drift)
        log.warn({ drift: item.kind, allocation: item.allocation, node: item.node, detail: item.detail }, 'drift');
      break;
    }
    case 'applied': {
      const bad = event.outcome.units.filter(({ state }) => state !== 'done' && state !== 'superseded');
      const fields = { run: event.outcome.run, units: event.outcome.units.length, notDone: bad };
      log[bad.length > 0 ? 'error' : 'info'](fields, 'applied');
      break;
    }
    case 'zombieRemoved':
      log.warn(
        { allocation: event.allocation, node: event.node, object: event.objectId },
        'removed what a late call had made',
      );
      break;
    case 'passFailed':
      log.error({ error: event.error, retryInMs: event.retryInMs }, 'pass failed');
      break;
    case 'stopped':
      log.info('stopped; what runs goes on running');
      break;
    default:
      assertNever(event);
  }
}
